/* SPDX-License-Identifier: MIT */
/* stat-table.c - the table of shm-stat */
#include "config.h"

#include <string.h>

#include "cli.h"
#include "stat.h"

int
stat_fill(struct table *t, const struct rows *rows, const struct request *r)
{
	char text[COLUMN_TEXT];
	size_t i, c;

	for (c = 0; c < r->ncols; c++)
		table_column(t, r->cols[c]->name, r->cols[c]->type == NUMBER ||
		    r->cols[c]->type == SIZE || r->cols[c]->type == AGE);
	for (i = 0; i < rows->n; i++)
		for (c = 0; c < r->ncols; c++) {
			column_text(r->cols[c], rows->item[i], &r->style, text,
			    sizeof text);
			table_cell(t, text);
		}
	return t->failed ? cli_fail(EXIT_CANNOT, NULL, "out of memory") :
	    EXIT_YES;
}

int
stat_table(const struct rows *rows, const struct request *r)
{
	struct table t = TABLE_INIT;
	int status = stat_fill(&t, rows, r);

	if (status == EXIT_YES)
		table_print(&t, &r->table, stdout);
	table_free(&t);
	return status;
}

/* Whether somebody who was not seen may hold one of the rows. */
static int
matters(const struct rows *rows)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (rows->item[i]->state == SHMU_STATE_UNKNOWN ||
		    rows->item[i]->state == SHMU_STATE_LIVE ||
		    rows->item[i]->info.attached > 0)
			return 1;
	return 0;
}

void
stat_warn(const struct rows *rows)
{
	char buf[96];
	int nameless;
	const char *why = shmu_inventory_missing(rows->inv, buf, sizeof buf,
	    &nameless);

	if (why == NULL || cli.quiet || (!nameless && !matters(rows)))
		return;
	cli_say(NULL, nameless ? "%s, so holders, and segments without a name, "
	    "may be missing" : "%s, so holders may be missing", why);
}
