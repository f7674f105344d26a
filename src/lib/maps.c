/* SPDX-License-Identifier: MIT */
/*
 * maps.c - the shared mappings of a process
 *
 * Since Linux 6.11 the kernel can be asked for the next shared mapping.  Most
 * processes have none, so this saves nearly all of the work; before, all
 * mappings are to be read as text.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "look.h"

/* <linux/fs.h> of 6.11: struct procmap_query. */
struct query {
	uint64_t	size, flags, address;
	uint64_t	start, end, perms, page, offset, ino;
	uint32_t	major, minor;
	uint32_t	name_size, build_size;
	uint64_t	name, build;
};
#define QUERY		_IOWR('f', 17, struct query)
#define QUERY_WRITABLE	0x02
#define QUERY_SHARED	0x08
#define QUERY_NEXT	0x10	/* at address or behind */

static int
query(int fd, struct shmu_map *map,
    int (*each)(void *, const struct shmu_map *), void *arg)
{
	struct query q = { .size = sizeof q };
	int r;

	for (q.end = 0;;) {
		q.flags = QUERY_SHARED | QUERY_NEXT;
		q.address = q.end;
		q.name = (uintptr_t)map->name;
		q.name_size = sizeof map->name;
		r = (int)syscall(SYS_ioctl, fd, QUERY, &q);
		if (r == -1 && errno == ENAMETOOLONG) {
			q.name_size = 0;
			q.name = 0;
			r = (int)syscall(SYS_ioctl, fd, QUERY, &q);
		}
		if (r == -1 && errno == ESRCH)
			return 1;
		if (r == -1)
			return errno == ENOENT ? 0 : -1;
		if (q.name_size == 0)
			map->name[0] = '\0';
		map->start = q.start;
		map->end = q.end;
		map->offset = q.offset;
		map->page = q.page;
		map->dev = makedev(q.major, q.minor);
		map->ino = q.ino;
		map->writable = (q.perms & QUERY_WRITABLE) != 0;
		if (each(arg, map) == -1)
			return -1;
	}
}

/* A newline in a name is written \012. */
static void
unescape(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from != '\0' && n + 1 < size; n++)
		if (strncmp(from, "\\012", 4) == 0) {
			to[n] = '\n';
			from += 4;
		} else
			to[n] = *from++;
	to[n] = '\0';
}

/* "start-end perms offset major:minor inode      name"; 0 when it is no shared
 * mapping. */
static int
parse(struct shmu_map *map, const char *line)
{
	unsigned long major, minor;
	char *p;

	map->start = strtoull(line, &p, 16);
	if (*p != '-')
		return 0;
	map->end = strtoull(p + 1, &p, 16);
	if (strlen(p) < 5 || p[0] != ' ' || p[4] != 's')
		return 0;
	map->writable = p[2] == 'w';
	map->offset = strtoull(p + 5, &p, 16);
	major = strtoul(p, &p, 16);
	if (*p != ':')
		return 0;
	minor = strtoul(p + 1, &p, 16);
	map->dev = makedev((unsigned int)major, (unsigned int)minor);
	map->ino = (ino_t)strtoull(p, &p, 10);
	map->page = 0;
	unescape(map->name, sizeof map->name, p + strspn(p, " "));
	return 1;
}

static int
text(int fd, struct shmu_map *map, int (*each)(void *, const struct shmu_map *),
    void *arg)
{
	FILE *f = fdopen(fd, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int r = 0;

	if (f == NULL) {
		close(fd);
		return -1;
	}
	while (r == 0 && (n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (parse(map, line))
			r = each(arg, map);
	}
	if (r == 0 && ferror(f))
		r = -1;
	free(line);
	fclose(f);
	return r;
}

const char *
shmu_proc_path(char buf[SHMU_PROC_PATH], pid_t pid, const char *file)
{
	char digits[16], *p = digits + sizeof digits, *to = buf;

	do {
		*--p = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0);
	while (p < digits + sizeof digits)
		*to++ = *p++;
	*to++ = '/';
	while ((*to = *file++) != '\0')
		to++;
	return buf;
}

int
shmu_maps(int proc, pid_t pid, int *as_text, struct shmu_map *map,
    int (*each)(void *, const struct shmu_map *), void *arg)
{
	char path[SHMU_PROC_PATH];
	int fd, r, err;

	fd = openat(proc, shmu_proc_path(path, pid, "maps"),
	    O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (!*as_text) {
		r = query(fd, map, each, arg);
		if (r != -1 || errno != ENOTTY) {
			err = errno;
			close(fd);
			errno = err;
			return r;
		}
		*as_text = 1;
	}
	return text(fd, map, each, arg);
}
