/* SPDX-License-Identifier: MIT */
/* filemap - a mapped file, beside read(2) of the same file */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "file.h"
#include "lesson.h"
#include "shmutil/libc.h"

/* show filemap */
/* Write through a mapping; what does read find? */
static char
seen_by_read(int fd, char *map)
{
	char byte = 0;

	map[0] = 'M';		/* no system call */
	if (pread(fd, &byte, 1, 0) != 1)
		return '?';
	return byte;
}
/* end */

static char *
map_of(int fd, size_t size, int flags)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		tour_skip("a file in %s cannot be mapped", lesson_file_where());
	return p;
}

static void
refusals(size_t size)
{
	int fd = lesson_file_read_only(size), shared, private;

	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0) == MAP_FAILED ? errno : 0;
	private = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
	    0) == MAP_FAILED ? errno : 0;
	close(fd);
	tour_step("A file that was opened for reading only");
	tour_line("%-32s %s", "mapped shared, for writing", shared == EACCES ?
	    "EACCES" : "?");
	tour_line("%-32s %s", "mapped private, for writing", private == 0 ?
	    "allowed" : "?");
	tour_text("Shared, a write would reach the file, so it needs the "
	    "right to write to it. Private, it never does.");
	tour_check(shared == EACCES && private == 0,
	    "read-only: EACCES for shared, and private is allowed");
}

static void
measure(void)
{
	size_t size = 2 * page_size();
	int fd = lesson_file(size, 'f');
	char *shared = map_of(fd, size, MAP_SHARED);
	char *private = map_of(fd, size, MAP_PRIVATE);
	char by_read, own, by_map, back, still;
	struct smaps s;

	by_read = seen_by_read(fd, shared);
	private[1] = 'P';
	own = private[1];
	if (pread(fd, &by_map, 1, 1) != 1)
		tour_skip("the file cannot be read");
	smaps_at(0, private, &s);
	madvise(private, size, MADV_DONTNEED);
	back = private[1];
	if (pwrite(fd, "W", 1, 2) != 1)
		tour_skip("the file cannot be written");
	still = shared[2];

	tour_step("Write here, read there");
	tour_code("filemap");
	tour_line("%-38s %c", "shared map writes M, read(2) finds", by_read);
	tour_line("%-38s %c", "write(2) writes W, the map has", still);
	tour_line("%-38s %c", "private map writes P, it has", own);
	tour_line("%-38s %c", "    and read(2) finds", by_map);
	tour_line("%-38s %c", "    after MADV_DONTNEED it has", back);
	tour_step("Why");
	tour_strip("file", "########", 8, "its pages in RAM: the page cache");
	tour_strip("shared", "########", 8, "is these pages");
	tour_strip("private", "+#######", 8, "is, but for what it wrote to");
	tour_key('#', "a page of the file");
	tour_key('+', "a copy that nobody else sees");
	tour_text("%llu KiB of the private mapping are anonymous: copied at "
	    "the first write, and gone with DONTNEED.",
	    (unsigned long long)s.anonymous);
	refusals(size);
	tour_value("anonymous_kib", (int64_t)s.anonymous);
	tour_check(by_read == 'M', "read(2) sees a shared write at once");
	tour_check(still == 'W', "and the mapping sees a write(2)");
	tour_check(own == 'P' && by_map == 'f',
	    "a private write is not in the file");
	tour_check(back == 'f' && s.anonymous == page_size() / 1024,
	    "DONTNEED drops the one page that was copied");
}

const struct lesson lesson_filemap = {
	.name = "filemap",
	.title = "is a mapped file the file?",
	.track = "mappings",
	.minutes = 3,
	.question = "A program maps a file MAP_SHARED and stores an M at its "
	    "begin. Without any other call, another program reads the first "
	    "byte by read(2). What does it get?",
	.choices = { "the old byte, until msync", "M",
	    "the old byte, until munmap" },
	.answer = 2,
	.hint = "read(2) copies from somewhere. Is that the disk?",
	.why = "A file has one set of pages in RAM, the page cache. read and "
	    "write copy from and to them, and a shared mapping is them. So "
	    "all agree at once; only the disk lags behind. A private "
	    "mapping agrees too, but for the pages it has written to.",
	.next = "mmap-sync --residency FILE shows these pages.",
	.pages = "mmap(2) read(2) pread(2) mmap-sync(1)",
	.measure = measure
};
