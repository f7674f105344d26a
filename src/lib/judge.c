/* SPDX-License-Identifier: MIT */
/* judge.c - what state a segment is in; the rule of shm-segment(7) */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "look.h"

/* So many objects are asked about though no verdict hangs on it. */
#define ASK_ALL	256

double
shmu_look_idle(const struct shmu_inventory *inv, const struct shmu_item *item)
{
	return (double)inv->now - (double)shmu_item_used(item);
}

/*
 * A number that is free is proof, as is a process that ended and was not
 * waited for.  A process of that number that started later is none: its start
 * is known by the clock of the machine, the segment's time by the wall clock,
 * which may have been set between the two.
 */
enum creator
shmu_creator(const struct shmu_inventory *inv, const struct shmu_info *info)
{
	struct shmu_owner owner, self;
	struct timespec wall, up;
	double start;

	if (info->cpid <= 0 || inv->no_proc)
		return CREATOR_UNSEEN;
	if (kill(info->cpid, 0) == -1 && errno == ESRCH)
		return CREATOR_DEAD;
	if (shmu_owner_of(info->cpid, &owner) == -1)
		return CREATOR_UNSEEN;
	if (shmu_owner_dead(&owner))
		return CREATOR_DEAD;
	shmu_owner_self(&self);
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	start = (double)(wall.tv_sec - up.tv_sec) +
	    (double)owner.start / (double)sysconf(_SC_CLK_TCK);
	return start > (double)info->ctime + 2 ? CREATOR_LATER : CREATOR_ALIVE;
}

/* What stands in the directory of POSIX objects and is none. */
static int
foreign(const struct shmu_item *item)
{
	return item->kind == SHMU_ITEM_POSIX && (item->type != S_IFREG ||
	    strncmp(item->name, "sem.", 4) == 0);
}

/* Whether the kernel can be asked: it has a name to be opened by. */
static int
named_object(const struct shmu_item *item)
{
	return item->kind == SHMU_ITEM_POSIX && !item->info.removed &&
	    item->via_fd == -1 && item->type == S_IFREG && !foreign(item);
}

int
shmu_look_held(const struct shmu_item *item)
{
	return item->info.attached > 0 || item->nholders > 0 ||
	    item->proof == PROOF_HELD || item->kind == SHMU_ITEM_MEMFD ||
	    item->kind == SHMU_ITEM_ANON;
}

/* Whether nobody has it is not merely that nobody was seen to. */
static int
surely_free(const struct shmu_inventory *inv, const struct shmu_item *item)
{
	return item->kind == SHMU_ITEM_SYSV || item->proof == PROOF_FREE ||
	    shmu_look_complete(inv);
}

static int
orphan(const struct shmu_inventory *inv, const struct shmu_item *item)
{
	if (shmu_look_idle(inv, item) < inv->spec.age)
		return 0;
	if (item->kind == SHMU_ITEM_SYSV)
		return shmu_creator(inv, &item->info) == CREATOR_DEAD;
	return item->kind == SHMU_ITEM_POSIX && named_object(item) &&
	    (item->looked == HEADER_NONE || item->looked == HEADER_DEAD);
}

static enum shmu_state
judge(const struct shmu_inventory *inv, const struct shmu_item *item)
{
	if (foreign(item))
		return SHMU_STATE_FOREIGN;
	if (item->info.removed && item->kind == SHMU_ITEM_SYSV)
		return SHMU_STATE_DEST;
	if (item->info.removed && item->kind != SHMU_ITEM_MEMFD &&
	    item->kind != SHMU_ITEM_ANON)
		return SHMU_STATE_UNLINKED;
	if (shmu_look_held(item))
		return SHMU_STATE_LIVE;
	if (!surely_free(inv, item))
		return SHMU_STATE_UNKNOWN;
	if (item->looked == HEADER_UNFINISHED ||
	    (named_object(item) && strncmp(item->name, ".shmu-", 6) == 0))
		return SHMU_STATE_UNFINISHED;
	return orphan(inv, item) ? SHMU_STATE_ORPHAN : SHMU_STATE_UNUSED;
}

/* Ask what /proc left open: is it held, and does its header keep it? */
static void
ask(struct shmu_inventory *inv, struct shmu_item *item, int always)
{
	int old = shmu_look_idle(inv, item) >= inv->spec.age;
	int want = (inv->spec.want & SHMU_INVENTORY_FORMAT) != 0 || old;
	int lease = (inv->spec.want & SHMU_INVENTORY_NO_LEASE) == 0 &&
	    (old || always) && !shmu_look_held(item) &&
	    !shmu_look_complete(inv);

	if (named_object(item) && inv->dir != -1)
		shmu_probe(inv, item, lease, want);
}

void
shmu_judge(struct shmu_inventory *inv)
{
	size_t i, open = 0;

	for (i = 0; i < inv->n; i++)
		open += named_object(&inv->items[i]) &&
			!shmu_look_held(&inv->items[i]);
	for (i = 0; i < inv->n; i++)
		ask(inv, &inv->items[i], open <= ASK_ALL ||
		    (inv->spec.want & SHMU_INVENTORY_PROVE) != 0);
	for (i = 0; i < inv->n; i++)
		inv->items[i].state = judge(inv, &inv->items[i]);
}

const char *
shmu_state_word(enum shmu_state state)
{
	static const char *const words[SHMU_STATES] = {
		"foreign", "dest", "unlinked", "live", "unknown", "unfinished",
		"orphan", "unused"
	};

	return words[state];
}
