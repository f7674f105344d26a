/* SPDX-License-Identifier: MIT */
/* tour-play.c - play a lesson with the learner, a screen and a key at a time */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "tour.h"

enum { FRAME = 4, LIMIT = 120 };	/* lines around the body; seconds */

struct player {
	const struct tour	*t;
	const struct lesson	*l;
	size_t			 lesson;
	struct findings		 f;
	struct findings		 done;		/* of the exercise */
	struct measuring	 exercise;	/* pid 0 when none runs */
	int			 measured;
	int			 guess;		/* 0: none */
	size_t			 step;
	size_t			 page, pages;
};

static size_t
last_step(const struct player *p)
{
	return p->f.steps + (p->l->exercise != NULL) + 1;
}

static int
at_exercise(const struct player *p)
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
	    p->measured ? "" : "about ", p->measured ? last_step(p) + 1 : 5);
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

/* One page of the lines, between a heading and the keys. */
static void
show(struct player *p, const struct look *look, const struct lines *s,
    const char *bar)
{
	size_t room = (size_t)look->rows - FRAME, i, from, to;

	if (term_is_dumb())
		room = s->n > 0 ? s->n : 1;
	p->pages = s->n == 0 ? 1 : (s->n + room - 1) / room;
	if (p->page >= p->pages)
		p->page = p->pages - 1;
	from = p->page * room;
	to = from + room < s->n ? from + room : s->n;
	fputs(term_is_dumb() ? "\n" : "\033[H\033[2J", stdout);
	header(p, look);
	rule(look);
	for (i = from; i < to; i++)
		puts(s->line[i]);
	for (; !term_is_dumb() && i < from + room; i++)
		putchar('\n');
	rule(look);
	printf(" %s%.*s", p->page + 1 < p->pages ? "more: " : "",
	    look->columns - 8, bar);
	if (term_is_dumb())
		printf(" (and Enter): ");
	fflush(stdout);
}

static void
draw(struct player *p)
{
	struct lines s = { NULL, 0 };
	struct look look;

	look_at(&look, p->t);
	if (!p->measured) {
		draw_question(&s, &look, p->l);
		lines_add(&s, "%s", "");
		lines_wrap(&s, &look, "Your guess: 1, 2 or 3; s goes on "
		    "without one.");
	} else if (at_exercise(p)) {
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
	show(p, &look, &s, !p->measured ?
	    "1 2 3 s  b back  h hint  c code  l list  q quit" :
	    "n next  b back  h hint  c code  l list  q quit");
	lines_free(&s);
}

/* Keys that come meanwhile are dropped. */
static int
measure_now(struct player *p)
{
	time_t end = time(NULL) + LIMIT;
	struct measuring m;
	int open;

	findings_free(&p->f);
	if (measure_begin(&m, p->l, "measure") != EXIT_YES)
		return -1;
	term_child(m.pid);
	while ((open = measure_read(&m, &p->f)) != 0 && time(NULL) <= end)
		term_key(1, m.fd);
	term_child(0);
	measure_end(&m, &p->f, open ? SIGKILL : 0);
	term_flush();
	p->measured = 1;
	if (p->f.verdict == SEEN)
		state_mark(p->lesson, 1);
	return 0;
}

/* Text in the place of the step, until a key. */
static void
overlay(struct player *p, void (*fill)(struct lines *, const struct look *,
    const struct lesson *))
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
		show(p, &look, &s, "n goes back to the lesson");
		lines_free(&s);
		key = term_key(-1, -1);
		if (key == 'n' || key == ' ')
			key = ++p->page < p->pages ? KEY_REDRAW : key;
	} while (key == KEY_REDRAW);
	p->page = page;
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
fill_code(struct lines *s, const struct look *look, const struct lesson *l)
{
	draw_heading(s, look, "The C that is run");
	draw_code(s, look, l, NULL);
}

static void
fill_list(struct lines *s, const struct look *look, size_t chosen)
{
	const char *track = "";
	size_t i;

	(void)look;
	for (i = 0; lessons[i] != NULL; i++) {
		if (strcmp(track, lessons[i]->track) != 0)
			lines_add(s, " %s", track = lessons[i]->track);
		lines_add(s, " %s%2zu %-4s %-11s %s", i == chosen ? ">" : " ",
		    i + 1, state_seen(i) ? "seen" : "", lessons[i]->name,
		    lessons[i]->title);
	}
}

/* The line of the list that lesson n is in. */
static size_t
list_line(size_t n)
{
	const char *track = "";
	size_t i, line = 0;

	for (i = 0; i <= n; i++) {
		if (strcmp(track, lessons[i]->track) != 0)
			line++;
		track = lessons[i]->track;
	}
	return line + n;
}

