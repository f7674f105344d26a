/* SPDX-License-Identifier: MIT */
/*
 * cell-private.h - what locks, semaphores, barriers and queues have in common
 *
 * A record says who, in one word (party.h), with flags in bits that no process
 * id has.  Records lie in arrays that can grow.  What is read from a payload is
 * checked each time, for any peer may have written to it.
 */
#ifndef SHMU_LIB_CELL_PRIVATE_H
#define SHMU_LIB_CELL_PRIVATE_H

#include "party.h"
#include "table-private.h"

#define CELL_SHARED	UINT64_C(0x40000000)	/* a lock, with others */
#define CELL_IDLE	UINT64_C(0x20000000)	/* a ticket: missed its turn */
#define CELL_LOST	UINT64_C(0x10000000)	/* a lease: its taker is dead */
#define CELL_WHO	(~(CELL_SHARED | CELL_IDLE | CELL_LOST))

/* The payload of each of these cells begins so.  All zero is right. */
struct cell_head {
	uint64_t	boot;	/* start of the machine that records are of */
	uint64_t	turns;	/* raised by what may be somebody's turn */
	uint64_t	looked;	/* milliseconds: who has it was looked at */
	uint64_t	dead;	/* had it and died: for the next that takes
				 * it */
};

/* Records of one size: at[0] or at[1] has them, and the other is a copy that
 * was not finished or not freed. */
struct cell_array {
	uint64_t	at[2];
	uint64_t	room;	/* how many records, << 1; | which */
};

struct cell_places {		/* a lock or a semaphore */
	struct cell_head	head;
	uint64_t		count;		/* lock: 0 */
	struct cell_array	holders;	/* words */
	struct cell_array	tickets;	/* words, in order of arrival */
};

/* One that waits, or has waited, at a barrier. */
struct cell_member {
	uint64_t	who;	/* 0: free */
	uint64_t	tag;	/* generation << 1; | 1: it was broken */
	uint64_t	dead;	/* by whom */
};

struct cell_barrier {
	struct cell_head	head;
	uint64_t		count;
	uint64_t		generation;
	struct cell_array	members;
};

/* An item that was popped and not acknowledged: in force while item is not 0
 * and the queue's head is beyond position. */
struct cell_lease {
	uint64_t	item;
	uint64_t	who;
	uint64_t	position;
	uint64_t	turn;	/* grows with each lease */
};

struct cell_queue {
	struct cell_head	head;
	uint64_t		items;		/* it may hold */
	uint64_t		closed;
	uint64_t		gone;		/* it is being deleted */
	uint64_t		first, next;	/* positions, ever growing */
	uint64_t		moving;		/* lease that is made, + 1; or
						 * 0 */
	uint64_t		turn;
	struct cell_array	ring;		/* offsets; one more than
						 * items */
	struct cell_array	leases;
};

/* cell-array.c: *room records; NULL and 0 when there are none. */
void *shmu_t_array(const struct cell *c, struct cell_array *a, size_t size,
    uint64_t *room);
/* Room for at least n, what is new being zero.  0, or -1. */
int shmu_t_array_grow(const struct cell *c, struct cell_array *a, size_t size,
    uint64_t n);
/* Room for n, or for four times as many as there are, up to most: 0, or -1,
 * with EUSERS when there are most. */
int shmu_t_array_more(const struct cell *c, struct cell_array *a, size_t size,
    uint64_t n, uint64_t most);
void shmu_t_array_free(const struct cell *c, struct cell_array *a);

/* cell-common.c: the payload of a cell of this type, EPROTOTYPE when it is of
 * another, EBADMSG when it is too short; ENOENT when absent. */
void *shmu_t_payload(const struct cell *c, enum shmu_cell_type type,
    size_t size);
/* The same, but made when it is absent. */
void *shmu_t_open(struct cell *c, enum shmu_cell_type type, size_t size);
/* Whether the records are of an earlier start of the machine: who has dealt
 * with them then says so. */
bool shmu_t_stale(const struct cell *c, const struct cell_head *head);
void shmu_t_fresh(const struct cell *c, struct cell_head *head);
/* What has become of somebody; the calling thread; and milliseconds of a clock
 * that all processes share. */
enum shmu_fate shmu_t_party_fate(const struct shmu_table *t, uint64_t party);
uint64_t shmu_t_self(const struct shmu_table *t);
uint64_t shmu_t_now(void);

/*
 * cell-wait.c: one thread's wait for a cell.  A kind of wait has this as its
 * first member.  All but the wait itself is called with the bucket held.
 */
struct cell_wait {
	/* filled in by who waits */
	struct shmu_table	*t;
	const void		*key;
	size_t			 key_length;
	struct shmu_claim	*claim;
	/* 1: done.  0: not yet.  -1: with errno. */
	int	(*try)(struct cell *c, struct cell_wait *w);
	/* Who is to be looked at, at most SHMU_CELL_PLACES: how many.  NULL:
	 * nobody. */
	uint32_t (*suspects)(struct cell *c, struct cell_wait *w,
	    uint64_t *who);
	void	(*judged)(struct cell *c, struct cell_wait *w, uint64_t who,
		    enum shmu_fate fate);
	/* It did not get it.  1: it did after all; 0; or -1 as from try.  NULL:
	 * there is nothing to be undone. */
	int	(*quit)(struct cell *c, struct cell_wait *w);
	/* filled in by shmu_t_wait */
	uint64_t		 me;		/* this thread */
	uint64_t		 party;		/* whose it shall be */
	bool			 looked;	/* the suspects were, once */
	bool			 slept;		/* the last sleep was a whole
						 * slice */
	long			 slice;		/* nanoseconds */
	/* set by the functions above */
	bool			 changed;	/* others are to be told */
	bool			 look;		/* now, and then try again */
	uint64_t		 holder;	/* one that has it */
	uint64_t		 dead;		/* who had it */
	/* private */
	uint64_t		 hash, end, first;
	uint64_t		*who;
	enum shmu_fate		*fates;
	uint32_t		 n;
};
int shmu_t_wait(struct cell_wait *w);

/* Call give with the bucket held and the party of pid: what it returns. */
int shmu_t_give(struct shmu_table *t, const void *key, size_t key_length,
    pid_t pid, int (*give)(struct cell *c, uint64_t party));

#endif
