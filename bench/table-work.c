/* SPDX-License-Identifier: MIT */
/*
 * table-work.c - the workloads of bench/table, on whatever peer is linked
 *
 * usage: table-PEER get|set|mix|churn PROCESSES; prints millions of operations
 *        a second of all, and nanoseconds of processor time of one
 *        table-PEER fill MILLIONS; prints the nanoseconds of an insert in the
 *        first tenth and in the slowest, and the longest in microseconds
 *
 * 100 000 keys of 31 bytes, values of 16.  get copies the value of a random key
 * and verifies it, set overwrites one, mix is seven gets to a set, churn
 * deletes one and inserts another, which counts as one operation.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "table-work.h"

#define ARENA	((size_t)256 << 20)
#define KEYS	100000U
#define MOST	8

struct shared {
	volatile int		 ready, go, stop;
	volatile uint64_t	 ops[MOST * 8];
	volatile double		 cpu[MOST * 8];
};
static struct shared *shared;
static char keys[KEYS][KEY_BYTES + 1];
static uint64_t seed = UINT64_C(88172645463325252);
static uint64_t next_key = KEYS;

static uint64_t
below(uint64_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return ((seed * UINT64_C(0x2545F4914F6CDD1D)) >> 32) * n >> 32;
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
name(char *key, uint64_t i)
{
	static const char digits[] = "0123456789abcdef";
	int k;

	for (k = 13; k >= 0; k--, i >>= 4)
		key[k] = digits[i & 15];
	memcpy(key + 14, "@pc33.atlanta.com", 18);
}

static void
set(const char *key)
{
	uint64_t value[2];

	memcpy(value, key, sizeof value);
	if (peer_set(key, value) == -1)
		die("no set");
}

static void
get(const char *key)
{
	uint64_t value[2];

	if (peer_get(key, value) == -1 ||
	    memcmp(value, key, sizeof value) != 0)
		die("no get");
}

static void
churn(char *key)
{
	if (peer_delete(key) == -1)
		die("no delete");
	name(key, next_key++);
	set(key);
}

static void
one(char what)
{
	char *key = keys[below(KEYS)];

	if (what == 'g' || (what == 'm' && below(8) != 0))
		get(key);
	else if (what == 'c')
		churn(key);
	else
		set(key);
}

/* Each churns keys of its own, so that it knows which are there. */
static void __attribute__((noreturn))
worker(int index, char what, int n)
{
	uint64_t ops = 0, i;
	double begin;

	seed ^= (uint64_t)(index + 1) * UINT64_C(0x9E3779B97F4A7C15);
	peer_child();
	if (what == 'c' && n > 1) {
		next_key = ((uint64_t)index + 1) << 40;
		for (i = 0; i < KEYS; i++) {
			name(keys[i], next_key++);
			set(keys[i]);
		}
	}
	__atomic_fetch_add(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!shared->go)
		usleep(100);
	begin = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	while (!shared->stop)
		for (i = 0; i < 64; i++, ops++)
			one(what);
	shared->cpu[index * 8] = clock_of(CLOCK_PROCESS_CPUTIME_ID) - begin;
	shared->ops[index * 8] = ops;
	_exit(0);
}

static void
run(char what, int n)
{
	double begin, seconds, cpu = 0;
	uint64_t ops = 0, i;
	pid_t pids[MOST];
	int k, status;

	for (i = 0; i < KEYS; i++) {
		name(keys[i], i);
		set(keys[i]);
	}
	for (k = 0; k < n; k++)
		if ((pids[k] = fork()) == 0)
			worker(k, what, n);
	while (shared->ready != n)
		usleep(1000);
	shared->go = 1;
	begin = clock_of(CLOCK_MONOTONIC);
	usleep(300000);
	shared->stop = 1;
	seconds = (clock_of(CLOCK_MONOTONIC) - begin) / 1e9;
	for (k = 0; k < n; k++) {
		if (waitpid(pids[k], &status, 0) == -1 || status != 0)
			die("a worker failed");
		ops += shared->ops[k * 8];
		cpu += shared->cpu[k * 8];
	}
	printf("%.3f %.1f\n", (double)ops / seconds / 1e6, cpu / (double)ops);
}

static void
fill(uint64_t n)
{
	double begin, now, tenth[10] = { 0 }, last, longest = 0, slowest = 0;
	char key[KEY_BYTES + 1];
	uint64_t i;

	for (i = 0; i < n; i++) {
		begin = clock_of(CLOCK_MONOTONIC);
		name(key, i);
		set(key);
		now = clock_of(CLOCK_MONOTONIC);
		last = now - begin;
		tenth[i * 10 / n] += last;
		longest = last > longest ? last : longest;
	}
	for (i = 0; i < 10; i++)
		slowest = tenth[i] > slowest ? tenth[i] : slowest;
	printf("%.1f %.1f %.1f\n", tenth[0] / ((double)n / 10),
	    slowest / ((double)n / 10), longest / 1000);
}

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 1;
	int filling = strcmp(what, "fill") == 0;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || n < 1 || (!filling && n > MOST) ||
	    peer_create(filling ? (size_t)n * 200000000 : ARENA) == -1)
		die("no table");
	if (filling)
		fill((uint64_t)n * 1000000);
	else if (strcmp(what, "get") == 0 || strcmp(what, "set") == 0 ||
	    strcmp(what, "mix") == 0 || strcmp(what, "churn") == 0)
		run(what[0], n);
	else
		die("usage: table-PEER get|set|mix|churn|fill N");
	return 0;
}
