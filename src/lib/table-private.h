/* SPDX-License-Identifier: MIT */
/*
 * table-private.h - what the files of the table ask of each other
 *
 * All that changes a cell happens between shmu_t_take and shmu_t_leave, with
 * the word of its bucket held.  Whoever dies there has made each single store
 * or has not, so what a cell is must make sense after every one of them: a
 * change is one store that counts, and what prepares it counts for nothing
 * before.  The bucket is freed when the slot of the dead one is recovered,
 * after its heap intents were.
 */
#ifndef SHMU_LIB_TABLE_PRIVATE_H
#define SHMU_LIB_TABLE_PRIVATE_H

#include <stdbool.h>

#include "heap-private.h"
#include "shmutil/cell.h"
#include "shmutil/event.h"
#include "shmutil/table.h"

/* A cell whose bucket this thread holds.  Valid until shmu_t_leave. */
struct cell {
	struct shmu_table	*t;
	const void		*key;
	size_t			 key_length;
	uint64_t		 hash;
	uint64_t		 bucket;	/* number of it */
	void			*entry;		/* private to table.c; NULL:
						 * absent */
	enum shmu_cell_type	 type;		/* NONE: absent */
	void			*payload;	/* in the segment, aligned to
						 * 16 */
	uint64_t		 length;	/* of it: checked to lie
						 * within */
};

/* Lock the bucket of key and find the cell, if it is there.  -1: not locked. */
int shmu_t_take(struct shmu_table *t, const void *key, size_t key_length,
    struct cell *out);

/* The cell is absent: make it, length bytes of payload that are zero, after
 * which init, unless NULL, has filled it; nobody sees it before. */
int shmu_t_make(struct cell *c, enum shmu_cell_type type, uint64_t length,
    void (*init)(void *payload, void *arg), void *arg);

/* Give the bucket back; changed: raise its sequence, wake who waits for it.
 * errno stays. */
void shmu_t_leave(struct cell *c, bool changed);

/* The event that changes of a key notify.  Not to be slept on with the bucket
 * held. */
struct shmu_event *shmu_t_event(struct shmu_table *t, uint64_t hash);

/* cell-common.c: a process in 64 bits, as in a lock's word: start << 32 | pid.
 * 0 is nobody.  pid 0 is the caller's process.  -1 with ESRCH. */
int shmu_t_party(struct shmu_table *t, pid_t pid, uint64_t *out);
bool shmu_t_party_dead(const struct shmu_table *t, uint64_t party);
void shmu_t_party_owner(const struct shmu_table *t, uint64_t party,
    struct shmu_owner *out);

/* May the cell be deleted?  0, or -1 with EBUSY.  With the bucket held. */
int shmu_t_cell_busy(const struct cell *c);

/* Give back what the payload of a cell that is being deleted has allocated
 * besides (the items of a queue). */
void shmu_t_cell_empty(struct cell *c);

#endif
