/* SPDX-License-Identifier: MIT */
/* sysv.c - the System V segments of an inventory */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "look.h"
#include "shmutil/sys.h"

/* The next number of a line, and past it; 0 at its end. */
static int
number(const char **p, unsigned int base, int64_t *out)
{
	uint64_t n = 0;
	int minus;

	while (**p == ' ')
		(*p)++;
	minus = **p == '-';
	*p += minus;
	if (**p < '0' || **p > '9')
		return 0;
	for (; **p >= '0' && **p <= '9'; (*p)++)
		n = n * base + (uint64_t)(**p - '0');
	*out = minus ? -(int64_t)n : (int64_t)n;
	return 1;
}

/* The fields of a line of /proc/sysvipc/shm; old kernels lack the last two. */
enum {
	KEY, ID, PERMS, SIZE, CPID, LPID, NATTCH, UID, GID, CUID, CGID, ATIME,
	DTIME, CTIME, RSS, SWAP, FIELDS
};

static int
sysv_line(struct shmu_inventory *inv, const char *line)
{
	int64_t f[FIELDS] = { 0 };
	struct shmu_item *item;
	struct shmu_info *i;
	unsigned int n;

	for (n = 0; n < FIELDS && number(&line, n == PERMS ? 8 : 10, &f[n]); n++)
		;
	if (n <= CTIME)
		return 0;	/* the headings */
	item = shmu_look_add(inv);
	if (item == NULL)
		return -1;
	item->kind = SHMU_ITEM_SYSV;
	item->known = SHMU_KNOWN_SIZE | SHMU_KNOWN_OWNER;
	if (n == FIELDS)
		item->known |= SHMU_KNOWN_RESIDENT | SHMU_KNOWN_ALLOCATED;
	item->resident = (uint64_t)f[RSS];
	item->swapped = (uint64_t)f[SWAP];
	i = &item->info;
	i->kind = SHMU_ID;
	i->key = (key_t)f[KEY];
	i->id = (int)f[ID];
	i->mode = f[PERMS] & 0777;
	i->removed = (f[PERMS] & SHM_DEST) != 0;
	i->locked = (f[PERMS] & SHM_LOCKED) != 0;
	i->size = (uint64_t)f[SIZE];
	i->allocated = item->resident + item->swapped;
	i->cpid = (pid_t)f[CPID];
	i->lpid = (pid_t)f[LPID];
	i->attached = (uint64_t)f[NATTCH];
	i->uid = (uid_t)f[UID];
	i->gid = (gid_t)f[GID];
	i->cuid = (uid_t)f[CUID];
	i->cgid = (gid_t)f[CGID];
	i->atime = (time_t)f[ATIME];
	i->dtime = (time_t)f[DTIME];
	i->ctime = (time_t)f[CTIME];
	return 0;
}

/* Lines from fd, each to be ended by a newline. */
static int
sysv_read(struct shmu_inventory *inv, int fd)
{
	char buf[16384], *p, *end;
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, buf + have, sizeof buf - have)) > 0) {
		have += (size_t)n;
		for (p = buf; (end = memchr(p, '\n', have)) != NULL;
		     p = end + 1) {
			*end = '\0';
			if (sysv_line(inv, p) == -1)
				return -1;
			have -= (size_t)(end + 1 - p);
		}
		memmove(buf, p, have);
		if (have == sizeof buf)
			have = 0;	/* no line of the kernel's */
	}
	return n == -1 ? -1 : 0;
}

/* Without /proc: the kernel's list, which lacks what is resident. */
static int
sysv_list(struct shmu_inventory *inv)
{
	struct shmid_ds ds;
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct shmu_item *item;
	int i, max = shmu_sys_shmctl(0, SHM_INFO, &ds);

	for (i = 0; i <= max; i++) {
		seg.op.kind = SHMU_ID;
		seg.op.id = shmu_sys_shmctl(i, SHM_STAT_ANY, &ds);
		if (seg.op.id == -1)
			continue;
		item = shmu_look_add(inv);
		if (item == NULL)
			return -1;
		item->kind = SHMU_ITEM_SYSV;
		item->known = SHMU_KNOWN_SIZE | SHMU_KNOWN_OWNER;
		if (shmu_segment_stat(&seg, &item->info) == -1)
			inv->n--;	/* it went meanwhile */
	}
	return max == -1 ? -1 : 0;
}

int
shmu_look_sysv(struct shmu_inventory *inv)
{
	pid_t child = 0;
	int fd, r, err;

	if (inv->spec.ns != 0)
		fd = shmu_elsewhere_sysv(inv->spec.ns, &child);
	else
		fd = open("/proc/sysvipc/shm", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return inv->spec.ns != 0 ? -1 : sysv_list(inv);
	r = sysv_read(inv, fd);
	err = errno;
	close(fd);
	if (child != 0 && shmu_elsewhere_wait(child) == -1)
		return -1;
	errno = err;
	return r;
}
