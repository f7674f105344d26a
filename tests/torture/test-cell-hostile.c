/* SPDX-License-Identifier: MIT */
/*
 * test-cell-hostile.c - locks, semaphores, barriers and queues of which a peer
 * has written to the records
 *
 * Random words of what these cells consist of are changed, and then everything
 * is done with them.  It may fail, and what was in them may be gone, but it
 * must end, and without a signal.
 */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/check.h"
#include "cell-private.h"

#define ARENA	((uint64_t)1 << 20)
#define TARGETS	16

static struct shmu_table *table;
static unsigned int seed = 5;

/* Parts of cells, in the segment. */
static struct {
	uint64_t	*words;
	uint64_t	 n;
} target[TARGETS];
static int ntargets;

static void
aim(void *p, uint64_t bytes)
{
	assert_non_null(p);
	assert_true(ntargets < TARGETS);
	target[ntargets].words = p;
	target[ntargets++].n = bytes / sizeof(uint64_t);
}

static void
aim_at_array(const struct cell *c, struct cell_array *a, size_t size)
{
	uint64_t room;
	void *p = shmu_t_array(c, a, size, &room);

	aim(p, room * size);
}

static struct shmu_claim
now(unsigned int flags)
{
	return (struct shmu_claim){ .flags = flags | SHMU_CLAIM_NOWAIT };
}

static void
aim_at_cells(void)
{
	struct cell_places *p;
	struct cell_barrier *b;
	struct cell_queue *q;
	struct cell c;

	assert_int_equal(shmu_t_take(table, "lock", 4, &c), 0);
	p = c.payload;
	aim(p, sizeof *p);
	aim_at_array(&c, &p->holders, sizeof(uint64_t));
	shmu_t_leave(&c, false);
	assert_int_equal(shmu_t_take(table, "semaphore", 9, &c), 0);
	p = c.payload;
	aim(p, sizeof *p);
	aim_at_array(&c, &p->holders, sizeof(uint64_t));
	shmu_t_leave(&c, false);
	assert_int_equal(shmu_t_take(table, "barrier", 7, &c), 0);
	b = c.payload;
	aim(b, sizeof *b);
	aim_at_array(&c, &b->members, sizeof(struct cell_member));
	shmu_t_leave(&c, false);
	assert_int_equal(shmu_t_take(table, "queue", 5, &c), 0);
	q = c.payload;
	aim(q, sizeof *q);
	aim_at_array(&c, &q->ring, sizeof(uint64_t));
	aim_at_array(&c, &q->leases, sizeof(struct cell_lease));
	shmu_t_leave(&c, false);
}

static void
make(void)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_claim claim = now(0);
	struct shmu_operand op;
	size_t length;
	void *item;
	int i;

	memset(&op, 0, sizeof op);
	op.kind = SHMU_PRIVATE;
	spec.maximum = ARENA;
	assert_int_equal(shmu_table_create(&table, &op, &spec), 0);
	op = *shmu_table_operand(table);
	assert_int_equal(shmu_segment_remove(&op, NULL), 0);
	assert_int_equal(shmu_lock_cell_take(table, "lock", 4, &claim), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(shmu_semaphore_take(table, "semaphore", 9, 4,
		    &claim), 0);
	assert_errno(EAGAIN, shmu_barrier_wait(table, "barrier", 7, 2, &claim,
	    NULL));
	for (i = 0; i < 5; i++)
		assert_int_equal(shmu_queue_push(table, "queue", 5, 8,
		    "an item of some length", 22, &claim), 0);
	claim.flags |= SHMU_CLAIM_LEASE;
	for (i = 0; i < 2; i++) {
		assert_int_equal(shmu_queue_pop(table, "queue", 5, &item,
		    &length, &claim), 0);
		free(item);
	}
	aim_at_cells();
}

static uint64_t
nonsense(void)
{
	uint64_t n = (uint64_t)(unsigned int)rand_r(&seed);

	switch (rand_r(&seed) % 6) {
	case 0: return 0;
	case 1: return n % 16;
	case 2: return UINT64_MAX - n % 4;
	case 3: return n % ARENA & ~UINT64_C(15);
	case 4: return UINT64_C(1) << n % 64;
	default: return n << 32 | (uint64_t)(unsigned int)rand_r(&seed);
	}
}

static void
scribble(void)
{
	int n = 1 + rand_r(&seed) % 3, i;

	while (n-- > 0) {
		i = rand_r(&seed) % ntargets;
		target[i].words[(unsigned int)rand_r(&seed) % target[i].n] =
		    nonsense();
	}
}

static void
do_queue(void)
{
	struct shmu_claim claim = now(0), lease = now(SHMU_CLAIM_LEASE);
	size_t length;
	void *item;
	int i;

	for (i = 0; i < 10; i++) {
		shmu_queue_push(table, "queue", 5, 8, "another", 7, &claim);
		if (shmu_queue_pop(table, "queue", 5, &item, &length,
		    i % 2 == 0 ? &claim : &lease) == 0)
			free(item);
		if (i % 3 == 0)
			shmu_queue_ack(table, "queue", 5, 0);
	}
	shmu_queue_close(table, "queue", 5);
}

static void
do_all(void)
{
	static const char *const names[] = { "lock", "semaphore", "barrier",
	    "queue" };
	const struct timespec little = { 0, 1000000 };
	struct shmu_claim claim = now(SHMU_CLAIM_RESIZE),
	    wait = { .limit = &little };
	struct shmu_party parties[8];
	struct shmu_cell_state state;
	int i;

	for (i = 0; i < 4; i++)
		shmu_cell_state(table, names[i], strlen(names[i]), &state,
		    parties, 8);
	shmu_lock_cell_take(table, "lock", 4, &wait);
	shmu_lock_cell_take(table, "lock", 4, &claim);
	shmu_lock_cell_give(table, "lock", 4, 0);
	shmu_semaphore_take(table, "semaphore", 9, 4, &wait);
	shmu_semaphore_take(table, "semaphore", 9, 5, &claim);
	shmu_semaphore_give(table, "semaphore", 9, 0);
	shmu_barrier_wait(table, "barrier", 7, 2, &wait, NULL);
	shmu_barrier_wait(table, "barrier", 7, 1, &claim, NULL);
	do_queue();
	for (i = 0; i < 4; i++)
		shmu_table_delete(table, names[i], strlen(names[i]));
}

static void
garbage_is_survived(void **state)
{
	int rounds = getenv("SHMU_TORTURE") != NULL ? 100000 :
	    getenv("SHMU_SLOW") != NULL ? 30 : 1500, i, status;
	pid_t pid;

	(void)state;
	for (i = 0; i < rounds; i++) {
		seed = (unsigned int)i;
		pid = fork();
		if (pid == 0) {
			ntargets = 0;
			make();
			scribble();
			alarm(60);
			do_all();
			_exit(0);
		}
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			print_error("# seed %d\n", i);
		assert_int_equal(status, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_is_survived),
	};

	return cmocka_run_group_tests_name("cells, hostile", tests, NULL,
	    NULL);
}
