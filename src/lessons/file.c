/* SPDX-License-Identifier: MIT */
/* file.c - files for lessons; see file.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "file.h"
#include "lesson.h"
#include "shmutil/sys.h"

/* A disk, as far as the page cache goes: what is dirty is written back, and
 * what is clean can be dropped and read again. */
static int
is_disk(const char *path)
{
	static const long disks[] = { 0xef53 /* ext4 */,
		0x58465342 /* xfs */, 0x9123683e /* btrfs */,
		0xf2f52010 /* f2fs */ };
	struct statfs s;
	size_t i;

	if (statfs(path, &s) == -1)
		return 0;
	for (i = 0; i < sizeof disks / sizeof disks[0]; i++)
		if ((long)s.f_type == disks[i])
			return 1;
	return 0;
}

const char *
lesson_file_where(void)
{
	const char *dirs[] = { getenv("TMPDIR"), "/var/tmp", getenv("HOME"),
		"/tmp" };
	const char *any = NULL;
	size_t i;

	for (i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		if (dirs[i] == NULL || access(dirs[i], W_OK | X_OK) == -1)
			continue;
		if (is_disk(dirs[i]))
			return dirs[i];
		if (any == NULL)
			any = dirs[i];
	}
	return any != NULL ? any : "/tmp";
}

int
lesson_file(size_t size, char fill)
{
	const char *where = lesson_file_where();
	int fd = open(where, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char buf[4096];
	size_t done = 0, n;

	if (fd == -1)
		tour_skip("no unnamed file can be made in %s: %s", where,
		    shmu_sys_errname(errno));
	memset(buf, fill, sizeof buf);
	for (; done < size; done += n) {
		n = size - done < sizeof buf ? size - done : sizeof buf;
		if (write(fd, buf, n) != (ssize_t)n)
			tour_skip("%s has no room for %zu bytes", where, size);
	}
	return fd;
}

int
lesson_file_read_only(size_t size)
{
	int fd = lesson_file(size, 'r'), again;
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again == -1)
		tour_skip("a file cannot be opened again through /proc");
	close(fd);
	return again;
}

void
lesson_needs_disk(int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!is_disk(path))
		tour_skip("%s is on no disk that this lesson knows: set "
		    "TMPDIR to one", lesson_file_where());
}
