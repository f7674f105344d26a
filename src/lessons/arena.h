/* SPDX-License-Identifier: MIT */
/*
 * arena.h - pages with nothing beside them, and what the kernel says of them
 *
 * The kernel joins neighbouring mappings of a kind into one, and its figures
 * are for the whole.  An arena lies between two pages without access and takes
 * no huge pages, so its figures are its own: exact, the same in each run.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena {
	unsigned char	*base;
	size_t		 page;		/* bytes of one */
	size_t		 pages;
	size_t		 size;		/* bytes of all */
};

/* Reserve so many pages, private and anonymous; the lesson is skipped when
 * that fails.  They stay until the process ends. */
void arena_open(struct arena *a, size_t pages);

/* One character for each page: '#' in RAM, '.' not; cells has room for all.
 * Returns how many are in RAM. */
size_t arena_cells(const struct arena *a, char *cells);

/* KiB, as /proc/PID/smaps has them for one mapping; all 0 if there is none. */
struct smaps {
	uint64_t	size, rss, pss;
	uint64_t	shared_clean, shared_dirty;
	uint64_t	private_clean, private_dirty;
	uint64_t	referenced, anonymous, lazy_free, anon_huge, locked;
	char		flags[128];	/* VmFlags: words of two letters */
};

/* The mapping of process pid that addr lies in; 0 is this process.  Returns
 * whether there is one; a kernel that tells less leaves zeros. */
int smaps_at(pid_t pid, const void *addr, struct smaps *out);

/* The n KiB of "KEY:   n kB" in /proc/self/status or another such file; -1 if
 * it is not there. */
int64_t proc_kib(const char *path, const char *key);

/* One line of /proc/PID/maps, 0 for this process: the one that addr lies in. */
struct maps_line {
	uintptr_t	from, to;
	char		prot[5];
	char		name[128];	/* "" for none */
};
int maps_at(pid_t pid, const void *addr, struct maps_line *out);

/* Lines of /proc/self/maps between two addresses. */
size_t maps_count(const void *from, const void *to);

/* Minor page faults of this process up to now. */
long faults_minor(void);
long faults_major(void);

/* The page size of the running system. */
size_t page_size(void);

#endif
