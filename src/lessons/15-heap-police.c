/* SPDX-License-Identifier: MIT */
/* heap-police - who would have caught it: malloc's own switches */
#include "config.h"

#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "lesson.h"
#include "victim.h"

enum { PERTURB = 165 };

/* show fresh */
/* What is in a block that nobody has written to? */
static unsigned char
fresh_byte(size_t n)
{
	unsigned char *p = malloc(n);
	unsigned char byte = 0;

	if (p != NULL)
		byte = p[n / 2];
	free(p);
	return byte;
}
/* end */

/* What the children found. */
static struct {
	unsigned char	plain, perturbed, freed;
	int		all_same;
} *found;

/* A child begins so: arg is NULL for glibc as it is. */
static void
switch_on(const void *arg)
{
	if (arg != NULL)
		heap_perturb(PERTURB);
}

static void
plain(void *arg)
{
	(void)arg;
	found->plain = fresh_byte(5000);
}

static void
perturbed(void *arg)
{
	unsigned char *p;
	size_t i, same = 0;

	(void)arg;
	heap_perturb(PERTURB);
	p = malloc(5000);
	found->perturbed = p[2500];
	for (i = 0; i < 5000; i++)
		same += p[i] == p[0];
	found->all_same = same == 5000;
	free(malloc(5000));
}

/* Free a block that is too large for the caches, and look at it. */
static void
freed(void *arg)
{
	unsigned char *volatile p, *volatile above;

	(void)arg;
	heap_perturb(PERTURB);
	p = malloc(5000);
	above = malloc(5000);
	memset(p, 1, 5000);
	free(p);
	found->freed = above != NULL ? p[2500] : 0;
}

/* One byte beyond the block is the size of the next. */
static void
overflow(void *arg)
{
	unsigned char *volatile p, *volatile next;

	switch_on(arg);
	p = malloc(2000);
	next = malloc(2000);
	memset(p, 0xff, malloc_usable_size(p) + 8);
	free(next);
	free(p);
}

static void
twice(void *arg)
{
	void *volatile p;

	switch_on(arg);
	p = malloc(2000);
	free(p);
	free(p);
}

/* A mistake with free, in a child as it is and in one with M_PERTURB. */
static void
row(const char *mistake, void (*fn)(void *))
{
	struct victim as_is, with;
	int on = 1;

	victim_run(fn, NULL, &as_is);
	victim_run(fn, &on, &with);
	tour_line("%-22s %-14s %s", mistake, victim_signal(as_is.signal),
	    victim_signal(with.signal));
	tour_check(as_is.signal != 0 && with.signal != 0,
	    "%s: noticed by free", mistake);
}

static void
matrix(void)
{
	tour_step("Who notices what");
	tour_line("%-22s %-14s %s", "mistake", "glibc as it is",
	    "with M_PERTURB");
	tour_line("%-22s byte %02x %*s byte %02x", "read of fresh bytes",
	    found->plain, 6, "", found->perturbed);
	row("overflow, then free", overflow);
	row("free twice", twice);
	tour_text("Build with -fsanitize=address, or run under valgrind, and "
	    "each is reported at the very line, and a leak, which nothing here "
	    "notices, at the end. mallopt(3) has more switches: M_MMAP_MAX, "
	    "M_TOP_PAD, M_TRIM_THRESHOLD, M_MXFAST.");
}

static void
measure(void)
{
	struct victim v;

	found = lesson_shared(sizeof *found);
	victim_run(plain, NULL, &v);
	victim_run(perturbed, NULL, &v);
	victim_run(freed, NULL, &v);
	tour_step("A pattern where nobody has written");
	tour_code("fresh");
	tour_line("%-32s %02x", "fresh, as it is", found->plain);
	tour_line("%-32s %02x", "fresh, M_PERTURB of a5", found->perturbed);
	tour_line("%-32s %02x", "freed, M_PERTURB of a5", found->freed);
	tour_text("Fresh bytes get the complement, freed ones the byte "
	    "itself. A program that works with zeros by chance fails with "
	    "this, each time in the same way. MALLOC_PERTURB_=165 in the "
	    "environment does the same.");
	matrix();
	tour_value("fresh", found->perturbed);
	tour_value("freed", found->freed);
	tour_check(found->perturbed == (PERTURB ^ 0xff) && found->all_same,
	    "M_PERTURB fills fresh memory with the complement");
	tour_check(found->freed == PERTURB, "and freed memory with the byte");
}

const struct lesson lesson_heap_police = {
	.name = "heap-police",
	.title = "who would have caught it",
	.track = "allocator",
	.minutes = 4,
	.question = "A program reads a variable of a fresh block before it is "
	    "set, and works: there was a zero by chance. What makes this "
	    "mistake show, without a new build?",
	.choices = { "MALLOC_PERTURB_ in the environment",
	    "free notices it", "nothing can" },
	.answer = 1,
	.hint = "What would have to be different about fresh memory?",
	.why = "malloc checks what is cheap: headers, and the last frees. It "
	    "says nothing of reads. PERTURB makes mistakes constant instead "
	    "of random; AddressSanitizer and valgrind watch each access. Use "
	    "the cheap one always in tests, the others often.",
	.next = "MALLOC_PERTURB_=165 in front of your own program.",
	.pages = "mallopt(3) malloc(3) valgrind(1)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
