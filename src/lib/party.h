/* SPDX-License-Identifier: MIT */
/*
 * party.h - who has something, in the 64 bits that one store can change
 *
 * A word is the id of a process or thread and the low half of its start time.
 * That names nobody else as long as all who look see the same start of the
 * machine and the same pid and time namespaces, which attaching makes sure of.
 */
#ifndef SHMU_LIB_PARTY_H
#define SHMU_LIB_PARTY_H

#include "shmutil/owner.h"

static inline uint64_t
shmu_party_word(const struct shmu_owner *o)
{
	return o->start << 32 | o->pid;
}

/* owner.c: what /proc/PID/stat tells.  -1: it cannot be looked at. */
struct shmu_life {
	char		state;
	unsigned int	threads;
	uint64_t	start;
};
int shmu_owner_look(uint32_t pid, struct shmu_life *life);

/* owner.c: 1 when what has owner's id here can be no other than owner, or one
 * that came after it; 0; or -1: it is of another start of the machine. */
int shmu_owner_comparable(const struct shmu_owner *owner,
    const struct shmu_owner *here);

/* What has become of owner, as here, an owner of whoever asks, can see it; mask
 * is of the bits of start that are known.  Dead is what is proven so. */
enum shmu_fate { SHMU_LIVES, SHMU_STOPPED, SHMU_DEAD };
enum shmu_fate shmu_owner_fate(const struct shmu_owner *owner,
    const struct shmu_owner *here, uint64_t mask);

/* The same for pid with the half of start in word, which lives or lived in the
 * places of here. */
enum shmu_fate shmu_party_fate(const struct shmu_owner *here, uint32_t pid,
    uint64_t word);

/* When pid was started.  -1 with ESRCH: it is not there, or has ended. */
int shmu_owner_start(pid_t pid, uint64_t *start);

/* Who pid with the half of start in word is, as seen by places, any owner of
 * the same namespaces: with the whole start time as long as it is there. */
void shmu_party_owner(const struct shmu_owner *places, uint32_t pid,
    uint64_t word, struct shmu_owner *out);

#endif
