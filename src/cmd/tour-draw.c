/* SPDX-License-Identifier: MIT */
/* tour-draw.c - what a lesson reports as lines of a screen, or as words */
#include "config.h"

#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "tour.h"

enum { WIDE = 100 };	/* columns that are used at most */

void
lines_add(struct lines *s, const char *fmt, ...)
{
	char **line = realloc(s->line, (s->n + 1) * sizeof *line);
	va_list ap;

	if (line == NULL)
		err(EXIT_CANNOT, NULL);
	s->line = line;
	va_start(ap, fmt);
	if (vasprintf(&line[s->n], fmt, ap) == -1)
		err(EXIT_CANNOT, NULL);
	va_end(ap);
	s->n++;
}

void
lines_free(struct lines *s)
{
	while (s->n > 0)
		free(s->line[--s->n]);
	free(s->line);
	s->line = NULL;
}

int
draw_width(const struct look *look)
{
	return look->columns < WIDE ? look->columns : WIDE;
}

void
lines_wrap(struct lines *s, const struct look *look, const char *text)
{
	int room = draw_width(look) - 2, len, word;

	while (*text != '\0') {
		for (len = 0; text[len] != '\0'; len += word) {
			word = (int)strcspn(text + len + 1, " ") + 1;
			if (len + word > room && len > 0)
				break;
		}
		lines_add(s, " %.*s", len, text);
		text += len;
		text += strspn(text, " ");
	}
}

/* A line that is not to be wrapped; one that is too long goes on below. */
static void
fixed(struct lines *s, const struct look *look, const char *text)
{
	int room = look->columns - 4, len = (int)strlen(text);

	do {
		lines_add(s, len > 0 ? "   %.*s" : "%.*s", room, text);
		text += len < room ? len : room;
		len = (int)strlen(text);
	} while (len > 0);
}

void
draw_heading(struct lines *s, const struct look *look, const char *text)
{
	if (look->color)
		lines_add(s, " \033[1m%s\033[0m", text);
	else
		lines_add(s, " %s", text);
}

void
draw_question(struct lines *s, const struct look *look, const struct lesson *l)
{
	int i;

	lines_wrap(s, look, l->question);
	lines_add(s, "%s", "");
	for (i = 0; i < LESSON_CHOICES; i++)
		lines_add(s, "   %d) %s", i + 1, l->choices[i]);
}

void
draw_code(struct lines *s, const struct look *look, const struct lesson *l,
    const char *label)
{
	char *text = NULL, *line, *end;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		err(EXIT_CANNOT, NULL);
	code_print(out, l, label);
	fclose(out);
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		fixed(s, look, line);
	}
	free(text);
}

static void
draw_record(struct lines *s, const struct look *look, const struct lesson *l,
    const struct findings *f, size_t at)
{
	const struct record *r = &f->record[at];

	switch (r->kind) {
	case 'C':
		draw_code(s, look, l, r->field[0]);
		break;
	case 'T':
		lines_wrap(s, look, r->field[0]);
		break;
	case 'L':
		fixed(s, look, r->field[0]);
		break;
	case 'P':
		draw_strip(s, look, f, at);
		break;
	case 'K':
		draw_key(s, look, r);
		break;
	case 'B':
		draw_bar(s, look, r);
		break;
	case 'M':
		lines_add(s, " left out: %s", r->field[0]);
		break;
	case 'E':
		if (cli.explain)
			fixed(s, look, r->field[0]);
		break;
	default:
		break;
	}
}

/* An empty line parts what is of another sort than what was before. */
static int
parts(char before, char now)
{
	static const char drawn[] = "PKB";

	if (before == 0 || now == 'V' || now == 'A')
		return 0;
	if (strchr(drawn, before) != NULL && strchr(drawn, now) != NULL)
		return 0;
	return before != now;
}

void
draw_step(struct lines *s, const struct look *look, const struct lesson *l,
    const struct findings *f, size_t step)
{
	size_t i, at = 0;
	char before = 0;

	for (i = 0; i < f->n; i++) {
		const struct record *r = &f->record[i];

		if (r->kind == 'S' && ++at == step) {
			if (s->n > 0 && s->line[s->n - 1][0] != '\0')
				lines_add(s, "%s", "");
			draw_heading(s, look, r->field[0]);
			lines_add(s, "%s", "");
		} else if (at == step && strchr("CTLPKBM", r->kind) != NULL) {
			if (parts(before, r->kind))
				lines_add(s, "%s", "");
			draw_record(s, look, l, f, i);
			before = r->kind;
		} else if (at == step || (at == 0 && step == 1)) {
			draw_record(s, look, l, f, i);
		}
	}
}

void
draw_guess(struct lines *s, const struct look *look, const struct lesson *l,
    const struct findings *f, int guess)
{
	char text[256];

	if (f->verdict != SEEN || guess < 1 || guess > LESSON_CHOICES)
		return;
	snprintf(text, sizeof text, guess == l->answer ?
	    "You guessed \"%s\", and so it is." :
	    "You guessed \"%s\"; what was measured says \"%s\".",
	    l->choices[guess - 1], l->choices[l->answer - 1]);
	lines_wrap(s, look, text);
	lines_add(s, "%s", "");
}

static void
draw_check(struct lines *s, const struct look *look, const struct record *r)
{
	int ok = r->field[0][0] == '1';
	char text[300];

	snprintf(text, sizeof text, "%s %s", ok ? "[seen]" : "[NOT SEEN]",
	    r->field[1]);
	lines_wrap(s, look, text);
}

void
draw_checks(struct lines *s, const struct look *look, const struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->record[i].kind == 'A')
			draw_check(s, look, &f->record[i]);
}

void
draw_end(struct lines *s, const struct look *look, const struct lesson *l,
    const struct findings *f)
{
	char text[400];

	if (f->verdict == SEEN) {
		draw_heading(s, look, "Why");
		lines_wrap(s, look, l->why);
		lines_add(s, "%s", "");
	}
	draw_checks(s, look, f);
	snprintf(text, sizeof text, "[%s]%s%s", verdict_word(f->verdict),
	    f->reason == NULL ? "" : " ", f->reason == NULL ? "" : f->reason);
	if (f->verdict != SEEN)
		lines_wrap(s, look, text);
	lines_add(s, "%s", "");
	snprintf(text, sizeof text, "Try next: %s", l->next);
	lines_wrap(s, look, text);
	snprintf(text, sizeof text, "Man pages: %s", l->pages);
	lines_wrap(s, look, text);
}
