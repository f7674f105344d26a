/* SPDX-License-Identifier: MIT */
/* tour-screen.c - what the learner sees of a lesson: a step, a hint, the C */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tour-play.h"

size_t
player_last(const struct player *p)
{
	return p->f.steps + (p->l->exercise != NULL) + 1;
}

int
player_at_exercise(const struct player *p)
{
	return p->measured && p->l->exercise != NULL &&
	    p->step == p->f.steps + 1;
}

static void
rule(const struct look *look)
{
	int i;

	for (i = 0; i < look->columns - 1; i++)
		fputs(look->utf8 ? "\342\224\200" : "-", stdout);
	putchar('\n');
}

static void
header(const struct player *p, const struct look *look)
{
	char left[128], right[64];

	snprintf(right, sizeof right, "step %zu of %s%zu", p->step + 1,
	    p->measured ? "" : "about ", p->measured ? player_last(p) + 1 : 5);
	snprintf(left, sizeof left, "lesson %zu of %zu: %s, %s",
	    p->lesson + 1, lesson_count(), p->l->name, p->l->title);
	if ((int)(strlen(left) + strlen(right)) + 4 > look->columns)
		snprintf(left, sizeof left, "lesson %zu of %zu: %s",
		    p->lesson + 1, lesson_count(), p->l->name);
	if ((int)(strlen(left) + strlen(right)) + 4 <= look->columns)
		printf(" %s%*s\n", left, look->columns - 3 -
		    (int)strlen(left), right);
	else
		printf(" %.*s\n", look->columns - 2, left);
}

/* Where the page ends that begins at from: behind a paragraph, if it is half
 * full by then. */
static size_t
page_end(const struct lines *s, size_t from, size_t room)
{
	size_t to;

	if (s->n - from <= room)
		return s->n;
	for (to = from + room; to > from + room / 2; to--)
		if (s->line[to][0] == '\0')
			return to;
	return from + room;
}

/* Where page number page, or else the last one, begins and ends; and how many
 * there are. */
static void
find_page(struct player *p, const struct lines *s, size_t room, size_t *from,
    size_t *to)
{
	size_t begin = 0, end, page = p->page;

	p->pages = *from = *to = 0;
	do {
		end = page_end(s, begin, room);
		if (p->pages <= page) {
			p->page = p->pages;
			*from = begin;
			*to = end;
		}
		p->pages++;
		for (begin = end; begin < s->n && s->line[begin][0] == '\0';)
			begin++;
	} while (begin < s->n);
}

void
screen_show(struct player *p, const struct look *look, const struct lines *s,
    const char *bar)
{
	size_t room = (size_t)look->rows - SCREEN_FRAME, i, from, to;
	int dumb = term_is_dumb();

	if (dumb)
		room = s->n > 0 ? s->n : 1;
	find_page(p, s, room, &from, &to);
	fputs(dumb ? "\n" : "\033[H\033[2J", stdout);
	header(p, look);
	rule(look);
	for (i = from; i < to; i++)
		puts(s->line[i]);
	for (; !dumb && i < from + room; i++)
		putchar('\n');
	rule(look);
	printf(" %s%.*s", p->page + 1 < p->pages ? "more: " : "",
	    look->columns - 8, bar);
	if (dumb)
		printf(" (and Enter): ");
	fflush(stdout);
}

void
screen_busy(void)
{
	fputs(term_is_dumb() ? "measuring ...\n" :
	    "\r\033[K measuring ...", stdout);
	fflush(stdout);
}

void
screen_step(struct player *p)
{
	struct lines s = { NULL, 0 };
	struct look look;

	look_at(&look, p->t);
	if (!p->measured) {
		draw_question(&s, &look, p->l);
		lines_add(&s, "%s", "");
		lines_wrap(&s, &look, "Your guess: 1, 2 or 3; s goes on "
		    "without one.");
	} else if (player_at_exercise(p)) {
		draw_step(&s, &look, p->l, &p->done, 1);
		lines_add(&s, "%s", "");
		draw_checks(&s, &look, &p->done);
	} else if (p->step == 0) {
		draw_question(&s, &look, p->l);
		lines_add(&s, "%s", "");
		draw_guess(&s, &look, p->l, &p->f, p->guess);
	} else if (p->step <= p->f.steps) {
		if (p->step == 1)
			draw_guess(&s, &look, p->l, &p->f, p->guess);
		draw_step(&s, &look, p->l, &p->f, p->step);
	} else {
		draw_end(&s, &look, p->l, &p->f);
	}
	screen_show(p, &look, &s, !p->measured ?
	    "1 2 3 s  b back  h hint  c code  l list  q quit" :
	    "n next  b back  h hint  c code  l list  q quit");
	lines_free(&s);
}

static void
fill_hint(struct lines *s, const struct look *look, const struct lesson *l)
{
	draw_heading(s, look, "Hint");
	lines_wrap(s, look, l->hint);
	lines_add(s, "%s", "");
	lines_wrap(s, look, l->pages);
}

static void
fill_answer(struct lines *s, const struct look *look, const struct lesson *l)
{
	draw_question(s, look, l);
	lines_add(s, "%s", "");
	draw_heading(s, look, "Answer");
	lines_add(s, "   %d) %s", l->answer, l->choices[l->answer - 1]);
	lines_add(s, "%s", "");
	lines_wrap(s, look, l->why);
}

static void
fill_code(struct lines *s, const struct look *look, const struct lesson *l)
{
	draw_heading(s, look, "The C that is run");
	draw_code(s, look, l, NULL);
}

/* Text in the place of the step, a page at a time; the key that ended it. */
static int
overlay(struct player *p, void (*fill)(struct lines *, const struct look *,
    const struct lesson *), const char *bar)
{
	size_t page = p->page;
	struct look look;
	struct lines s;
	int key;

	p->page = 0;
	do {
		memset(&s, 0, sizeof s);
		look_at(&look, p->t);
		fill(&s, &look, p->l);
		screen_show(p, &look, &s, bar);
		lines_free(&s);
		key = term_key(-1, -1);
		if ((key == 'n' || key == ' ') && ++p->page < p->pages)
			key = KEY_REDRAW;
		else if (key == 'b' && p->page > 0 && p->page--)
			key = KEY_REDRAW;
	} while (key == KEY_REDRAW);
	p->page = page;
	return key;
}

int
screen_hint(struct player *p)
{
	int key = overlay(p, fill_hint, "h the answer  n b back to the lesson");

	return key != 'h' ? key :
	    overlay(p, fill_answer, "n b back to the lesson");
}

int
screen_code(struct player *p)
{
	return overlay(p, fill_code, "n b back to the lesson");
}
