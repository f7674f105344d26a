/* SPDX-License-Identifier: MIT */
/*
 * lesson.h - what a lesson is, and what it calls while it measures
 *
 * A lesson measures in a process of its own, started anew by exec: its heap is
 * untouched, nothing was printed, and MALLOC_* and LD_* are gone from its
 * environment.  What it finds it reports by the functions below, each one
 * record on standard output; mem-tour reads, draws and judges them.  They
 * allocate nothing and use no stdio, so they may stand between measurements.
 *
 * The C that a learner is shown is cut from the lesson's own source when
 * mem-tour is built: whole functions between the lines "/" "* show LABEL *" "/"
 * and "/" "* end *" "/".  They use libc's names only and compile alone.
 */
#ifndef LESSON_H
#define LESSON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LESSON_CHOICES = 3 };

/* What a lesson needs beyond Linux; where it is not there, it is skipped. */
enum {
	LESSON_GLIBC_MALLOC = 1		/* the heap of glibc, not replaced */
};

struct lesson {
	const char	*name;		/* one word */
	const char	*title;		/* at most 36 characters */
	const char	*track;
	int		 minutes;
	const char	*question;
	const char	*choices[LESSON_CHOICES];
	int		 answer;	/* of those, from 1 */
	const char	*hint;
	const char	*why;		/* once it was seen */
	const char	*next;		/* what to try */
	const char	*pages;		/* "fork(2) proc(5)" */
	int		 needs;
	void		(*measure)(void);
	void		(*exercise)(void);	/* or NULL; see tour_wait_for */
};

/* Every lesson, in the order of the course; ended by NULL. */
extern const struct lesson *const lessons[];

/* A piece of C as it is shown; the table is ended by a NULL lesson. */
struct lesson_code {
	const char	*lesson;
	const char	*label;
	const char	*text;
};
extern const struct lesson_code lesson_codes[];

/* Begin a step, which is a screen of its own. */
void tour_step(const char *title);

/* Show a piece of the lesson's C. */
void tour_code(const char *label);

/* A paragraph, which is wrapped; and a line, at most 56 columns, which is not.
 * All text is printable ASCII. */
void tour_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tour_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Draw n cells in a row, such as the pages of a range: each is a character of
 * "#.=+-!", and tour_key says in 42 columns what one of them stands for.  With
 * more cells than columns, a column is of the rarest kind in it.
 */
void tour_strip(const char *label, const char *cells, size_t n,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void tour_key(char cell, const char *meaning);

/* Draw n as a bar, max being the longest.  label has at most 12 columns, unit
 * 13. */
void tour_bar(const char *label, uint64_t n, uint64_t max, const char *unit);

/* What was measured, by name: no address, so that runs can be compared. */
void tour_value(const char *name, int64_t n);

/* What must hold: an effect that is there on every machine.  Returns ok. */
int tour_check(int ok, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A part that cannot be had here; the lesson goes on. */
void tour_lacks(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* End: the lesson cannot be had here; or nothing can be said for sure. */
void tour_skip(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
void tour_unsure(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* An exercise: wait until done(arg) is true; 0 if the learner left before. */
int tour_wait_for(int (*done)(void *), void *arg);

/* The -x of the command line: each observed call becomes a record too; of
 * those on a futex only for -xx. */
void tour_explain(int everything);

#endif
