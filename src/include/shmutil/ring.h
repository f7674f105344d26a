/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a stream of bytes or records from one writer to one reader
 *
 * A channel is a POSIX object (or a file) with a ring of bytes, and beside it
 * one FIFO, NAME.bell, through which the two ends wake each other and notice
 * each other's death.  The producer writes straight into the ring and the
 * consumer reads straight out of it; the data is mapped twice in a row, so
 * what may be written or read is always one piece.  No call is made to the
 * kernel but to sleep and to wake who sleeps.
 *
 *	producer	room, stage ... publish		or put
 *	consumer	data, take ... release		or get
 *
 * Staged bytes become visible when published, taken bytes become room when
 * released; both happen by themselves once enough has gathered (a sixteenth, an
 * eighth of the capacity), and before a wait.  Each is one store: a process
 * killed between any two instructions leaves the ring as before or after it.
 *
 * Ends: each end is one process's at a time.  The claim is a lock of the open
 * file, which the kernel gives up when the process ends, in whatever pid
 * namespace.  An end that died can be taken over with SHMU_RING_RESUME at the
 * byte that it had published or acknowledged.
 *
 * Errors: int functions return -1 with errno.  What a peer wrote is checked; a
 * position or length that cannot be is EBADMSG, never an access outside.  A
 * peer that truncates the object makes access to it SIGBUS: give modes to whom
 * you trust.  Nothing here prints or exits, and the SIGPIPE of the bell is
 * kept from the process.
 * Threads: one end, one thread at a time.  Fork: the claim and the bell belong
 * to parent and child together until one closes; a child that does not use the
 * ring must close it with shmu_ring_drop.  Exec: all of it is gone.
 */
#ifndef SHMUTIL_RING_H
#define SHMUTIL_RING_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "shmutil/header.h"
#include "shmutil/segment.h"

SHMU_BEGIN

#define SHMU_RING_CAPACITY	(UINT64_C(4) << 20)	/* bytes, by default */
#define SHMU_RING_LAYOUT	1U

enum shmu_ring_role {
	SHMU_RING_PRODUCER = 0,
	SHMU_RING_CONSUMER = 1
};

/* What a channel carries. */
enum shmu_ring_kind {
	SHMU_RING_BYTES = 1,
	SHMU_RING_RECORDS = 2
};

/* How it stands with an end. */
enum shmu_ring_state {
	SHMU_RING_NOBODY = 0,	/* nobody yet */
	SHMU_RING_ATTACHED = 1,
	SHMU_RING_LEFT = 2,	/* closed it */
	SHMU_RING_DIED = 3	/* only as an answer */
};

/* What a channel shall be. */
struct shmu_ring_spec {
	uint64_t	capacity;	/* bytes; made a power of two of whole
					 * pages; 0: what is there, or the
					 * default */
	mode_t		mode;		/* of a new channel, exact */
	uint32_t	kind;		/* enum shmu_ring_kind */
	unsigned int	flags;		/* SHMU_RING_EXISTING ... */
};
#define SHMU_RING_SPEC_INIT	{ 0, 0600, SHMU_RING_BYTES, 0 }
#define SHMU_RING_EXISTING	1U	/* do not create the channel */
#define SHMU_RING_RESUME	2U	/* go on where this end stopped; and
					 * KEEP */
#define SHMU_RING_ANY_OWNER	4U	/* also the channel of another user */
#define SHMU_RING_KEEP		8U	/* leave the channel to be resumed */

/* Private: one end as the segment has it.  What one process writes and the
 * other reads all the time lies 128 bytes from everything else. */
struct shmu_ring_end {
	uint64_t		position __attribute__((aligned(128)));
	uint64_t		intent;
	uint32_t		sleeps __attribute__((aligned(128)));
	struct shmu_owner	owner __attribute__((aligned(128)));
	uint32_t		state;
	uint32_t		attached;
	uint32_t		saw_end;
};

/* Private: behind the header. */
struct shmu_ring_control {
	uint32_t		kind;
	uint32_t		barrier;
	uint32_t		resumable;
	uint32_t		arrivals;
	uint32_t		finished;
	uint32_t		has_checksum;
	uint64_t		checksum;
	struct shmu_ring_end	end[2];
};

