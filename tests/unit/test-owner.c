/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/owner.h"

/* A child that waits to be killed, and who it is. */
static pid_t
child(struct shmu_owner *owner)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	assert_true(pid > 0);
	assert_int_equal(shmu_owner_of(pid, owner), 0);
	return pid;
}

static void
reap(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Within 10 s the owner is in that state. */
static void
comes_to(const struct shmu_owner *owner, char state)
{
	const struct timespec tick = { 0, 1000000 };
	int i;

	for (i = 0; i < 10000 && shmu_owner_state(owner) != state; i++)
		nanosleep(&tick, NULL);
	assert_int_equal(shmu_owner_state(owner), state);
}

static void
self_is_complete_and_alive(void **state)
{
	struct shmu_owner a, b;

	(void)state;
	assert_int_equal(shmu_owner_self(&a), 0);
	assert_int_equal(a.pid, getpid());
	assert_true(
	    a.start != 0 && a.pidns != 0 && (a.boot[0] | a.boot[1]) != 0);
	assert_int_equal(shmu_owner_of(getpid(), &b), 0);
	assert_memory_equal(&a, &b, sizeof a);
	assert_true(shmu_owner_same(&a, &b));
	assert_int_equal(shmu_owner_dead(&a), 0);
	assert_int_equal(shmu_owner_state(&a), 'R');
}

static void
killed_is_dead_before_and_after_it_is_reaped(void **state)
{
	struct shmu_owner owner;
	pid_t pid = child(&owner);

	(void)state;
	assert_int_equal(shmu_owner_dead(&owner), 0);
	kill(pid, SIGKILL);
	comes_to(&owner, 'Z');
	assert_int_equal(shmu_owner_dead(&owner), 1);
	reap(pid);
	assert_int_equal(shmu_owner_dead(&owner), 1);
	assert_int_equal(shmu_owner_state(&owner), 0);
}

static void
stopped_is_alive_and_shown_so(void **state)
{
	struct shmu_owner owner;
	pid_t pid = child(&owner);

	(void)state;
	kill(pid, SIGSTOP);
	comes_to(&owner, 'T');
	assert_int_equal(shmu_owner_dead(&owner), 0);
	kill(pid, SIGKILL);
	reap(pid);
}

static void
an_id_used_again_is_another_process(void **state)
{
	struct shmu_owner owner, later;
	pid_t pid = child(&owner);

	(void)state;
	later = owner;
	later.start--;
	assert_int_equal(shmu_owner_dead(&later), 1);
	assert_int_equal(shmu_owner_state(&later), 0);
	assert_false(shmu_owner_same(&owner, &later));
	kill(pid, SIGKILL);
	reap(pid);
}

static void
what_cannot_be_compared_is_alive(void **state)
{
	struct shmu_owner gone, o;
	pid_t pid = child(&gone);

	(void)state;
	kill(pid, SIGKILL);
	reap(pid);
	assert_int_equal(shmu_owner_dead(&gone), 1);
	o = gone;
	o.pidns++;
	assert_int_equal(shmu_owner_dead(&o), 0);
	o = gone;
	o.boot[0] = o.boot[1] = 0;
	assert_int_equal(shmu_owner_dead(&o), 0);
	o = gone;
	o.pid = 0;
	assert_int_equal(shmu_owner_dead(&o), 0);
	o.pid = UINT32_MAX;
	assert_int_equal(shmu_owner_dead(&o), 0);
	assert_int_equal(shmu_owner_self(&o), 0);
	o.start++;
	o.timens++;
	assert_int_equal(shmu_owner_dead(&o), 0);
}

static void
before_a_restart_of_the_machine_all_are_dead(void **state)
{
	struct shmu_owner o;

	(void)state;
	assert_int_equal(shmu_owner_self(&o), 0);
	o.boot[1] ^= 1;
	assert_int_equal(shmu_owner_dead(&o), 1);
	o.pidns++;
	assert_int_equal(shmu_owner_dead(&o), 1);
}

static void *
other_thread(void *arg)
{
	assert_int_equal(shmu_owner_thread(arg), 0);
	return NULL;
}

static void
a_thread_has_an_identity_of_its_own(void **state)
{
	struct shmu_owner me, it;
	pthread_t thread;
	int i;

	(void)state;
	assert_int_equal(shmu_owner_thread(&me), 0);
	assert_int_equal(me.pid, getpid());
	assert_int_equal(pthread_create(&thread, NULL, other_thread, &it), 0);
	pthread_join(thread, NULL);
	assert_int_not_equal(it.pid, me.pid);
	/* The kernel may be a moment behind the join. */
	for (i = 0; i < 100000 && !shmu_owner_dead(&it); i++)
		sched_yield();
	assert_int_equal(shmu_owner_dead(&it), 1);
}

/* A leader that ended is shown as a zombie while its threads go on. */
static void *
outlive(void *arg)
{
	struct shmu_owner owner;
	int i;

	if (shmu_owner_of(getpid(), &owner) == -1)
		_exit(2);
	for (i = 0; i < 100000 && shmu_owner_state(&owner) != 'Z'; i++)
		sched_yield();
	if (shmu_owner_state(&owner) != 'Z')
		_exit(3);
	_exit(shmu_owner_dead(&owner));
	return arg;
}

static void
a_process_lives_while_a_thread_does(void **state)
{
	pid_t pid = fork();
	pthread_t thread;
	int status;

	(void)state;
	if (pid == 0) {
		if (pthread_create(&thread, NULL, outlive, NULL) != 0)
			_exit(4);
		pthread_exit(NULL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
bad_ids(void **state)
{
	struct shmu_owner o;

	(void)state;
	assert_errno(EINVAL, shmu_owner_of(0, &o));
	assert_errno(EINVAL, shmu_owner_of(-1, &o));
	assert_errno(ESRCH, shmu_owner_of(INT32_MAX, &o));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_is_complete_and_alive),
		cmocka_unit_test(killed_is_dead_before_and_after_it_is_reaped),
		cmocka_unit_test(stopped_is_alive_and_shown_so),
		cmocka_unit_test(an_id_used_again_is_another_process),
		cmocka_unit_test(what_cannot_be_compared_is_alive),
		cmocka_unit_test(before_a_restart_of_the_machine_all_are_dead),
		cmocka_unit_test(a_thread_has_an_identity_of_its_own),
		cmocka_unit_test(a_process_lives_while_a_thread_does),
		cmocka_unit_test(bad_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
