/* SPDX-License-Identifier: MIT */
/* stat-watch.c - the table of shm-stat on a screen, drawn anew */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "stat.h"
#include "terminal.h"

/* Where the screen is. */
struct screen {
	size_t	from, shown, total;	/* rows of the table */
	size_t	rows, columns;		/* of the terminal */
	size_t	sort;			/* the column, + 1 */
};

static void
title(const struct screen *s, const struct request *r, const struct rows *rows)
{
	char clock[16] = "", line[256], buf[96];
	const char *missing = shmu_inventory_missing(rows->inv, buf, sizeof buf,
	    NULL);
	struct tm tm;

	if (localtime_r(&r->style.now, &tm) != NULL)
		strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	snprintf(line, sizeof line, "%s  %zu segments%s%s%s%s%s  q quits, arrows "
	    "scroll and sort, r reverses", clock, s->total,
	    s->sort > 0 ? ", by " : "", s->sort > 0 ? r->sort->name : "",
	    s->sort > 0 && r->descending ? " down" : "",
	    missing != NULL ? "; " : "", missing != NULL ? missing : "");
	printf("%.*s", (int)s->columns, line);
	fputs(terminal_line, stdout);
}

static int
draw(struct screen *s, struct request *r)
{
	struct rows rows = ROWS_INIT;
	struct table t = TABLE_INIT;
	int status;

	r->style.now = time(NULL);
	terminal_size(&s->rows, &s->columns);
	status = rows_take(&rows, r);
	if (status == EXIT_YES)
		status = stat_fill(&t, &rows, r);
	if (status == EXIT_YES) {
		s->total = rows.n;
		s->shown = s->rows > 3 ? s->rows - 3 : 1;
		if (s->from + s->shown > s->total)
			s->from = s->total > s->shown ? s->total - s->shown : 0;
		fputs(terminal_home, stdout);
		title(s, r, &rows);
		r->table.from = s->from;
		r->table.rows = s->shown;
		r->table.width = s->columns;
		r->table.end = terminal_line;
		table_print(&t, &r->table, stdout);
		fputs(terminal_rest, stdout);
		if (fflush(stdout) != 0)
			status = EXIT_CANNOT;
	}
	table_free(&t);
	rows_free(&rows);
	return status;
}

/* Sort by the column beside the one before. */
static void
turn(struct screen *s, struct request *r, int right)
{
	s->sort = right ? (s->sort + 1) % (r->ncols + 1) :
	    s->sort > 0 ? s->sort - 1 : r->ncols;
	r->sort = s->sort > 0 ? r->cols[s->sort - 1] : NULL;
}

static void
scroll(struct screen *s, enum key key)
{
	size_t step = key == KEY_UP || key == KEY_DOWN ? 1 : s->shown;

	if (key == KEY_HOME)
		s->from = 0;
	else if (key == KEY_END)
		s->from = s->total;
	else if (key == KEY_DOWN || key == KEY_PAGE_DOWN)
		s->from += step;
	else
		s->from -= s->from < step ? s->from : step;
}

int
stat_watch(struct request *r)
{
	struct screen s = { 0, 0, 0, 0, 0, 0 };
	int status;
	size_t i;

	for (i = 0; i < r->ncols; i++)
		if (r->cols[i] == r->sort)
			s.sort = i + 1;
	if (terminal_begin() == -1)
		return cli_fail(EXIT_USAGE, "--watch", "this needs a terminal; "
		    "--follow is for files and pipes");
	while ((status = draw(&s, r)) == EXIT_YES) {
		enum key key = terminal_key(r->every);

		if (key == KEY_QUIT)
			break;
		if (key == KEY_LEFT || key == KEY_RIGHT)
			turn(&s, r, key == KEY_RIGHT);
		else if (key == KEY_REVERSE)
			r->descending = !r->descending;
		else if (key != KEY_NONE && key != KEY_OTHER &&
		    key != KEY_REDRAW)
			scroll(&s, key);
	}
	terminal_end();
	return status;
}
