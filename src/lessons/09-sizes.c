/* SPDX-License-Identifier: MIT */
/* sizes - what malloc gives for what was asked */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "lesson.h"
#include "victim.h"

enum { BIG = 8 << 20 };

/* show sizes */
struct loose { char a; double b; char c; };
struct tight { double b; char a; char c; };

/* What malloc gives, for what is asked. */
static size_t
given(size_t asked)
{
	void *p = malloc(asked);
	size_t n = malloc_usable_size(p);

	free(p);
	return n;
}
/* end */

static void
small_blocks(void)
{
	static const size_t asked[] = { 0, 1, 24, 25, 40, 41, 1000 };
	size_t i, n, enough = 0;
	const size_t count = sizeof asked / sizeof asked[0];

	tour_step("What is asked, and what is given");
	tour_code("sizes");
	tour_line("%8s %8s", "asked", "given");
	for (i = 0; i < count; i++) {
		n = given(asked[i]);
		enough += n >= asked[i] && n > 0;
		tour_line("%8zu %8zu", asked[i], n);
	}
	tour_text("Sizes go up in steps, for a block lies between headers and "
	    "is aligned for anything. malloc(0) gives an address too.");
	tour_check(enough == count, "never less than was asked");
}

static int
aligned(const void *p, size_t to)
{
	return p != NULL && (uintptr_t)p % to == 0;
}

static void
row(const char *call, int ok, const char *how)
{
	tour_line("%-30s %s", call, ok ? how : "odd");
}

static void
alignment(void)
{
	size_t page = page_size();
	void *volatile p = malloc(1), *volatile a = aligned_alloc(64, 64),
	    *volatile m = memalign(256, 100), *volatile v = valloc(100);
	void *posix = NULL;
	int ok = posix_memalign(&posix, page, 100),
	    bad = posix_memalign(&posix, 3, 100);
	int any = aligned(p, _Alignof(max_align_t)),
	    old = aligned(m, 256) && aligned(v, page);

	tour_step("Where it may begin");
	row("malloc(1)", any, "fit for any type");
	row("aligned_alloc(64, 64)", aligned(a, 64), "at a multiple of 64");
	row("posix_memalign(&p, page, 100)", ok == 0 && aligned(posix, page),
	    "at the begin of a page");
	row("posix_memalign(&p, 3, 100)", bad == EINVAL, "EINVAL");
	row("memalign, valloc: older names", old, "just so");
	tour_line("%-30s %zu bytes", "struct loose", sizeof(struct loose));
	tour_line("%-30s %zu bytes", "struct tight", sizeof(struct tight));
	tour_text("Members are aligned too, and so is the next element of an "
	    "array: order them by size, and less is padding.");
	tour_check(sizeof(struct tight) < sizeof(struct loose),
	    "the same members take less in another order");
	tour_check(any && aligned(a, 64) && ok == 0 && old,
	    "each block is aligned as it must be");
	tour_check(bad == EINVAL, "3 is refused with EINVAL");
}

static void
zeros(void)
{
	long by_calloc, by_memset;
	char *volatile p;
	size_t i, set = 0;
	volatile size_t huge = SIZE_MAX / 2;

	by_calloc = faults_minor();
	p = calloc(1, BIG);
	by_calloc = faults_minor() - by_calloc;
	for (i = 0; p != NULL && i < BIG; i += 64)
		set += p[i] != 0;
	free(p);
	by_memset = faults_minor();
	p = malloc(BIG);
	if (p != NULL)
		memset(p, 0, BIG);
	by_memset = faults_minor() - by_memset;
	tour_step("8 MiB of zeros, in two ways");
	tour_bar("by memset", (uint64_t)by_memset, (uint64_t)by_memset,
	    "faults");
	tour_bar("by calloc", (uint64_t)by_calloc, (uint64_t)by_memset,
	    "faults");
	tour_text("What comes fresh from the kernel is zero already, and "
	    "calloc knows it: nothing is touched. It also checks the product "
	    "of its arguments: calloc(%s, 4) is NULL here.", "SIZE_MAX / 2");
	tour_value("calloc_faults", by_calloc);
	tour_value("memset_faults", by_memset);
	tour_check(set == 0, "calloc gave zeros");
	tour_check(by_calloc * 10 < by_memset,
	    "and touched less than a tenth of the pages");
	tour_check(calloc(huge, 4) == NULL,
	    "a product that overflows is refused");
}

static void
measure(void)
{
	small_blocks();
	alignment();
	zeros();
}

const struct lesson lesson_sizes = {
	.name = "sizes",
	.title = "what malloc gives for what was asked",
	.track = "allocator",
	.minutes = 3,
	.question = "A program gets 8 MiB of zeros by calloc(3), and writes "
	    "nothing there. How many of its pages has the call touched?",
	.choices = { "every one", "a few at most", "every second" },
	.answer = 2,
	.hint = "Where does such a large block come from, and what does the "
	    "kernel give?",
	.why = "Blocks have a header and sizes in steps; a request of 24 bytes "
	    "can cost 32. Everything is aligned for the widest type. calloc "
	    "is more than malloc and memset: it checks the product, and "
	    "leaves out the zeroing when the kernel has done it.",
	.next = "calloc a block of 1000 bytes after a free of 1000: are "
	    "there faults?",
	.pages = "malloc(3) malloc_usable_size(3) posix_memalign(3)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
