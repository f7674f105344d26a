/* SPDX-License-Identifier: MIT */
/* cell.h - a table that children share, for the tests of its cells */
#ifndef CELL_H
#define CELL_H

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/cell.h"

#define KEY	"key", 3

extern struct shmu_table *table;
extern struct shmu_operand op;

/* A new table in each test. */
int fresh(void **state);
int gone(void **state);

/* Zero memory that children share with the test; for all of it. */
void *shared(size_t size);

/* fn(arg) in a child that has joined the table.  It passes by returning. */
pid_t child(void (*fn)(void *), void *arg);
/* In a child, where cmocka's assertions are of no use. */
#define must(what)	must_at((what), #what, __LINE__)
void must_at(int true, const char *what, int line);

/* It ended well; and end it. */
void passed(pid_t pid);
void slay(pid_t pid);

/* Poll what for at most 20 s. */
#define eventually(what)	do {					\
		int left_ = 20000;					\
		while (!(what) && left_-- > 0)				\
			moment();					\
		assert_true(left_ > 0);					\
	} while (0)
void moment(void);

/* The state of a process as /proc has it. */
char state_of(pid_t pid);

/* How many wait for, and have, the cell "key". */
uint32_t waiting(void);
uint32_t having(void);

struct shmu_claim claim_of(unsigned int flags);
struct shmu_claim claim_within(const struct timespec *limit);

/* Chunks of the heap. */
uint64_t chunks(void);
int slow(int n);

#endif
