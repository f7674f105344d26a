/* SPDX-License-Identifier: MIT */
/*
 * heap-work.c - the workloads of bench/heap, on whatever peer is linked
 *
 * usage: heap-PEER WORKLOAD [PROCESSES]; prints figures
 *
 *	W1 W2 W3	nanoseconds of processor time an operation
 *	W4 remote	millions of operations a second, and fairness
 *	W4k		whether others hang after a kill, and inconsistencies
 *	W5		live/used, full, largest after every other, refilled,
 *			largest when empty: shares of the arena, the third bytes
 *
 * An operation frees and allocates once.  Every allocation gets eight bytes
 * written, which are checked before it is freed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "heap-work.h"

#define ARENA	((size_t)256 << 20)
#define MAGIC	UINT64_C(0x6d61676963000000)
#define SLOTS	10000
#define TABLE	65536
#define MOST	8

static uint64_t seed = UINT64_C(88172645463325252);
static uint32_t mixed[TABLE];

struct shared {
	volatile int		 go, stop;
	volatile uint64_t	 ops[MOST * 8];
	void			*exchange[4096];
};
static struct shared *shared;

static uint64_t
below(uint64_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return ((seed * UINT64_C(0x2545F4914F6CDD1D)) >> 32) * n >> 32;
}

static size_t
w1_size(void)
{
	return 16 + below(497);
}

static size_t
w2_size(void)
{
	return mixed[below(TABLE)];
}

static void __attribute__((noreturn))
die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(3);
}

static double
clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
put(void **slot, size_t size, uint64_t i)
{
	uint64_t *p = peer_malloc(size);

	if (p == NULL)
		die("out of memory");
	*p = MAGIC | i;
	*slot = p;
}

static void
drop(void **slot, uint64_t i)
{
	if (*(uint64_t *)*slot != (MAGIC | i))
		die("the content is another");
	peer_free(*slot);
	*slot = NULL;
}

static void
churn(void **slots, uint64_t n, uint64_t ops, size_t (*size)(void))
{
	uint64_t i;

	while (ops-- > 0) {
		i = below(n);
		drop(&slots[i], i);
		put(&slots[i], size(), i);
	}
}

static void
fill(void **slots, uint64_t n, size_t (*size)(void))
{
	uint64_t i;

	for (i = 0; i < n; i++)
		put(&slots[i], size(), i);
}

static double
timed_churn(uint64_t n, uint64_t ops, size_t (*size)(void))
{
	static void *slots[SLOTS];
	double begin;

	fill(slots, n, size);
	churn(slots, n, 10 * n, size);
	begin = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	churn(slots, n, ops, size);
	return (clock_of(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)ops;
}

static double
lifo(uint64_t ops)
{
	double begin = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t i;
	void *p;

	for (i = 0; i < ops; i++) {
		put(&p, 64, i);
		drop(&p, i);
	}
	return (clock_of(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)ops;
}

/* The work of one process of W4; with remote, every second allocation changes
 * places with one of all processes'. */
static void __attribute__((noreturn))
worker(int index, int remote)
{
	static void *slots[SLOTS];
	uint64_t ops = 0, i;
	void *other;

	seed ^= (uint64_t)(index + 1) * UINT64_C(0x9E3779B97F4A7C15);
	peer_child(index);
	fill(slots, SLOTS, w1_size);
	while (!shared->go)
		usleep(100);
	while (!shared->stop) {
		for (i = 0; i < 64; i++) {
			uint64_t k = below(SLOTS);

			if (remote && (i & 1) != 0) {
				*(uint64_t *)slots[k] = MAGIC;
				other = __atomic_exchange_n(
				    &shared->exchange[below(4096)], slots[k],
				    __ATOMIC_ACQ_REL);
				if (other != NULL)
					peer_free(other);
			} else
				drop(&slots[k], k);
			put(&slots[k], w1_size(), k);
		}
		shared->ops[index * 8] = ops += 64;
	}
	_exit(0);
}

static void
begin_workers(pid_t *pids, int n, int remote)
{
	int i;

	for (i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			worker(i, remote);
	}
	usleep(50000);
	shared->go = 1;
}

