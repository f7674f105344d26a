/* SPDX-License-Identifier: MIT */
/*
 * ring.c - wait for the other end of a ring, and wake it; see shmutil/ring.h
 *
 * The bell is a FIFO of one page.  A byte in it wakes the consumer (POLLIN),
 * and as long as it is there the FIFO is full as poll(2) sees it; so draining
 * it wakes a producer that polls for room (POLLOUT).  That there is nobody to
 * write to (POLLERR) or nobody left who wrote (POLLHUP) is how the death of
 * the other end is noticed at once, without asking.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"
#include "pause.h"
#include "ring-channel.h"
#include "shmutil/ring.h"
#include "shmutil/sys.h"

#define VAIN	4	/* waits in a row that looking did not end */

int
shmu_ring_broken(struct shmu_ring *r)
{
	(void)r;
	errno = EBADMSG;
	return 0;
}

/* Whether the position last seen of the peer cannot be. */
static int
broken(const struct shmu_ring *r)
{
	return shmu_ring_have(r) > r->capacity;
}

/*
 * Write a byte into the bell.  The SIGPIPE of a bell that nobody can hear is
 * taken back, unless one was there before.
 */
static void
ring_bell(int bell)
{
	static const struct timespec now = { 0, 0 };
	sigset_t pipe, old, pending;
	ssize_t n;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigemptyset(&pending);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &old);
	do
		n = write(bell, "", 1);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe, NULL, &now) == -1 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Take all bytes out of the bell. */
static void
drain_bell(int bell)
{
	char bytes[256];
	ssize_t n;

	do
		n = read(bell, bytes, sizeof bytes);
	while (n == (ssize_t)sizeof bytes || (n == -1 && errno == EINTR));
}

void
shmu_ring_wake(struct shmu_ring *r)
{
	if (__atomic_exchange_n(&r->peer->sleeps, 0, __ATOMIC_SEQ_CST) == 0)
		return;
	if (r->role == SHMU_RING_PRODUCER)
		ring_bell(r->bell);
	else
		drain_bell(r->bell);
}

int
shmu_ring_finished(const struct shmu_ring *r)
{
	return __atomic_load_n(&r->control->finished, __ATOMIC_ACQUIRE) != 0;
}

/*
 * 1 when want bytes are there, 0 at the end of the stream, -1 otherwise.  What
 * nobody came for is not acknowledged, not even nothing.
 */
static int
ready(struct shmu_ring *r, uint64_t want)
{
	/* In this order: the position of who has finished is final. */
	int end = shmu_ring_finished(r);

	shmu_ring_look(r);
	if (broken(r))
		return -1;
	if (r->role == SHMU_RING_CONSUMER)
		return shmu_ring_have(r) >= want ? 1 : end ? 0 : -1;
	return shmu_ring_have(r) < want || (end && __atomic_load_n(
	    &r->peer->attached, __ATOMIC_ACQUIRE) == 0) ? -1 : 1;
}

/*
 * The same after some looks; a peer on another processor is often that near.
 * When looking was in vain several times in a row, as when there are more
 * processes than processors and the peer could run if this one did not, most
 * waits look only briefly until it helps again.
 */
static int
spin(struct shmu_ring *r, uint64_t want)
{
	int brief = r->vain >= VAIN && ++r->waits % 8 != 0;
	unsigned int i, n = brief ? r->spins / 64 : r->spins;
	int done = ready(r, want);

	if (done != -1)
		return done;
	for (i = 0; i < n && done == -1; i++) {
		shmu_pause();
		done = ready(r, want);
	}
	if (done != -1)
		r->vain = 0;
	else if (r->vain < VAIN)
		r->vain++;
	return done;
}

/* What the peer writes after this, it writes after it saw that we sleep; or we
 * see it. */
static void
announce(struct shmu_ring *r)
{
	__atomic_store_n(&r->my->sleeps, 1, __ATOMIC_SEQ_CST);
	if (r->barrier)
		shmu_ring_membarrier();
	else
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int
shmu_ring_arm(struct shmu_ring *r, size_t want)
{
	int done;

	shmu_ring_show(r);
	if (r->role == SHMU_RING_PRODUCER)
		ring_bell(r->bell);
	else if (r->rang) {
		drain_bell(r->bell);
		r->rang = 0;
	}
	announce(r);
	done = ready(r, want);
	if (done == -1 && !broken(r))
		return 0;
	shmu_ring_disarm(r);
	return 1;
}

void
shmu_ring_disarm(struct shmu_ring *r)
{
	__atomic_store_n(&r->my->sleeps, 0, __ATOMIC_RELAXED);
	r->rang = 1;
}

int
shmu_ring_fd(const struct shmu_ring *r)
{
	return r->bell;
}

/*
 * Nobody is at the other end.  -1 with EPIPE when that is the loss of a peer
 * not told of yet, who did not leave what is waited for; 0 when it is not.
 */
static int
lose(struct shmu_ring *r, uint64_t want)
{
	uint32_t who = __atomic_load_n(&r->peer->attached, __ATOMIC_ACQUIRE);

	if (who == r->lost || ready(r, want) != -1)
		return 0;
	r->lost = who;
	errno = EPIPE;
	return -1;
}

/* A limit as a point in time. */
static struct timespec
deadline(const struct timespec *timeout)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += timeout->tv_sec;
	t.tv_nsec += timeout->tv_nsec;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* What is left until then.  Whether anything is. */
static int
remains(const struct timespec *until, struct timespec *left)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left->tv_sec = until->tv_sec - now.tv_sec;
	left->tv_nsec = until->tv_nsec - now.tv_nsec;
	if (left->tv_nsec < 0) {
		left->tv_sec--;
		left->tv_nsec += 1000000000;
	}
	if (left->tv_sec >= 0)
		return 1;
	left->tv_sec = left->tv_nsec = 0;
	return 0;
}

