/* SPDX-License-Identifier: MIT */
/* test-lock-cell.c - locks and semaphores of a table, among processes */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/time.h>

#include "cell.h"

static const struct timespec brief = { 0, 30000000 };
static const struct timespec long_enough = { 20, 0 };

static int
lock_as(struct shmu_claim *claim)
{
	return shmu_lock_cell_take(table, KEY, claim);
}

static int
lock(unsigned int flags)
{
	struct shmu_claim claim = claim_of(flags);

	return lock_as(&claim);
}

static int
unlock(void)
{
	return shmu_lock_cell_give(table, KEY, 0);
}

static int
acquire(uint32_t n, unsigned int flags)
{
	struct shmu_claim claim = claim_of(flags);

	return shmu_semaphore_take(table, KEY, n, &claim);
}

static int
release(void)
{
	return shmu_semaphore_give(table, KEY, 0);
}

/* Take it, say so, and stay. */
struct stay {
	int	up;
	pid_t	other;
};

static void
stay(void *arg)
{
	struct stay *s = arg;

	must(lock(0) == 0);
	__atomic_store_n(&s->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static pid_t
holder(void)
{
	struct stay *s = shared(sizeof *s);
	pid_t pid = child(stay, s);

	eventually(__atomic_load_n(&s->up, __ATOMIC_SEQ_CST));
	return pid;
}

static void
idle(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void
take_and_give(void **state)
{
	struct shmu_cell_state st;

	(void)state;
	assert_errno(ENOENT, unlock());
	assert_errno(ENOENT, shmu_cell_state(table, KEY, &st, NULL, 0));
	assert_int_equal(lock(0), 0);
	assert_errno(EDEADLK, lock(0));
	assert_errno(EDEADLK, lock(SHMU_CLAIM_SHARED));
	assert_errno(EDEADLK, lock(SHMU_CLAIM_NOWAIT));
	assert_int_equal(having(), 1);
	assert_errno(EBUSY, shmu_table_delete(table, KEY));
	assert_int_equal(unlock(), 0);
	assert_errno(EPERM, unlock());
	assert_int_equal(lock(SHMU_CLAIM_NOWAIT), 0);
	assert_int_equal(unlock(), 0);
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_errno(ENOENT, unlock());
}

static void
other_types_and_keys(void **state)
{
	struct shmu_claim claim = claim_of(0);
	struct shmu_cell_state st;

	(void)state;
	assert_int_equal(shmu_table_put(table, KEY, "text", 4), 0);
	assert_errno(EPROTOTYPE, lock(0));
	assert_errno(EPROTOTYPE, unlock());
	assert_errno(EPROTOTYPE, acquire(1, 0));
	assert_errno(EPROTOTYPE, release());
	assert_errno(EPROTOTYPE, shmu_cell_state(table, KEY, &st, NULL, 0));
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_int_equal(lock(0), 0);
	assert_errno(EPROTOTYPE, acquire(1, 0));
	assert_errno(EPROTOTYPE, shmu_table_put(table, KEY, "text", 4));
	assert_errno(EINVAL, shmu_lock_cell_take(table, "", 0, &claim));
	assert_errno(EINVAL, shmu_lock_cell_give(table, "", 0, 0));
	assert_int_equal(unlock(), 0);
}

static void
nowait_and_limit_name_the_holder(void **state)
{
	struct shmu_claim now = claim_of(SHMU_CLAIM_NOWAIT),
	    soon = claim_within(&brief);
	pid_t pid = holder();

	(void)state;
	assert_errno(EAGAIN, lock_as(&now));
	assert_int_equal(now.holder.pid, pid);
	assert_int_equal(now.dead.pid, 0);
	assert_errno(ETIMEDOUT, lock_as(&soon));
	assert_int_equal(soon.holder.pid, pid);
	assert_int_equal(waiting(), 0);
	slay(pid);
}

static void
nothing(int sig)
{
	(void)sig;
}

static void
signal_ends_the_wait(void **state)
{
	struct sigaction act = { .sa_handler = nothing }, old;
	struct itimerval soon = { { 0, 20000 }, { 0, 20000 } }, never = { 0 };
	pid_t pid = holder();

	(void)state;
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_errno(EINTR, lock(0));
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_int_equal(waiting(), 0);
	slay(pid);
}

static void
for_another_process(void **state)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);
	pid_t pid = child(idle, NULL);

	(void)state;
	claim.pid = pid;
	assert_int_equal(lock_as(&claim), 0);
	assert_errno(EDEADLK, lock_as(&claim));
	assert_errno(EPERM, unlock());
	assert_errno(EAGAIN, lock(SHMU_CLAIM_NOWAIT));
	assert_int_equal(shmu_lock_cell_give(table, KEY, pid), 0);
	assert_int_equal(lock_as(&claim), 0);
	kill(pid, SIGKILL);
	eventually(state_of(pid) == 'Z');
	assert_errno(ESRCH, lock_as(&claim));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_errno(ESRCH, lock_as(&claim));
	assert_errno(ESRCH, shmu_lock_cell_give(table, KEY, pid));
	claim.pid = -3;
	assert_errno(EINVAL, lock_as(&claim));
	assert_int_equal(lock(0), 0);
}

static void
holder_killed(void **state)
{
	struct shmu_claim claim = claim_within(&long_enough);
	pid_t pid = holder();

	(void)state;
	slay(pid);
	assert_int_equal(lock_as(&claim), 0);
	assert_int_equal(claim.dead.pid, pid);
	assert_int_equal(unlock(), 0);
	assert_int_equal(lock_as(&claim), 0);
	assert_int_equal(claim.dead.pid, 0);
}

static void
holder_killed_while_others_wait(void **state)
{
	struct stay *s = shared(sizeof *s);
	pid_t pid = holder(), waiter = child(stay, s);

	(void)state;
	eventually(waiting() == 1);
	slay(pid);
	eventually(__atomic_load_n(&s->up, __ATOMIC_SEQ_CST));
	slay(waiter);
}

static void
holder_is_a_zombie(void **state)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);
	pid_t pid = holder();

	(void)state;
	kill(pid, SIGKILL);
	eventually(state_of(pid) == 'Z');
	assert_int_equal(lock_as(&claim), 0);
	assert_int_equal(claim.dead.pid, pid);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
