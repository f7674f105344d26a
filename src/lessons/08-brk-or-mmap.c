/* SPDX-License-Identifier: MIT */
/* brk-or-mmap - which system call malloc makes for a size */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "heap.h"
#include "lesson.h"
#include "victim.h"

enum { CALLS = 64, LARGE = 300000, MEDIUM = 200 << 10 };

/* show story */
void mark(void);	/* shows up in the listing */

static void
story(void *unused)
{
	void *volatile small, *volatile large,
	    *volatile again;

	(void)unused;
	small = malloc(100);
	mark();
	large = malloc(300000);
	mark();
	free(large);
	mark();
	again = malloc(200 << 10);
	mark();
	free(again);
	free(small);
}
/* end */

static const char *const steps[] = {
	"malloc(100)", "malloc(300000)", "free of it", "malloc(200 KiB)"
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* How often a name occurs in the calls of a step. */
static int
has(const struct call *c, int n, int step, const char *name)
{
	int i, at = -1, found = 0;

	for (i = 0; i < n; i++) {
		at += c[i].number == -1;
		found += at == step && c[i].number != -1 &&
		    strcmp(call_name(&c[i]), name) == 0;
	}
	return found;
}

static void
list(const struct call *c, int n)
{
	int i, at = -1, calls = 0;

	tour_step("The calls between the lines, by a tracer of our own");
	for (i = 0; i < n && at < STEPS; i++) {
		if (c[i].number == -1) {
			if (at >= 0 && at < STEPS && calls == 0)
				tour_line("    no call");
			if (++at < STEPS)
				tour_line("%s", steps[at]);
			calls = 0;
			continue;
		}
		calls++;
		if (at >= STEPS)
			break;
		if (strcmp(call_name(&c[i]), "mmap") == 0 ||
		    strcmp(call_name(&c[i]), "munmap") == 0)
			tour_line("    %s of %llu bytes", call_name(&c[i]),
			    (unsigned long long)c[i].args[1]);
		else
			tour_line("    %s", call_name(&c[i]));
	}
	tour_text("malloc(3) takes large blocks from mmap(2), and gives them "
	    "back by munmap(2) at free. But see the last: 200 KiB is over "
	    "the threshold of 128 KiB, and yet it came from the heap.");
}

static size_t
mapped(void)
{
	struct heap h;

	heap_look(&h);
	return h.mapped;
}

/* The smallest size that is mapped, in a heap without room. */
static size_t
threshold(void)
{
	size_t n, before = mapped();
	void *volatile p;

	for (n = 120 << 10; n < 140 << 10; n++) {
		p = malloc(n);
		if (mapped() > before)
			return n;
		free(p);
		heap_trim();
	}
	return 0;
}

static int
stays_in_heap(void)
{
	size_t before;
	void *volatile p = malloc(MEDIUM);

	free(p);
	before = mapped();
	p = malloc(MEDIUM);
	return p != NULL && mapped() == before;
}

/* What an option of mallopt(3) changes: each figure is taken in a child, once
 * as it is and once with the option. */
static long
blocks_mapped(void)
{
	size_t before = mapped();
	void *volatile p = malloc(1 << 20);

	return p == NULL ? -1 : (long)(mapped() - before);
}

/* More than may be free at the top, which is used first. */
static long
small_mapped(void)
{
	size_t before = mapped();
	void *volatile p;
	int i;

	for (i = 0; i < 20; i++)
		p = malloc(20000);
	(void)p;
	return (long)(mapped() - before);
}

static long
break_moved(void)
{
	char *before = sbrk(0);
	void *volatile p;
	int i;

	for (i = 0; i < 10000 && sbrk(0) == before; i++)
		p = malloc(1000);
	(void)p;
	return ((char *)sbrk(0) - before) / 1024;
}

static long
given_back(void)
{
	static void *block[100];
	char *top;
	int i;

	for (i = 0; i < 100; i++)
		block[i] = malloc(10000);
	top = sbrk(0);
	for (i = 100; i-- > 0;)
		free(block[i]);
	return (top - (char *)sbrk(0)) / 1024;
}

static long
kept_small(void)
{
	static void *block[20];
	struct heap h;
	int i;

	for (i = 0; i < 20; i++)
		block[i] = malloc(48);
	for (i = 0; i < 20; i++)
		free(block[i]);
	heap_look(&h);
	return (long)h.fast;
}

static const struct option_trial {
	const char		*name;
	enum heap_option	 option;
	int			 value;
	const char		*what;
	long			(*figure)(void);
	int			 grows;		/* or shrinks, by the option */
} options[] = {
	{ "M_MMAP_MAX 0", HEAP_MMAP_MAX, 0, "1 MiB: mapped", blocks_mapped,
	    0 },
	{ "M_MMAP_THRESHOLD 8K", HEAP_MMAP_THRESHOLD, 8192, "20 x 20K: mapped",
	    small_mapped, 1 },
	{ "M_TOP_PAD 1M", HEAP_TOP_PAD, 1 << 20, "break up, KiB", break_moved,
	    1 },
	{ "M_TRIM_THRESHOLD 64M", HEAP_TRIM_THRESHOLD, 64 << 20,
	    "break down, KiB", given_back, 0 },
	{ "M_MXFAST 0", HEAP_MXFAST, 0, "in fast bins", kept_small, 0 }
};
enum { OPTIONS = sizeof options / sizeof options[0] };

struct trial_run {
	const struct option_trial	*trial;
	int				 set;
	long				*result;	/* shared */
};

static void
run_trial(void *arg)
{
	const struct trial_run *r = arg;

	if (r->set)
		heap_set(r->trial->option, r->trial->value);
	*r->result = r->trial->figure();
}

static void
try_options(void)
{
	long *result = lesson_shared(2 * sizeof *result);
	int i, right = 0;

	tour_step("What mallopt(3) changes, each tried in a child");
	tour_line("%-21s %-16s %8s %8s", "option", "figure", "as it is",
	    "with it");
	for (i = 0; i < OPTIONS; i++) {
		const struct option_trial *o = &options[i];
		struct trial_run plain = { o, 0, &result[0] };
		struct trial_run set = { o, 1, &result[1] };
		struct victim v;

		result[0] = result[1] = -1;
		victim_run(run_trial, &plain, &v);
		victim_run(run_trial, &set, &v);
		tour_line("%-21s %-16s %8ld %8ld", o->name, o->what,
		    result[0], result[1]);
		right += result[0] >= 0 && result[1] >= 0 && (o->grows ?
		    result[1] > result[0] : result[1] < result[0]);
	}
	tour_text("The same can be said from outside, without a new build: "
	    "MALLOC_MMAP_MAX_=0, MALLOC_TOP_PAD_=1048576 and so on in the "
	    "environment.");
	tour_check(right == OPTIONS, "%d of %d options do what they say",
	    right, OPTIONS);
}

static void
measure(void)
{
	struct call calls[CALLS];
	int n = calls_of(story, NULL, calls, CALLS);
	size_t first = threshold();
	int learned = stays_in_heap();

	tour_step("A small block, a large one, and another");
	tour_code("story");
	if (n == -1)
		tour_lacks("the listing: ptrace(2) is not allowed here");
	else
		list(calls, n);
	tour_step("Where the line is");
	tour_text("With nothing free, the first size that was mapped is %zu "
	    "bytes; M_MMAP_THRESHOLD is %d. After one mapped block was "
	    "freed glibc raises it to that size: who frees such a block "
	    "will want one again, and the heap is cheaper.", first, 128 << 10);
	try_options();
	tour_value("first_mapped", (int64_t)first);
	tour_check(first > (126 << 10) && first <= (128 << 10),
	    "the first size that is mapped is just below 128 KiB");
	tour_check(learned, "after a free, the same size is from the heap");
	if (n == -1)
		return;
	tour_check(has(calls, n, 1, "mmap") == 1,
	    "malloc of 300000 bytes was one mmap");
	tour_check(has(calls, n, 2, "munmap") == 1, "its free one munmap");
	tour_check(has(calls, n, 3, "mmap") == 0 &&
	    has(calls, n, 3, "brk") > 0, "then 200 KiB came by brk");
}

const struct lesson lesson_brk_or_mmap = {
	.name = "brk-or-mmap",
	.title = "which system call malloc makes",
	.track = "allocator",
	.minutes = 3,
	.question = "malloc(300000) is served by mmap(2), since that is more "
	    "than 128 KiB. It is freed. By what is malloc(200 KiB) served "
	    "after that?",
	.choices = { "mmap", "brk: the heap grows", "neither" },
	.answer = 2,
	.hint = "The threshold is not fixed. What has malloc learned from the "
	    "free?",
	.why = "Mapped blocks go back to the kernel at once, and each costs "
	    "two calls and its faults. Blocks of the heap are kept. glibc "
	    "moves the line between them up when a mapped block is freed; "
	    "mallopt(M_MMAP_THRESHOLD) fixes it.",
	.next = "strace -e brk,mmap,munmap on a program of yours.",
	.pages = "malloc(3) mallopt(3) brk(2) mmap(2) ptrace(2)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
