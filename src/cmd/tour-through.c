/* SPDX-License-Identifier: MIT */
/* tour-through.c - run a lesson without a learner: as text, a line, or JSON */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "tour.h"

static void
flush(struct lines *s, const struct tour *t)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		puts(s->line[i]);
	lines_free(s);
	fflush(stdout);
	if (t->pace > 0)
		cli_sleep(t->pace);
}

/* With -x, each call as it was made, where it cannot disturb the text. */
static void
explain(const struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->record[i].kind == 'E')
			fprintf(stderr, "%s\n", f->record[i].field[0]);
}

static void
as_text(const struct tour *t, size_t n, struct findings *f)
{
	const struct lesson *l = lessons[n];
	struct lines s = { NULL, 0 };
	struct look look;
	size_t step;

	look_at(&look, t);
	lines_add(&s, "lesson %zu of %zu: %s, %s", n + 1, lesson_count(),
	    l->name, l->title);
	lines_add(&s, "%s", "");
	draw_question(&s, &look, l);
	lines_add(&s, "%s", "");
	flush(&s, t);
	if (measure(f, l) != EXIT_YES)
		return;
	explain(f);
	draw_guess(&s, &look, l, f, t->guess);
	for (step = 1; step <= f->steps; step++) {
		draw_step(&s, &look, l, f, step);
		lines_add(&s, "%s", "");
		flush(&s, t);
	}
	draw_end(&s, &look, l, f);
	flush(&s, t);
}

static void
as_line(size_t n, const struct findings *f)
{
	printf("%-12s  %-13s ", verdict_word(f->verdict), lessons[n]->name);
	if (f->reason != NULL)
		printf("%s\n", f->reason);
	else
		printf("%zu checks\n", f->checks);
}

static void
json_records(struct json *j, const struct findings *f)
{
	size_t i;

	json_open(j, "values", '{');
	for (i = 0; i < f->n; i++)
		if (f->record[i].kind == 'V')
			json_number(j, f->record[i].field[0],
			    strtoll(f->record[i].field[1], NULL, 10));
	json_close(j, '}');
	json_open(j, "checks", '[');
	for (i = 0; i < f->n; i++)
		if (f->record[i].kind == 'A') {
			json_open(j, NULL, '{');
			json_string(j, "text", f->record[i].field[1]);
			json_bool(j, "holds", f->record[i].field[0][0] == '1');
			json_close(j, '}');
		}
	json_close(j, ']');
	json_open(j, "left_out", '[');
	for (i = 0; i < f->n; i++)
		if (f->record[i].kind == 'M')
			json_string(j, NULL, f->record[i].field[0]);
	json_close(j, ']');
}

static void
as_json(struct json *j, size_t n, const struct findings *f)
{
	static const char *const words[] = { "seen", "not seen", "skipped",
		"inconclusive" };

	json_open(j, NULL, '{');
	json_string(j, "lesson", lessons[n]->name);
	json_string(j, "verdict", words[f->verdict]);
	json_string(j, "reason", f->reason);
	json_records(j, f);
	json_close(j, '}');
}

int
through(const struct tour *t, size_t lesson, struct json *json)
{
	struct findings f;
	int status;

	memset(&f, 0, sizeof f);
	if (!t->check && !t->json) {
		as_text(t, lesson, &f);
	} else {
		if (measure(&f, lessons[lesson]) != EXIT_YES)
			return EXIT_CANNOT;
		explain(&f);
		if (t->json)
			as_json(json, lesson, &f);
		else if (!cli.quiet || f.verdict == NOT_SEEN)
			as_line(lesson, &f);
	}
	status = verdict_status(f.verdict);
	findings_free(&f);
	return status;
}
