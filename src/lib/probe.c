/* SPDX-License-Identifier: MIT */
/*
 * probe.c - ask an object itself: does anybody have it, what is in it
 *
 * The kernel grants a write lease on a file only if nobody else has it open or
 * mapped, in whatever namespace, hidden from /proc or not.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "look.h"
#include "shmutil/sys.h"

int
shmu_probe_lease(int fd, int *retries)
{
	const struct timespec tick = { 0, 1000000 };

	/* Who opens it meanwhile must not kill us by the default, SIGIO. */
	if (fcntl(fd, F_SETSIG, SIGURG) == -1)
		return PROOF_REFUSED;
	for (;;) {
		if (shmu_sys_lease(fd, F_WRLCK) == 0)
			return PROOF_FREE;
		if (errno != EAGAIN)
			return PROOF_REFUSED;
		/* Perhaps it is only another who asks just now. */
		if ((*retries)-- <= 0)
			return PROOF_HELD;
		nanosleep(&tick, NULL);
	}
}

int
shmu_probe_header(const struct shmu_header *page, uint64_t size,
    struct shmu_item *item)
{
	struct shmu_header h;

	if (shmu_header_check(page, size, 0, 0, &h) == -1 && errno == EILSEQ)
		return HEADER_NONE;
	if (shmu_header_check(page, size, 0, 0, &h) == 0) {
		item->format = h.format;
		item->layout = h.layout;
		return h.owner.pid == 0 ? HEADER_FOREVER :
		    shmu_owner_dead(&h.owner) ? HEADER_DEAD : HEADER_ALIVE;
	}
	if (errno == ESTALE || errno == EINPROGRESS) {
		item->format = h.format;
		item->layout = h.layout;
	}
	return errno == ESTALE ? HEADER_UNFINISHED : HEADER_ODD;
}

static int
read_header(int fd, uint64_t size, struct shmu_item *item)
{
	struct shmu_header *page;
	int looked = HEADER_REFUSED;

	if (size < sizeof *page)
		return HEADER_NONE;
	page = malloc(sizeof *page);
	if (page == NULL)
		return HEADER_REFUSED;
	if (pread(fd, page, sizeof *page, 0) == (ssize_t)sizeof *page)
		looked = shmu_probe_header(page, size, item);
	free(page);
	return looked;
}

/* O_NOATIME, which is the owner's to use: the look must leave no trace. */
void
shmu_probe(struct shmu_inventory *inv, struct shmu_item *item, int lease,
    int header)
{
	struct stat st;
	int fd, odd = 1;

	if (header && item->info.size < SHMU_HEADER_SIZE) {
		item->looked = HEADER_NONE;
		header = 0;
	}
	if (!lease && !header)
		return;
	fd = shmu_sys_openat(inv->dir, item->name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC | O_NOATIME);
	if (fd != -1)
		odd = fstat(fd, &st) == -1 || st.st_ino != item->info.ino ||
		    st.st_dev != item->info.dev || !S_ISREG(st.st_mode);
	if (lease)
		item->proof = odd ? PROOF_REFUSED :
		    shmu_probe_lease(fd, &inv->retries);
	if (header)
		item->looked = odd ? HEADER_REFUSED :
		    read_header(fd, (uint64_t)st.st_size, item);
	if (fd != -1)
		shmu_sys_close(fd);
}

/* Nobody is attached, so to attach changes nothing for anybody; the times of
 * the segment do change, but it is about to be removed. */
static int
may_go_sysv(const struct shmu_item *item)
{
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct shmu_item copy = *item;
	struct shmu_info now;
	int looked;

	seg.op.kind = SHMU_ID;
	seg.op.id = item->info.id;
	if (shmu_segment_stat(&seg, &now) == -1)
		return -1;
	if (now.attached > 0) {
		errno = EBUSY;
		return -1;
	}
	if (now.size < SHMU_HEADER_SIZE)
		return 0;
	/* What may not be read may not be removed by this user either. */
	if (shmu_segment_map(&seg, 0, SHMU_HEADER_SIZE, PROT_READ) == -1)
		return errno == EACCES && now.uid == geteuid() ? 0 : -1;
	looked = shmu_probe_header(seg.base, now.size, &copy);
	shmu_segment_close(&seg);
	if (looked == HEADER_NONE || looked == HEADER_DEAD ||
	    looked == HEADER_UNFINISHED)
		return 0;
	errno = EBUSY;
	return -1;
}

/* Remove an object while the lease on it is held: who opens it waits till it
 * has no name, so nobody begins to use what is going. */
static int
remove_leased(const struct shmu_item *item, const struct shmu_operand *op)
{
	char path[sizeof SHMU_POSIX_DIR + sizeof op->name] = SHMU_POSIX_DIR;
	int fd, proof, retries = 5, r = -1, err = EBUSY;

	strcat(path, op->name);
	fd = shmu_sys_open(path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOATIME);
	if (fd == -1 && errno == EWOULDBLOCK)
		errno = EBUSY;
	if (fd == -1 && errno != EPERM && errno != EACCES)
		return -1;
	proof = fd == -1 ? PROOF_REFUSED : shmu_probe_lease(fd, &retries);
	if (proof == PROOF_FREE || proof == PROOF_REFUSED) {
		r = shmu_segment_remove(op, &item->info);
		err = errno;
	}
	if (fd != -1)
		shmu_sys_close(fd);
	errno = err;
	return r;
}

int
shmu_item_remove(const struct shmu_item *item, int held)
{
	struct shmu_operand op;

	if (shmu_item_operand(item, &op) == -1)
		return -1;
	if (!held && op.kind == SHMU_ID && may_go_sysv(item) == -1)
		return -1;
	if (!held && op.kind == SHMU_POSIX)
		return remove_leased(item, &op);
	return shmu_segment_remove(&op, &item->info);
}
