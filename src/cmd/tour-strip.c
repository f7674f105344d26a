/* SPDX-License-Identifier: MIT */
/* tour-strip.c - strips of cells, their key, and bars; or the same in words */
#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "tour.h"

enum {
	LABEL = 12,		/* columns of a strip's or bar's name */
	FIGURE = 24,		/* of a bar's figure and its unit */
	KINDS = 128
};

/* How a kind of cell is shown.  Every glyph is one column wide. */
static const struct glyph {
	char		 kind;
	const char	*utf8;
	const char	*color;
} glyphs[] = {
	{ '#', "\342\226\210", "32" },		/* full block */
	{ '=', "\342\226\222", "35" },		/* medium shade */
	{ '+', "\342\225\213", "1" },		/* heavy cross */
	{ '.', "\302\267", "" },		/* middle dot */
	{ '-', "\342\224\200", "" },		/* line */
	{ '!', "!", "31" }
};

/* Append the glyph of a kind n times. */
static void
glyph(FILE *out, const struct look *look, char kind, size_t n)
{
	const struct glyph *g = glyphs, *last = glyphs +
	    sizeof glyphs / sizeof glyphs[0];

	while (g < last && g->kind != kind)
		g++;
	if (look->color && g < last && g->color[0] != '\0')
		fprintf(out, "\033[%sm", g->color);
	for (; n > 0; n--)
		if (look->utf8 && g < last)
			fputs(g->utf8, out);
		else
			putc(kind, out);
	if (look->color && g < last && g->color[0] != '\0')
		fputs("\033[0m", out);
}

/* The rarest kind among the cells of one column. */
static char
rarest(const char *cells, size_t from, size_t to, const size_t *total)
{
	char best = cells[from];

	for (; from < to; from++)
		if (total[cells[from] & 127] < total[best & 127])
			best = cells[from];
	return best;
}

static void
cells(FILE *out, const struct look *look, const char *cell, size_t n,
    size_t columns, const size_t *total)
{
	size_t i, next, run;
	char kind;

	for (i = 0; i < columns; i = next) {
		kind = rarest(cell, n * i / columns, n * (i + 1) / columns,
		    total);
		run = 1;
		for (next = i + 1; next < columns && rarest(cell,
		    n * next / columns, n * (next + 1) / columns, total) ==
		    kind; next++)
			run++;
		glyph(out, look, kind, run);
	}
}

/* What the step says that this kind of cell stands for. */
static const char *
meaning(const struct findings *f, size_t from, char kind)
{
	size_t i;

	for (i = from; i < f->n && f->record[i].kind != 'S'; i++)
		if (f->record[i].kind == 'K' &&
		    f->record[i].field[0][0] == kind)
			return f->record[i].field[1];
	return "?";
}

static void
strip_words(struct lines *s, const struct look *look,
    const struct findings *f, size_t at, const size_t *total)
{
	const struct record *r = &f->record[at];
	size_t i, len = 0, size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		err(EXIT_CANNOT, NULL);
	fprintf(out, "%s: ", r->field[0]);
	for (i = 0; i < sizeof glyphs / sizeof glyphs[0]; i++)
		if (total[(int)glyphs[i].kind] > 0)
			fprintf(out, "%s%zu %s", len++ > 0 ? "; " : "",
			    total[(int)glyphs[i].kind],
			    meaning(f, at, glyphs[i].kind));
	fprintf(out, "%s%s", r->field[1][0] ? ". " : "", r->field[1]);
	fclose(out);
	lines_wrap(s, look, text);
	free(text);
}

void
draw_strip(struct lines *s, const struct look *look, const struct findings *f,
    size_t at)
{
	const struct record *r = &f->record[at];
	const char *note = r->field[1], *cell = r->field[2];
	size_t total[KINDS] = { 0 }, n = strlen(cell), i, size = 0, columns;
	int room = draw_width(look) - LABEL - 3;
	char *text = NULL;
	FILE *out;

	for (i = 0; i < n; i++)
		total[cell[i] & 127]++;
	if (look->plain) {
		strip_words(s, look, f, at, total);
		return;
	}
	if (note[0] != '\0' && room - (int)strlen(note) - 2 >= 24)
		room -= (int)strlen(note) + 2;
	columns = n < (size_t)room ? n : (size_t)room;
	out = open_memstream(&text, &size);
	if (out == NULL)
		err(EXIT_CANNOT, NULL);
	cells(out, look, cell, n, columns, total);
	fclose(out);
	if (LABEL + 3 + columns + 2 + strlen(note) <=
	    (size_t)draw_width(look)) {
		lines_add(s, " %-*s %s  %s", LABEL, r->field[0], text, note);
	} else {
		lines_add(s, " %-*s %s", LABEL, r->field[0], text);
		if (note[0] != '\0')
			lines_add(s, " %-*s %s", LABEL, "", note);
	}
	free(text);
}

/* The kinds of this step, as they come one after the other. */
void
draw_key(struct lines *s, const struct look *look, const struct record *r)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (look->plain)
		return;
	out = open_memstream(&text, &size);
	if (out == NULL)
		err(EXIT_CANNOT, NULL);
	glyph(out, look, r->field[0][0], 1);
	fclose(out);
	lines_add(s, " %-*s %s %s", LABEL, "", text, r->field[1]);
	free(text);
}

void
draw_bar(struct lines *s, const struct look *look, const struct record *r)
{
	unsigned long long n = strtoull(r->field[1], NULL, 10),
	    max = strtoull(r->field[2], NULL, 10);
	int room = draw_width(look) - LABEL - 3 - FIGURE;
	char *text = NULL;
	size_t size = 0, columns;
	FILE *out;

	if (look->plain || max == 0 || room < 8) {
		lines_add(s, " %s: %llu %s", r->field[0], n, r->field[3]);
		return;
	}
	columns = (size_t)((double)n / (double)max * room + 0.5);
	if (columns == 0 && n > 0)
		columns = 1;
	if (columns > (size_t)room)
		columns = (size_t)room;
	out = open_memstream(&text, &size);
	if (out == NULL)
		err(EXIT_CANNOT, NULL);
	if (columns > 0)
		glyph(out, look, '#', columns);
	fprintf(out, "%*s", room - (int)columns, "");
	fclose(out);
	lines_add(s, " %-*s %s %8llu %s", LABEL, r->field[0], text, n,
	    r->field[3]);
	free(text);
}
