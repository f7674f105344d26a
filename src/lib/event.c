/* SPDX-License-Identifier: MIT */
/* event.c - tickets and sleep; see shmutil/event.h */
#include "config.h"

#include <errno.h>
#include <limits.h>

#include "shmutil/event.h"
#include "shmutil/sys.h"

/* Entering and the look that follows, and a change and the load of notify, are
 * ordered against each other: one of the two sees the other. */
void
shmu_event_enter(struct shmu_event *e)
{
	__atomic_fetch_add(&e->waiters, 1, __ATOMIC_SEQ_CST);
}

void
shmu_event_leave(struct shmu_event *e)
{
	__atomic_fetch_sub(&e->waiters, 1, __ATOMIC_SEQ_CST);
}

uint32_t
shmu_event_ticket(const struct shmu_event *e)
{
	return __atomic_load_n(&e->ticket, __ATOMIC_SEQ_CST);
}

int
shmu_event_sleep(const struct shmu_event *e, uint32_t ticket,
    const struct timespec *limit)
{
	if (shmu_sys_futex_wait(&e->ticket, ticket, limit) == 0 ||
	    errno == EAGAIN)
		return 0;
	return -1;
}

void
shmu_event_notify(struct shmu_event *e)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&e->waiters, __ATOMIC_RELAXED) == 0)
		return;
	__atomic_fetch_add(&e->ticket, 1, __ATOMIC_SEQ_CST);
	shmu_sys_futex_wake(&e->ticket, INT_MAX);
}