/* Choose a lesson; -1 to stay. */
static int
choose(struct player *p)
{
	size_t chosen = p->lesson, page = p->page, room;
	struct lines s;
	struct look look;
	int key;

	for (;;) {
		memset(&s, 0, sizeof s);
		look_at(&look, p->t);
		fill_list(&s, &look, chosen);
		room = (size_t)look.rows - FRAME;
		p->page = list_line(chosen) / room;
		show(p, &look, &s,
		    "j down  k up  Enter goes there  l back  q quit");
		lines_free(&s);
		key = term_key(-1, -1);
		if (key == 'j' && chosen + 1 < lesson_count())
			chosen++;
		else if (key == 'k' && chosen > 0)
			chosen--;
		else if (key != 'j' && key != 'k' && key != KEY_REDRAW)
			break;
	}
	p->page = page;
	if (key == 'q' || key == KEY_END)
		return -2;
	return key == '\n' || key == '\r' || key == ' ' ? (int)chosen : -1;
}

/* The exercise runs as long as its step is looked at. */
static void
exercise_stop(struct player *p)
{
	if (p->exercise.pid == 0)
		return;
	term_child(0);
	measure_end(&p->exercise, &p->done, SIGTERM);
	p->exercise.pid = 0;
}

static void
exercise_start(struct player *p)
{
	findings_free(&p->done);
	p->exercise.pid = 0;
	if (measure_begin(&p->exercise, p->l, "exercise") == EXIT_YES)
		term_child(p->exercise.pid);
	else
		p->exercise.pid = 0;
}

static void
exercise_look(struct player *p)
{
	int open = measure_read(&p->exercise, &p->done);

	findings_parse(&p->done);
	if (!open) {
		term_child(0);
		measure_end(&p->exercise, &p->done, 0);
		p->exercise.pid = 0;
	}
}

/* One page or step on; 1 when the lesson is at its end. */
static int
forward(struct player *p)
{
	if (!p->measured && measure_now(p) == -1)
		return 1;
	if (p->step > 0 && p->page + 1 < p->pages) {
		p->page++;
		return 0;
	}
	if (p->step == last_step(p))
		return 1;
	p->step++;
	p->page = 0;
	return 0;
}

static int
backward(struct player *p)
{
	if (p->page > 0)
		p->page--;
	else if (p->step == 0)
		return 1;
	else
		p->step--;
	return 0;
}

/* Do what a key says; 1 when the lesson is left, for *to. */
static int
act(struct player *p, int key, int *to)
{
	switch (key) {
	case '1': case '2': case '3':
		if (p->measured)
			return 0;
		p->guess = key - '0';
		break;
	case 's': case 'n': case ' ': case '\n': case '\r':
		break;
	case 'b':
		*to = p->lesson == 0 ? 0 : (int)p->lesson - 1;
		return backward(p) && p->lesson > 0;
	case 'c':
		overlay(p, fill_code);
		return 0;
	case 'h':
		overlay(p, fill_hint);
		return 0;
	case 'l':
		*to = choose(p);
		return *to >= 0 || (*to == -2 && (*to = GO_QUIT) == GO_QUIT);
	case 'r':
		if (p->measured)
			measure_now(p);
		return 0;
	case 'q': case KEY_END:
		*to = GO_QUIT;
		return 1;
	default:
		return 0;
	}
	*to = lessons[p->lesson + 1] == NULL ? GO_QUIT : (int)p->lesson + 1;
	return forward(p);
}

int
play(const struct tour *t, size_t lesson, int *to)
{
	struct player p;
	int key, over = 0, status;

	memset(&p, 0, sizeof p);
	p.t = t;
	p.lesson = lesson;
	p.l = lessons[lesson];
	while (!over) {
		if (at_exercise(&p) && p.exercise.pid == 0 && p.done.n == 0)
			exercise_start(&p);
		draw(&p);
		key = term_key(-1, p.exercise.pid != 0 ? p.exercise.fd : -1);
		if (key == KEY_OTHER)
			exercise_look(&p);
		else
			over = act(&p, key, to);
		if (p.exercise.pid != 0 && (over || !at_exercise(&p)))
			exercise_stop(&p);
	}
	fputs(term_is_dumb() ? "\n" : "\r\033[K", stdout);
	status = p.measured && p.f.verdict == NOT_SEEN ? TOUR_NOT_SEEN :
	    EXIT_YES;
	findings_free(&p.f);
	findings_free(&p.done);
	return status;
}
