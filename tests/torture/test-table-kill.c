/* SPDX-License-Identifier: MIT */
/*
 * test-table-kill.c - four processes on one table, one of them killed, again
 * and again
 *
 * A model outside the table says what each key shall hold, and what it may hold
 * besides while a process is at work on it.  After any number of deaths all
 * must be as the model says, no counter have lost or gained anything, every
 * chunk of the heap belong to the table, and nobody may wait for the dead,
 * whose slots others take at once.
 *
 * SHMU_KILLS is how often: 2000 by default, 100000 with SHMU_TORTURE.
 */
#include "config.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/finding.h"
#include "shmutil/heap-view.h"
#include "shmutil/table.h"

#define WORKERS	4
#define KEYS	1024
#define QUIET	50	/* kills between two full checks */
#define LONGEST	700
#define MORE	30000	/* cells that each worker adds, for splits */
#define MAXIMUM	((uint64_t)48 << 20)

/* Version 0 of a key is that there is none.  now is what the key has if nobody
 * is at work on it; else it has that or next. */
struct key {
	uint32_t	now, next, claim, unused;
};

struct worker {
	uint64_t	sum;		/* additions that were done */
	uint64_t	added;		/* cells */
	uint64_t	rounds;
	uint64_t	unused[5];
};

static struct model {
	struct key	key[KEYS];
	struct worker	worker[WORKERS];
	uint32_t	pause, paused;
} *model;
static struct shmu_table *table;

static uint64_t
rnd(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(0x2545F4914F6CDD1D) >> 32;
}

/* What version v of key i is: its length and all of its bytes tell. */
static size_t
content(uint32_t i, uint32_t v, unsigned char *buf)
{
	size_t n = v % 3 == 0 ? 8 + v % 9 : 8 + v * 7 % (LONGEST - 8);

	memset(buf, (int)(i * 31 + v * 7), n);
	memcpy(buf, &i, sizeof i);
	memcpy(buf + 4, &v, sizeof v);
	return n;
}

/* The version that the table has, -1 when it is none that was ever put. */
static int64_t
version(struct shmu_table *t, uint32_t i)
{
	unsigned char buf[LONGEST], want[LONGEST];
	struct shmu_cell cell;
	uint32_t v;

	if (shmu_table_get(t, &i, sizeof i, buf, sizeof buf, &cell) == -1)
		return errno == ENOENT ? 0 : -1;
	memcpy(&v, buf + 4, sizeof v);
	if (cell.length != content(i, v, want) ||
	    memcmp(buf, want, cell.length) != 0)
		return -1;
	return v;
}

static void
change(struct shmu_table *t, uint32_t i, uint64_t *seed)
{
	unsigned char buf[LONGEST];
	struct key *k = &model->key[i];
	uint32_t nobody = 0, v;
	int r;

	if (!__atomic_compare_exchange_n(&k->claim, &nobody,
	    (uint32_t)getpid(), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	if (version(t, i) != k->now)
		_exit(10);
	v = k->now != 0 && rnd(seed) % 3 == 0 ? 0 :
	    (uint32_t)(rnd(seed) % 1000000) + 1;
	__atomic_store_n(&k->next, v, __ATOMIC_RELEASE);
	r = v == 0 ? shmu_table_delete(t, &i, sizeof i) :
	    shmu_table_put(t, &i, sizeof i, buf, content(i, v, buf));
	if (r == -1)
		_exit(11);
	__atomic_store_n(&k->now, v, __ATOMIC_RELEASE);
	__atomic_store_n(&k->claim, 0, __ATOMIC_RELEASE);
}

static void
count(struct shmu_table *t, int index)
{
	struct worker *w = &model->worker[index];
	char name[] = { 's', 'u', 'm', (char)('0' + index) };

	if (shmu_table_integer(t, name, sizeof name, SHMU_ADD, 1, 0,
	    NULL) == -1)
		_exit(12);
	__atomic_store_n(&w->sum, w->sum + 1, __ATOMIC_RELEASE);
}

static void
add(struct shmu_table *t, int index)
{
	struct worker *w = &model->worker[index];
	uint64_t key[2] = { (uint64_t)index, w->added };

	if (w->added == MORE)
		return;
	if (shmu_table_put(t, key, sizeof key, key, sizeof key) == -1)
		_exit(13);
	__atomic_store_n(&w->added, w->added + 1, __ATOMIC_RELEASE);
}

static void
wait_while_paused(void)
{
	if (__atomic_load_n(&model->pause, __ATOMIC_ACQUIRE) == 0)
		return;
	__atomic_fetch_add(&model->paused, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&model->pause, __ATOMIC_ACQUIRE) != 0)
		usleep(100);
	__atomic_fetch_sub(&model->paused, 1, __ATOMIC_ACQ_REL);
}

static void __attribute__((noreturn))
worker(int index)
{
	uint64_t seed = (uint64_t)getpid() * UINT64_C(0x9E3779B97F4A7C15);
	struct shmu_table *mine;
	uint64_t what;

	if (shmu_table_join(&mine, table) == -1)
		_exit(9);
	for (;;) {
		wait_while_paused();
		what = rnd(&seed) % 64;
		if (what < 40)
			change(mine, (uint32_t)(rnd(&seed) % KEYS), &seed);
		else if (what < 50)
			count(mine, index);
		else if (what == 50 && rnd(&seed) % 16 == 0)
			add(mine, index);
		else if (version(mine, (uint32_t)(rnd(&seed) % KEYS)) == -1)
			_exit(14);
		__atomic_fetch_add(&model->worker[index].rounds, 1,
		    __ATOMIC_RELAXED);
	}
}

static pid_t
start(int index)
{
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0)
		worker(index);
	return pid;
}

