/* SPDX-License-Identifier: MIT */
/* test-meeting.c - barriers of a table, among processes */
#include "config.h"

#include <sys/time.h>

#include "cell.h"

#define FOUR	4U

static const struct timespec brief = { 0, 30000000 };

static int
meet(uint32_t n, unsigned int flags, uint64_t *number)
{
	struct shmu_claim claim = claim_of(flags);

	return shmu_barrier_wait(table, KEY, n, &claim, number);
}

static void
alone(void **state)
{
	struct shmu_cell_state st;
	uint64_t number = 0;

	(void)state;
	assert_errno(EINVAL, meet(0, 0, NULL));
	assert_errno(EINVAL, meet(SHMU_CELL_PLACES + 1, 0, NULL));
	assert_int_equal(meet(1, 0, &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(meet(1, SHMU_CLAIM_NOWAIT, &number), 0);
	assert_int_equal(number, 2);
	assert_int_equal(meet(1, 0, NULL), 0);
	assert_errno(ERANGE, meet(2, SHMU_CLAIM_NOWAIT, NULL));
	assert_errno(EAGAIN, meet(2, SHMU_CLAIM_NOWAIT | SHMU_CLAIM_RESIZE,
	    NULL));
	assert_int_equal(shmu_cell_state(table, KEY, &st, NULL, 0), 0);
	assert_int_equal(st.places, 2);
	assert_int_equal(st.taken, 0);
	assert_int_equal(st.generation, 3);
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_int_equal(shmu_table_put(table, KEY, "", 0), 0);
	assert_errno(EPROTOTYPE, meet(1, 0, NULL));
}

static void
nothing(int sig)
{
	(void)sig;
}

static void
who_leaves_has_not_come(void **state)
{
	struct shmu_claim claim = claim_within(&brief);
	struct sigaction act = { .sa_handler = nothing }, old;
	struct itimerval soon = { { 0, 20000 }, { 0, 20000 } }, never = { 0 };
	struct shmu_cell_state st;

	(void)state;
	assert_errno(ETIMEDOUT, shmu_barrier_wait(table, KEY, 2, &claim,
	    NULL));
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_errno(EINTR, meet(2, 0, NULL));
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_errno(EAGAIN, meet(2, SHMU_CLAIM_NOWAIT, NULL));
	assert_int_equal(shmu_cell_state(table, KEY, &st, NULL, 0), 0);
	assert_int_equal(st.taken, 0);
	assert_int_equal(st.generation, 0);
}

struct rounds {
	unsigned int	n;
	unsigned int	at[FOUR];
};

struct runner {
	struct rounds	*r;
	unsigned int	 me;
};

static void
run(void *arg)
{
	struct runner *me = arg;
	struct rounds *r = me->r;
	uint64_t number;
	unsigned int i, k;

	for (i = 1; i <= r->n; i++) {
		__atomic_store_n(&r->at[me->me], i, __ATOMIC_SEQ_CST);
		must(meet(FOUR, 0, &number) == 0);
		must(number == i);
		for (k = 0; k < FOUR; k++) {
			unsigned int at = __atomic_load_n(&r->at[k],
			    __ATOMIC_SEQ_CST);

			must(at == i || at == i + 1);
		}
	}
}

static void
a_thousand_rounds_of_four(void **state)
{
	struct rounds *r = shared(sizeof *r);
	struct runner me[FOUR];
	pid_t pid[FOUR];
	unsigned int i;

	(void)state;
	r->n = (unsigned int)slow(1000);
	for (i = 0; i < FOUR; i++) {
		me[i] = (struct runner){ r, i };
		pid[i] = child(run, &me[i]);
	}
	for (i = 0; i < FOUR; i++)
		passed(pid[i]);
}

struct outcome {
	int		done, r, err;
	uint32_t	dead;
	uint64_t	number;
};

static void
come(void *arg)
{
	struct outcome *o = arg;
	struct shmu_claim claim = claim_of(0);

	o->r = shmu_barrier_wait(table, KEY, FOUR, &claim, &o->number);
	o->err = errno;
	o->dead = claim.dead.pid;
	__atomic_store_n(&o->done, 1, __ATOMIC_SEQ_CST);
}

static void
a_member_is_killed(void **state)
{
	struct outcome *o = shared(8 * sizeof *o);
	pid_t pid[8];
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		pid[i] = child(come, &o[i]);
		eventually(waiting() == (uint32_t)i + 1);
	}
	assert_errno(EBUSY, shmu_table_delete(table, KEY));
	slay(pid[1]);
	for (i = 0; i < 3; i++) {
		if (i == 1)
			continue;
		passed(pid[i]);
		assert_int_equal(o[i].r, -1);
		assert_int_equal(o[i].err, EOWNERDEAD);
		assert_int_equal(o[i].dead, pid[1]);
	}
	assert_int_equal(o[1].done, 0);
	/* The next begins with nobody there, and ends well. */
	assert_int_equal(waiting(), 0);
	for (i = 4; i < 8; i++)
		pid[i] = child(come, &o[i]);
	for (i = 4; i < 8; i++) {
		passed(pid[i]);
		assert_int_equal(o[i].r, 0);
		assert_int_equal(o[i].number, 2);
	}
	assert_int_equal(shmu_table_delete(table, KEY), 0);
}

/* Who completes it sees that one has died, though nobody had looked. */
static void
the_last_to_come_looks(void **state)
{
	struct outcome *o = shared(2 * sizeof *o);
	struct shmu_claim claim = claim_of(0);
	pid_t pid = child(come, o);

	(void)state;
	eventually(waiting() == 1);
	slay(pid);
	claim.flags = SHMU_CLAIM_RESIZE;
	assert_errno(EOWNERDEAD, shmu_barrier_wait(table, KEY, 2, &claim,
	    NULL));
	assert_int_equal(claim.dead.pid, pid);
}

/* Who was stopped meanwhile is told how its own generation ended, however many
 * have ended since. */
static void
a_stopped_member_learns_of_its_own_end(void **state)
{
	struct outcome *o = shared(16 * sizeof *o);
	pid_t stopped, dead, pid[16];
	int i, k;

	(void)state;
	stopped = child(come, &o[0]);
	eventually(waiting() == 1);
	kill(stopped, SIGSTOP);
	eventually(state_of(stopped) == 'T');
	dead = child(come, &o[1]);
	eventually(waiting() == 2);
	slay(dead);
	pid[2] = child(come, &o[2]);
	passed(pid[2]);
	assert_int_equal(o[2].err, EOWNERDEAD);
	for (k = 0; k < 3; k++) {
		for (i = 4; i < 8; i++) {
			o[i].r = -1;
			pid[i] = child(come, &o[i]);
		}
		for (i = 4; i < 8; i++) {
			passed(pid[i]);
			assert_int_equal(o[i].r, 0);
		}
	}
	assert_int_equal(o[0].done, 0);
	kill(stopped, SIGCONT);
	passed(stopped);
	assert_int_equal(o[0].r, -1);
	assert_int_equal(o[0].err, EOWNERDEAD);
	assert_int_equal(o[0].dead, dead);
	assert_int_equal(o[0].number, 1);
}

static void
nothing_is_left_in_the_heap(void **state)
{
	uint64_t before = chunks();
	struct outcome *o = shared(FOUR * sizeof *o);
	pid_t pid[FOUR];
	unsigned int i;

	(void)state;
	for (i = 0; i < FOUR; i++)
		pid[i] = child(come, &o[i]);
	for (i = 0; i < FOUR; i++)
		passed(pid[i]);
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_int_equal(chunks(), before);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, fresh, gone)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alone),
		TEST(who_leaves_has_not_come),
		TEST(a_thousand_rounds_of_four),
		TEST(a_member_is_killed),
		TEST(the_last_to_come_looks),
		TEST(a_stopped_member_learns_of_its_own_end),
		TEST(nothing_is_left_in_the_heap),
	};

	return cmocka_run_group_tests_name("barriers of a table", tests, NULL,
	    NULL);
}
