/* SPDX-License-Identifier: MIT */
/* xmalloc - what to do when malloc says no */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lesson.h"
#include "victim.h"

enum { LIMIT = 256 << 20, ASKED = 1 << 30, PIECES = 1000 };

/* show xmalloc */
/* As malloc, but it never returns NULL. */
static void *
xmalloc(size_t n)
{
	void *p = malloc(n);

	if (p == NULL && n > 0) {
		fputs("out of memory\n", stderr);
		exit(3);
	}
	return p;
}

/* Append to a string that doubles when it is full. */
struct text { char *s; size_t len, size, moves; };

static void
append(struct text *t, const char *more)
{
	size_t n = strlen(more);

	if (t->len + n + 1 > t->size) {
		t->size = 2 * (t->len + n + 1);
		t->s = realloc(t->s, t->size);
		t->moves++;
		if (t->s == NULL)
			exit(3);
	}
	memcpy(t->s + t->len, more, n + 1);
	t->len += n;
}
/* end */

static void
limit(void)
{
	struct rlimit r = { LIMIT, LIMIT };

	setrlimit(RLIMIT_AS, &r);
}

static void
careless(void *arg)
{
	volatile char *p;

	(void)arg;
	limit();
	p = malloc(ASKED);
	*p = 1;
}

static void
careful(void *arg)
{
	volatile char *p;

	(void)arg;
	limit();
	p = xmalloc(ASKED);
	*p = 1;
}

static void
asks(void *arg)
{
	(void)arg;
	limit();
	errno = 0;
	exit(malloc(ASKED) == NULL && errno == ENOMEM ? 0 : 1);
}

static void
saying_no(void)
{
	struct victim no, plain, x;

	victim_run(asks, NULL, &no);
	victim_run(careless, NULL, &plain);
	victim_run(careful, NULL, &x);
	tour_step("A child may have 256 MiB, and wants 1 GiB");
	tour_line("%-26s %s", "malloc, and look", no.exited == 0 ?
	    "NULL, ENOMEM" : "?");
	tour_line("%-26s %s", "malloc, and write", victim_signal(
	    plain.signal));
	tour_line("%-26s status %d: %s", "xmalloc, and write", x.exited,
	    x.said);
	tour_text("RLIMIT_AS limits addresses, so that malloc(3) really says "
	    "no, as it would at the end of a machine's promises. Who does "
	    "not look dies at the first use, far from the cause.");
	tour_check(no.exited == 0, "malloc returned NULL with ENOMEM");
	tour_check(plain.signal == SIGSEGV, "who did not look died by "
	    "SIGSEGV");
	tour_check(x.exited == 3 && strcmp(x.said, "out of memory") == 0,
	    "xmalloc said why, and exited with 3");
	tour_value("xmalloc_status", x.exited);
}

/* What it takes to make the string anew for each piece. */
static size_t
copied_anew(void)
{
	size_t i, bytes = 0;

	for (i = 0; i < PIECES; i++)
		bytes += i * 5;
	return bytes;
}

static void
concatenation(void)
{
	struct text t = { NULL, 0, 0, 0 };
	size_t i, wrong = 0;

	for (i = 0; i < PIECES; i++)
		append(&t, "piece");
	for (i = 0; i < t.len; i++)
		wrong += t.s[i] != "piece"[i % 5];
	tour_step("A string of unknown length, from 1000 pieces");
	tour_code("xmalloc");
	tour_bar("anew each", copied_anew(), copied_anew(), "bytes copied");
	tour_bar("doubling", t.len * 2, copied_anew(), "at most");
	tour_text("%zu reallocs for %d pieces. To make a longer string for "
	    "each piece copies all that was there every time: that grows with "
	    "the square.", t.moves, PIECES);
	tour_value("reallocs", (int64_t)t.moves);
	tour_check(t.len == PIECES * 5 && wrong == 0,
	    "the string is right: %zu bytes", t.len);
	tour_check(t.moves < 16, "%zu reallocs were enough", t.moves);
}

static void
measure(void)
{
	saying_no();
	concatenation();
}

const struct lesson lesson_xmalloc = {
	.name = "xmalloc",
	.title = "what to do when malloc says no",
	.track = "allocator",
	.minutes = 3,
	.question = "A string is built from 1000 pieces of 5 bytes, and its "
	    "buffer doubles when it is full. How often is realloc called?",
	.choices = { "1000 times", "about 500 times", "about 10 times" },
	.answer = 3,
	.hint = "How often can you double 12 until it is 5000?",
	.why = "malloc can say no, by a limit or at the end of what the kernel "
	    "promises. A program that cannot go on without memory puts the "
	    "check in one place, xmalloc, with a message and a status. And "
	    "who doubles copies each byte about once, however long it gets.",
	.next = "(ulimit -v 100000; your-program): what does it say?",
	.pages = "malloc(3) realloc(3) setrlimit(2) open_memstream(3)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
