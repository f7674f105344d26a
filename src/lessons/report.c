/* SPDX-License-Identifier: MIT */
/* report.c - what a lesson reports, a line for each record; see lesson.h */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lesson.h"
#include "shmutil/sys.h"

enum {
	RECORD = 2048,		/* bytes; below PIPE_BUF, so one is whole */
	CELLS = 1024
};

static void __attribute__((format(printf, 2, 0)))
vemit(char kind, const char *fmt, va_list ap)
{
	char buf[RECORD];
	size_t len;
	int n;

	buf[0] = kind;
	n = vsnprintf(buf + 1, sizeof buf - 2, fmt, ap);
	len = n < 0 ? 1 : (size_t)n > sizeof buf - 3 ? sizeof buf - 2 :
	    (size_t)n + 1;
	buf[len++] = '\n';
	if (write(STDOUT_FILENO, buf, len) != (ssize_t)len)
		_exit(3);
}

static void __attribute__((format(printf, 2, 3)))
emit(char kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vemit(kind, fmt, ap);
	va_end(ap);
}

void
tour_step(const char *title)
{
	emit('S', "%s", title);
}

void
tour_code(const char *label)
{
	emit('C', "%s", label);
}

void
tour_text(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vemit('T', fmt, ap);
	va_end(ap);
}

void
tour_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vemit('L', fmt, ap);
	va_end(ap);
}

void
tour_strip(const char *label, const char *cells, size_t n, const char *fmt, ...)
{
	char note[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(note, sizeof note, fmt, ap);
	va_end(ap);
	emit('P', "%s\t%s\t%.*s", label, note, (int)(n < CELLS ? n : CELLS),
	    cells);
}

void
tour_key(char cell, const char *meaning)
{
	emit('K', "%c\t%s", cell, meaning);
}

void
tour_bar(const char *label, uint64_t n, uint64_t max, const char *unit)
{
	emit('B', "%s\t%" PRIu64 "\t%" PRIu64 "\t%s", label, n, max, unit);
}

void
tour_value(const char *name, int64_t n)
{
	emit('V', "%s\t%" PRId64, name, n);
}

int
tour_check(int ok, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	emit('A', "%d\t%s", ok != 0, text);
	return ok;
}

void
tour_lacks(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vemit('M', fmt, ap);
	va_end(ap);
}

void
tour_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vemit('X', fmt, ap);
	va_end(ap);
	_exit(0);
}

void
tour_unsure(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vemit('U', fmt, ap);
	va_end(ap);
	_exit(0);
}

static volatile sig_atomic_t left;

static void
leave(int sig)
{
	(void)sig;
	left = 1;
}

/* The learner who goes on ends the exercise with SIGTERM. */
int
tour_wait_for(int (*done)(void *), void *arg)
{
	struct sigaction act = { .sa_handler = leave };

	sigaction(SIGTERM, &act, NULL);
	/* What is asked again and again is not worth a line each time. */
	shmu_sys_observe(NULL, NULL);
	while (!done(arg)) {
		poll(NULL, 0, 50);
		if (left)
			return 0;
	}
	return 1;
}

/* Waiting and waking only for who wants everything, for which arg stands. */
static void
observe(void *arg, const char *line)
{
	if (arg != NULL || strncmp(line, "futex(", 6) != 0)
		emit('E', "%s", line);
}

void
tour_explain(int everything)
{
	static char yes;

	shmu_sys_observe(observe, everything ? &yes : NULL);
}
