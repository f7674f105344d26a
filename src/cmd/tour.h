/* SPDX-License-Identifier: MIT */
/* tour.h - the parts of mem-tour: measure, judge, draw, play, remember */
#ifndef TOUR_H
#define TOUR_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "json.h"
#include "lesson.h"

/* What the command line asked for. */
struct tour {
	int	plain;		/* words in the place of drawings */
	int	ascii;
	int	color;		/* -1: where it makes sense */
	int	check;
	int	json;
	int	no_input;
	double	pace;		/* seconds for a step, or -1 */
	int	guess;		/* a choice, from 1; 0: ask */
};

/* Statuses of run --check. */
enum { TOUR_SEEN = 0, TOUR_NOT_SEEN = 1, TOUR_SKIPPED = 77 };

enum verdict { SEEN, NOT_SEEN, SKIPPED, INCONCLUSIVE };

/* One record of a measuring process; see lesson.h. */
enum { RECORD_FIELDS = 4 };
struct record {
	char	 kind;
	char	*field[RECORD_FIELDS];
};

/* What a lesson found on this machine.  All zero is nothing yet. */
struct findings {
	char		*text;		/* as it came */
	size_t		 size;
	char		*parsed;	/* cut up: the records point here */
	struct record	*record;
	size_t		 n;
	size_t		 steps;
	size_t		 checks, failed;
	enum verdict	 verdict;
	const char	*reason;	/* of all but SEEN */
};

/* A process that measures, and the pipe from it. */
struct measuring {
	pid_t	pid;
	int	fd;
};

/* Start lesson l in a process group of its own; role is "measure" or
 * "exercise".  0, or EXIT_CANNOT after saying why. */
int measure_begin(struct measuring *m, const struct lesson *l,
    const char *role);

/* Take what has arrived, waiting for nothing; 0 at the end of it. */
int measure_read(struct measuring *m, struct findings *f);

/* Reap it, killing what still runs by sig if that is not 0, and judge. */
void measure_end(struct measuring *m, struct findings *f, int sig);

/* All of these in one, for at most a minute or two. */
int measure(struct findings *f, const struct lesson *l);

/* Put the records in order as far as they have arrived. */
void findings_parse(struct findings *f);
void findings_free(struct findings *f);
const char *verdict_word(enum verdict v);
int verdict_status(enum verdict v);
int verdict_worse(int a, int b);

/* The C of a lesson: label NULL is all of it. */
void code_print(FILE *out, const struct lesson *l, const char *label);

/* What a terminal can show. */
struct look {
	int	columns, rows;
	int	utf8, color, plain;
};

/* Lines of a screen; the strings are its own. */
struct lines {
	char	**line;
	size_t	  n;
};
void lines_free(struct lines *s);
void lines_add(struct lines *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void lines_wrap(struct lines *s, const struct look *look, const char *text);

/* Draw a step: 0 is the question, then those of the findings, then the end. */
void draw_question(struct lines *s, const struct look *look,
    const struct lesson *l);
void draw_step(struct lines *s, const struct look *look,
    const struct lesson *l, const struct findings *f, size_t step);
void draw_guess(struct lines *s, const struct look *look,
    const struct lesson *l, const struct findings *f, int guess);
void draw_end(struct lines *s, const struct look *look,
    const struct lesson *l, const struct findings *f);
void draw_checks(struct lines *s, const struct look *look,
    const struct findings *f);
void draw_code(struct lines *s, const struct look *look,
    const struct lesson *l, const char *label);
/* Of draw_step: records of the kinds P, K and B; at is the index of one. */
int draw_width(const struct look *look);
void draw_strip(struct lines *s, const struct look *look,
    const struct findings *f, size_t at);
void draw_key(struct lines *s, const struct look *look,
    const struct record *r);
void draw_bar(struct lines *s, const struct look *look,
    const struct record *r);
void draw_heading(struct lines *s, const struct look *look, const char *text);

/* The terminal, by key. */
enum {
	KEY_END = -1,		/* the input is at its end */
	KEY_REDRAW = -2,	/* the size has changed, or we were stopped */
	KEY_OTHER = -3,		/* fd has something to read */
	KEY_NONE = -4		/* nothing within the time */
};
void look_at(struct look *look, const struct tour *t);
int term_is_interactive(const struct tour *t);
int term_is_dumb(void);
void term_begin(void);
void term_end(void);
void term_flush(void);
void term_child(pid_t group);	/* to be killed when a signal ends us; or 0 */
int term_key(double seconds, int fd);

/* Play lesson l with the learner; the verdict, and in *to where to go then. */
enum { GO_QUIT = -1 };
int play(const struct tour *t, size_t lesson, int *to);

/* Run it straight through on stdout, or as JSON. */
int through(const struct tour *t, size_t lesson, struct json *json);

/* Which lesson has this name: its index, or -1. */
int lesson_find(const char *name);
size_t lesson_count(void);

/* Print all of them, and which were seen. */
int catalog_list(const struct tour *t);

/* What was seen, across runs, in a small file. */
int state_seen(size_t lesson);
int state_mark(size_t lesson, int seen);
int state_reset(void);

/* Explain a term or a lesson, without measuring; EXIT_NO if there is none. */
int explain_topic(const struct tour *t, const char *topic);
void explain_list(void);

#endif
