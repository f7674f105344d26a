/* SPDX-License-Identifier: MIT */
/* stat-table.c - the table of shm-stat */
#include "config.h"

#include <libsmartcols.h>
#include <string.h>

#include "cli.h"
#include "stat.h"

/* An operand has its own escapes: the library must not escape the backslash. */
static int
add_column(struct libscols_table *table, const struct column *column)
{
	struct libscols_column *c = scols_table_new_column(table, column->name,
	    0, column->right ? SCOLS_FL_RIGHT : 0);

	return c == NULL ? -1 : scols_column_set_safechars(c, "\\");
}

/* The library holds every cell until it prints, so cells are short-lived. */
static int
fill(struct libscols_table *table, const struct inventory *inv,
    const struct column *const *cols, size_t n, const struct style *style)
{
	char text[COLUMN_TEXT];
	size_t i, c;

	for (i = 0; i < inv->n; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (line == NULL)
			return -1;
		for (c = 0; c < n; c++) {
			text[0] = '\0';
			cols[c]->text(&inv->rows[i], style->bytes, text,
			    sizeof text);
			if (text[0] != '\0' &&
			    scols_line_set_data(line, c, text) != 0)
				return -1;
		}
	}
	return 0;
}

int
stat_table(const struct inventory *inv, const struct column *const *cols,
    size_t n, const struct style *style)
{
	struct libscols_table *table = scols_new_table();
	int r = table == NULL ? -1 : 0;
	size_t c;

	for (c = 0; r == 0 && c < n; c++)
		r = add_column(table, cols[c]);
	if (r == 0) {
		scols_table_enable_raw(table, style->raw);
		scols_table_enable_noheadings(table, style->noheadings);
		r = fill(table, inv, cols, n, style);
	}
	/* An empty table has a header too, unlike the library's. */
	if (r == 0 && inv->n == 0 && !style->noheadings)
		for (c = 0; c < n; c++)
			printf("%s%s", cols[c]->name, c + 1 < n ? " " : "\n");
	else if (r == 0 && inv->n > 0)
		r = scols_print_table(table);
	scols_unref_table(table);
	return r == 0 ? EXIT_YES :
	    cli_fail(EXIT_CANNOT, NULL, "the table cannot be printed");
}
