/* SPDX-License-Identifier: MIT */
/*
 * cell-wait.c - try, look who is in the way, sleep, try again
 *
 * Who is in the way is looked at without the bucket, for /proc is slow; a word
 * that is still there afterwards is still that of the same process.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "cell-private.h"

#define SECOND		UINT64_C(1000000000)
#define SLICE_FIRST	1000000L		/* nanoseconds */
#define SLICE_LAST	250000000L

static uint64_t
nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* When limit from now is over; UINT64_MAX: never. */
static uint64_t
end_of(const struct timespec *limit)
{
	uint64_t now, most;

	if (limit == NULL)
		return UINT64_MAX;
	now = nanoseconds();
	most = UINT64_MAX - 1 - now;
	if (limit->tv_sec < 0)
		return now;
	if ((uint64_t)limit->tv_sec >= most / SECOND)
		return UINT64_MAX;
	return now + (uint64_t)limit->tv_sec * SECOND +
	    (uint64_t)limit->tv_nsec;
}

/* Call step with the bucket held. */
static int
with_bucket(struct cell_wait *w,
    int (*step)(struct cell *, struct cell_wait *))
{
	struct cell c;
	int r;

	if (shmu_t_take(w->t, w->key, w->key_length, &c) == -1)
		return -1;
	w->hash = c.hash;
	w->changed = false;
	r = step(&c, w);
	shmu_t_leave(&c, w->changed);
	return r;
}

static int
collect(struct cell *c, struct cell_wait *w)
{
	w->n = w->suspects == NULL ? 0 : w->suspects(c, w, w->who);
	return 0;
}

static int
tell(struct cell *c, struct cell_wait *w)
{
	uint32_t i;

	for (i = 0; i < w->n; i++)
		w->judged(c, w, w->who[i], w->fates[i]);
	return 0;
}

static int
look(struct cell_wait *w)
{
	uint64_t who[SHMU_CELL_PLACES];
	enum shmu_fate fates[SHMU_CELL_PLACES];
	uint32_t i;

	w->who = who;
	w->fates = fates;
	w->looked = true;
	if (with_bucket(w, collect) == -1)
		return -1;
	for (i = 0; i < w->n; i++)
		fates[i] = shmu_t_party_fate(w->t, who[i]);
	return w->n == 0 ? 0 : with_bucket(w, tell);
}

/* 0: it was a notice, or time to look.  -1: EINTR. */
static int
doze(struct cell_wait *w, struct shmu_event *e, uint32_t ticket, uint64_t left)
{
	struct timespec t = { 0, w->slice };

	if (left < (uint64_t)w->slice)
		t.tv_nsec = (long)left;
	w->slept = false;
	if (shmu_event_sleep(e, ticket, &t) == 0)
		return 0;
	if (errno != ETIMEDOUT)
		return -1;
	w->slept = left >= (uint64_t)w->slice;
	if (look(w) == -1)
		return -1;
	w->slice = w->slice < SLICE_LAST / 2 ? w->slice * 2 : SLICE_LAST;
	return 0;
}

/* It was not to be had.  0: try again; -1: no more of that, and why. */
static int
pause_for(struct cell_wait *w, struct shmu_event *e, uint32_t ticket)
{
	bool nowait = (w->claim->flags & SHMU_CLAIM_NOWAIT) != 0;
	uint64_t now;

	if (w->look || (nowait && !w->looked)) {
		w->look = false;
		return look(w);
	}
	if (nowait) {
		errno = EAGAIN;
		return -1;
	}
	now = nanoseconds();
	if (now < w->end)
		return doze(w, e, ticket, w->end - now);
	if (!w->looked)
		return look(w);
	errno = ETIMEDOUT;
	return -1;
}

/* Give up: leave nothing behind, and name who has it. */
static int
give_up(struct cell_wait *w)
{
	int err = errno, r = 0;

	if (w->quit != NULL)
		r = with_bucket(w, w->quit);
	if (r == 1)
		return 1;
	if (r == 0)
		errno = err;
	err = errno;
	if ((err == EAGAIN || err == ETIMEDOUT) && w->holder != 0)
		shmu_t_party_owner(w->t, w->holder, &w->claim->holder);
	errno = err;
	return -1;
}

static int
wait_for(struct cell_wait *w)
{
	struct shmu_event *e = shmu_t_event(w->t, w->hash);
	uint32_t ticket;
	int r;

	shmu_event_enter(e);
	do {
		ticket = shmu_event_ticket(e);
		r = with_bucket(w, w->try);
		if (r == 0 && pause_for(w, e, ticket) == -1)
			break;
	} while (r == 0);
	if (r != 1)
		r = give_up(w);
	shmu_event_leave(e);
	return r;
}

int
shmu_t_wait(struct cell_wait *w)
{
	struct shmu_claim *claim = w->claim;
	int r, err;

	memset(&claim->holder, 0, sizeof claim->holder);
	memset(&claim->dead, 0, sizeof claim->dead);
	w->me = shmu_t_self(w->t);
	if (shmu_t_party(w->t, claim->pid, &w->party) == -1)
		return -1;
	w->end = end_of(claim->limit);
	w->slice = SLICE_FIRST;
	r = with_bucket(w, w->try);
	if (r == 0)
		r = wait_for(w);
	err = errno;
	if (w->dead != 0)
		shmu_t_party_owner(w->t, w->dead, &claim->dead);
	errno = err;
	return r == 1 ? 0 : -1;
}

int
shmu_t_give(struct shmu_table *t, const void *key, size_t key_length,
    pid_t pid, int (*give)(struct cell *, uint64_t))
{
	struct cell c;
	uint64_t party;
	int r;

	if (shmu_t_party(t, pid, &party) == -1 ||
	    shmu_t_take(t, key, key_length, &c) == -1)
		return -1;
	r = give(&c, party);
	shmu_t_leave(&c, r == 0);
	return r;
}
