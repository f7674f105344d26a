/* SPDX-License-Identifier: MIT */
/* advise - what a program may tell the kernel about its pages */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

#ifndef MADV_COLD
#define MADV_COLD	20
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

enum { PAGES = 64 };

/* show drop */
/* Give the pages back, and read a byte of them. */
static int
drop(char *p, size_t size)
{
	memset(p, 7, size);
	madvise(p, size, MADV_DONTNEED);
	return p[0];
}
/* end */

static void
dontneed(void)
{
	struct smaps before, after;
	struct arena a;
	char cells[PAGES];
	int byte;

	arena_open(&a, PAGES);
	memset(a.base, 7, a.size);
	smaps_at(0, a.base, &before);
	byte = drop((char *)a.base, a.size);
	arena_cells(&a, cells);
	smaps_at(0, a.base, &after);
	tour_step("DONTNEED: give pages back, keep the addresses");
	tour_code("drop");
	tour_strip("pages", cells, PAGES, "Rss %llu -> %llu KiB",
	    (unsigned long long)before.rss, (unsigned long long)after.rss);
	tour_key('#', "since a byte was read: the page of zeros");
	tour_key('.', "given back");
	tour_text("What was 7 reads as %d. On Linux this advice is an order: "
	    "private pages are gone at once.", byte);
	tour_value("dontneed_rss_before_kib", (int64_t)before.rss);
	tour_value("dontneed_rss_after_kib", (int64_t)after.rss);
	tour_check(byte == 0 && after.rss == 0 && before.rss ==
	    PAGES * a.page / 1024, "DONTNEED: all RAM given back, zero read");
}

/* Pages that may go when RAM is short; here they stay a while. */
static void
lazy(void)
{
	struct smaps s;
	struct arena a;

	arena_open(&a, PAGES);
	memset(a.base, 7, a.size);
	if (madvise(a.base, a.size, MADV_FREE) != 0) {
		tour_lacks("MADV_FREE is not known here");
		return;
	}
	smaps_at(0, a.base, &s);
	tour_bar("Rss", s.rss, s.rss, "KiB");
	tour_bar("LazyFree", s.lazy_free, s.rss, "KiB");
	tour_value("free_lazy_kib", (int64_t)s.lazy_free);
	tour_check(s.lazy_free > 0 || s.rss == 0,
	    "FREE: some of them are marked, or gone already");
}

/* What a child of the page sees: its first byte, or -1 if it is not mapped. */
static void
child_view(void *arg)
{
	const struct arena *a = arg;
	unsigned char in_ram;

	if (mincore(a->base, a->page, &in_ram) == -1)
		_exit(200);
	_exit(a->base[0]);
}

static int
seen_by_child(int advice)
{
	struct victim v;
	struct arena a;

	arena_open(&a, 1);
	a.base[0] = 7;
	if (advice != 0 && madvise(a.base, a.size, advice) != 0)
		return -1;
	victim_run(child_view, &a, &v);
	return v.exited;
}

static void
for_child(void)
{
	int plain = seen_by_child(0), wipe = seen_by_child(MADV_WIPEONFORK),
	    dont = seen_by_child(MADV_DONTFORK);

	tour_step("What a child shall see");
	tour_line("%-14s %s", "advice", "a page with 7, seen by the child");
	tour_line("%-14s %d", "none", plain);
	tour_check(plain == 7, "without advice the child reads 7");
	if (wipe == -1) {
		tour_lacks("MADV_WIPEONFORK is not known here");
	} else {
		tour_line("%-14s %d", "WIPEONFORK", wipe);
		tour_check(wipe == 0, "WIPEONFORK: the child reads 0");
	}
	tour_line("%-14s %s", "DONTFORK", dont == 200 ? "no such mapping" :
	    "something");
	tour_check(dont == 200, "DONTFORK: the child has no such mapping");
	tour_text("WIPEONFORK is for keys and random seeds that no child "
	    "may share; DONTFORK for memory that a device writes to.");
	tour_value("child_wipe", wipe);
}

/* A shared mapping is a file in RAM: DONTNEED does not lose its content, and
 * REMOVE does. */
