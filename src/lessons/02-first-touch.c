/* SPDX-License-Identifier: MIT */
/* first-touch - when memory that was asked for becomes RAM */
#include "config.h"

#include <string.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"

enum { PAGES = 256, FEW = 16 };

/* show touch */
/* Write one byte to each of n pages. */
static void
touch(volatile char *p, size_t n, size_t page)
{
	for (size_t i = 0; i < n; i++)
		p[i * page] = 1;
}
/* end */

/* How it stands after a step. */
struct look {
	long		faults;		/* of the step itself */
	size_t		resident;	/* pages, by mincore(2) */
	struct smaps	smaps;
	char		cells[PAGES];
};

static void
look(const struct arena *a, size_t pages, struct look *l)
{
	l->faults = faults_minor();
	touch((char *)a->base, pages, a->page);
	l->faults = faults_minor() - l->faults;
	l->resident = arena_cells(a, l->cells);
	smaps_at(0, a->base, &l->smaps);
}

static void
draw(const char *title, const struct arena *a, const struct look *l)
{
	tour_step(title);
	tour_strip("pages", l->cells, a->pages, "Rss %llu KiB",
	    (unsigned long long)l->smaps.rss);
	tour_key('#', "in RAM");
	tour_key('.', "only promised");
}

static void
measure(void)
{
	struct look none, few, all, again;
	struct arena a;
	uint64_t kib;

	arena_open(&a, PAGES);
	kib = a.page / 1024;
	look(&a, 0, &none);
	look(&a, FEW, &few);
	look(&a, PAGES, &all);
	look(&a, PAGES, &again);

	draw("After mmap: addresses, and no RAM", &a, &none);
	tour_text("mmap(2) wrote one line into a list of the kernel: these %d "
	    "pages may be used. Size is %llu KiB, Rss is %llu.", PAGES,
	    (unsigned long long)none.smaps.size,
	    (unsigned long long)none.smaps.rss);
	draw("After a byte was written to 16 of them", &a, &few);
	tour_code("touch");
	tour_text("%ld faults. At each the program stopped at an address "
	    "without a page; the kernel took a free page, zeroed it, put it "
	    "there, and the same instruction was run again.", few.faults);
	draw("After a byte was written to each", &a, &all);
	tour_text("%ld more faults: the %d pages that were there cost nothing "
	    "now. Writing to all once more: %ld faults.", all.faults, FEW,
	    again.faults);

	tour_value("faults_first", few.faults);
	tour_value("faults_rest", all.faults);
	tour_value("faults_again", again.faults);
	tour_value("rss_before_kib", (int64_t)none.smaps.rss);
	tour_value("rss_after_kib", (int64_t)all.smaps.rss);
	tour_check(none.smaps.rss == 0 && none.resident == 0,
	    "nothing was in RAM after mmap");
	tour_check(few.faults >= FEW && few.smaps.rss == FEW * kib,
	    "%d pages touched: %d in RAM, at least as many faults", FEW, FEW);
	tour_check(all.faults >= PAGES - FEW && all.resident == PAGES,
	    "all touched: all %d in RAM", PAGES);
	tour_check(again.faults < all.faults / 2,
	    "the second time is without them: %ld", again.faults);
}

const struct lesson lesson_first_touch = {
	.name = "first-touch",
	.title = "when a promise becomes RAM",
	.track = "address space",
	.minutes = 2,
	.question = "A program asks for 256 pages by mmap(2), and does not use "
	    "them yet. How many pages of RAM does that cost now?",
	.choices = { "256 pages", "one page, for the table", "none of them" },
	.answer = 3,
	.hint = "Would the kernel give something away before anybody looks "
	    "whether it is there?",
	.why = "A mapping is a promise. RAM comes a page at a time, at the "
	    "first touch, by a minor fault. So programs can ask for far more "
	    "than they use, and Size or VIRT says little about what a "
	    "process costs; Rss says more.",
	.next = "write a byte to every second page only, and guess Rss first.",
	.pages = "mmap(2) mincore(2) getrusage(2) proc(5)",
	.measure = measure
};
