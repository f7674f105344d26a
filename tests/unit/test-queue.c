/* SPDX-License-Identifier: MIT */
/* test-queue.c - queues of a table, among processes */
#include "config.h"

#include <sys/time.h>

#include "cell.h"

#define WORKERS	4U

static const struct timespec brief = { 0, 30000000 };

static int
push(const char *text, unsigned int flags)
{
	struct shmu_claim claim = claim_of(flags);

	return shmu_queue_push(table, KEY, 3, text, strlen(text), &claim);
}

/* Of what is popped, the first byte; or -1. */
static int
pop_as(struct shmu_claim *claim)
{
	size_t length;
	void *item;
	int c;

	if (shmu_queue_pop(table, KEY, &item, &length, claim) == -1)
		return -1;
	c = *(unsigned char *)item;
	free(item);
	return c;
}

static int
pop(unsigned int flags)
{
	struct shmu_claim claim = claim_of(flags | SHMU_CLAIM_NOWAIT);

	return pop_as(&claim);
}

static int
ack(void)
{
	return shmu_queue_ack(table, KEY, 0);
}

static void
first_in_first_out(void **state)
{
	struct shmu_cell_state st;
	int i;

	(void)state;
	assert_errno(EAGAIN, pop(0));
	for (i = 0; i < 10; i++) {
		assert_int_equal(push("a", 0), 0);
		assert_int_equal(push("b", 0), 0);
		assert_int_equal(push("c", 0), 0);
		assert_errno(EAGAIN, push("d", SHMU_CLAIM_NOWAIT));
		assert_int_equal(shmu_cell_state(table, KEY, &st, NULL, 0), 0);
		assert_int_equal(st.places, 3);
		assert_int_equal(st.taken, 3);
		assert_int_equal(pop(0), 'a');
		assert_int_equal(pop(0), 'b');
		assert_int_equal(push("d", 0), 0);
		assert_int_equal(pop(0), 'c');
		assert_int_equal(pop(0), 'd');
		assert_errno(EAGAIN, pop(0));
	}
}

static void
items_of_any_length(void **state)
{
	size_t sizes[] = { 0, 1, 7, 8, 9, 4096, 100000, 3000000 }, length, i;
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);
	unsigned char *bytes = malloc(3000000);
	void *item;

	(void)state;
	for (i = 0; i < 3000000; i++)
		bytes[i] = (unsigned char)(i * 7 >> 3);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(shmu_queue_push(table, KEY, 0, bytes,
		    sizes[i], &claim), 0);
		assert_int_equal(shmu_queue_pop(table, KEY, &item, &length,
		    &claim), 0);
		assert_int_equal(length, sizes[i]);
		assert_memory_equal(item, bytes, length);
		assert_int_equal(((char *)item)[length], '\0');
		free(item);
	}
	assert_errno(ENOMEM, shmu_queue_push(table, KEY, 0, bytes, SIZE_MAX,
	    &claim));
	assert_errno(ENOMEM, shmu_queue_push(table, KEY, 0, bytes,
	    (size_t)64 << 20, &claim));
	free(bytes);
}

static void
other_types_and_keys(void **state)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT);

	(void)state;
	assert_errno(ENOENT, ack());
	assert_int_equal(shmu_table_put(table, KEY, "text", 4), 0);
	assert_errno(EPROTOTYPE, push("a", 0));
	assert_errno(EPROTOTYPE, pop(0));
	assert_errno(EPROTOTYPE, ack());
	assert_errno(EPROTOTYPE, shmu_queue_close(table, KEY));
	assert_errno(EINVAL, shmu_queue_push(table, "", 0, 1, "", 0, &claim));
	claim.pid = -1;
	assert_errno(EINVAL, pop_as(&claim));
}

static void
limits(void **state)
{
	struct shmu_claim claim = claim_within(&brief);

	(void)state;
	assert_errno(ETIMEDOUT, pop_as(&claim));
	assert_int_equal(push("a", 0), 0);
	assert_int_equal(push("b", 0), 0);
	assert_int_equal(push("c", 0), 0);
	assert_errno(ETIMEDOUT, shmu_queue_push(table, KEY, 3, "d", 1,
	    &claim));
	assert_int_equal(pop_as(&claim), 'a');
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
	struct shmu_claim claim = claim_of(0);

	(void)state;
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_errno(EINTR, pop_as(&claim));
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
}

