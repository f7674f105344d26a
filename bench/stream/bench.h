/* SPDX-License-Identifier: MIT */
/* bench.h - what the benchmarks of streams share */
#ifndef BENCH_H
#define BENCH_H

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	((size_t)256 << 10)

static inline void __attribute__((noreturn))
die(const char *what)
{
	perror(what);
	_exit(3);
}

/* Seconds on a clock that only goes on. */
static inline double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Read each of n bytes at p once, as fast as that goes. */
static inline void
touch(const void *p, size_t n)
{
	typedef uint64_t line __attribute__((vector_size(64), aligned(1),
	    may_alias));
	const line *at = p;
	line sum = { 0 };
	uint64_t rest = 0;
	size_t i;

	for (i = 0; i < n / sizeof sum; i++)
		sum ^= at[i];
	for (i *= sizeof sum; i < n; i++)
		rest += ((const unsigned char *)p)[i];
	for (i = 0; i < 8; i++)
		rest ^= sum[i];
	__asm__ volatile("" : : "r"(rest));
}

/* Wait for a child that must end well. */
static inline void
join(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0) {
		fputs("the other process failed\n", stderr);
		_exit(3);
	}
}

/* Stay on the n-th processor that this process may have. */
static inline void
pin(int n)
{
	cpu_set_t may, one;
	size_t cpu;

	if (sched_getaffinity(0, sizeof may, &may) == -1)
		die("sched_getaffinity");
	n %= CPU_COUNT(&may);
	for (cpu = 0; !CPU_ISSET(cpu, &may) || n-- > 0; cpu++)
		;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof one, &one) == -1)
		die("sched_setaffinity");
}

#endif
