/* SPDX-License-Identifier: MIT */
/* uptime.c - the segment of uptime-srv and uptime-cli; see uptime.h */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "process.h"
#include "shmutil/sys.h"
#include "uptime.h"

/* "uptime\0" and a byte that text does not have. */
#define MAGIC	UINT64_C(0x8c00656d69747075)
#define LAYOUT	1U
#define TRIES	1000

_Static_assert(sizeof(struct uptime) == UPTIME_SIZE &&
    offsetof(struct uptime, magic) == 64, "the size and place are a contract");
_Static_assert(__atomic_always_lock_free(sizeof(uint64_t), NULL),
    "eight characters are one store");

#define LOAD(p)		__atomic_load_n((p), __ATOMIC_RELAXED)
#define STORE(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)

const char *
uptime_operand(struct shmu_operand *op, const char *key, const char *posix)
{
	char text[64];

	if (key != NULL && posix != NULL)
		cli_usage(posix, "--posix and --key exclude each other");
	if (posix != NULL) {
		cli_operand_or_die(op, posix);
		if (op->kind != SHMU_POSIX)
			cli_usage(posix,
			    "this is no POSIX name, such as /uptime");
		if (strncmp(op->name, "/sem.", 5) == 0)
			cli_usage(posix, "names that begin with sem. belong to "
			    "sem_open(3); choose another");
		return posix;
	}
	if (key == NULL)
		key = UPTIME_KEY;
	snprintf(text, sizeof text, strncmp(key, "key:", 4) == 0 ? "%s" :
	    "key:%s", key);
	if (shmu_operand_parse(op, text, NULL) == -1)
		cli_usage(key, "a key is a number other "
		    "than 0, such as 0x666");
	return key;
}

uint64_t
uptime_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * UPTIME_SECOND + (uint64_t)t.tv_nsec;
}

struct timespec
uptime_timespec(uint64_t nanoseconds)
{
	struct timespec t;

	t.tv_sec = (time_t)(nanoseconds / UPTIME_SECOND);
	t.tv_nsec = (long)(nanoseconds % UPTIME_SECOND);
	return t;
}

/* From began and not from the last deadline: being late is not handed on. */
uint64_t
uptime_deadline(uint64_t began, uint64_t now)
{
	return began + ((now - began) / UPTIME_SECOND + 1) * UPTIME_SECOND;
}

uint64_t
uptime_text(uint64_t seconds)
{
	unsigned int day = (unsigned int)(seconds % 86400);
	char text[sizeof(uint64_t) + 1];
	uint64_t word;

	snprintf(text, sizeof text, "%02u:%02u:%02u", day / 3600, day / 60 % 60,
	    day % 60);
	memcpy(&word, text, sizeof word);
	return word;
}

/*
 * The mapped memory of an object that somebody makes shorter is SIGBUS for who
 * touches it.  Here that is the end of fn, and -1 with EFAULT.
 */
static sigjmp_buf trap;
static volatile sig_atomic_t armed;