static void
closed(void **state)
{
	struct shmu_cell_state st;

	(void)state;
	assert_int_equal(push("a", 0), 0);
	assert_int_equal(shmu_queue_close(table, KEY), 0);
	assert_int_equal(shmu_queue_close(table, KEY), 0);
	assert_errno(EPIPE, push("b", 0));
	assert_int_equal(shmu_cell_state(table, KEY, &st, NULL, 0), 0);
	assert_int_equal(st.closed, 1);
	assert_int_equal(pop(0), 'a');
	assert_errno(EPIPE, pop(0));
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	/* One that was not there is made closed. */
	assert_int_equal(shmu_queue_close(table, KEY), 0);
	assert_errno(EPIPE, pop(0));
}

static void
leases(void **state)
{
	struct shmu_cell_state st;
	struct shmu_party p[4];

	(void)state;
	assert_int_equal(push("a", 0), 0);
	assert_int_equal(push("b", 0), 0);
	assert_errno(ENOENT, ack());
	assert_int_equal(pop(SHMU_CLAIM_LEASE), 'a');
	assert_int_equal(pop(SHMU_CLAIM_LEASE), 'b');
	assert_int_equal(shmu_cell_state(table, KEY, &st, p, 4), 0);
	assert_int_equal(st.leases, 2);
	assert_int_equal(st.taken, 0);
	assert_int_equal(p[1].owner.pid, getpid());
	assert_errno(EBUSY, shmu_table_delete(table, KEY));
	assert_int_equal(ack(), 0);
	assert_int_equal(ack(), 0);
	assert_errno(ENOENT, ack());
	assert_int_equal(shmu_table_delete(table, KEY), 0);
}

struct worker {
	int	n;		/* to lease */
	int	up;
	char	got[8];
};

static void
lease_and_stay(void *arg)
{
	struct worker *w = arg;
	struct shmu_claim claim = claim_of(SHMU_CLAIM_LEASE);
	int i;

	for (i = 0; i < w->n; i++) {
		int c = pop_as(&claim);

		must(c != -1);
		w->got[i] = (char)c;
	}
	__atomic_store_n(&w->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void
what_a_dead_one_had_comes_first(void **state)
{
	struct worker *w = shared(sizeof *w);
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT |
	    SHMU_CLAIM_LEASE);
	pid_t pid;

	(void)state;
	assert_int_equal(push("a", 0), 0);
	assert_int_equal(push("b", 0), 0);
	assert_int_equal(push("c", 0), 0);
	w->n = 2;
	pid = child(lease_and_stay, w);
	eventually(__atomic_load_n(&w->up, __ATOMIC_SEQ_CST));
	assert_string_equal(w->got, "ab");
	slay(pid);
	assert_int_equal(pop_as(&claim), 'a');
	assert_int_equal(claim.dead.pid, pid);
	assert_int_equal(pop(0), 'b');
	assert_int_equal(pop_as(&claim), 'c');
	assert_int_equal(claim.dead.pid, 0);
	/* The lease that came by inheritance is the older one. */
	assert_int_equal(ack(), 0);
	assert_int_equal(ack(), 0);
	assert_errno(ENOENT, ack());
	assert_errno(EAGAIN, pop(0));
}

static void
who_waits_gets_what_a_dead_one_had(void **state)
{
	struct worker *w = shared(sizeof *w), *v = shared(sizeof *v);
	pid_t pid, waiter;

	(void)state;
	assert_int_equal(push("a", 0), 0);
	w->n = v->n = 1;
	pid = child(lease_and_stay, w);
	eventually(__atomic_load_n(&w->up, __ATOMIC_SEQ_CST));
	/* Closed and empty, but not done with. */
	assert_int_equal(shmu_queue_close(table, KEY), 0);
	assert_errno(EAGAIN, pop(0));
	waiter = child(lease_and_stay, v);
	eventually(state_of(waiter) == 'S');
	slay(pid);
	eventually(__atomic_load_n(&v->up, __ATOMIC_SEQ_CST));
	assert_string_equal(v->got, "a");
	slay(waiter);
	assert_int_equal(pop(0), 'a');
	assert_errno(EPIPE, pop(0));
}

static void
a_lease_for_another_process(void **state)
{
	struct worker *w = shared(sizeof *w);
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT |
	    SHMU_CLAIM_LEASE);
	pid_t pid = child(lease_and_stay, w);

	(void)state;
	assert_int_equal(push("a", 0), 0);
	claim.pid = pid;
	assert_int_equal(pop_as(&claim), 'a');
	assert_errno(ENOENT, ack());
	assert_int_equal(shmu_queue_ack(table, KEY, pid), 0);
	assert_errno(ENOENT, shmu_queue_ack(table, KEY, pid));
	slay(pid);
	assert_errno(ESRCH, shmu_queue_ack(table, KEY, pid));
}

