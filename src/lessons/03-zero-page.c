/* SPDX-License-Identifier: MIT */
/* zero-page - what reading memory costs that nobody has written to */
#include "config.h"

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"

enum { PAGES = 64 };

/* show sum */
/* Read one byte of each of n pages. */
static long
sum(const volatile char *p, size_t n, size_t page)
{
	long total = 0;

	for (size_t i = 0; i < n; i++)
		total += p[i * page];
	return total;
}
/* end */

static void
touch(volatile char *p, size_t n, size_t page)
{
	for (size_t i = 0; i < n; i++)
		p[i * page] = 1;
}

static void
draw(const char *title, const char *cells, const struct smaps *s, long faults)
{
	tour_step(title);
	tour_strip("mincore", cells, PAGES, "Rss %llu KiB",
	    (unsigned long long)s->rss);
	tour_key('#', "a page is mapped");
	tour_key('.', "none is");
	tour_bar("faults", (uint64_t)faults, PAGES, "");
}

static void
measure(void)
{
	char read_cells[PAGES], written_cells[PAGES];
	struct smaps after_read, after_write;
	long read_faults, write_faults, total;
	size_t mapped;
	struct arena a;

	arena_open(&a, PAGES);
	read_faults = faults_minor();
	total = sum((char *)a.base, PAGES, a.page);
	read_faults = faults_minor() - read_faults;
	mapped = arena_cells(&a, read_cells);
	smaps_at(0, a.base, &after_read);
	write_faults = faults_minor();
	touch((char *)a.base, PAGES, a.page);
	write_faults = faults_minor() - write_faults;
	arena_cells(&a, written_cells);
	smaps_at(0, a.base, &after_write);

	draw("A byte of each page was read", read_cells, &after_read,
	    read_faults);
	tour_code("sum");
	tour_text("The sum is %ld: fresh memory reads as zero. There were "
	    "faults, and mincore(2) sees pages, yet Rss is %llu: all of them "
	    "are one page of zeros that the kernel has for everybody.", total,
	    (unsigned long long)after_read.rss);
	draw("And then a byte was written to each", written_cells, &after_write,
	    write_faults);
	tour_text("The page of zeros may only be read. The first write to each "
	    "address faults again, and gets a page of its own.");

	tour_value("read_faults", read_faults);
	tour_value("write_faults", write_faults);
	tour_value("rss_read_kib", (int64_t)after_read.rss);
	tour_value("rss_written_kib", (int64_t)after_write.rss);
	tour_check(total == 0, "fresh memory is zero");
	tour_check(read_faults >= PAGES && mapped == PAGES,
	    "reading mapped all %d pages, with a fault for each", PAGES);
	tour_check(after_read.rss == 0, "and took no RAM");
	tour_check(write_faults >= PAGES &&
	    after_write.rss == PAGES * a.page / 1024,
	    "writing faulted again for each, and took %llu KiB",
	    (unsigned long long)after_write.rss);
}

const struct lesson lesson_zero_page = {
	.name = "zero-page",
	.title = "what reading fresh memory costs",
	.track = "address space",
	.minutes = 2,
	.question = "A program maps 64 fresh pages and only reads a byte of "
	    "each. How much RAM do these reads take?",
	.choices = { "64 pages", "none of its own", "it crashes" },
	.answer = 2,
	.hint = "What would be in those pages? Is that different in each?",
	.why = "Reading what nobody has written can only give zeros, so one "
	    "page of zeros serves all. It is copied at the first write, as "
	    "after fork. So calloc of a large block is nearly free, and "
	    "sparse tables cost what is written to them.",
	.next = "read first and write later: count the faults that costs.",
	.pages = "mmap(2) mincore(2) getrusage(2)",
	.measure = measure
};