static void
trapped(int sig)
{
	if (armed)
		siglongjmp(trap, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static int
guarded(void (*fn)(void *), void *arg)
{
	struct sigaction old, act = { .sa_handler = trapped,
	    .sa_flags = SA_NODEFER };
	volatile int result = 0;

	sigaction(SIGBUS, &act, &old);
	if (sigsetjmp(trap, 0) == 0) {
		armed = 1;
		fn(arg);
	} else
		result = -1;
	armed = 0;
	sigaction(SIGBUS, &old, NULL);
	errno = EFAULT;
	return result;
}

/*
 * A claim is 22 bits of process id, which is all that Linux gives out, 26 of
 * its start time and 16 that stand for the places where these two are valid.
 * It is never 0.
 */
#define PID_BITS	22
#define START_BITS	26

static unsigned int
place_of(const struct shmu_owner *o)
{
	uint64_t h = o->boot[0] ^ o->boot[1] ^ o->pidns << 32 ^ o->timens;

	return (unsigned int)(h * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

uint64_t
uptime_claim_of(const struct shmu_owner *o)
{
	uint64_t start = o->start & ((UINT64_C(1) << START_BITS) - 1);

	return (uint64_t)place_of(o) << (PID_BITS + START_BITS) |
	    start << PID_BITS | o->pid;
}

pid_t
uptime_pid(uint64_t claim)
{
	return (pid_t)(claim & ((UINT64_C(1) << PID_BITS) - 1));
}

struct write {
	struct uptime			*u;
	const struct shmu_owner		*self;
	uint64_t			 began;
	uint64_t			 now;
	uint64_t			 old;
	int				 claimed;
};

static void
claim(void *arg)
{
	struct write *w = arg;

	w->claimed = __atomic_compare_exchange_n(&w->u->claim, &w->old,
	    uptime_claim_of(w->self), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Make the sequence odd, also where a killed writer left it so. */
static void
open_change(struct uptime *u)
{
	STORE(&u->sequence, LOAD(&u->sequence) | 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void
close_change(struct uptime *u)
{
	__atomic_store_n(&u->sequence, LOAD(&u->sequence) + 1,
	    __ATOMIC_RELEASE);
	shmu_sys_futex_wake(&u->sequence, INT_MAX);
}

static void
begin(void *arg)
{
	struct write *w = arg;

	open_change(w->u);
	w->u->server = *w->self;
	STORE(&w->u->began, w->began);
	STORE(&w->u->written, w->began);
	STORE(&w->u->layout, LAYOUT);
	STORE(&w->u->time, uptime_text(0));
	memset(w->u->end, 0, sizeof w->u->end);
	__atomic_store_n(&w->u->magic, MAGIC, __ATOMIC_RELEASE);
	close_change(w->u);
}

static void
tick(void *arg)
{
	struct write *w = arg;

	open_change(w->u);
	STORE(&w->u->began, w->began);
	STORE(&w->u->written, w->now);
	STORE(&w->u->time, uptime_text((w->now - w->began) / UPTIME_SECOND));
	close_change(w->u);
}

static void
end(void *arg)
{
	struct write *w = arg;

	open_change(w->u);
	STORE(&w->u->claim, 0);
	close_change(w->u);
}

int
uptime_claim(struct uptime *u, uint64_t old, const struct shmu_owner *self)
{
	struct write w = { .u = u, .self = self, .old = old };

	return guarded(claim, &w) == -1 ? -1 : w.claimed;
}

int
uptime_begin(struct uptime *u, const struct shmu_owner *self, uint64_t began)
{
	struct write w = { .u = u, .self = self, .began = began };

	return guarded(begin, &w);
}

int
uptime_tick(struct uptime *u, uint64_t began, uint64_t now)
{
	struct write w = { .u = u, .began = began, .now = now };

	return guarded(tick, &w);
}

int
uptime_end(struct uptime *u)
{
	struct write w = { .u = u };

	return guarded(end, &w);
}

struct read {
	const struct uptime	*u;
	size_t			 size;
	struct uptime_look	*out;
};

/* The record, and the text that belongs to it.  Whether the sequence was even
 * and the same before and after. */
static int
once(const struct uptime *u, struct uptime_look *out, uint64_t *text)
{
	const uint64_t *from = (const uint64_t *)(const void *)&u->server;
	uint64_t words[sizeof out->server / sizeof *from];
	uint64_t began, written;
	size_t i;

	out->sequence = __atomic_load_n(&u->sequence, __ATOMIC_ACQUIRE);
	out->record = LOAD(&u->magic) == MAGIC && LOAD(&u->layout) == LAYOUT;
	*text = LOAD(&u->time);
	out->claim = LOAD(&u->claim);
	began = LOAD(&u->began);
	written = LOAD(&u->written);
	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		words[i] = LOAD(from + i);
	memcpy(&out->server, words, sizeof words);
	out->elapsed = written - began;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (out->sequence & 1) == 0 && LOAD(&u->sequence) == out->sequence;
}

/* The rest of a text that is longer than ours, up to its NUL. */
static void
tail(const struct read *r, size_t at)
{
	const char *text = (const char *)r->u;
	size_t end_of = r->size < UPTIME_SIZE ? r->size : UPTIME_SIZE - 1;

	for (; at < end_of; at++) {
		r->out->text[at] = LOAD(text + at);
		if (r->out->text[at] == '\0')
			return;
	}
	r->out->text[at] = '\0';
}

static void
look(void *arg)
{
	struct read *r = arg;
	uint64_t text = LOAD(&r->u->time);
	int i;

	/* A writer changes little at a time; one that is stopped or dead in the
	 * middle of it is not waited for. */
	for (i = 0; r->size >= UPTIME_SIZE && i < TRIES; i++) {
		r->out->settled = once(r->u, r->out, &text);
		if (r->out->settled || !r->out->record)
			break;
		sched_yield();
	}
	r->out->settled &= r->out->record;
	memcpy(r->out->text, &text, sizeof text);
	if (memchr(r->out->text, '\0', sizeof text) == NULL)
		tail(r, sizeof text);
}

int
uptime_look(const struct uptime *u, size_t size, struct uptime_look *out)
{
	struct read r = { u, size, out };

	memset(out, 0, sizeof *out);
	return guarded(look, &r);
}

int
uptime_here(uint64_t claim_word)
{
	struct shmu_owner self;

	shmu_owner_self(&self);
	return place_of(&self) == claim_word >> (PID_BITS + START_BITS);
}

int
uptime_dead(const struct uptime_look *l)
{
	struct shmu_owner named, now;

	if (l->settled && uptime_claim_of(&l->server) == l->claim)
		return shmu_owner_dead(&l->server);
	/* It died, or is, between the claim and the end of its record: then the
	 * claim alone has to do. */
	if (!uptime_here(l->claim))
		return 0;
	shmu_owner_self(&named);
	named.pid = (uint32_t)uptime_pid(l->claim);
	named.start = 0;
	if (shmu_owner_dead(&named))
		return 1;
	return shmu_owner_of((pid_t)named.pid, &now) == 0 &&
	    uptime_claim_of(&now) != l->claim;
}

int
uptime_alone(const struct shmu_info *info)
{
	return info->kind == SHMU_ID && info->attached <= 1;
}

int
uptime_creator_dead(const struct shmu_info *info)
{
	return info->kind == SHMU_ID && process_dead(info->cpid);
}