/* Owned by the caller.  SHMU_RING_INIT means closed; the members are
 * private. */
struct shmu_ring {
	struct shmu_ring_control *control;
	struct shmu_ring_end	*my, *peer;
	unsigned char		*data;
	uint64_t		 capacity;
	uint64_t		 mine;		/* with what is staged or
						 * taken */
	uint64_t		 shown;		/* of that, in the segment */
	uint64_t		 theirs;	/* as last seen */
	uint64_t		 batch;		/* show when so much has
						 * gathered */
	uint32_t		 kind;
	uint32_t		 barrier;
	uint32_t		 lost;		/* the peer whose loss was
						 * told */
	enum shmu_ring_role	 role;
	int			 bell;
	int			 rang;
	unsigned int		 spins;		/* looks before a sleep */
	unsigned int		 vain;		/* times they did not help */
	unsigned int		 waits;
	struct shmu_segment	 seg;
};
#define SHMU_RING_INIT                                                         \
	{                                                                      \
		NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0,                \
		    SHMU_RING_PRODUCER, -1, 0, 0, 0, 0, SHMU_SEGMENT_INIT      \
	}

/*
 * Take one end of the channel op, a POSIX object or a file, whose path must
 * outlive r.  It is created, complete, when it is not there, and made anew when
 * nobody is at either end and RESUME is not set.  Fails with
 *	EBUSY		this end is another process's
 *	EALREADY	the stream has begun and this end's process is gone:
 *			RESUME goes on
 *	EEXIST		it is there with another kind or capacity
 *	EPERM		it is another user's
 *	ENXIO		the bell is no FIFO of the same owner, or is missing
 *			though somebody is at the channel
 *	ENOENT		it is not there, and EXISTING is set
 *	EILSEQ EBADMSG ENOEXEC EPROTOTYPE	as shmu_header_check
 *	EINVAL		a kind of segment that cannot be one
 *	ETIMEDOUT	somebody was joining it for 5 s
 * and as shmu_segment_create and shmu_segment_open.
 */
SHMU_API int shmu_ring_open(struct shmu_ring *r, enum shmu_ring_role role,
    const struct shmu_operand *op, const struct shmu_ring_spec *spec);

/*
 * Show what is staged or taken, leave the end and close.  The last to leave
 * removes the channel, unless either end was opened to KEEP it and the stream
 * has begun and one of the two has not seen its end.  Closing twice does
 * nothing.
 */
SHMU_API void shmu_ring_close(struct shmu_ring *r);

/* Close without leaving: for a child after fork. */
SHMU_API void shmu_ring_drop(struct shmu_ring *r);

/* Bytes that went through before this end came: 0 at the start. */
static inline uint64_t
shmu_ring_position(const struct shmu_ring *r)
{
	return r->mine;
}

/* Bytes that the ring holds. */
static inline uint64_t
shmu_ring_capacity(const struct shmu_ring *r)
{
	return r->capacity;
}

/* Bytes staged or taken that are not yet published or acknowledged. */
static inline uint64_t
shmu_ring_gathered(const struct shmu_ring *r)
{
	return r->mine - r->shown;
}

/* Bytes that the other end has published or acknowledged. */
static inline uint64_t
shmu_ring_peer_position(const struct shmu_ring *r)
{
	return __atomic_load_n(&r->peer->position, __ATOMIC_ACQUIRE);
}

/* Private: show the position, and wake a peer that sleeps for it. */
SHMU_API void shmu_ring_wake(struct shmu_ring *r);
SHMU_API int shmu_ring_broken(struct shmu_ring *r);

static inline void
shmu_ring_show(struct shmu_ring *r)
{
	if (r->shown == r->mine)
		return;
	r->shown = r->mine;
	__atomic_store_n(&r->my->position, r->mine, __ATOMIC_RELEASE);
	/* A sleeper announces itself and looks at the position again; between
	 * the two it has every processor pass a barrier, if that can be had. */
	if (r->barrier)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&r->peer->sleeps, __ATOMIC_RELAXED) != 0)
		shmu_ring_wake(r);
}

