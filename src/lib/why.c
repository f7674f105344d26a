/* SPDX-License-Identifier: MIT */
/* why.c - the reasons for a state; the rule of shm-segment(7) */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "look.h"

/* The reasons as they are collected. */
struct list {
	struct shmu_reason	*r;
	size_t			 n;
};

static int __attribute__((format(printf, 3, 4)))
say(struct list *l, int yes, const char *fmt, ...)
{
	va_list ap;

	if (l->n < SHMU_REASONS) {
		l->r[l->n].yes = yes;
		va_start(ap, fmt);
		vsnprintf(l->r[l->n].text, SHMU_REASON_TEXT, fmt, ap);
		va_end(ap);
		l->n++;
	}
	return yes;
}

static int
why_held(struct list *l, const struct shmu_item *item)
{
	if (item->kind == SHMU_ITEM_SYSV)
		return say(l, 0, "the kernel counts %" PRIu64 " attachment%s",
		    item->info.attached, item->info.attached == 1 ? "" : "s");
	if (item->nholders > 0)
		return say(l, 0, "%zu process%s it mapped or open",
		    item->nholders, item->nholders == 1 ? " has" : "es have");
	return say(l, 0, "the kernel refuses a write lease, so somebody who "
	    "cannot be seen has it open or mapped");
}

static int
why_free(struct list *l, const struct shmu_inventory *inv,
    const struct shmu_item *item)
{
	char buf[96];
	const char *missing = shmu_inventory_missing(inv, buf, sizeof buf,
	    NULL);

	if (item->kind == SHMU_ITEM_SYSV)
		return say(l, 1, "the kernel counts no attachment");
	if (item->proof == PROOF_FREE)
		return say(l, 1, "nobody anywhere has it open or mapped: the "
		    "kernel granted a write lease");
	if (missing == NULL)
		return say(l, 1,
		    "nobody has it open or mapped: every process was seen");
	return say(l, 0, "nobody seen has it, but %s, and the kernel %s", missing,
	    item->proof == PROOF_REFUSED ? "gives a lease to its owner only" :
	    "was not asked for a lease");
}

static int
why_header(struct list *l, const struct shmu_item *item)
{
	const char *name = shmu_header_name(item->format);

	if (name == NULL)
		name = "structure";
	switch (item->looked) {
	case HEADER_NONE:
		return say(l, 1,
		    "it has no header of libshmutil, which could tell whose it "
		    "is");
	case HEADER_DEAD:
		return say(l, 1, "its header ties the %s to a process that is "
		    "proven dead", name);
	case HEADER_FOREVER:
		return say(l, 0,
		    "it is a %s that is tied to no process: kept for whoever "
		    "comes next",
		    name);
	case HEADER_ALIVE:
		return say(l, 0,
		    "its header ties the %s to a process that is not proven "
		    "dead",
		    name);
	case HEADER_ODD:
		return say(l, 0, "it begins as a structure of libshmutil that "
		    "cannot be read here");
	default:
		return say(l, 0, "its content could not be looked at without a "
		    "trace, and may keep it");
	}
}

static int
why_creator(struct list *l, const struct shmu_inventory *inv,
    const struct shmu_item *item)
{
	int pid = (int)item->info.cpid;

	switch (shmu_creator(inv, &item->info)) {
	case CREATOR_DEAD:
		return say(l, 1, "its creator, process %d, is dead", pid);
	case CREATOR_ALIVE:
		return say(l, 0, "its creator, process %d, is alive", pid);
	case CREATOR_LATER:
		return say(l, 0,
		    "process %d, the number of its creator, seems to have "
		    "started later; by the wall clock, so it is no proof",
		    pid);
	default:
		return say(l, 0, "its creator is a process that cannot be seen "
		    "from here");
	}
}

/* "90 s", "30 min", "4 h", "2 days": rounded down. */
static const char *
duration(char buf[32], double seconds)
{
	int64_t s = seconds > 0 ? (int64_t)seconds : 0;

	if (s < 120)
		snprintf(buf, 32, "%" PRId64 " s", s);
	else if (s < 7200)
		snprintf(buf, 32, "%" PRId64 " min", s / 60);
	else if (s < 172800)
		snprintf(buf, 32, "%" PRId64 " h", s / 3600);
	else
		snprintf(buf, 32, "%" PRId64 " days", s / 86400);
	return buf;
}

static int
why_old(struct list *l, const struct shmu_inventory *inv,
    const struct shmu_item *item)
{
	double s = shmu_look_idle(inv, item);
	char ago[32], limit[32];

	return say(l, s >= inv->spec.age,
	    "it was last used %s ago, and an orphan has not been used for %s",
	    duration(ago, s), duration(limit, inv->spec.age));
}

/* The rule for what nobody holds. */
static void
why_orphan(struct list *l, const struct shmu_inventory *inv,
    const struct shmu_item *item)
{
	if (item->kind == SHMU_ITEM_FILE) {
		say(l, 0, "a file is never an orphan");
		return;
	}
	if (!why_old(l, inv, item))
		return;
	if (item->kind == SHMU_ITEM_SYSV) {
		if (why_creator(l, inv, item))
			say(l, 1,
			    "its content is looked at before it is removed, "
			    "since a look changes its times");
	} else if (why_header(l, item) && item->looked == HEADER_NONE)
		say(l, 1, "the kernel does not record who created a POSIX "
		    "object");
}

size_t
shmu_inventory_why(const struct shmu_inventory *inv,
    const struct shmu_item *item, struct shmu_reason reasons[SHMU_REASONS])
{
	struct list l = { reasons, 0 };

	if (item->state == SHMU_STATE_FOREIGN)
		say(&l, 0, item->type != S_IFREG ? "it is in the directory of "
		    "POSIX objects but is no regular file" :
		    "its name is that of a semaphore, which sem_unlink(3) "
		    "removes");
	else if (item->state == SHMU_STATE_DEST ||
	    item->state == SHMU_STATE_UNLINKED)
		say(&l, 0, item->state == SHMU_STATE_DEST ?
		    "it was removed and goes with its last holder" :
		    "it has no name any more and goes with its last holder");
	else if (shmu_look_held(item))
		why_held(&l, item);
	else if (why_free(&l, inv, item)) {
		if (item->state == SHMU_STATE_UNFINISHED)
			say(&l, 1, "a creation that was killed left it");
		else
			why_orphan(&l, inv, item);
	}
	return l.n;
}
