/* SPDX-License-Identifier: MIT */
/* party.c - see party.h */
#include "config.h"

#include <errno.h>
#include <signal.h>

#include "party.h"

void
shmu_party_owner(const struct shmu_owner *places, uint32_t pid, uint64_t word,
    struct shmu_owner *out)
{
	struct shmu_life now;

	*out = *places;
	out->pid = pid;
	out->start = word >> 32;
	/* The word has half of the start time; what is there now may have the
	 * rest. */
	if (shmu_owner_look(pid, &now) == 0 &&
	    (uint32_t)now.start == (uint32_t)out->start)
		out->start = now.start;
}

static int
ended(const struct shmu_life *life)
{
	/* A leader that ended before its threads is shown as a zombie too. */
	return (life->state == 'Z' || life->state == 'X') &&
	    life->threads <= 1;
}

int
shmu_owner_start(pid_t pid, uint64_t *start)
{
	struct shmu_life life;

	if (pid <= 0) {
		errno = EINVAL;
		return -1;
	}
	if (shmu_owner_look((uint32_t)pid, &life) == -1 || ended(&life)) {
		errno = ESRCH;
		return -1;
	}
	*start = life.start;
	return 0;
}

enum shmu_fate
shmu_owner_fate(const struct shmu_owner *owner, const struct shmu_owner *here,
    uint64_t mask)
{
	struct shmu_life life;
	int comparable;

	if (owner->pid == 0 || owner->pid > INT32_MAX)
		return SHMU_LIVES;
	comparable = shmu_owner_comparable(owner, here);
	if (comparable != 1)
		return comparable == -1 ? SHMU_DEAD : SHMU_LIVES;
	if (kill((pid_t)owner->pid, 0) == -1 && errno == ESRCH)
		return SHMU_DEAD;
	if (shmu_owner_look(owner->pid, &life) == -1)
		return SHMU_LIVES;
	if ((owner->start & mask) != 0 && owner->timens == here->timens &&
	    ((life.start ^ owner->start) & mask) != 0)
		return SHMU_DEAD;
	if (ended(&life))
		return SHMU_DEAD;
	return life.state == 'T' || life.state == 't' ? SHMU_STOPPED :
	    SHMU_LIVES;
}

enum shmu_fate
shmu_party_fate(const struct shmu_owner *here, uint32_t pid, uint64_t word)
{
	struct shmu_owner owner = *here;

	owner.pid = pid;
	owner.start = word >> 32;
	return shmu_owner_fate(&owner, here, UINT32_MAX);
}
