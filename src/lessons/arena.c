/* SPDX-License-Identifier: MIT */
/* arena.c - pages with nothing beside them, and their figures; see arena.h */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "shmutil/pages.h"

size_t
page_size(void)
{
	return shmu_pages_size();
}

void
arena_open(struct arena *a, size_t pages)
{
	unsigned char *p;

	a->page = page_size();
	a->pages = pages;
	a->size = pages * a->page;
	p = mmap(NULL, a->size + 2 * a->page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		tour_skip("%zu pages cannot be had", pages + 2);
	a->base = p + a->page;
	madvise(a->base, a->size, MADV_NOHUGEPAGE);
	if (mprotect(a->base, a->size, PROT_READ | PROT_WRITE) != 0)
		tour_skip("%zu pages cannot be written to", pages);
}

size_t
arena_cells(const struct arena *a, char *cells)
{
	size_t i, n = 0;

	if (shmu_pages_map(a->base, a->size, (unsigned char *)cells) != 0)
		tour_skip("mincore(2) does not work here");
	for (i = 0; i < a->pages; i++) {
		n += cells[i] & 1;
		cells[i] = cells[i] & 1 ? '#' : '.';
	}
	return n;
}

/* The lines of a file in /proc, by read(2) only: stdio would use the heap. */
struct lines {
	int	fd;
	size_t	from, to;
	char	buf[8192];
};

static int
lines_open(struct lines *l, pid_t pid, const char *name)
{
	char path[64];

	if (name[0] == '/')
		snprintf(path, sizeof path, "%s", name);
	else if (pid == 0)
		snprintf(path, sizeof path, "/proc/self/%s", name);
	else
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	l->from = l->to = 0;
	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	return l->fd == -1 ? -1 : 0;
}

static char *
lines_next(struct lines *l)
{
	char *line, *end;
	ssize_t n;

	for (;;) {
		line = l->buf + l->from;
		end = memchr(line, '\n', l->to - l->from);
		if (end != NULL) {
			*end = '\0';
			l->from = (size_t)(end - l->buf) + 1;
			return line;
		}
		memmove(l->buf, line, l->to - l->from);
		l->to -= l->from;
		l->from = 0;
		n = read(l->fd, l->buf + l->to, sizeof l->buf - l->to);
		if (n <= 0)
			return NULL;
		l->to += (size_t)n;
	}
}

/* "FROM-TO PERM OFFSET DEV INODE   NAME" */
static int
parse_maps(const char *line, struct maps_line *m)
{
	const char *name;
	char *end;

	m->from = (uintptr_t)strtoull(line, &end, 16);
	if (*end != '-')
		return 0;
	m->to = (uintptr_t)strtoull(end + 1, &end, 16);
	if (*end != ' ')
		return 0;
	snprintf(m->prot, sizeof m->prot, "%s", end + 1);
	name = strpbrk(end, "/[");
	snprintf(m->name, sizeof m->name, "%s", name == NULL ? "" : name);
	return 1;
}

int
maps_at(pid_t pid, const void *addr, struct maps_line *out)
{
	struct lines l;
	char *line;
	int found = 0;

	if (lines_open(&l, pid, "maps") == -1)
		return 0;
	while (!found && (line = lines_next(&l)) != NULL)
		found = parse_maps(line, out) && (uintptr_t)addr >= out->from &&
		    (uintptr_t)addr < out->to;
	close(l.fd);
	return found;
}

size_t
maps_count(const void *from, const void *to)
{
	struct maps_line m;
	struct lines l;
	char *line;
	size_t n = 0;

	if (lines_open(&l, 0, "maps") == -1)
		return 0;
	while ((line = lines_next(&l)) != NULL)
		n += parse_maps(line, &m) && m.from < (uintptr_t)to &&
		    m.to > (uintptr_t)from;
	close(l.fd);
	return n;
}

static void
smaps_field(const char *line, struct smaps *s)
{
	const struct {
		const char	*key;
		uint64_t	*value;
	} fields[] = {
		{ "Size:", &s->size }, { "Rss:", &s->rss }, { "Pss:", &s->pss },
		{ "Shared_Clean:", &s->shared_clean },
		{ "Shared_Dirty:", &s->shared_dirty },
		{ "Private_Clean:", &s->private_clean },
		{ "Private_Dirty:", &s->private_dirty },
		{ "Referenced:", &s->referenced },
		{ "Anonymous:", &s->anonymous },
		{ "LazyFree:", &s->lazy_free },
		{ "AnonHugePages:", &s->anon_huge }, { "Locked:", &s->locked }
	};
	size_t i, len;

	if (strncmp(line, "VmFlags:", 8) == 0)
		snprintf(s->flags, sizeof s->flags, "%s", line + 8);
	for (i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		len = strlen(fields[i].key);
		if (strncmp(line, fields[i].key, len) == 0)
			*fields[i].value = strtoull(line + len, NULL, 10);
	}
}

int
smaps_at(pid_t pid, const void *addr, struct smaps *out)
{
	struct maps_line m;
	struct lines l;
	char *line;
	int inside = 0, found = 0;

	memset(out, 0, sizeof *out);
	if (lines_open(&l, pid, "smaps") == -1)
		tour_skip("/proc/PID/smaps cannot be read");
	while ((line = lines_next(&l)) != NULL) {
		if (parse_maps(line, &m)) {
			if (inside)
				break;
			inside = (uintptr_t)addr >= m.from &&
			    (uintptr_t)addr < m.to;
			found |= inside;
		} else if (inside) {
			smaps_field(line, out);
		}
	}
	close(l.fd);
	return found;
}

int64_t
proc_kib(const char *path, const char *key)
{
	struct lines l;
	char *line;
	int64_t n = -1;
	size_t len = strlen(key);

	if (lines_open(&l, 0, path) == -1)
		return -1;
	while (n == -1 && (line = lines_next(&l)) != NULL)
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			n = strtoll(line + len + 1, NULL, 10);
	close(l.fd);
	return n;
}

static struct rusage
usage(void)
{
	struct rusage r;

	memset(&r, 0, sizeof r);
	getrusage(RUSAGE_SELF, &r);
	return r;
}

long
faults_minor(void)
{
	return usage().ru_minflt;
}

long
faults_major(void)
{
	return usage().ru_majflt;
}
