/* SPDX-License-Identifier: MIT */
/* tour-play.c - play a lesson with the learner, a screen and a key at a time */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "tour-play.h"

enum {
	LIMIT = 120,			/* seconds to measure */
	PATIENCE = 5000			/* ms, for the first word of an
					 * exercise */
};

/* Keys that come meanwhile are dropped. */
static int
measure_now(struct player *p)
{
	time_t end = time(NULL) + LIMIT;
	struct measuring m;
	int open;

	screen_busy();
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

/* It is shown once it has said something. */
static void
exercise_start(struct player *p)
{
	struct pollfd first = { .events = POLLIN };

	findings_free(&p->done);
	p->exercise.pid = 0;
	if (measure_begin(&p->exercise, p->l, "exercise") != EXIT_YES) {
		p->exercise.pid = 0;
		return;
	}
	term_child(p->exercise.pid);
	first.fd = p->exercise.fd;
	poll(&first, 1, PATIENCE);
	exercise_look(p);
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
	if (p->step == player_last(p))
		return 1;
	p->step++;
	p->page = 0;
	return 0;
}

/* Where n has come from. */
static int
backward(struct player *p)
{
	if (p->page > 0)
		p->page--;
	else if (p->step == 0)
		return 1;
	else {
		p->step--;
		p->page = SIZE_MAX;	/* its last one */
	}
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
	case 'h':
		*to = GO_QUIT;
		return (key == 'c' ? screen_code(p) : screen_hint(p)) == 'q';
	case 'l':
		*to = screen_list(p);
		return *to >= 0 ||
		       (*to == GO_AWAY && (*to = GO_QUIT) == GO_QUIT);
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
		if (player_at_exercise(&p) && p.exercise.pid == 0 &&
		    p.done.n == 0)
			exercise_start(&p);
		screen_step(&p);
		key = term_key(-1, p.exercise.pid != 0 ? p.exercise.fd : -1);
		if (key == KEY_OTHER)
			exercise_look(&p);
		else
			over = act(&p, key, to);
		if (p.exercise.pid != 0 && (over || !player_at_exercise(&p)))
			exercise_stop(&p);
	}
	fputs(term_is_dumb() ? "\n" : "\r\033[K", stdout);
	status = p.measured && p.f.verdict == NOT_SEEN ? TOUR_NOT_SEEN :
	    EXIT_YES;
	findings_free(&p.f);
	findings_free(&p.done);
	return status;
}
