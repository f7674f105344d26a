/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/lock.h"

/* What the lock guards: two words that are equal whenever nobody has it. */
struct guarded {
	struct shmu_lock	lock;
	uint64_t		a, b;
	uint64_t		recoveries;
	int			refuse;
};
static struct guarded *g;

static int
recover(void *arg)
{
	(void)arg;
	if (g->refuse) {
		errno = EBADMSG;
		return -1;
	}
	g->recoveries++;
	return 0;
}

static int
fresh(void **state)
{
	(void)state;
	g = mmap(NULL, sizeof *g, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return g == MAP_FAILED;
}

static int
gone(void **state)
{
	(void)state;
	return munmap(g, sizeof *g);
}

static struct shmu_locker
locker(void)
{
	struct shmu_locker by;

	assert_int_equal(shmu_locker_init(&by, g, sizeof *g, recover, NULL), 0);
	return by;
}

/* A child that takes the lock, changes one word and is killed. */
static pid_t
die_within(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct shmu_locker by = locker();

		if (shmu_lock_take(&by, &g->lock, 1000, NULL) == 0 &&
		    shmu_lock_set(&by, &g->lock, &g->a, 7) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return pid;
}

static void
taken_once_and_released(void **state)
{
	struct shmu_locker by = locker();
	struct shmu_owner who;

	(void)state;
	assert_int_equal(shmu_lock_holder(&g->lock, &by.self, &who), 0);
	assert_int_equal(shmu_lock_take(&by, &g->lock, 0, NULL), 0);
	assert_int_equal(by.held, 1);
	assert_errno(EDEADLK, shmu_lock_take(&by, &g->lock, 0, NULL));
	assert_int_equal(shmu_lock_holder(&g->lock, &by.self, &who), 1);
	assert_true(shmu_owner_same(&who, &by.self));
	shmu_lock_release(&by, &g->lock);
	assert_int_equal(by.held, 0);
	assert_int_equal(g->lock.word, 0);
}

static void
what_was_set_is_undone_or_committed(void **state)
{
	struct shmu_locker by = locker();
	unsigned int i;

	(void)state;
	assert_int_equal(shmu_lock_take(&by, &g->lock, 0, NULL), 0);
	assert_int_equal(shmu_lock_set(&by, &g->lock, &g->a, 1), 0);
	assert_int_equal(shmu_lock_set(&by, &g->lock, &g->a, 2), 0);
	assert_int_equal(shmu_lock_undo(&by, &g->lock), 0);
	assert_int_equal(g->a, 0);
	for (i = 0; i < SHMU_LOCK_UNDO; i++)
		assert_int_equal(shmu_lock_set(&by, &g->lock, &g->a, i), 0);
	assert_errno(ENOSPC, shmu_lock_set(&by, &g->lock, &g->a, 99));
	shmu_lock_commit(&g->lock);
	assert_int_equal(shmu_lock_undo(&by, &g->lock), 0);
	assert_int_equal(g->a, SHMU_LOCK_UNDO - 1);
	shmu_lock_release(&by, &g->lock);
}

static void
a_dead_holder_is_undone_and_recovered(void **state)
{
	struct shmu_locker by = locker();

	(void)state;
	die_within();
	assert_int_equal(g->a, 7);
	assert_int_equal(shmu_lock_take(&by, &g->lock, 10000, NULL), 0);
	assert_int_equal(g->a, 0);
	assert_int_equal(g->recoveries, 1);
	assert_int_equal(g->lock.deaths, 1);
	shmu_lock_release(&by, &g->lock);
	assert_int_equal(shmu_lock_take(&by, &g->lock, 0, NULL), 0);
	assert_int_equal(g->recoveries, 1);
	shmu_lock_release(&by, &g->lock);
}

static void
a_zombie_is_dead(void **state)
{
	struct shmu_locker by = locker();
	pid_t pid = fork();
	siginfo_t info;

	(void)state;
	if (pid == 0) {
		by = locker();
		_exit(shmu_lock_take(&by, &g->lock, 1000, NULL) != 0);
	}
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(shmu_lock_take(&by, &g->lock, 10000, NULL), 0);
	assert_int_equal(g->recoveries, 1);
	shmu_lock_release(&by, &g->lock);
	waitpid(pid, NULL, 0);
}

static void
a_recovery_that_fails_is_due_until_it_succeeds(void **state)
{
	struct shmu_locker by = locker();

	(void)state;
	die_within();
	g->refuse = 1;
	assert_errno(EBADMSG, shmu_lock_take(&by, &g->lock, 10000, NULL));
	assert_int_equal(by.held, 0);
	assert_errno(EBADMSG, shmu_lock_take(&by, &g->lock, 10000, NULL));
	g->refuse = 0;
	assert_int_equal(shmu_lock_take(&by, &g->lock, 10000, NULL), 0);
	assert_int_equal(g->recoveries, 1);
	shmu_lock_release(&by, &g->lock);
}

static void
a_damaged_journal_touches_nothing_outside(void **state)
{
	struct shmu_locker by = locker();

	(void)state;
	die_within();
	g->lock.undo[0].off = UINT64_MAX - 7;
	assert_errno(EBADMSG, shmu_lock_take(&by, &g->lock, 10000, NULL));
	g->lock.undo[0].off = sizeof *g - 4;
	assert_errno(EBADMSG, shmu_lock_take(&by, &g->lock, 10000, NULL));
	g->lock.saved = SHMU_LOCK_UNDO + 1;
	assert_errno(EBADMSG, shmu_lock_take(&by, &g->lock, 10000, NULL));
}

static void
a_living_holder_is_named_when_the_time_is_up(void **state)
{
	struct shmu_locker by = locker();
	struct shmu_owner who;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		by = locker();
		if (shmu_lock_take(&by, &g->lock, 1000, NULL) == 0)
			raise(SIGSTOP);
		shmu_lock_release(&by, &g->lock);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_errno(ETIMEDOUT, shmu_lock_take(&by, &g->lock, 20, &who));
	assert_int_equal(who.pid, pid);
	assert_int_equal(shmu_owner_state(&who), 'T');
	kill(pid, SIGCONT);
	assert_int_equal(shmu_lock_take(&by, &g->lock, 10000, NULL), 0);
	assert_int_equal(g->recoveries, 0);
	shmu_lock_release(&by, &g->lock);
	waitpid(pid, NULL, 0);
}

/* The word of another start of a process of the same id is a dead one's. */
static void
a_pid_that_is_used_again_does_not_hold(void **state)
{
	struct shmu_locker by = locker();

	(void)state;
	g->lock.word = (by.self.start + 1) << 32 | (uint32_t)getppid();
	assert_int_equal(shmu_lock_take(&by, &g->lock, 10000, NULL), 0);
	assert_int_equal(g->recoveries, 1);
	shmu_lock_release(&by, &g->lock);
}

static void __attribute__((noreturn))
contend(int rounds)
{
	struct shmu_locker by = locker();
	uint64_t a;

	while (rounds-- != 0) {
		if (shmu_lock_take(&by, &g->lock, 20000, NULL) == -1 ||
		    g->a != g->b)
			_exit(1);
		a = g->a;
		if (shmu_lock_set(&by, &g->lock, &g->a, a + 1) == -1 ||
		    shmu_lock_set(&by, &g->lock, &g->b, a + 1) == -1)
			_exit(2);
		shmu_lock_release(&by, &g->lock);
	}
	_exit(0);
}

static void
nobody_is_admitted_beside_the_holder(void **state)
{
	int rounds = getenv("SHMU_SLOW") != NULL ? 500 : 50000, i, status;
	pid_t pids[4];

	(void)state;
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			contend(rounds);
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(g->a, 4 * rounds);
	assert_int_equal(g->lock.word, 0);
}

/* Killed at any instant, whoever it is: the words are equal for the next. */
static void
kills_leave_nothing_half_done(void **state)
{
	int kills = getenv("SHMU_SLOW") != NULL ? 20 : 300, i, k, status;
	struct shmu_locker by = locker();
	pid_t pids[3];

	(void)state;
	for (i = 0; i < 3; i++)
		if ((pids[i] = fork()) == 0)
			contend(-1);
	for (k = 0; k < kills; k++) {
		i = k % 3;
		usleep((useconds_t)(k * 37 % 500));
		kill(pids[i], SIGKILL);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFSIGNALED(status));
		if ((pids[i] = fork()) == 0)
			contend(-1);
	}
	for (i = 0; i < 3; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	assert_int_equal(shmu_lock_take(&by, &g->lock, 10000, NULL), 0);
	assert_int_equal(g->a, g->b);
	assert_true(g->a > 0);
	shmu_lock_release(&by, &g->lock);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fresh, gone)
	const struct CMUnitTest tests[] = {
		TEST(taken_once_and_released),
		TEST(what_was_set_is_undone_or_committed),
		TEST(a_dead_holder_is_undone_and_recovered),
		TEST(a_zombie_is_dead),
		TEST(a_recovery_that_fails_is_due_until_it_succeeds),
		TEST(a_damaged_journal_touches_nothing_outside),
		TEST(a_living_holder_is_named_when_the_time_is_up),
		TEST(a_pid_that_is_used_again_does_not_hold),
		TEST(nobody_is_admitted_beside_the_holder),
		TEST(kills_leave_nothing_half_done),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