/* Private: look where the peer is. */
static inline void
shmu_ring_look(struct shmu_ring *r)
{
	r->theirs = __atomic_load_n(&r->peer->position, __ATOMIC_ACQUIRE);
}

/* Private: bytes at hand; more than capacity when the peer's position cannot
 * be. */
static inline uint64_t
shmu_ring_have(const struct shmu_ring *r)
{
	return r->role == SHMU_RING_PRODUCER ?
	    r->capacity - (r->mine - r->theirs) : r->theirs - r->mine;
}

/* Private: bytes at hand, after another look if they are fewer than want. */
static inline uint64_t
shmu_ring_reach(struct shmu_ring *r, uint64_t want)
{
	uint64_t have = shmu_ring_have(r);

	if (have < want) {
		shmu_ring_look(r);
		have = shmu_ring_have(r);
	}
	return have <= r->capacity ? have : (uint64_t)shmu_ring_broken(r);
}

/*
 * Producer: the bytes that may be written at *at, as many as are free; less
 * than want only when no more are.  0 also when the peer's position cannot be:
 * shmu_ring_wait then says so.
 */
static inline size_t
shmu_ring_room(struct shmu_ring *r, size_t want, void **at)
{
	uint64_t have = shmu_ring_reach(r, want);

	*at = r->data + (r->mine & (r->capacity - 1));
	return (size_t)have;
}

/* Producer: n bytes of the room have been written; at most what room gave. */
static inline void
shmu_ring_stage(struct shmu_ring *r, size_t n)
{
	r->mine += n;
	if (r->mine - r->shown >= r->batch)
		shmu_ring_show(r);
}

/* Producer: let the consumer have all that is staged. */
static inline void
shmu_ring_publish(struct shmu_ring *r)
{
	shmu_ring_show(r);
}

/* Consumer: the bytes that can be read at *at, as room has it. */
static inline size_t
shmu_ring_data(struct shmu_ring *r, size_t want, const void **at)
{
	uint64_t have = shmu_ring_reach(r, want);

	*at = r->data + (r->mine & (r->capacity - 1));
	return (size_t)have;
}

/* Consumer: n bytes of the data are done with. */
static inline void
shmu_ring_take(struct shmu_ring *r, size_t n)
{
	r->mine += n;
	if (r->mine - r->shown >= r->batch)
		shmu_ring_show(r);
}

/* Consumer: acknowledge all that is taken; its place is room again. */
static inline void
shmu_ring_release(struct shmu_ring *r)
{
	shmu_ring_show(r);
}

/* Private: what a record begins with. */
struct shmu_ring_record {
	uint32_t	length;		/* bytes of the record, without this */
	uint32_t	place;		/* position / 8, which makes a gap
					 * show */
};

/* Bytes of the ring that a record of n bytes takes. */
static inline uint64_t
shmu_ring_record_size(uint32_t n)
{
	return sizeof(struct shmu_ring_record) + (((uint64_t)n + 7) &
	    ~(uint64_t)7);
}

/*
 * Producer of records: stage one of n bytes, n up to capacity - 8.  -1 with
 * EAGAIN: no room (wait for shmu_ring_record_size(n) bytes); EMSGSIZE: never.
 */
static inline int
shmu_ring_put(struct shmu_ring *r, const void *record, uint32_t n)
{
	uint64_t size = shmu_ring_record_size(n);
	struct shmu_ring_record *to;

	if (shmu_ring_reach(r, size) < size) {
		errno = size > r->capacity ? EMSGSIZE : EAGAIN;
		return -1;
	}
	to = (struct shmu_ring_record *)(void *)(r->data +
	    (r->mine & (r->capacity - 1)));
	to->length = n;
	to->place = (uint32_t)(r->mine >> 3);
	memcpy(to + 1, record, n);
	shmu_ring_stage(r, (size_t)size);
	return 0;
}

/*
 * Consumer of records: take the next; *record is where it lies, of *n bytes,
 * aligned to 8, until the next get, release or wait.  1, or 0 when there is
 * none, or -1 with EBADMSG when what is there is no record.
 */
