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
#include "tools.h"
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
		heap_set(HEAP_PERTURB, PERTURB);
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
	heap_set(HEAP_PERTURB, PERTURB);
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
	heap_set(HEAP_PERTURB, PERTURB);
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
	tour_step("What free notices");
	tour_line("%-22s %-14s %s", "mistake", "glibc as it is",
	    "with M_PERTURB");
	tour_line("%-22s byte %02x %*s byte %02x", "read of fresh bytes",
	    found->plain, 6, "", found->perturbed);
	row("overflow, then free", overflow);
	row("free twice", twice);
	tour_text("free checks the headers that it comes by, at little cost: "
	    "too late to say who did it. M_CHECK_ACTION, which chose what "
	    "happens then, is without effect since glibc 2.26.");
}

static int mistake(char which) __attribute__((unused));

/* show mistakes */
/* One of five; 5 if a value is not as it was. */
static int
mistake(char which)
{
	char *volatile p = malloc(24);
	int wrong = 0;

	if (which == 'l')	/* leak: never freed */
		return (p = NULL) != NULL;
	if (which == 'u' && p[16] != 0)	/* not set */
		wrong = 5;
	p[16] = 0;
	if (which == 'o')	/* overflow by one */
		memset(p, 1, 25);
	free(p);
	if (which == 'f' && p[16] != 0)	/* freed */
		wrong = 5;
	if (which == 'd')	/* free twice */
		free(p);
	return wrong;
}
/* end */

static const char main_of_it[] =
    "int main(int n, char **v) { return n > 1 ? mistake(v[1][0]) : 2; }\n";

enum { TOOLS = 5, MISTAKES = 5, FOUND = 9 };

/* Who looks; each with the mistakes that it is sure to notice.  The last one is
 * another build. */
static const struct police {
	const char	*name;
	const char	*sure;
	struct tool	 tool;
} police[TOOLS] = {
	{ "alone", "d", { { NULL }, { NULL } } },
	{ "PERTURB_", "ud", { { NULL }, { "MALLOC_PERTURB_=165", NULL } } },
	{ "CHECK_", "od", { { NULL }, { "MALLOC_CHECK_=3",
	    "LD_PRELOAD=libc_malloc_debug.so.0", NULL } } },
	{ "valgrind", "uofdl", { { "valgrind", "-q", "--vgdb=no",
	    "--leak-check=full", "--error-exitcode=9", NULL }, { NULL } } },
	{ "ASan", "ofd", { { NULL }, { "ASAN_OPTIONS=exitcode=9", NULL } } }
};

static const struct { const char *arg, *name; } mistakes[MISTAKES + 1] = {
	{ "u", "not set" }, { "o", "overflow" }, { "f", "use after free" },
	{ "d", "free twice" }, { "l", "leak" }, { "n", "none" }
};

/* How a run ended, in a word: it was told of, or died, or computed nonsense. */
static const char *
word_for(int status, const char *said)
{
	if (strstr(said, "cannot be preloaded") != NULL || status == 127)
		return "?";
	if (strstr(said, "fatal error") != NULL)
		return "?";		/* of the tool itself */
	return status == FOUND ? "tells" : status < 0 ? "dies" :
	    status != 0 ? "shows" : "-";
}

/* All mistakes with one tool, and none; 0 where it does not work. */
static int
patrol(const struct police *who, const struct program *p,
    const char *word[MISTAKES + 1])
{
	struct run runs[MISTAKES + 1];
	char said[4000];
	int i, status;

	for (i = 0; i <= MISTAKES; i++)
		run_begin(&runs[i], p, &who->tool, mistakes[i].arg);
	for (i = 0; i <= MISTAKES; i++) {
		status = run_end(&runs[i], said, sizeof said);
		word[i] = word_for(status, said);
	}
	return strcmp(word[MISTAKES], "-") == 0;
}

static int
is_sure(const struct police *who, const char *const word[])
{
	int i, missed = 0;

	for (i = 0; i < MISTAKES; i++)
		missed += strchr(who->sure, mistakes[i].arg[0]) != NULL &&
		    (word[i][0] == '-' || word[i][0] == '?');
	return missed == 0;
}

static void
draw_patrols(const char *word[TOOLS][MISTAKES + 1])
{
	int i;

	tour_step("One of five mistakes, as a program");
	tour_code("mistakes");
	tour_step("Who notices which");
	tour_line("%-15s %-6s %-8s %-7s %-9s %s", "mistake", police[0].name,
	    police[1].name, police[2].name, police[3].name, police[4].name);
	for (i = 0; i < MISTAKES; i++)
		tour_line("%-15s %-6s %-8s %-7s %-9s %s", mistakes[i].name,
		    word[0][i], word[1][i], word[2][i], word[3][i], word[4][i]);
	tour_text("tells: a report of the line. dies: a signal. shows: a wrong "
	    "result. -: nothing. ?: not to be had here. PERTURB_ and CHECK_ "
	    "are variables of the environment, MALLOC_ in front; CHECK_ needs "
	    "libc_malloc_debug.so.0 in LD_PRELOAD; ASan is a build with "
	    "-fsanitize=address.");
}

/* The same program under every tool that this machine has. */
static void
send_police(void)
{
	const char *word[TOOLS][MISTAKES + 1];
	struct program plain, asan;
	int i, k, works, built;

	if (program_build(&plain, "heap-police", "mistakes", main_of_it,
	    NULL) == -1) {
		tour_lacks("who notices which: there is no cc here");
		return;
	}
	built = program_build(&asan, "heap-police", "mistakes", main_of_it,
	    "-fsanitize=address") == 0;
	for (i = 0; i < TOOLS; i++) {
		for (k = 0; k <= MISTAKES; k++)
			word[i][k] = "?";
		works = (i < TOOLS - 1 || built) && patrol(&police[i],
		    i < TOOLS - 1 ? &plain : &asan, word[i]);
		if (!works)
			tour_lacks("%s does not work here", police[i].name);
		else
			tour_check(is_sure(&police[i], word[i]),
			    "%s: notices what it is sure to",
			    police[i].name);
	}
	draw_patrols(word);
	program_remove(&plain);
	if (built)
		program_remove(&asan);
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
	send_police();
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