static void
shared(void)
{
	size_t size = PAGES * page_size();
	char *p = lesson_shared(size);
	int kept, removed;

	memset(p, 7, size);
	madvise(p, size, MADV_DONTNEED);
	kept = *(volatile char *)p;
	removed = madvise(p, size, MADV_REMOVE) == 0 ?
	    *(volatile char *)p : -1;
	tour_step("The same words for shared memory");
	tour_line("%-14s %s", "advice", "then a byte that was 7 reads as");
	tour_line("%-14s %d", "DONTNEED", kept);
	tour_check(kept == 7, "DONTNEED of shared memory loses nothing");
	if (removed == -1) {
		tour_lacks("MADV_REMOVE is not possible here");
	} else {
		tour_line("%-14s %d", "REMOVE", removed);
		tour_check(removed == 0, "REMOVE punches the hole");
	}
	tour_text("Shared pages belong to an object, and DONTNEED only takes "
	    "them out of this page table. To free them for everybody there "
	    "is REMOVE.");
}

/* Advice that changes no byte, and shows in /proc/self/smaps. */
static void
flagged(const char *advice, int value, const char *flag, const char *claim)
{
	struct smaps s;
	struct arena a;

	arena_open(&a, 1);
	if (madvise(a.base, a.size, value) != 0) {
		tour_lacks("MADV_%s is not known here", advice);
		return;
	}
	smaps_at(0, a.base, &s);
	if (s.flags[0] == '\0') {
		tour_lacks("smaps has no VmFlags here");
		return;
	}
	tour_line("%-14s VmFlags:%s %s", advice, strstr(s.flags, flag) != NULL ?
	    "" : " no", flag);
	tour_check(strstr(s.flags, flag) != NULL, "%s", claim);
}

static void
cold(void)
{
	struct smaps before, after;
	struct arena a;

	arena_open(&a, PAGES);
	memset(a.base, 7, a.size);
	smaps_at(0, a.base, &before);
	if (madvise(a.base, a.size, MADV_COLD) != 0) {
		tour_lacks("MADV_COLD is not known here");
		return;
	}
	smaps_at(0, a.base, &after);
	tour_line("%-14s Referenced: %llu -> %llu KiB", "COLD",
	    (unsigned long long)before.referenced,
	    (unsigned long long)after.referenced);
	tour_value("cold_referenced_kib", (int64_t)after.referenced);
	tour_check(a.base[0] == 7 && after.rss == before.rss &&
	    (before.referenced == 0 || after.referenced < before.referenced),
	    "COLD: pages stay, and count as long unused");
}

static void
populate(void)
{
	char cells[PAGES];
	struct arena a;
	size_t n;

	arena_open(&a, PAGES);
	if (madvise(a.base, a.size, MADV_POPULATE_WRITE) != 0) {
		tour_lacks("MADV_POPULATE_WRITE is not known here");
		return;
	}
	n = arena_cells(&a, cells);
	tour_line("%-14s %zu of %d pages in RAM, none touched",
	    "POPULATE_WRITE", n, PAGES);
	tour_check(n == PAGES, "POPULATE_WRITE: all there before any touch");
}

static void
books(void)
{
	tour_step("Advice that changes no byte");
	tour_line("%-14s %s", "advice", "what then shows in smaps and mincore");
	cold();
	populate();
	flagged("DONTDUMP", MADV_DONTDUMP, "dd",
	    "DONTDUMP: left out of a core file");
	flagged("MERGEABLE", MADV_MERGEABLE, "mg",
	    "MERGEABLE: offered to ksmd");
	tour_text("COLD pages go first when RAM is short; populated ones are "
	    "paid for now; DONTDUMP keeps them out of a core file; equal "
	    "MERGEABLE pages become one, where ksmd runs.");
}

static void
measure(void)
{
	dontneed();
	tour_step("FREE: take it when you need it");
	lazy();
	tour_text("Marked pages stay in RAM until it is short; whoever writes "
	    "to one before that keeps it. Cheaper than DONTNEED for an "
	    "allocator that reuses its memory soon.");
	for_child();
	shared();
	books();
}

const struct lesson lesson_advise = {
	.name = "advise",
	.title = "what you may tell the kernel",
	.track = "mappings",
	.minutes = 4,
	.question = "A program fills 64 private pages with the byte 7, and "
	    "calls madvise(MADV_DONTNEED). What does it read there then?",
	.choices = { "7: it is only advice", "0", "a fault" },
	.answer = 2,
	.hint = "POSIX has an advice of this name that changes nothing. Is "
	    "that the one?",
	.why = "Most advice is about speed and may be ignored. DONTNEED, "
	    "REMOVE and FREE are not: they let go of content. And for a "
	    "private mapping there is no file to read it back from, so it "
	    "is zeros. Allocators give memory back this way.",
	.next = "shm-attach --advise has all words that there are.",
	.pages = "madvise(2) posix_madvise(3) shm-attach(1)",
	.measure = measure
};
