/* SPDX-License-Identifier: MIT */
/* stat.h - the parts of shm-stat */
#ifndef STAT_H
#define STAT_H

#include <stddef.h>

#include "inventory.h"

/* One column of the table. */
struct column {
	const char	*name;
	const char	*meaning;
	int		 right;		/* a number */
	/* Write what row has here, or "" for nothing, to buf. */
	void		(*text)(const struct row *row, int bytes, char *buf,
			    size_t size);
};

#define COLUMN_TEXT	1100

/* All columns, ended by a NULL name; and one by name, or NULL. */
extern const struct column columns[];
const struct column *column_find(const char *name, size_t len);

/* Print the rows as a table of these columns (stat-table.c); an exit status. */
struct style {
	int	bytes;		/* sizes in bytes, not for people */
	int	raw;
	int	noheadings;
};
int stat_table(const struct inventory *inv, const struct column *const *cols,
    size_t n, const struct style *style);

/* Print all there is to know of each row, as lines or as JSON. */
void stat_detail(const struct inventory *inv, const struct row *row);
void stat_json(const struct inventory *inv);

#endif
