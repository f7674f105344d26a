/* SPDX-License-Identifier: MIT */
/* stat.h - the parts of shm-stat */
#ifndef STAT_H
#define STAT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "shmutil/inventory.h"
#include "table.h"
#include "text.h"

/* How values are written. */
struct style {
	int	bytes;		/* sizes in bytes, ages in seconds */
	int	numeric;	/* users by number */
	pid_t	ns;		/* whose namespaces are listed, or 0 */
	time_t	now;
};

enum value { WORD, NUMBER, SIZE, AGE, DATE };

/* One column: a word, or a value that can be compared. */
struct column {
	const char	*name;
	const char	*meaning;
	enum value	 type;
	unsigned int	 want;		/* SHMU_INVENTORY_* that it takes */
	void		(*word)(const struct shmu_item *item,
			    const struct style *style, char *buf, size_t size);
	int64_t		(*value)(const struct shmu_item *item,
			    const struct style *style);
};
#define COLUMN_TEXT	1100
#define UNKNOWN		INT64_MIN

/* All columns, ended by a NULL name; and one by name, or NULL. */
extern const struct column columns[];
const struct column *column_find(const char *name, size_t len);

/* What item has in column, "" for nothing. */
void column_text(const struct column *column, const struct shmu_item *item,
    const struct style *style, char *buf, size_t size);

/* A size for people or in bytes, an age likewise, a point in time. */
void column_size(uint64_t n, int bytes, char buf[TEXT_NUMBER]);
void column_age(int64_t seconds, int exact, char buf[TEXT_NUMBER]);
void column_date(time_t t, char *buf, size_t size);

/* "sysv" and so on. */
const char *column_kind(const struct shmu_item *item);

/* What is asked for. */
#define MOST_COLUMNS	32
#define MOST_CONDITIONS	16

struct condition {
	const struct column	*column;
	char			 sign;		/* + - or 0: exactly */
	int64_t			 number;
	const char		*text;		/* patterns, separated by / */
};

struct request {
	struct shmu_inventory_spec spec;
	struct style		 style;
	struct table_style	 table;
	const struct column	*cols[MOST_COLUMNS];
	size_t			 ncols;
	struct condition	 where[MOST_CONDITIONS];
	size_t			 nwhere;
	const struct column	*sort;
	int			 descending;
	int			 nul, json, why;
	double			 every;		/* seconds, of watch and
						 * follow */
};

/* Read a --where (stat-where.c), which is cut into pieces that r points to;
 * ends the program when it is malformed. */
void where_parse(struct request *r, char *list);
void sort_parse(struct request *r, const char *column);

/* The rows of an inventory that are asked for, in the order asked for. */
struct rows {
	struct shmu_inventory	 *inv;
	const struct shmu_item	**item;
	size_t			  n;
};
#define ROWS_INIT	{ NULL, NULL, 0 }

/* Take an inventory of everything and choose; 0, or an exit status after
 * saying why.  rows_free in both cases. */
int rows_take(struct rows *rows, const struct request *r);
/* Choose from inv, which then belongs to rows. */
int rows_choose(struct rows *rows, const struct request *r);
void rows_free(struct rows *rows);

/* Print them: as a table, as blocks of lines, as JSON, with reasons. */
int stat_table(const struct rows *rows, const struct request *r);
void stat_detail(const struct rows *rows, const struct request *r);
void stat_json(const struct rows *rows, const struct request *r);
void stat_why(const struct rows *rows, const struct request *r);

/* Make the table of rows, for whoever prints it. */
int stat_fill(struct table *t, const struct rows *rows,
    const struct request *r);

/* Say that not everything could be seen, if that matters for rows. */
void stat_warn(const struct rows *rows);

/* Limits and what is used of them; what others may do; what is wrong. */
int stat_limits(const struct request *r);
int stat_audit(const struct request *r);
int stat_check(const struct request *r);

/* Until a key or a signal: show the table anew, or a line for each change. */
int stat_watch(struct request *r);
int stat_follow(const struct request *r);

#endif
