/* SPDX-License-Identifier: MIT */
/* msync - when what was written to a mapping is on the disk */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "file.h"
#include "lesson.h"
#include "shmutil/libc.h"

enum { PAGES = 64 };

/* show dirty */
/* Write one byte to each of n pages of a file. */
static void
dirty(volatile char *map, size_t n, size_t page)
{
	for (size_t i = 0; i < n; i++)
		map[i * page]++;
}
/* end */

static uint64_t
dirty_kib(const void *map)
{
	struct smaps s;

	smaps_at(0, map, &s);
	return s.private_dirty + s.shared_dirty;
}

static void
measure(void)
{
	size_t page = page_size(), size = PAGES * page;
	int fd = lesson_file(size, 'x'), both, odd, sync;
	uint64_t written, async, synced, all = size / 1024;
	long first, again;
	char *p;

	lesson_needs_disk(fd);
	fsync(fd);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		tour_skip("a file in %s cannot be mapped", lesson_file_where());
	dirty(p, PAGES, page);
	written = dirty_kib(p);
	msync(p, size, MS_ASYNC);
	async = dirty_kib(p);
	sync = msync(p, size, MS_SYNC);
	synced = dirty_kib(p);
	first = faults_minor();
	dirty(p, 1, page);
	first = faults_minor() - first;
	again = faults_minor();
	dirty(p, 1, page);
	again = faults_minor() - again;
	both = msync(p, size, MS_SYNC | MS_ASYNC) == -1 ? errno : 0;
	odd = msync(p + 1, 1, MS_SYNC) == -1 ? errno : 0;

	tour_step("64 pages of a file, each written to");
	tour_code("dirty");
	tour_bar("written", written, all, "KiB dirty");
	tour_bar("MS_ASYNC", async, all, "KiB dirty");
	tour_bar("MS_SYNC", synced, all, "KiB dirty");
	tour_text("MS_ASYNC only says that there is something to write, which "
	    "Linux knows: it does nothing. MS_SYNC writes, and waits until "
	    "the disk has it.");
	tour_step("After the sync");
	tour_line("%-34s %ld", "faults of the next write to a page", first);
	tour_line("%-34s %ld", "faults of the one after that", again);
	tour_line("%-34s %s", "MS_SYNC and MS_ASYNC together",
	    both == EINVAL ? "EINVAL" : "?");
	tour_line("%-34s %s", "an address within a page", odd == EINVAL ?
	    "EINVAL" : "?");
	tour_text("To know which pages are dirty the kernel makes the clean "
	    "ones read-only again: the first write to each faults, and that "
	    "is how it learns.");
	tour_value("dirty_written_kib", (int64_t)written);
	tour_value("dirty_synced_kib", (int64_t)synced);
	if (written < all || async < all)
		tour_unsure("the kernel wrote pages back on its own meanwhile");
	tour_check(async == all, "after MS_ASYNC all is dirty still");
	tour_check(sync == 0 && synced == 0, "after MS_SYNC nothing is");
	tour_check(first >= 1 && again <= first,
	    "the next write to a clean page is a fault");
	tour_check(both == EINVAL && odd == EINVAL,
	    "both flags, or an odd address, are EINVAL");
}

const struct lesson lesson_msync = {
	.name = "msync",
	.title = "when it reaches the disk",
	.track = "mappings",
	.minutes = 3,
	.question = "A program writes to 64 pages of a mapped file and calls "
	    "msync(MS_ASYNC). How many of them are still dirty right after?",
	.choices = { "none: they were written", "all 64",
	    "about half, the disk is slow" },
	.answer = 2,
	.hint = "The page cache already knows what is dirty, and writes it "
	    "some time. What is left to do?",
	.why = "A store changes a page in RAM, and some seconds later the "
	    "kernel writes it. Only MS_SYNC, or fsync(2), waits for the disk, "
	    "and only their status tells whether it worked. Use one call for "
	    "the whole range.",
	.next = "mmap-sync -x FILE shows which call it takes.",
	.pages = "msync(2) fsync(2) mmap-sync(1)",
	.measure = measure
};
