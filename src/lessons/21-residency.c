/* SPDX-License-Identifier: MIT */
/* residency - which pages of a file are in RAM, and who decides */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "file.h"
#include "lesson.h"
#include "shmutil/libc.h"

enum { PAGES = 48, MIDDLE = 20 };

/* show count */
/* How many pages of the mapping are in RAM? */
static size_t
count(void *map, size_t size, unsigned char *vec,
    size_t n)
{
	size_t in_ram = 0;

	if (mincore(map, size, vec) != 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		in_ram += vec[i] & 1;
	return in_ram;
}
/* end */

/* What is read ahead arrives a little later than what was asked for: so wait
 * for more than one page, but not for ever. */
static void
wait_for_more(char *map, size_t size)
{
	unsigned char vec[PAGES];
	int i;

	for (i = 0; i < 200 && count(map, size, vec, PAGES) <= 1; i++)
		poll(NULL, 0, 10);
}

static size_t
strip(const char *label, char *map, size_t size)
{
	unsigned char vec[PAGES];
	char cells[PAGES];
	size_t i, n = count(map, size, vec, PAGES);

	for (i = 0; i < PAGES; i++)
		cells[i] = vec[i] & 1 ? '#' : '.';
	tour_strip(label, cells, PAGES, "%zu of %d", n, PAGES);
	return n;
}

/* Drop the file from RAM; another reader may bring it back. */
static size_t
evict(int fd, char *map, size_t size)
{
	unsigned char vec[PAGES];

	madvise(map, size, MADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return count(map, size, vec, PAGES);
}

static size_t
touched(int fd, char *map, size_t size, int advice, const char *label)
{
	evict(fd, map, size);
	madvise(map, size, advice);
	(void)*(volatile char *)(map + MIDDLE * page_size());
	wait_for_more(map, size);
	return strip(label, map, size);
}

static void
measure(void)
{
	size_t size = PAGES * page_size(), gone, one, many, ahead, out, i;
	int fd = lesson_file(size, 'x'), paged_out;
	char *p;
	long major;

	lesson_needs_disk(fd);
	if (fsync(fd) == -1)
		tour_skip("%s cannot be synced", lesson_file_where());
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		tour_skip("a file in %s cannot be mapped", lesson_file_where());
	gone = evict(fd, p, size);
	if (gone > 0)
		tour_unsure("%zu pages did not leave RAM", gone);
	tour_step("One byte is read, with different advice");
	tour_code("count");
	strip("evicted", p, size);
	madvise(p, size, MADV_RANDOM);
	major = faults_major();
	(void)*(volatile char *)(p + MIDDLE * page_size());
	major = faults_major() - major;
	one = strip("RANDOM", p, size);
	many = touched(fd, p, size, MADV_NORMAL, "NORMAL");
	tour_key('#', "in RAM");
	tour_key('.', "on the disk only");
	tour_text("%ld major fault: the program waited for the disk. Without "
	    "the advice RANDOM the kernel reads what is near as well, since "
	    "most programs go on.", major);
	tour_step("Ask before, and send away");
	evict(fd, p, size);
	madvise(p, size, MADV_WILLNEED);
	wait_for_more(p, size);
	ahead = strip("WILLNEED", p, size);
	/* It takes what is mapped, which a page is once it was touched. */
	for (i = 0; i < PAGES; i++)
		(void)*(volatile char *)(p + i * page_size());
	paged_out = madvise(p, size, MADV_PAGEOUT);
	out = strip("PAGEOUT", p, size);
	tour_key('#', "in RAM");
	tour_key('.', "on the disk only");
	tour_text("WILLNEED starts to read before you need it, PAGEOUT lets "
	    "go of what you do not.");
	tour_value("major_faults", major);
	tour_value("random", (int64_t)one);
	tour_check(one == 1, "RANDOM: the touched page came, and no other");
	tour_check(many > 1, "NORMAL: others came with it");
	tour_check(ahead > 1, "WILLNEED: they came without being touched");
	if (paged_out != 0)
		tour_lacks("PAGEOUT is not known here");
	else
		tour_check(out < ahead, "PAGEOUT: some went");
}

const struct lesson lesson_residency = {
	.name = "residency",
	.title = "which pages are in RAM now",
	.track = "mappings",
	.minutes = 4,
	.question = "Nothing of a mapped file is in RAM. A program reads one "
	    "byte in its middle. How many pages come into RAM?",
	.choices = { "one", "several: those near it too",
	    "the whole file, whatever its size" },
	.answer = 2,
	.hint = "A disk takes as long for 30 pages as for one.",
	.why = "The kernel reads ahead, for who reads one page mostly reads "
	    "the next. madvise says how you go on: RANDOM turns that off, "
	    "WILLNEED starts it early. mincore(2) shows what is there; for a "
	    "file that you may not write it tells you nothing.",
	.next = "mmap-sync --evict --residency FILE.",
	.pages = "mincore(2) madvise(2) posix_fadvise(2) mmap-sync(1)",
	.measure = measure
};