hold_with_a_child(void *arg)
{
	struct stay *s = arg;
	pid_t pid;

	must(lock(0) == 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	must(pid > 0);
	s->other = pid;
	__atomic_store_n(&s->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void
holders_child_has_nothing(void **state)
{
	struct shmu_claim claim = claim_within(&long_enough);
	struct stay *s = shared(sizeof *s);
	pid_t pid = child(hold_with_a_child, s);

	(void)state;
	eventually(__atomic_load_n(&s->up, __ATOMIC_SEQ_CST));
	slay(pid);
	assert_int_equal(kill(s->other, 0), 0);
	assert_int_equal(lock_as(&claim), 0);
	assert_int_equal(claim.dead.pid, pid);
	kill(s->other, SIGKILL);
}

static void
try_to_give(void *arg)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);

	must(unlock() == -1 && errno == EPERM);
	must(lock_as(&claim) == -1 && errno == EAGAIN);
	must(claim.holder.pid == (uint32_t)*(pid_t *)arg);
}

static void
fork_does_not_inherit(void **state)
{
	pid_t self = getpid(), pid;

	(void)state;
	assert_int_equal(lock(0), 0);
	passed(child(try_to_give, &self));
	/* Without joining, the handle is of no use. */
	pid = fork();
	if (pid == 0) {
		must(lock(0) == -1 && errno == ECHILD);
		_exit(0);
	}
	passed(pid);
	assert_int_equal(unlock(), 0);
}

static void
hold_and_exec(void *arg)
{
	must(lock(0) == 0);
	if (arg != NULL)
		must(shmu_table_detach(table) == 0);
	execlp("sleep", "sleep", "1000", (char *)NULL);
	must(0);
}

static char
name_of(pid_t pid)
{
	char path[64], name[16] = "";
	int fd;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd == -1)
		return 0;
	if (read(fd, name, sizeof name - 1) < 0)
		name[0] = '\0';
	close(fd);
	return name[0] == 's' && name[1] == 'l';
}

