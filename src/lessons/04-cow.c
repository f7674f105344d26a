/* SPDX-License-Identifier: MIT */
/* cow - what fork copies, and when */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "victim.h"

enum { PAGES = 256, WRITTEN = 10 };

/* show child */
/* The child writes one byte to each of n pages. */
static void
write_pages(volatile char *p, size_t n, size_t page)
{
	for (size_t i = 0; i < n; i++)
		p[i * page] = 2;	/* fault, copy, write */
}
/* end */

/* What the child found; parent and child share it. */
struct found {
	long		faults;
	struct smaps	before, after;
};

static void
child(const struct arena *a, struct found *found, struct turns *turns)
{
	smaps_at(0, a->base, &found->before);
	found->faults = faults_minor();
	write_pages((char *)a->base, WRITTEN, a->page);
	found->faults = faults_minor() - found->faults;
	smaps_at(0, a->base, &found->after);
	turns_give(turns, 1);
	turns_await(turns, 2);
	_exit(0);
}

static size_t
untouched(const struct arena *a)
{
	size_t i, n = 0;

	for (i = 0; i < a->size; i++)
		n += a->base[i] == 1;
	return n;
}

static void
draw(const struct found *found, const struct smaps *mine)
{
	char cells[PAGES];

	memset(cells, '=', sizeof cells);
	tour_step("Right after fork: nothing is copied");
	tour_strip("parent", cells, PAGES, "Rss %llu KiB",
	    (unsigned long long)found->before.rss);
	tour_strip("child", cells, PAGES, "Rss %llu KiB",
	    (unsigned long long)found->before.rss);
	tour_key('=', "shared: the same page of RAM");
	tour_text("fork(2) made the child an address space of its own, but its "
	    "page table points to the parent's pages. Both may only read "
	    "them now, although the mapping is writable.");
	tour_text("Of the child's %llu KiB, %llu are its own.",
	    (unsigned long long)found->before.rss,
	    (unsigned long long)found->before.private_dirty);

	tour_step("The child writes to 10 pages");
	tour_code("child");
	memset(cells, '+', WRITTEN);
	tour_strip("parent", cells, PAGES, "own %llu KiB",
	    (unsigned long long)mine->private_dirty);
	tour_strip("child", cells, PAGES, "own %llu KiB",
	    (unsigned long long)found->after.private_dirty);
	tour_key('=', "shared");
	tour_key('+', "its own: two different pages of RAM");
	tour_text("%ld faults: at each the kernel copied one page.",
	    found->faults);

	tour_step("Who pays for it");
	tour_bar("Rss parent", mine->rss, mine->rss, "KiB");
	tour_bar("Rss child", found->after.rss, mine->rss, "KiB");
	tour_bar("Pss parent", mine->pss, mine->rss, "KiB");
	tour_bar("Pss child", found->after.pss, mine->rss, "KiB");
	tour_text("Rss counts a shared page in full in each process: %llu KiB "
	    "together, which is not what is used. Pss counts half of a page "
	    "that two share: %llu KiB together, which is.",
	    (unsigned long long)(mine->rss + found->after.rss),
	    (unsigned long long)(mine->pss + found->after.pss));
}

static void
judge(const struct arena *a, const struct found *found,
    const struct smaps *mine)
{
	uint64_t kib = a->page / 1024, own = WRITTEN * kib;

	tour_value("page_kib", (int64_t)kib);
	tour_value("child_own_before_kib",
	    (int64_t)found->before.private_dirty);
	tour_value("child_own_kib", (int64_t)found->after.private_dirty);
	tour_value("child_shared_kib", (int64_t)found->after.shared_dirty);
	tour_value("parent_own_kib", (int64_t)mine->private_dirty);
	tour_value("parent_pss_kib", (int64_t)mine->pss);
	tour_value("child_faults", found->faults);
	tour_check(found->before.private_dirty == 0,
	    "right after fork the child owned nothing of it");
	tour_check(found->after.private_dirty == own &&
	    found->after.shared_dirty == (PAGES - WRITTEN) * kib,
	    "the child owns %llu KiB, the %d pages that it wrote",
	    (unsigned long long)found->after.private_dirty, WRITTEN);
	tour_check(mine->private_dirty == own,
	    "so does the parent: of those nobody else has its own");
	tour_check(found->faults >= WRITTEN, "at least %d faults: %ld",
	    WRITTEN, found->faults);
	tour_check(untouched(a) == a->size,
	    "no byte of the parent has changed");
}

static void
measure(void)
{
	struct found *found = lesson_shared(sizeof *found);
	struct smaps mine;
	struct turns turns;
	struct arena a;
	pid_t pid;

	turns_open(&turns);
	arena_open(&a, PAGES);
	memset(a.base, 1, a.size);
	pid = lesson_fork();
	if (pid == 0)
		child(&a, found, &turns);
	turns_await(&turns, 1);
	smaps_at(0, a.base, &mine);
	turns_give(&turns, 2);
	lesson_wait(pid);
	draw(found, &mine);
	judge(&a, found, &mine);
}

const struct lesson lesson_cow = {
	.name = "cow",
	.title = "what fork copies, and when",
	.track = "address space",
	.minutes = 3,
	.question = "This process owns 256 pages, all written. It calls "
	    "fork(), and the child writes one byte to each of 10 pages. How "
	    "much of the 256 pages does the child then own alone?",
	.choices = { "nothing", "10 pages", "256 pages" },
	.answer = 2,
	.hint = "A copy is made as late as it can be: at the first write. The "
	    "unit of the kernel is the page, however little of it is written.",
	.why = "fork copied page tables, not pages. Each first write to a page "
	    "that two share costs one fault and one copy of it: copy on "
	    "write. So fork of a large process is cheap, and what is costly "
	    "is writing afterwards, on either side.",
	.next = "compare Rss with Pss in /proc/$$/smaps_rollup, your shell's.",
	.pages = "fork(2) proc(5) getrusage(2)",
	.measure = measure
};