static inline int
shmu_ring_get(struct shmu_ring *r, const void **record, uint32_t *n)
{
	const struct shmu_ring_record *from;
	uint64_t have, size;

	if (r->mine - r->shown >= r->batch)
		shmu_ring_show(r);
	have = shmu_ring_reach(r, sizeof *from);
	if (have < sizeof *from)
		return 0;
	from = (const struct shmu_ring_record *)(const void *)(r->data +
	    (r->mine & (r->capacity - 1)));
	*n = __atomic_load_n(&from->length, __ATOMIC_RELAXED);
	size = shmu_ring_record_size(*n);
	if (size > have || from->place != (uint32_t)(r->mine >> 3)) {
		errno = EBADMSG;
		return -1;
	}
	*record = from + 1;
	r->mine += size;
	return 1;
}

/*
 * Show what is staged or taken, then wait for want bytes of room or data, at
 * most capacity: spin for some microseconds, then sleep, at most for timeout
 * (relative; NULL: without a limit).  Returns 1 when they are there; 0,
 * consumer only, when the stream ended and fewer are left; or -1 with
 *	EPIPE		the peer is gone: shmu_ring_peer tells who.  Told
 *			once: waiting again waits for another to come
 *	ETIMEDOUT
 *	EINTR		a signal was handled
 *	EBADMSG		the peer's position cannot be
 */
SHMU_API int shmu_ring_wait(struct shmu_ring *r, size_t want,
    const struct timespec *timeout);

/*
 * For a loop of one's own around poll(2): arm says that this end is about to
 * sleep until want bytes are there, and returns 1 when they are already (or
 * the stream ended), or 0: then poll the descriptor for POLLIN (consumer) or
 * POLLOUT (producer).  After it, or instead of it, disarm.  POLLHUP or POLLERR
 * mean that nobody is at the other end: shmu_ring_wait deals with that, with a
 * timeout of 0 without sleeping (a producer's stays POLLERR until another
 * comes).  The descriptor belongs to the ring and may change in a wait.
 */
SHMU_API int shmu_ring_arm(struct shmu_ring *r, size_t want);
SHMU_API void shmu_ring_disarm(struct shmu_ring *r);
SHMU_API int shmu_ring_fd(const struct shmu_ring *r);

/*
 * Producer: publish all and say that no more comes; with a checksum of the
 * stream, if not NULL.  Then wait until the consumer has acknowledged it all,
 * as shmu_ring_wait does.
 */
SHMU_API void shmu_ring_finish(struct shmu_ring *r, const uint64_t *checksum);
SHMU_API int shmu_ring_drain(struct shmu_ring *r,
    const struct timespec *timeout);

/* Whether the producer, this one or the one before it, has said so. */
SHMU_API int shmu_ring_finished(const struct shmu_ring *r);

/* Consumer: the checksum that the producer gave at the end: 1, or 0. */
SHMU_API int shmu_ring_checksum(const struct shmu_ring *r, uint64_t *checksum);

/*
 * Consumer: say that the next n bytes of the data are being handed on.  Who
 * resumes after a death learns what was: from the position, up to *end, may
 * have been handed on already.
 */
SHMU_API void shmu_ring_intend(struct shmu_ring *r, size_t n);
SHMU_API uint64_t shmu_ring_intended(const struct shmu_ring *r);

/* Who is or was last at the other end. */
SHMU_API enum shmu_ring_state shmu_ring_peer(const struct shmu_ring *r,
    struct shmu_owner *out);

/* Whether an end was opened to KEEP the channel. */
SHMU_API int shmu_ring_kept(const struct shmu_ring *r);

/* How a channel stands, for who is at neither end. */
struct shmu_ring_status {
	uint64_t		capacity;
	uint32_t		kind;
	int			finished;
	uint64_t		published, acknowledged;	/* bytes */
	enum shmu_ring_state	state[2];	/* by enum shmu_ring_role */
	struct shmu_owner	owner[2];
};

/* Ask seg, open for reading at least and not mapped.  Errors as
 * shmu_header_check and shmu_segment_map. */
SHMU_API int shmu_ring_status(struct shmu_segment *seg,
    struct shmu_ring_status *out);

/* The path of the bell of op: 0, or -1 with EINVAL or ENAMETOOLONG. */
SHMU_API int shmu_ring_bell(const struct shmu_operand *op, char *path,
    size_t size);

SHMU_END

#endif
