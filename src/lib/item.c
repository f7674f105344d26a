/* SPDX-License-Identifier: MIT */
/* item.c - what an item of an inventory is called, and what of it is in RAM */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "look.h"
#include "shmutil/pages.h"

/*
 * What is in RAM.  Of a tmpfs it is what is allocated and not swapped out, so
 * as long as nothing of the machine is swapped out, no file need be opened.
 */
static void
resident(struct shmu_inventory *inv, int swapping, struct shmu_item *item)
{
	struct shmu_residency res;
	struct shmu_operand op;
	struct shmu_segment seg;

	if (item->kind == SHMU_ITEM_SYSV || item->type != S_IFREG ||
	    (item->known & SHMU_KNOWN_RESIDENT) != 0)
		return;
	if (item->kind != SHMU_ITEM_FILE && !swapping &&
	    (item->known & SHMU_KNOWN_ALLOCATED) != 0) {
		item->resident = item->info.allocated;
		item->known |= SHMU_KNOWN_RESIDENT;
		return;
	}
	if (inv->spec.ns != 0 || shmu_item_operand(item, &op) == -1 ||
	    shmu_segment_open(&seg, &op, SHMU_READ) == -1)
		return;
	if (shmu_pages_cached(seg.fd, 0, 0, &res) == 0) {
		item->known |= SHMU_KNOWN_RESIDENT;
		item->resident = res.resident;
		if (item->kind != SHMU_ITEM_FILE &&
		    item->info.allocated > res.resident)
			item->swapped = item->info.allocated - res.resident;
	}
	shmu_segment_close(&seg);
}

void
shmu_look_resident(struct shmu_inventory *inv)
{
	struct sysinfo info;
	int swapping = sysinfo(&info) == -1 || info.totalswap != info.freeswap;
	size_t i;

	for (i = 0; i < inv->n; i++)
		resident(inv, swapping, &inv->items[i]);
}

int
shmu_item_operand(const struct shmu_item *item, struct shmu_operand *op)
{
	memset(op, 0, sizeof *op);
	if (item->kind == SHMU_ITEM_SYSV) {
		op->kind = SHMU_ID;
		op->id = item->info.id;
		return 0;
	}
	if (item->via_fd != -1) {
		op->kind = SHMU_PIDFD;
		op->pid = item->via_pid;
		op->fd = item->via_fd;
		return 0;
	}
	if (item->kind == SHMU_ITEM_POSIX && !item->info.removed) {
		op->kind = SHMU_POSIX;
		return shmu_operand_name(op, item->name);
	}
	if (item->kind == SHMU_ITEM_FILE) {
		op->kind = SHMU_FILE;
		op->path = item->name;
		return 0;
	}
	errno = ENOENT;
	return -1;
}

time_t
shmu_item_used(const struct shmu_item *item)
{
	const struct shmu_info *i = &item->info;
	time_t last = i->ctime;

	if (i->atime > last)
		last = i->atime;
	if (i->dtime > last)
		last = i->dtime;
	return i->mtime > last ? i->mtime : last;
}