/* Sleep until somebody comes; 0 also when somebody has. */
static int
await_arrival(struct shmu_ring *r, uint32_t arrivals,
    const struct timespec *limit)
{
	return shmu_sys_futex_wait(&r->control->arrivals, arrivals,
	    limit) == 0 || errno == EAGAIN ? 0 : -1;
}

/*
 * The bell says that nobody is at the other end.  It is opened before the end
 * is claimed, so a claim means that the peer is just going (the kernel closes
 * one file after the other) or has just come.  A producer without a consumer
 * would be told so for ever: it waits for one to arrive.  A consumer opens the
 * bell anew, which forgets the writers that are gone.
 */
static int
nobody_there(struct shmu_ring *r, uint64_t want, uint32_t arrivals,
    const struct timespec *limit)
{
	static const struct timespec moment = { 0, 1000000 };

	if (ready(r, want) != -1)
		return 0;
	if (shmu_ring_held(r, !r->role)) {
		nanosleep(&moment, NULL);
		return 0;
	}
	if (lose(r, want) == -1)
		return -1;
	return r->role == SHMU_RING_PRODUCER ?
	    await_arrival(r, arrivals, limit) : shmu_ring_reopen_bell(r);
}

/* Sleep at the bell; 0 when it is time to look again. */
static int
sleep_at_bell(struct shmu_ring *r, uint64_t want, uint32_t arrivals,
    const struct timespec *limit)
{
	struct pollfd p = { .fd = r->bell, .events = POLLOUT };
	int n;

	if (r->role == SHMU_RING_CONSUMER)
		p.events = POLLIN;
	n = ppoll(&p, 1, limit, NULL);
	if (n > 0)
		return (p.revents & (POLLERR | POLLHUP)) == 0 ? 0 :
		    nobody_there(r, want, arrivals, limit);
	if (n == 0)
		errno = ETIMEDOUT;
	return -1;
}

/* One sleep, no longer than limit. */
static int
doze(struct shmu_ring *r, uint64_t want, const struct timespec *limit)
{
	uint32_t arrivals = __atomic_load_n(&r->control->arrivals,
	    __ATOMIC_ACQUIRE);
	int n, err;

	if (shmu_ring_arm(r, want))
		return 0;
	n = sleep_at_bell(r, want, arrivals, limit);
	err = errno;
	shmu_ring_disarm(r);
	errno = err;
	return n;
}

/* Sleep until it is done or the time is up.  With no time at all the bell is
 * asked once, so that the loss of the peer is told. */
static int
sleep_until(struct shmu_ring *r, uint64_t want, const struct timespec *until)
{
	struct timespec left;
	int done = -1, more = 1;

	while (done == -1 && more) {
		if (broken(r)) {
			errno = EBADMSG;
			return -1;
		}
		more = until == NULL || remains(until, &left);
		if (doze(r, want, until == NULL ? NULL : &left) == -1)
			return -1;
		done = ready(r, want);
	}
	if (done == -1)
		errno = broken(r) ? EBADMSG : ETIMEDOUT;
	return done;
}

int
shmu_ring_wait(struct shmu_ring *r, size_t want, const struct timespec *timeout)
{
	struct timespec until;
	int done;

	if (want > r->capacity)
		want = r->capacity;
	shmu_ring_show(r);
	done = spin(r, want);
	if (done != -1)
		return done;
	if (timeout != NULL)
		until = deadline(timeout);
	return sleep_until(r, want, timeout == NULL ? NULL : &until);
}

void
shmu_ring_finish(struct shmu_ring *r, const uint64_t *checksum)
{
	shmu_ring_show(r);
	if (checksum != NULL) {
		r->control->checksum = *checksum;
		r->control->has_checksum = 1;
	}
	__atomic_store_n(&r->control->finished, 1, __ATOMIC_SEQ_CST);
	if (r->barrier == 0)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&r->peer->sleeps, __ATOMIC_SEQ_CST) != 0)
		shmu_ring_wake(r);
}

int
shmu_ring_drain(struct shmu_ring *r, const struct timespec *timeout)
{
	return shmu_ring_wait(r, r->capacity, timeout);
}

int
shmu_ring_checksum(const struct shmu_ring *r, uint64_t *checksum)
{
	if (!shmu_ring_finished(r) || r->control->has_checksum == 0)
		return 0;
	*checksum = r->control->checksum;
	return 1;
}

void
shmu_ring_intend(struct shmu_ring *r, size_t n)
{
	__atomic_store_n(&r->my->intent, r->mine + n, __ATOMIC_RELEASE);
}

uint64_t
shmu_ring_intended(const struct shmu_ring *r)
{
	uint64_t end = __atomic_load_n(&r->my->intent, __ATOMIC_ACQUIRE);

	return end - r->mine <= r->capacity ? end : r->mine;
}