static void
held_across(void *detach)
{
	struct shmu_claim claim = claim_within(&brief);
	pid_t pid = child(hold_and_exec, detach);

	eventually(name_of(pid));
	assert_errno(ETIMEDOUT, lock_as(&claim));
	assert_int_equal(claim.holder.pid, pid);
	slay(pid);
	claim.limit = &long_enough;
	assert_int_equal(lock_as(&claim), 0);
	assert_int_equal(claim.dead.pid, pid);
	assert_int_equal(unlock(), 0);
}

static void
exec_keeps_it(void **state)
{
	int yes = 1;

	(void)state;
	held_across(NULL);
	held_across(&yes);
}

static void
holder_stopped(void **state)
{
	struct shmu_claim claim = claim_within(&brief);
	pid_t pid = holder();

	(void)state;
	kill(pid, SIGSTOP);
	eventually(state_of(pid) == 'T');
	assert_errno(ETIMEDOUT, lock_as(&claim));
	assert_int_equal(claim.holder.pid, pid);
	assert_int_equal(shmu_owner_state(&claim.holder), 'T');
	slay(pid);
}

/* Words of the segment that are this: change them to that. */
static int
poke(uint64_t from, uint64_t to)
{
	uint64_t *base = (uint64_t *)(void *)((char *)shmu_heap_at(
	    shmu_table_heap(table), 1) - 1);
	size_t i, n = (16 << 20) / sizeof *base;
	int found = 0;

	for (i = 0; i < n; i++)
		if (base[i] == from) {
			base[i] = to;
			found++;
		}
	return found;
}

static void
same_pid_of_another_time(void **state)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);
	struct shmu_owner owner;
	pid_t pid = holder();
	uint64_t word;

	(void)state;
	assert_int_equal(shmu_owner_of(pid, &owner), 0);
	word = owner.start << 32 | owner.pid;
	assert_int_equal(poke(word, word - (UINT64_C(1) << 32)), 1);
	assert_int_equal(lock_as(&claim), 0);
	assert_int_equal(claim.dead.pid, pid);
	assert_int_equal(kill(pid, 0), 0);
	slay(pid);
}

/* Have the next process get the id pid.  It takes a privilege. */
static int
next_pid(pid_t pid)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY), r = -1;
	char text[16];
	int n = snprintf(text, sizeof text, "%d", (int)pid - 1);

	if (fd == -1)
		return -1;
	if (write(fd, text, (size_t)n) == n)
		r = 0;
	close(fd);
	return r;
}

/* In a pid namespace of its own, for others would get ids again too, within the
 * tick of the clock that tells them apart. */
static void
use_pid_again(void)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);
	struct shmu_owner was, is = { 0 };
	pid_t pid, again = 0;
	int i;

	must(fresh(NULL) == 0);
	pid = holder();
	must(shmu_owner_of(pid, &was) == 0);
	slay(pid);
	for (i = 0; i < 200 && (again != pid || is.start == was.start); i++) {
		if (again != 0)
			slay(again);
		moment();
		if (next_pid(pid) == -1)
			_exit(77);
		again = child(idle, NULL);
		shmu_owner_of(again, &is);
	}
	must(again == pid);
	must(lock_as(&claim) == 0);
	must(claim.dead.pid == (uint32_t)pid);
	slay(again);
	must(gone(NULL) == 0);
}

static void
map_ids(const char *file, unsigned int id)
{
	FILE *f = fopen(file, "we");

	must(f != NULL);
	fprintf(f, "%u %u 1\n", id, id);
	must(fclose(f) == 0);
}

/* As unshare(2); who may not, in a user namespace where he may. */
static int
apart(int flags)
{
	unsigned int uid = geteuid(), gid = getegid();
	FILE *f;

	if (unshare(flags) == 0)
		return 0;
	if (unshare(flags | CLONE_NEWUSER) == -1)
		return -1;
	f = fopen("/proc/self/setgroups", "we");
	must(f != NULL && fputs("deny", f) >= 0 && fclose(f) == 0);
	map_ids("/proc/self/uid_map", uid);
	map_ids("/proc/self/gid_map", gid);
	return 0;
}

