/* SPDX-License-Identifier: MIT */
/*
 * table.h - a table of text in columns, of any number of rows
 *
 * Every cell is printable ASCII, so a byte is a place on the screen and no
 * more has to be known of characters.  Cells are kept in one piece until they
 * are printed, since the widest decides.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_MOST	40

struct table {
	size_t		 columns;
	const char	*heading[TABLE_MOST];
	int		 right[TABLE_MOST];	/* numbers */
	size_t		 width[TABLE_MOST];
	char		*cells;			/* each two bytes of length,
						 * text */
	size_t		 used, room;
	size_t		 n;			/* cells */
	int		 failed;		/* out of memory */
};
#define TABLE_INIT	{ 0, { NULL }, { 0 }, { 0 }, NULL, 0, 0, 0, 0 }

void table_column(struct table *t, const char *heading, int right);

/* Add the next cell, row by row.  What is no printable ASCII becomes \xHH. */
void table_cell(struct table *t, const char *text);

/* How it is printed. */
struct table_style {
	int	raw;		/* one blank between columns, \x20 for one in a
				 * cell, "-" for an empty one */
	int	noheadings;
	size_t	from, rows;	/* only so many rows from there; 0: all */
	size_t	width;		/* cut a line there; 0: do not */
	const char *end;	/* of a line; NULL: a newline */
};
void table_print(const struct table *t, const struct table_style *style,
    FILE *out);

void table_free(struct table *t);

#endif