static int64_t
sum_of(int index)
{
	char name[] = { 's', 'u', 'm', (char)('0' + index) };
	int64_t n = 0;

	if (shmu_table_get(table, name, sizeof name, &n, sizeof n, NULL) == -1)
		assert_int_equal(errno, ENOENT);
	return n;
}

/* What the dead one was at work on has happened or has not. */
static void
settle(pid_t dead, int index)
{
	struct worker *w = &model->worker[index];
	int64_t v, sum = sum_of(index);
	uint32_t i;

	assert_true(sum == (int64_t)w->sum || sum == (int64_t)w->sum + 1);
	w->sum = (uint64_t)sum;
	for (i = 0; i < KEYS; i++) {
		struct key *k = &model->key[i];

		if (k->claim != (uint32_t)dead)
			continue;
		v = version(table, i);
		if (v != k->now && v != k->next)
			fail_msg("key %u has version %lld, not %u or %u", i,
			    (long long)v, k->now, k->next);
		k->now = (uint32_t)v;
		__atomic_store_n(&k->claim, 0, __ATOMIC_RELEASE);
	}
}

static int
check_cell(const struct shmu_cell *cell, const void *value, void *arg)
{
	uint64_t *n = arg;

	n[cell->key_length == 16 ? 1 :
	    cell->type == SHMU_CELL_INTEGER ? 2 : 0]++;
	return cell->type == SHMU_CELL_BYTES && cell->key_length == 16 &&
	    memcmp(value, cell->key, 16) != 0;
}

/* Every chunk is a cell's, or of the table: one control block, and pieces, of
 * which a split that was cut may have allocated one before it is needed. */
static void
check_heap(const struct shmu_table_stat *s)
{
	uint64_t pieces = 1, b;
	struct shmu_heap_view *v;
	struct shmu_heap_stat h;

	for (b = 64; b < s->buckets; b *= 2)
		pieces++;
	assert_int_equal(shmu_heap_view_mapped(&v,
	    (char *)shmu_heap_at(shmu_table_heap(table), 1) - 1, MAXIMUM), 0);
	assert_int_equal(shmu_heap_view_check(v, print_finding, NULL), 0);
	assert_int_equal(shmu_heap_view_stat(v, &h), 0);
	shmu_heap_view_close(v);
	b = h.chunks - s->cells - s->overflows - 1;
	if (b != pieces && (b != pieces + 1 || (s->buckets & (s->buckets - 1))
	    != 0))
		fail_msg("%llu chunks: %llu cells, %llu overflows, %llu "
		    "buckets", (unsigned long long)h.chunks,
		    (unsigned long long)s->cells,
		    (unsigned long long)s->overflows,
		    (unsigned long long)s->buckets);
}

