/* SPDX-License-Identifier: MIT */
/* map - where the parts of a process are */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"

/* show places */
static int data = 1;	/* has a value: in the file */
static int bss;		/* has none: not stored */
static const char text[] = "a constant";

static void
places(const void *at[7])
{
	int local;

	at[0] = (const void *)places;
	at[1] = text;
	at[2] = &data;
	at[3] = &bss;
	at[4] = malloc(100);
	at[5] = mmap(NULL, 100, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	at[6] = &local;
}
/* end */

enum { PLACES = 7 };

static const struct {
	const char	*what;
	const char	*prot;		/* what it must allow */
	const char	*name;		/* how it must be named, or NULL */
} expected[PLACES] = {
	{ "a function", "r-x", NULL },
	{ "a constant", "r--", NULL },
	{ "a variable", "rw-", NULL },
	{ "one without value", "rw-", NULL },
	{ "from malloc", "rw-", NULL },
	{ "from mmap", "r--", "" },
	{ "a local variable", "rw-", "[stack]" }
};

static const char *
short_name(const struct maps_line *m)
{
	const char *slash = strrchr(m->name, '/');

	return m->name[0] == '\0' ? "(no name)" : slash == NULL ? m->name :
	    slash + 1;
}

/* Lowest address first: there are few. */
static void
order(size_t index[PLACES], const struct maps_line *m)
{
	size_t i, k, t;

	for (i = 0; i < PLACES; i++)
		for (k = i; k > 0 && m[index[k]].from <
		    m[index[k - 1]].from; k--) {
			t = index[k];
			index[k] = index[k - 1];
			index[k - 1] = t;
		}
}

static const char *
size_text(uint64_t bytes, char buf[32])
{
	static const char units[] = "BKMGTP";
	size_t u = 0;

	while (bytes >= 10240 && units[u + 1] != '\0') {
		bytes /= 1024;
		u++;
	}
	snprintf(buf, 32, "%llu %c", (unsigned long long)bytes, units[u]);
	return buf;
}

static void
draw(const struct maps_line *m)
{
	size_t i, index[PLACES];
	char gap[32], size[32];

	for (i = 0; i < PLACES; i++)
		index[i] = i;
	order(index, m);
	tour_step("From low addresses to high ones");
	tour_line("%-18s %-5s %-12s %8s", "what lies there", "may", "mapping",
	    "of size");
	for (i = 0; i < PLACES; i++) {
		const struct maps_line *now = &m[index[i]];
		const struct maps_line *before = i > 0 ? &m[index[i - 1]] :
		    now;

		if (now->from > before->to + (UINT64_C(1) << 28))
			tour_line("    ... %s free", size_text(
			    now->from - before->to, gap));
		tour_line("%-18s %-5.4s %-12.12s %8s", expected[index[i]].what,
		    now->prot, short_name(now), size_text(now->to - now->from,
		    size));
	}
}

/* r, w and x as they must be, so that code cannot be written and data not
 * run. */
static int
allowed(const char *prot, const char *want)
{
	return strncmp(prot, want, 3) == 0;
}

static void
measure(void)
{
	struct maps_line m[PLACES];
	const void *at[PLACES];
	size_t i;

	places(at);
	for (i = 0; i < PLACES; i++)
		if (!maps_at(0, at[i], &m[i]))
			tour_unsure("%s is in no line of /proc/self/maps",
			    expected[i].what);
	tour_step("Seven things, and one line of /proc/self/maps each");
	tour_code("places");
	draw(m);
	tour_text("Each row is a mapping: a range of addresses with one "
	    "protection, and a file or nothing behind it. The gaps are far "
	    "larger than what is used. The places differ from run to run: "
	    "that is on purpose, so that nobody can guess them.");
	for (i = 0; i < PLACES; i++)
		tour_check(allowed(m[i].prot, expected[i].prot) &&
		    (expected[i].name == NULL ||
		    strcmp(m[i].name, expected[i].name) == 0),
		    "%s is in a mapping that is %s", expected[i].what,
		    expected[i].prot);
}

const struct lesson lesson_map = {
	.name = "map",
	.title = "where the parts of a process are",
	.track = "address space",
	.minutes = 3,
	.question = "A function, a constant, two variables, a block from "
	    "malloc, one from mmap and a local variable: which of these "
	    "places may be run as code?",
	.choices = { "all of them", "the function only",
	    "the function and the local variable" },
	.answer = 2,
	.hint = "Look for x in /proc/self/maps. Why would anybody want "
	    "that data cannot be run?",
	.why = "A process is a list of mappings, each with a protection: what "
	    "may be run cannot be written, and what can be written cannot be "
	    "run, so bytes from outside do not become code. Only a few "
	    "ranges of a huge space are used; the rest is a fault.",
	.next = "compare cat /proc/self/maps twice: what moved?",
	.pages = "proc(5) mmap(2) malloc(3)",
	.measure = measure
};