static void
many(int n, int remote)
{
	uint64_t sum = 0, least = UINT64_MAX, most = 0;
	double begin, seconds;
	pid_t pids[MOST];
	int i;

	begin_workers(pids, n, remote);
	begin = clock_of(CLOCK_MONOTONIC);
	usleep(800000);
	shared->stop = 1;
	seconds = (clock_of(CLOCK_MONOTONIC) - begin) / 1e9;
	for (i = 0; i < n; i++) {
		uint64_t ops = shared->ops[i * 8];

		sum += ops;
		least = ops < least ? ops : least;
		most = ops > most ? ops : most;
	}
	for (i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	printf("%.2f %.2f\n", (double)sum / seconds / 1e6,
	    (double)least / (double)most);
}

/* Kill one of four at work: do the others go on? */
static void
kill_one(void)
{
	uint64_t before[4];
	int i, hung = 0, victim;
	pid_t pids[4];

	seed ^= (uint64_t)getpid() * 2654435761U;
	victim = (int)below(4);
	begin_workers(pids, 4, 0);
	usleep(20000 + (useconds_t)below(20000));
	kill(pids[victim], SIGKILL);
	waitpid(pids[victim], NULL, 0);
	for (i = 0; i < 4; i++)
		before[i] = shared->ops[i * 8];
	usleep(300000);
	for (i = 0; i < 4; i++)
		hung += i != victim && shared->ops[i * 8] == before[i];
	shared->stop = 1;
	usleep(20000);
	for (i = 0; i < 4; i++) {
		if (i == victim)
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	printf("%d %d\n", hung > 0, hung > 0 ? 0 : peer_check());
}

static uint64_t
w5a(void **slots, uint64_t *bytes)
{
	static size_t sizes[SLOTS];
	uint64_t i, k;

	*bytes = 0;
	for (i = 0; i < SLOTS; i++) {
		sizes[i] = w1_size();
		put(&slots[i], sizes[i], i);
	}
	for (k = 0; k < 2000000; k++) {
		i = below(SLOTS);
		drop(&slots[i], i);
		sizes[i] = w1_size();
		put(&slots[i], sizes[i], i);
	}
	for (i = 0; i < SLOTS; i++)
		*bytes += sizes[i];
	return peer_real_used();
}

static size_t
largest(void)
{
	size_t low = 0, high = ARENA, mid;
	void *p;

	while (high - low > 16) {
		mid = low + (high - low) / 2;
		p = peer_malloc(mid);
		if (p == NULL)
			high = mid;
		else {
			low = mid;
			peer_free(p);
		}
	}
	return low;
}

static void
memory(void)
{
	static void *slots[SLOTS];
	size_t max = 4000000, n = 0, i, *sizes = malloc(max * sizeof *sizes);
	void **all = malloc(max * sizeof *all);
	uint64_t live, real = w5a(slots, &live), sum = 0, freed = 0, back = 0;

	for (i = 0; i < SLOTS; i++)
		drop(&slots[i], i);
	if (all == NULL || sizes == NULL)
		die("no memory");
	printf("%.4f ", real == 0 ? 0 : (double)live / (double)real);
	while (n < max) {
		sizes[n] = w1_size();
		all[n] = peer_malloc(sizes[n]);
		if (all[n] == NULL)
			break;
		sum += sizes[n++];
	}
	printf("%.4f ", (double)sum / (double)ARENA);
	for (i = 0; i < n; i += 2) {
		peer_free(all[i]);
		freed += sizes[i];
	}
	printf("%zu ", largest());
	for (i = 0; i < n; i += 2) {
		size_t size = w1_size();

		all[i] = peer_malloc(size);
		if (all[i] == NULL)
			break;
		back += size;
	}
	printf("%.4f ", (double)back / (double)freed);
	for (; i < n; i += 2)
		all[i] = NULL;
	for (i = 0; i < n; i++)
		if (all[i] != NULL)
			peer_free(all[i]);
	printf("%.4f\n", (double)largest() / (double)ARENA);
}

int
main(int argc, char *argv[])
{
	const char *w = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 1, i;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < TABLE; i++)
		mixed[i] = (uint32_t)(16 * exp2(12.0 * i / TABLE));
	if (shared == MAP_FAILED || n < 1 || n > MOST ||
	    peer_create(ARENA) == -1)
		die("no heap");
	if (strcmp(w, "W1") == 0)
		printf("%.2f\n", timed_churn(SLOTS, 3000000, w1_size));
	else if (strcmp(w, "W2") == 0)
		printf("%.2f\n", timed_churn(4000, 1000000, w2_size));
	else if (strcmp(w, "W3") == 0)
		printf("%.2f\n", lifo(5000000));
	else if (strcmp(w, "W4") == 0)
		many(n, 0);
	else if (strcmp(w, "remote") == 0 && peer_shared)
		many(n, 1);
	else if (strcmp(w, "W4k") == 0)
		kill_one();
	else if (strcmp(w, "W5") == 0)
		memory();
	else
		die("usage: heap-PEER W1|W2|W3|W4|remote|W4k|W5 [PROCESSES]");
	return 0;
}