static void
check_content(void)
{
	uint64_t n[3] = { 0, 0, 0 }, keys = 0, added = 0, sums = 0;
	struct shmu_table_stat s;
	uint32_t i;

	assert_int_equal(shmu_table_each(table, check_cell, n), 0);
	for (i = 0; i < KEYS; i++) {
		assert_int_equal(version(table, i), model->key[i].now);
		keys += model->key[i].now != 0;
	}
	for (i = 0; i < WORKERS; i++) {
		assert_int_equal(sum_of((int)i), model->worker[i].sum);
		sums += model->worker[i].sum != 0;
		added += model->worker[i].added;
	}
	assert_int_equal(n[0], keys);
	assert_int_equal(n[1], added);
	assert_int_equal(n[2], sums);
	assert_int_equal(shmu_table_stat(table, &s), 0);
	assert_int_equal(s.cells, keys + added + sums);
	check_heap(&s);
}

/* Everybody waits meanwhile. */
static void
check(void)
{
	unsigned int waits = 0;

	__atomic_store_n(&model->pause, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&model->paused, __ATOMIC_ACQUIRE) != WORKERS) {
		usleep(1000);
		assert_true(waits++ < 20000);
	}
	assert_int_equal(shmu_heap_gc(shmu_table_heap(table), NULL), 0);
	check_content();
	__atomic_store_n(&model->pause, 0, __ATOMIC_RELEASE);
	while (__atomic_load_n(&model->paused, __ATOMIC_ACQUIRE) != 0)
		usleep(100);
}

static void
see_all_at_work(void)
{
	uint64_t before;
	int i, waits;

	for (i = 0; i < WORKERS; i++) {
		uint64_t *rounds = &model->worker[i].rounds;

		before = __atomic_load_n(rounds, __ATOMIC_RELAXED);
		for (waits = 0; waits < 10000 && before ==
		    __atomic_load_n(rounds, __ATOMIC_RELAXED); waits++)
			usleep(1000);
		assert_true(before !=
		    __atomic_load_n(rounds, __ATOMIC_RELAXED));
	}
}

/* What the dead one added last may be there though it was not counted: its
 * replacement puts it again.  So that is started only when all is settled. */
static void
kill_and_replace(pid_t *pids, int kills)
{
	uint64_t seed = 88172645463325252;
	int k, i, status;

	for (k = 1; k <= kills; k++) {
		i = (int)(rnd(&seed) % WORKERS);
		usleep((useconds_t)(200 + rnd(&seed) % 1500));
		kill(pids[i], SIGKILL);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (!WIFSIGNALED(status))
			fail_msg("worker ended with %d", WEXITSTATUS(status));
		settle(pids[i], i);
		pids[i] = start(i);
		if (k % QUIET != 0)
			continue;
		see_all_at_work();
		check();
	}
}

static void
stop(pid_t *pids)
{
	int i;

	for (i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

static void
deaths_lose_and_leak_nothing(void **state)
{
	const char *text = getenv("SHMU_KILLS");
	int kills = text != NULL ? atoi(text) :
	    getenv("SHMU_TORTURE") != NULL ? 100000 :
	    getenv("SHMU_SLOW") != NULL ? 50 : 2000, i;
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_table_stat s;
	struct shmu_operand op;
	pid_t pids[WORKERS];

	(void)state;
	model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(model != MAP_FAILED);
	memset(&op, 0, sizeof op);
	op.kind = SHMU_PRIVATE;
	spec.maximum = MAXIMUM;
	assert_int_equal(shmu_table_create(&table, &op, &spec), 0);
	op = *shmu_table_operand(table);
	assert_int_equal(shmu_segment_remove(&op, NULL), 0);
	for (i = 0; i < WORKERS; i++)
		pids[i] = start(i);
	kill_and_replace(pids, kills);
	see_all_at_work();
	stop(pids);
	for (i = 0; i < WORKERS; i++)
		settle(pids[i], i);
	assert_int_equal(shmu_table_stat(table, &s), 0);
	print_message("# %d kills, %llu cuts undone, %llu cells, %llu "
	    "buckets\n", kills, (unsigned long long)s.repaired,
	    (unsigned long long)s.cells, (unsigned long long)s.buckets);
	assert_int_equal(shmu_table_detach(table), 0);
	munmap(model, sizeof *model);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_lose_and_leak_nothing),
	};

	return cmocka_run_group_tests_name("table, killed", tests, NULL, NULL);
}
