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

/*
 * Raw output: one blank between columns, \xHH for what is no printable ASCII
 * within one, and "-" for nothing.  The library's own would escape the escapes of an operand, and
 * leave out what is empty.
 */
static void
raw(const struct inventory *inv, const struct column *const *cols, size_t n,
    const struct style *style)
{
	char text[COLUMN_TEXT], *p;
	size_t i, c;

	for (c = 0; c < n && !style->noheadings; c++)
		printf("%s%c", cols[c]->name, c + 1 < n ? ' ' : '\n');
	for (i = 0; i < inv->n; i++)
		for (c = 0; c < n; c++) {
			text[0] = '\0';
			cols[c]->text(&inv->rows[i], style->bytes, text,
			    sizeof text);
			for (p = text; *p != '\0'; p++)
				printf(*p > ' ' && *p <= '~' ? "%c" : "\\x%02x",
				    (unsigned char)*p);
			printf("%s%c", text[0] == '\0' ? "-" : "",
			    c + 1 < n ? ' ' : '\n');
		}
}

static int
table(const struct inventory *inv, const struct column *const *cols, size_t n,
    const struct style *style)
{
	struct libscols_table *t = scols_new_table();
	int r = t == NULL ? -1 : 0;
	size_t c;

	for (c = 0; r == 0 && c < n; c++)
		r = add_column(t, cols[c]);
	if (r == 0) {
		scols_table_enable_noheadings(t, style->noheadings);
		r = fill(t, inv, cols, n, style);
	}
	if (r == 0)
		r = scols_print_table(t);
	scols_unref_table(t);
	return r == 0 ? EXIT_YES :
	    cli_fail(EXIT_CANNOT, NULL, "the table cannot be printed");
}

int
stat_table(const struct inventory *inv, const struct column *const *cols,
    size_t n, const struct style *style)
{
	/* An empty table has its headings too, which the library leaves out. */
	if (!style->raw && inv->n > 0)
		return table(inv, cols, n, style);
	raw(inv, cols, n, style);
	return EXIT_YES;
}
