/* SPDX-License-Identifier: MIT */
/* tour-choose.c - the list of lessons, to choose one with j, k and Enter */
#include "config.h"

#include <string.h>

#include "tour-play.h"

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
int
screen_list(struct player *p)
{
	size_t chosen = p->lesson, page = p->page, room;
	struct lines s;
	struct look look;
	int key;

	for (;;) {
		memset(&s, 0, sizeof s);
		look_at(&look, p->t);
		fill_list(&s, &look, chosen);
		room = (size_t)look.rows - SCREEN_FRAME;
		p->page = list_line(chosen) / room;
		screen_show(p, &look, &s,
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
		return GO_AWAY;
	return key == '\n' || key == '\r' || key == ' ' ? (int)chosen : -1;
}