static void
push_and_stay(void *arg)
{
	struct worker *w = arg;

	must(push("x", 0) == 0);
	__atomic_store_n(&w->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void
each_end_waits_for_the_other(void **state)
{
	struct worker *w = shared(sizeof *w), *v = shared(sizeof *v);
	pid_t pid;

	(void)state;
	w->n = 1;
	pid = child(lease_and_stay, w);
	eventually(state_of(pid) == 'S');
	assert_int_equal(w->up, 0);
	assert_int_equal(push("a", 0), 0);
	eventually(__atomic_load_n(&w->up, __ATOMIC_SEQ_CST));
	assert_int_equal(push("b", 0), 0);
	assert_int_equal(push("c", 0), 0);
	assert_int_equal(push("d", 0), 0);
	slay(pid);
	pid = child(push_and_stay, v);
	eventually(state_of(pid) == 'S');
	assert_int_equal(v->up, 0);
	assert_int_equal(pop(0), 'a');		/* was on lease: no room yet */
	assert_int_equal(pop(0), 'b');
	eventually(__atomic_load_n(&v->up, __ATOMIC_SEQ_CST));
	slay(pid);
}

/* Producers push numbers, consumers count each that they get. */
#define NUMBERS	100000U
struct factory {
	unsigned int	n;			/* of each producer */
	unsigned int	next[WORKERS];
	unsigned char	seen[WORKERS][NUMBERS];
	unsigned int	up[2 * WORKERS];
};

struct hand {
	struct factory	*f;
	unsigned int	 me;
};

static void
produce(void *arg)
{
	struct hand *h = arg;
	struct shmu_claim claim = claim_of(0);
	uint32_t item[2] = { h->me, 0 };

	for (;;) {
		item[1] = h->f->next[h->me];
		if (item[1] >= h->f->n)
			return;
		must(shmu_queue_push(table, KEY, 16, item, sizeof item,
		    &claim) == 0);
		__atomic_store_n(&h->f->next[h->me], item[1] + 1,
		    __ATOMIC_SEQ_CST);
	}
}

static void
consume_with(struct hand *h, unsigned int flags)
{
	struct shmu_claim claim = claim_of(flags);
	uint32_t *item;
	size_t length;
	void *p;

	while (shmu_queue_pop(table, KEY, &p, &length, &claim) == 0) {
		item = p;
		must(length == 8 && item[0] < WORKERS && item[1] < h->f->n);
		__atomic_fetch_add(&h->f->seen[item[0]][item[1]], 1,
		    __ATOMIC_SEQ_CST);
		free(p);
		if (flags != 0)
			must(ack() == 0);
	}
	must(errno == EPIPE);
}

static void
consume(void *arg)
{
	consume_with(arg, 0);
}

static void
work(void *arg)
{
	consume_with(arg, SHMU_CLAIM_LEASE);
}

/* Run them and kill some; *lost numbers did not arrive, *twice did again. */
static void
run(void (*consumer)(void *), unsigned int n, int kills, int kill_from,
    unsigned int *lost, unsigned int *twice)
{
	struct factory *f = shared(sizeof *f);
	struct hand h[2 * WORKERS];
	pid_t pid[2 * WORKERS];
	unsigned int i, k, seed = 11;

	f->n = n;
	for (i = 0; i < 2 * WORKERS; i++) {
		h[i] = (struct hand){ f, i % WORKERS };
		pid[i] = child(i < WORKERS ? produce : consumer, &h[i]);
	}
	for (; kills > 0; kills--) {
		moment();
		i = (unsigned int)kill_from + (unsigned int)rand_r(&seed) %
		    (2 * WORKERS - (unsigned int)kill_from);
		slay(pid[i]);
		pid[i] = child(i < WORKERS ? produce : consumer, &h[i]);
	}
	for (i = 0; i < WORKERS; i++)
		passed(pid[i]);
	assert_int_equal(shmu_queue_close(table, KEY), 0);
	for (; i < 2 * WORKERS; i++)
		passed(pid[i]);
	*lost = *twice = 0;
	for (i = 0; i < WORKERS; i++)
		for (k = 0; k < n; k++) {
			*lost += f->seen[i][k] == 0;
			*twice += f->seen[i][k] > 1;
		}
	munmap(f, sizeof *f);
}

static void
four_and_four(void **state)
{
	unsigned int lost, twice;

	(void)state;
	run(consume, (unsigned int)slow(5000), 0, 0, &lost, &twice);
	assert_int_equal(lost, 0);
	assert_int_equal(twice, 0);
}

static void
four_and_four_that_are_killed(void **state)
{
	unsigned int lost, twice;
	int kills = slow(200);

	(void)state;
	run(consume, (unsigned int)slow(5000), kills, 0, &lost, &twice);
	print_message("# %u lost and %u twice in %d kills\n", lost, twice,
	    kills);
	assert_true(lost <= (unsigned int)kills);
	assert_true(twice <= (unsigned int)kills);
	assert_true(lost + twice <= (unsigned int)kills);
}

static void
workers_with_leases_that_are_killed_lose_nothing(void **state)
{
	unsigned int lost, twice;
	int kills = slow(200);

	(void)state;
	run(work, (unsigned int)slow(2000), kills, WORKERS, &lost, &twice);
	print_message("# %u twice in %d kills\n", twice, kills);
	assert_int_equal(lost, 0);
	assert_true(twice <= (unsigned int)kills);
}

static void
nothing_is_left_in_the_heap(void **state)
{
	uint64_t before = chunks();
	unsigned int lost, twice, i;

	(void)state;
	run(work, (unsigned int)slow(1000), slow(100), 0, &lost, &twice);
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_int_equal(chunks(), before);
	for (i = 0; i < 3; i++)
		assert_int_equal(push("abc", 0), 0);
	assert_int_equal(pop(SHMU_CLAIM_LEASE), 'a');
	assert_int_equal(ack(), 0);
	assert_int_equal(shmu_table_delete(table, KEY), 0);
	assert_int_equal(chunks(), before);
}

/* The items that are seen without taking them, one after the other. */
static void
seen(const char *want)
{
	uint64_t position = 0;
	size_t length;
	void *item;

	for (; *want != '\0'; want++) {
		assert_int_equal(shmu_queue_item(table, KEY, &position, &item,
		    &length), 0);
		assert_int_equal(length, 1);
		assert_int_equal(*(char *)item, *want);
		free(item);
	}
	assert_errno(ENOENT, shmu_queue_item(table, KEY, &position, &item,
	    &length));
}

static void
items_are_seen_and_stay(void **state)
{
	uint64_t position = 0;
	size_t length;
	void *item;

	(void)state;
	assert_errno(ENOENT, shmu_queue_item(table, KEY, &position, &item,
	    &length));
	assert_int_equal(push("a", 0), 0);
	assert_int_equal(push("b", 0), 0);
	assert_int_equal(push("c", 0), 0);
	seen("abc");
	assert_int_equal(pop(0), 'a');
	seen("bc");
	assert_int_equal(pop(SHMU_CLAIM_LEASE), 'b');
	assert_int_equal(push("d", 0), 0);
	seen("bcd");
	assert_int_equal(pop(0), 'c');
	seen("bd");
	assert_int_equal(pop(SHMU_CLAIM_LEASE), 'd');
	seen("bd");
	assert_int_equal(ack(), 0);
	seen("d");
	assert_int_equal(ack(), 0);
	seen("");
	assert_int_equal(shmu_table_put(table, "text", 4, "x", 1), 0);
	assert_errno(EPROTOTYPE, shmu_queue_item(table, "text", 4, &position,
	    &item, &length));
}

static void
an_empty_one_is_made(void **state)
{
	struct shmu_cell_state st;

	(void)state;
	assert_int_equal(shmu_queue_make(table, KEY, 2), 0);
	assert_int_equal(shmu_cell_state(table, KEY, &st, NULL, 0), 0);
	assert_int_equal(st.places, 2);
	assert_int_equal(st.taken + st.closed, 0);
	assert_int_equal(push("a", SHMU_CLAIM_NOWAIT), 0);
	assert_int_equal(shmu_queue_make(table, KEY, 9), 0);
	assert_int_equal(push("b", SHMU_CLAIM_NOWAIT), 0);
	assert_errno(EAGAIN, push("c", SHMU_CLAIM_NOWAIT));
	assert_int_equal(pop(0), 'a');
	assert_int_equal(shmu_table_put(table, "text", 4, "x", 1), 0);
	assert_errno(EPROTOTYPE, shmu_queue_make(table, "text", 4, 2));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, fresh, gone)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_in_first_out),
		TEST(items_of_any_length),
		TEST(other_types_and_keys),
		TEST(limits),
		TEST(signal_ends_the_wait),
		TEST(closed),
		TEST(an_empty_one_is_made),
		TEST(leases),
		TEST(what_a_dead_one_had_comes_first),
		TEST(who_waits_gets_what_a_dead_one_had),
		TEST(a_lease_for_another_process),
		TEST(each_end_waits_for_the_other),
		TEST(four_and_four),
		TEST(four_and_four_that_are_killed),
		TEST(workers_with_leases_that_are_killed_lose_nothing),
		TEST(items_are_seen_and_stay),
		TEST(nothing_is_left_in_the_heap),
	};

	return cmocka_run_group_tests_name("queues of a table", tests, NULL,
	    NULL);
}
