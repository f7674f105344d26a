/* SPDX-License-Identifier: MIT */
/* holders.c - look at every process once; see shmutil/inventory.h */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "info.h"
#include "scan.h"

static void
namespace_of(const struct scan *s, pid_t pid, char ns[sizeof s->ipc])
{
	char path[SHMU_PROC_PATH];
	ssize_t n = readlinkat(s->proc, shmu_proc_path(path, pid, "ns/ipc"), ns,
	    sizeof s->ipc - 1);

	ns[n > 0 ? n : 0] = '\0';
}

/* Ids mean nothing in another ipc namespace. */
static int
same_namespace(struct scan *s)
{
	char ns[sizeof s->ipc];
	pid_t listed = s->inv->spec.ns;

	if (s->ipc[0] == '\0')
		namespace_of(s, listed != 0 ? listed : getpid(), s->ipc);
	if (s->same_ns == -1) {
		namespace_of(s, s->pid, ns);
		s->same_ns = ns[0] != '\0' && strcmp(ns, s->ipc) == 0;
	}
	return s->same_ns;
}

/* What stat tells of an item that was found at a holder. */
static void
fill(struct shmu_item *item, const struct stat *st)
{
	shmu_info_of_stat(&item->info, SHMU_PIDFD, st);
	item->known |= SHMU_KNOWN_SIZE | SHMU_KNOWN_ALLOCATED |
		       SHMU_KNOWN_OWNER;
}

/* Who has no descriptor left has the mapping; the way through it needs
 * CAP_CHECKPOINT_RESTORE.  Otherwise it has at least what is mapped. */
static void
fill_mapped(struct scan *s, struct shmu_item *item, const struct shmu_map *m)
{
	char path[64];
	struct stat st;
	uint64_t size = m->offset + (m->end - m->start);

	snprintf(path, sizeof path, "%d/map_files/%" PRIx64 "-%" PRIx64,
	    (int)s->pid, m->start, m->end);
	if (fstatat(s->proc, path, &st, 0) == 0 && st.st_ino == m->ino &&
	    st.st_dev == m->dev)
		fill(item, &st);
	else if (size > item->info.size)
		item->info.size = size;
}

static int
mapping(void *arg, const struct shmu_map *m)
{
	struct scan *s = arg;
	int sysv = strncmp(m->name, "/SYSV", 5) == 0 &&
	    strstr(m->name, DELETED) != NULL;
	size_t at = shmu_scan_find(s, sysv, m->dev, m->ino);
	struct shmu_item *item;

	if (sysv && (at == 0 || !same_namespace(s)))
		return 0;
	if (at == 0)
		at = shmu_scan_discover(s, m->name, m->dev, m->ino);
	if (at == 0 || at == SIZE_MAX)
		return at == 0 ? 0 : -1;
	item = &s->inv->items[at - 1];
	if (!sysv && (item->known & SHMU_KNOWN_SIZE) == 0)
		fill_mapped(s, item, m);
	item->page = m->page;
	return shmu_scan_note(s, at - 1, 1, m->writable, -1);
}

/* The process being read could not be, unless it is merely gone. */
static void
unseen(struct scan *s)
{
	if (errno == ENOENT || errno == ESRCH ||
	    s->inv->unseen_pid == s->pid)
		return;
	s->inv->unseen++;
	s->inv->unseen_pid = s->pid;
}

/* The permission bits of the link are how the descriptor was opened. */
static int
opened_for_writing(int dir, const char *fd)
{
	struct stat st;

	return fstatat(dir, fd, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (st.st_mode & S_IWUSR) != 0;
}

/* 0; 1 when the process does not let its descriptors be seen; -1: ENOMEM. */
static int
descriptor(struct scan *s, int dir, const char *fd)
{
	struct shmu_item *item;
	struct stat st;
	size_t at;
	ssize_t n;

	if (fstatat(dir, fd, &st, 0) == -1) {
		unseen(s);
		return errno == EACCES;
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	at = shmu_scan_find(s, 0, st.st_dev, st.st_ino);
	if (at == 0 && st.st_nlink == 0) {
		n = readlinkat(dir, fd, s->map.name, sizeof s->map.name - 1);
		if (n <= 0)
			return 0;
		s->map.name[n] = '\0';
		at = shmu_scan_discover(s, s->map.name, st.st_dev, st.st_ino);
	}
	if (at == 0 || at == SIZE_MAX)
		return at == 0 ? 0 : -1;
	item = &s->inv->items[at - 1];
	if ((item->known & SHMU_KNOWN_SIZE) == 0)
		fill(item, &st);
	if (item->info.kind == SHMU_PIDFD && item->via_fd == -1) {
		item->via_pid = s->pid;
		item->via_fd = (int)strtol(fd, NULL, 10);
	}
	return shmu_scan_note(s, at - 1, 0, opened_for_writing(dir, fd),
	    (int)strtol(fd, NULL, 10));
}

/* As getdents64(2) fills it. */
struct entry {
	uint64_t	ino;
	int64_t		off;
	unsigned short	len;
	unsigned char	type;
	char		name[];
};

/*
 * All descriptors of the process being read, or none if the first of them may
 * not be looked at.  The kernel is called directly, since opendir(3) makes
 * twice as many calls, and there are as many directories as processes.
 */
static int
descriptors(struct scan *s)
{
	union { struct entry first; char bytes[8192]; } buf;
	char path[SHMU_PROC_PATH];
	ssize_t n = 0, at;
	int r = 0, fd;

	fd = openat(s->proc, shmu_proc_path(path, s->pid, "fd"),
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		unseen(s);
		return 0;
	}
	while (r == 0 && (n = syscall(SYS_getdents64, fd, &buf,
	    sizeof buf)) > 0) {
		for (at = 0; r == 0 && at < n;) {
			const struct entry *e = (const void *)(buf.bytes + at);

			at += e->len;
			if (e->name[0] != '.')
				r = descriptor(s, fd, e->name);
		}
		/* This directory is cut only where the buffer is full. */
		if ((size_t)n < sizeof buf / 2)
			break;
	}
	if (n == -1)
		unseen(s);
	close(fd);
	return r == -1 ? -1 : 0;
}

static int
processes(struct scan *s, DIR *proc)
{
	pid_t self = (s->inv->spec.want & SHMU_INVENTORY_OTHERS) != 0 ?
	    getpid() : 0;
	struct dirent *e;
	int r = 0, mapped;

	s->proc = dirfd(proc);
	while (r == 0 && (e = readdir(proc)) != NULL) {
		s->pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (s->pid <= 0 || s->pid == self)
			continue;
		s->same_ns = -1;
		s->named = 0;
		mapped = shmu_maps(s->proc, s->pid, &s->as_text, &s->map,
		    mapping, s);
		if (mapped == -1 && errno == ENOMEM)
			return -1;
		if (mapped == -1)
			unseen(s);
		if (mapped != 1)
			r = descriptors(s);
	}
	return r;
}

int
shmu_look_holders(struct shmu_inventory *inv)
{
	struct scan *s = calloc(1, sizeof *s);
	DIR *proc;
	int r;

	if (s == NULL)
		return -1;
	s->inv = inv;
	shmu_look_place(inv);
	r = shmu_scan_index(s);
	proc = opendir("/proc");
	if (r == 0 && proc != NULL)
		r = processes(s, proc);
	if (proc != NULL)
		closedir(proc);
	else
		inv->no_proc = 1;
	if (r == 0)
		r = shmu_scan_gather(s);
	free(s->slots);
	free(s);
	return r;
}
