/* SPDX-License-Identifier: MIT */
/*
 * event.h - sleep until somebody has changed something, with a time limit
 *
 * An event is two words in a segment.  Who changes what the event is about
 * notifies it, which costs a load while nobody waits; who waits takes a ticket,
 * looks at what it waits for, and sleeps only if the ticket is still the last:
 *
 *	shmu_event_enter(e);
 *	for (;;) {
 *		ticket = shmu_event_ticket(e);
 *		if (as it shall be)
 *			break;
 *		if (shmu_event_sleep(e, ticket, limit) == -1)
 *			break;
 *	}
 *	shmu_event_leave(e);
 *
 * A waiter that is killed leaves its count behind, so notifying costs a system
 * call from then on; nothing is lost or blocked by it.  A peer that writes
 * garbage can make a sleep end too early or never: sleep in slices.  One event
 * may stand for several things: a waiter looks again each time.
 *
 * Thread-safe; may be used after fork and in signal handlers; nothing is
 * allocated.  Linux futex(2), between processes.
 */
#ifndef SHMUTIL_EVENT_H
#define SHMUTIL_EVENT_H

#include <stdint.h>
#include <time.h>

#include "shmutil/api.h"

SHMU_BEGIN

/* In the segment, aligned to 4; all zero is right. */
struct shmu_event {
	uint32_t	ticket;		/* raised by each notice that somebody
					 * waits for */
	uint32_t	waiters;
};

SHMU_API void shmu_event_enter(struct shmu_event *event);
SHMU_API void shmu_event_leave(struct shmu_event *event);
SHMU_API uint32_t shmu_event_ticket(const struct shmu_event *event);

/* Sleep while ticket is the last, at most for limit (NULL: no limit).  0 when
 * there was a notice or may have been; -1 with ETIMEDOUT, or EINTR. */
SHMU_API int shmu_event_sleep(const struct shmu_event *event, uint32_t ticket,
    const struct timespec *limit);

/* Wake all who wait.  What was changed before is seen by them. */
SHMU_API void shmu_event_notify(struct shmu_event *event);

SHMU_END

#endif