static void
pid_used_again(void **state)
{
	pid_t pid = fork(), inner;
	int status = 0;

	(void)state;
	if (pid == 0) {
		if (apart(CLONE_NEWNS | CLONE_NEWPID) == -1 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
			_exit(77);
		inner = fork();
		if (inner == 0) {
			if (mount("proc", "/proc", "proc", 0, NULL) == -1)
				_exit(77);
			use_pid_again();
			_exit(0);
		}
		must(waitpid(inner, &status, 0) == inner);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void
other_pid_namespace(void **state)
{
	pid_t pid = fork(), inner;
	struct shmu_table *t;
	int status;

	(void)state;
	if (pid == 0) {
		if (apart(CLONE_NEWPID) == -1)
			_exit(77);
		inner = fork();
		if (inner == 0) {
			must(shmu_table_attach(&t, &op, 0) == -1);
			must(errno == EXDEV);
			must(shmu_table_join(&t, table) == -1);
			must(errno == EXDEV);
			_exit(0);
		}
		must(waitpid(inner, &status, 0) == inner);
		_exit(status == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void
hold_many(void *arg)
{
	struct stay *s = arg;
	int i;

	for (i = 0; i < 3000; i++) {
		struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);

		must(shmu_lock_cell_take(table, &i, sizeof i, &claim) == 0);
	}
	__atomic_store_n(&s->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void
three_thousand_locks_of_one_that_is_killed(void **state)
{
	struct stay *s = shared(sizeof *s);
	pid_t pid = child(hold_many, s);
	int i;

	(void)state;
	eventually(__atomic_load_n(&s->up, __ATOMIC_SEQ_CST));
	slay(pid);
	for (i = 0; i < 3000; i++) {
		struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);

		if (shmu_lock_cell_take(table, &i, sizeof i, &claim) == -1)
			fail_msg("%d: errno %d, holder %u, killed %d", i,
			    errno, claim.holder.pid, (int)pid);
		assert_int_equal(claim.dead.pid, pid);
	}
}

/* Behind a first in line to which sig is sent, another gets it all the same. */
static void
first_in_line_gets(int sig, char becomes)
{
	struct stay *a = shared(sizeof *a), *b = shared(sizeof *b);
	pid_t pid = holder(), first, second;

	first = child(stay, a);
	eventually(waiting() == 1);
	second = child(stay, b);
	eventually(waiting() == 2);
	kill(first, sig);
	eventually(state_of(first) == becomes);
	slay(pid);
	eventually(__atomic_load_n(&b->up, __ATOMIC_SEQ_CST));
	assert_int_equal(a->up, 0);
	kill(first, SIGCONT);
	slay(second);
	if (becomes == 'T')
		eventually(__atomic_load_n(&a->up, __ATOMIC_SEQ_CST));
	slay(first);
}

static void
first_in_line_killed(void **state)
{
	(void)state;
	first_in_line_gets(SIGKILL, 'Z');
}

static void
first_in_line_stopped(void **state)
{
	(void)state;
	first_in_line_gets(SIGSTOP, 'T');
}

static void
nowait_is_not_held_up_by_one_that_is_stopped(void **state)
{
	struct stay *a = shared(sizeof *a);
	pid_t first;

	(void)state;
	assert_int_equal(lock(0), 0);
	first = child(stay, a);
	eventually(waiting() == 1);
	kill(first, SIGSTOP);
	eventually(state_of(first) == 'T');
	assert_int_equal(unlock(), 0);
	assert_int_equal(lock(SHMU_CLAIM_NOWAIT), 0);
	slay(first);
}

/* Who is in there, and how often each was. */
struct arena {
	pid_t		inside;
	int		stop;
	unsigned int	turns[8];
	unsigned int	doomed[8];
	unsigned int	in[8];
	unsigned int	deaths;
	unsigned int	up;
};

struct fighter {
	struct arena	*a;
	int		 me;
};

/* All together. */
static void
begin(const struct fighter *f)
{
	__atomic_fetch_or(&f->a->up, 1U << f->me, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&f->a->up, __ATOMIC_SEQ_CST) != 0xff)
		moment();
}

static int
alive(pid_t pid)
{
	char state = state_of(pid);

	return state != 0 && state != 'Z' && state != 'X';
}

static void
fight(void *arg)
{
	struct fighter *f = arg;
	struct arena *a = f->a;
	struct shmu_claim claim = claim_of(0);
	int i;

	begin(f);
	while (!__atomic_load_n(&a->stop, __ATOMIC_SEQ_CST)) {
		must(lock_as(&claim) == 0);
		must(a->inside == 0 || !alive(a->inside));
		if (claim.dead.pid != 0)
			a->deaths++;
		a->inside = getpid();
		a->turns[f->me]++;
		for (i = 0; i < 20; i++)
			sched_yield();
		must(__atomic_load_n(&a->inside, __ATOMIC_SEQ_CST) ==
		    getpid());
		a->inside = 0;
		must(unlock() == 0);
	}
}

/* Whom to kill: every other time who is inside. */
static unsigned int
victim(const struct arena *a, const pid_t *pid, unsigned int *seed)
{
	unsigned int i = (unsigned int)rand_r(seed) % 8, k;
	pid_t inside = __atomic_load_n(&a->inside, __ATOMIC_SEQ_CST);

	if (rand_r(seed) % 2 == 0)
		return i;
	for (k = 0; k < 8; k++)
		if (pid[k] == inside)
			return k;
	return i;
}

/* Have eight of them fight; kills of them die on the way. */
static struct arena *
battle(void (*fn)(void *), unsigned int turns, int kills)
{
	struct arena *a = shared(sizeof *a);
	struct fighter f[8];
	unsigned int i, sum = 0, seed = 7;
	pid_t pid[8];

	for (i = 0; i < 8; i++) {
		f[i] = (struct fighter){ a, (int)i };
		pid[i] = child(fn, &f[i]);
	}
	while (sum < turns || kills > 0) {
		moment();
		i = victim(a, pid, &seed);
		if (kills-- > 0) {
			__atomic_store_n(&a->doomed[i], 1, __ATOMIC_SEQ_CST);
			slay(pid[i]);
			__atomic_store_n(&a->in[i], 0, __ATOMIC_SEQ_CST);
			__atomic_store_n(&a->doomed[i], 0, __ATOMIC_SEQ_CST);
			pid[i] = child(fn, &f[i]);
		}
		for (sum = i = 0; i < 8; i++) {
			sum += __atomic_load_n(&a->turns[i], __ATOMIC_SEQ_CST);
			assert_int_equal(waitpid(pid[i], NULL, WNOHANG), 0);
		}
	}
	__atomic_store_n(&a->stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 8; i++)
		passed(pid[i]);
	return a;
}

static void
one_at_a_time_among_eight_that_are_killed(void **state)
{
	struct arena *a = battle(fight, (unsigned int)slow(4000), slow(300));

	(void)state;
	print_message("# %u holders were killed\n", a->deaths);
	if (slow(300) == 300)
		assert_true(a->deaths > 0);
	/* Some of the last may still be in it, or in line, dead. */
	assert_int_equal(lock(0), 0);
}

static void
each_of_eight_has_its_turn(void **state)
{
	unsigned int i, all = (unsigned int)slow(4000);
	struct arena *a = battle(fight, all, 0);

	(void)state;
	for (i = 0; i < 8; i++)
		assert_true(a->turns[i] > all / 80);
}

static void
share(void *arg)
{
	struct stay *s = arg;

	must(lock(SHMU_CLAIM_SHARED) == 0);
	__atomic_store_n(&s->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void
sharers_and_a_writer(void **state)
{
	struct stay *s = shared(4 * sizeof *s), *w = shared(sizeof *w);
	pid_t r[4], writer;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		r[i] = child(share, &s[i]);
		eventually(__atomic_load_n(&s[i].up, __ATOMIC_SEQ_CST));
	}
	assert_int_equal(having(), 3);
	assert_errno(EAGAIN, lock(SHMU_CLAIM_NOWAIT));
	assert_int_equal(lock(SHMU_CLAIM_NOWAIT | SHMU_CLAIM_SHARED), 0);
	assert_int_equal(unlock(), 0);
	/* Whoever shares after a writer has come waits for it. */
	writer = child(stay, w);
	eventually(waiting() == 1);
	r[3] = child(share, &s[3]);
	eventually(waiting() == 2);
	assert_errno(EAGAIN, lock(SHMU_CLAIM_NOWAIT | SHMU_CLAIM_SHARED));
	for (i = 0; i < 3; i++)
		slay(r[i]);
	eventually(__atomic_load_n(&w->up, __ATOMIC_SEQ_CST));
	assert_int_equal(s[3].up, 0);
	slay(writer);
	eventually(__atomic_load_n(&s[3].up, __ATOMIC_SEQ_CST));
	slay(r[3]);
}

static void
as_many_sharers_as_there_are_places(void **state)
{
	int n = slow(SHMU_CELL_PLACES), i;
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT |
	    SHMU_CLAIM_SHARED);
	pid_t *pid = calloc((size_t)n, sizeof *pid);

	(void)state;
	for (i = 0; i < n; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			for (;;)
				pause();
		claim.pid = pid[i];
		assert_true(pid[i] > 0);
		assert_int_equal(lock_as(&claim), 0);
	}
	assert_int_equal(having(), n);
	claim.pid = 0;
	if (n == SHMU_CELL_PLACES)
		assert_errno(EAGAIN, lock_as(&claim));
	slay(pid[n / 2]);
	assert_int_equal(lock_as(&claim), 0);
	for (i = 0; i < n; i++)
		if (i != n / 2)
			slay(pid[i]);
	assert_int_equal(unlock(), 0);
	claim.flags = SHMU_CLAIM_NOWAIT;
	assert_int_equal(lock_as(&claim), 0);
	free(pid);
}

static void
places_of_a_semaphore(void **state)
{
	struct shmu_cell_state st;

	(void)state;
	assert_errno(EINVAL, acquire(0, 0));
	assert_errno(EINVAL, acquire(SHMU_CELL_PLACES + 1, 0));
	assert_errno(ENOENT, release());
	assert_int_equal(acquire(2, 0), 0);
	assert_int_equal(acquire(2, 0), 0);
	assert_errno(EAGAIN, acquire(2, SHMU_CLAIM_NOWAIT));
	assert_errno(ERANGE, acquire(3, SHMU_CLAIM_NOWAIT));
	assert_int_equal(acquire(3, SHMU_CLAIM_NOWAIT | SHMU_CLAIM_RESIZE), 0);
	assert_int_equal(shmu_cell_state(table, KEY, &st, NULL, 0), 0);
	assert_int_equal(st.places, 3);
	assert_int_equal(st.taken, 3);
	assert_int_equal(st.parties, 3);
	/* Down to one: two have to be given back first. */
	assert_errno(EAGAIN, acquire(1, SHMU_CLAIM_NOWAIT |
	    SHMU_CLAIM_RESIZE));
	assert_int_equal(release(), 0);
	assert_int_equal(release(), 0);
	assert_errno(EAGAIN, acquire(1, SHMU_CLAIM_NOWAIT));
	assert_errno(EBUSY, shmu_table_delete(table, KEY));
	assert_int_equal(release(), 0);
	assert_errno(EPERM, release());
	assert_int_equal(acquire(1, SHMU_CLAIM_NOWAIT), 0);
	assert_int_equal(release(), 0);
	assert_int_equal(shmu_table_delete(table, KEY), 0);
}

static void
wait_for_a_place(void *arg)
{
	struct stay *s = arg;

	must(acquire(1, 0) == 0);
	__atomic_store_n(&s->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void
a_resized_semaphore_lets_in_who_waits(void **state)
{
	struct stay *s = shared(sizeof *s);
	pid_t pid;

	(void)state;
	assert_int_equal(acquire(1, 0), 0);
	pid = child(wait_for_a_place, s);
	eventually(waiting() == 1);
	assert_errno(EAGAIN, acquire(2, SHMU_CLAIM_NOWAIT |
	    SHMU_CLAIM_RESIZE));
	eventually(__atomic_load_n(&s->up, __ATOMIC_SEQ_CST));
	slay(pid);
	assert_int_equal(acquire(2, SHMU_CLAIM_NOWAIT), 0);
}

#define AT_ONCE	3U

static void
compete(void *arg)
{
	struct fighter *f = arg;
	struct arena *a = f->a;
	unsigned int i, n;

	begin(f);
	while (!__atomic_load_n(&a->stop, __ATOMIC_SEQ_CST)) {
		must(acquire(AT_ONCE, 0) == 0);
		__atomic_store_n(&a->in[f->me], 1, __ATOMIC_SEQ_CST);
		/* One that is being killed may be out already. */
		for (n = i = 0; i < 8; i++)
			n += __atomic_load_n(&a->in[i], __ATOMIC_SEQ_CST) &&
			    !__atomic_load_n(&a->doomed[i], __ATOMIC_SEQ_CST);
		must(n <= AT_ONCE);
		a->turns[f->me]++;
		__atomic_store_n(&a->in[f->me], 0, __ATOMIC_SEQ_CST);
		must(release() == 0);
	}
}

static void
never_more_than_there_are_places(void **state)
{
	unsigned int i;

	(void)state;
	battle(compete, (unsigned int)slow(4000), slow(300));
	for (i = 0; i < AT_ONCE; i++)
		assert_int_equal(acquire(AT_ONCE, SHMU_CLAIM_NOWAIT), 0);
	assert_errno(EAGAIN, acquire(AT_ONCE, SHMU_CLAIM_NOWAIT));
}

static void
parties_are_told(void **state)
{
	struct shmu_party p[4];
	struct shmu_cell_state st;
	struct stay *s = shared(sizeof *s);
	pid_t pid = holder(), waiter = child(stay, s);

	(void)state;
	eventually(waiting() == 1);
	kill(pid, SIGKILL);
	kill(waiter, SIGSTOP);
	eventually(state_of(pid) == 'Z' && state_of(waiter) == 'T');
	assert_int_equal(shmu_cell_state(table, KEY, &st, p, 1), 0);
	assert_int_equal(st.parties, 2);
	assert_int_equal(shmu_cell_state(table, KEY, &st, p, 4), 0);
	assert_int_equal(p[0].owner.pid, pid);
	assert_int_equal(p[0].waits, 0);
	assert_int_equal(p[0].dead, 1);
	assert_int_equal(p[1].owner.pid, waiter);
	assert_int_equal(p[1].waits, 1);
	assert_int_equal(p[1].dead, 0);
	/* That one is dead is no reason to keep it. */
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	slay(waiter);
}

static void
nothing_is_left_in_the_heap(void **state)
{
	uint64_t before = chunks();
	pid_t pid = holder();

	(void)state;
	assert_errno(EAGAIN, lock(SHMU_CLAIM_NOWAIT));
	slay(pid);
	assert_int_equal(lock(0), 0);
	assert_int_equal(unlock(), 0);
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_int_equal(chunks(), before);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, fresh, gone)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(take_and_give),
		TEST(other_types_and_keys),
		TEST(nowait_and_limit_name_the_holder),
		TEST(signal_ends_the_wait),
		TEST(for_another_process),
		TEST(holder_killed),
		TEST(holder_killed_while_others_wait),
		TEST(holder_is_a_zombie),
		TEST(holders_child_has_nothing),
		TEST(fork_does_not_inherit),
		TEST(exec_keeps_it),
		TEST(holder_stopped),
		TEST(same_pid_of_another_time),
		TEST(pid_used_again),
		TEST(other_pid_namespace),
		TEST(three_thousand_locks_of_one_that_is_killed),
		TEST(first_in_line_killed),
		TEST(first_in_line_stopped),
		TEST(nowait_is_not_held_up_by_one_that_is_stopped),
		TEST(one_at_a_time_among_eight_that_are_killed),
		TEST(each_of_eight_has_its_turn),
		TEST(sharers_and_a_writer),
		TEST(as_many_sharers_as_there_are_places),
		TEST(places_of_a_semaphore),
		TEST(a_resized_semaphore_lets_in_who_waits),
		TEST(never_more_than_there_are_places),
		TEST(parties_are_told),
		TEST(nothing_is_left_in_the_heap),
	};

	return cmocka_run_group_tests_name("locks of a table", tests, NULL,
	    NULL);
}
