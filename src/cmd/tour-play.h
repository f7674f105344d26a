/* SPDX-License-Identifier: MIT */
/* tour-play.h - the parts of a lesson that is played: what is on the screen */
#ifndef TOUR_PLAY_H
#define TOUR_PLAY_H

#include "tour.h"

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

enum { SCREEN_FRAME = 4 };	/* lines around the body */

/* The number of the last step, from 0; and whether this one is the exercise. */
size_t player_last(const struct player *p);
int player_at_exercise(const struct player *p);

/* Show the step, or one page of it. */
void screen_step(struct player *p);

/* One page of other lines, between a heading and the keys. */
void screen_show(struct player *p, const struct look *look,
    const struct lines *s, const char *bar);

/* Say, in the place of the keys, that it is being measured. */
void screen_busy(void);

/* Show text in the place of the step: the hint, and on another h the answer; or
 * the C.  Returns the key that ended it. */
int screen_hint(struct player *p);
int screen_code(struct player *p);

/* Choose a lesson of the list: its index, or -1 to stay, or GO_AWAY. */
enum { GO_AWAY = -2 };
int screen_list(struct player *p);

#endif
