/* SPDX-License-Identifier: MIT */
/*
 * test-heap-kill.c - four processes on one heap, one of them killed, again and
 * again
 *
 * All that is allocated is named by a word of a table, so after any number of
 * deaths there must be as many chunks as there are names: nothing lost, nothing
 * leaked, no content changed, and nobody may wait for the dead.
 *
 * SHMU_KILLS is how often: 2000 by default, 100000 with SHMU_TORTURE.
 */
#include "config.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/finding.h"
#include "shmutil/heap-view.h"

#define WORKERS	4
#define WORDS	1024
#define MAXIMUM	((uint64_t)24 << 20)
#define QUIET	50	/* kills between two full checks */

struct table {
	uint64_t	word[WORDS];
	uint32_t	claim[WORDS];	/* pid of who works on the word, or 0 */
	uint32_t	size[WORDS];
	uint32_t	pause, paused;
	uint64_t	rounds[WORKERS * 8];
};

static struct shmu_heap *heap;
static struct table *table;
static uint64_t *root;

static uint64_t
rnd(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(0x2545F4914F6CDD1D) >> 32;
}

static size_t
some_size(uint64_t *seed)
{
	uint64_t kind = rnd(seed) % 100;

	return (size_t)(kind < 90 ? 16 + rnd(seed) % 500 : kind < 98 ?
	    rnd(seed) % 20000 : rnd(seed) % 200000);
}

static unsigned char
byte_of(uint64_t off)
{
	return (unsigned char)(off / 8 * 31 + 7);
}

static int
intact(const unsigned char *p, uint64_t off, uint32_t size)
{
	return size == 0 || (p[0] == byte_of(off) &&
	    p[size - 1] == byte_of(off) && p[size / 2] == byte_of(off));
}

/* Name i is this process's: empty it or fill it.  A death after alloc_into and
 * before the size leaves a name whose content was not written: size 0. */
static void
work_on(struct shmu_heap *mine, uint32_t i, uint64_t *seed)
{
	size_t n = some_size(seed);
	uint64_t off = table->word[i];

	if (off != 0) {
		if (!intact(shmu_heap_at(mine, off), off, table->size[i]))
			_exit(10);
		__atomic_store_n(&table->size[i], 0, __ATOMIC_RELEASE);
		if (shmu_heap_free_from(mine, &table->word[i]) == -1)
			_exit(11);
		return;
	}
	if (shmu_heap_alloc_into(mine, n, &table->word[i]) == -1) {
		if (errno == ENOMEM)
			return;
		_exit(12);
	}
	off = table->word[i];
	memset(shmu_heap_at(mine, off), byte_of(off), n);
	__atomic_store_n(&table->size[i], (uint32_t)n, __ATOMIC_RELEASE);
}

static void
wait_while_paused(void)
{
	if (__atomic_load_n(&table->pause, __ATOMIC_ACQUIRE) == 0)
		return;
	__atomic_fetch_add(&table->paused, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&table->pause, __ATOMIC_ACQUIRE) != 0)
		usleep(100);
	__atomic_fetch_sub(&table->paused, 1, __ATOMIC_ACQ_REL);
}

static void __attribute__((noreturn))
worker(int index)
{
	uint64_t seed = (uint64_t)getpid() * UINT64_C(0x9E3779B97F4A7C15);
	uint32_t me = (uint32_t)getpid(), free_word, i;
	struct shmu_heap *mine;

	/* A failed assertion of the parent's is the end of all. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (shmu_heap_join(&mine, heap) == -1)
		_exit(9);
	for (;;) {
		wait_while_paused();
		i = (uint32_t)(rnd(&seed) % WORDS);
		free_word = 0;
		if (!__atomic_compare_exchange_n(&table->claim[i], &free_word,
		    me, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		work_on(mine, i, &seed);
		__atomic_store_n(&table->claim[i], 0, __ATOMIC_RELEASE);
		__atomic_fetch_add(&table->rounds[index * 8], 1,
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

/* What the dead one was at work on is free to others once it is recovered. */
static void
give_up_claims(pid_t dead)
{
	struct shmu_heap *h;
	uint32_t i;

	/* To attach is to recover. */
	assert_int_equal(shmu_heap_join(&h, heap), 0);
	assert_int_equal(shmu_heap_detach(h), 0);
	for (i = 0; i < WORDS; i++)
		if (table->claim[i] == (uint32_t)dead)
			__atomic_store_n(&table->claim[i], 0,
			    __ATOMIC_RELEASE);
}

/* Everybody waits: the heap must be sound, and all in it have a name. */
static void
check(void)
{
	struct shmu_heap_view *v;
	struct shmu_heap_stat s;
	unsigned int i, names = 0, waits = 0;

	__atomic_store_n(&table->pause, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&table->paused, __ATOMIC_ACQUIRE) != WORKERS) {
		usleep(1000);
		assert_true(waits++ < 20000);
	}
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	assert_int_equal(shmu_heap_view_mapped(&v,
	    (char *)shmu_heap_at(heap, 1) - 1, MAXIMUM), 0);
	assert_int_equal(shmu_heap_view_check(v, print_finding, NULL), 0);
	assert_int_equal(shmu_heap_view_stat(v, &s), 0);
	shmu_heap_view_close(v);
	for (i = 0; i < WORDS; i++)
		if (table->word[i] != 0) {
			names++;
			assert_true(intact(shmu_heap_at(heap, table->word[i]),
			    table->word[i], table->size[i]));
		}
	assert_int_equal(s.chunks, names + 1);
	__atomic_store_n(&table->pause, 0, __ATOMIC_RELEASE);
	while (__atomic_load_n(&table->paused, __ATOMIC_ACQUIRE) != 0)
		usleep(100);
}

static void
kill_and_replace(pid_t *pids, int kills)
{
	uint64_t seed = 88172645463325252, before;
	int k, i, status, waits;
	pid_t dead;

	for (k = 1; k <= kills; k++) {
		i = (int)(rnd(&seed) % WORKERS);
		usleep((useconds_t)(200 + rnd(&seed) % 1500));
		kill(pids[i], SIGKILL);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (!WIFSIGNALED(status))
			fail_msg("worker ended with %d", WEXITSTATUS(status));
		dead = pids[i];
		pids[i] = start(i);
		give_up_claims(dead);
		if (k % QUIET != 0)
			continue;
		check();
		for (i = 0; i < WORKERS; i++) {
			before = table->rounds[i * 8];
			for (waits = 0; waits < 10000 &&
			    table->rounds[i * 8] == before; waits++)
				usleep(1000);
			assert_true(table->rounds[i * 8] != before);
		}
	}
}

/* A heap that nobody else can find. */
static void
make(enum shmu_kind kind)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;
	struct shmu_operand op;

	memset(&op, 0, sizeof op);
	op.kind = kind;
	if (kind == SHMU_POSIX)
		snprintf(op.name, sizeof op.name, "/shmu-kill-%d",
		    (int)getpid());
	spec.maximum = MAXIMUM;
	assert_int_equal(shmu_heap_create(&heap, &op, &spec), 0);
	op = *shmu_heap_operand(heap);
	assert_int_equal(shmu_segment_remove(&op, NULL), 0);
}

static struct shmu_heap_stat
let_work(int kills)
{
	struct shmu_heap_view *v;
	struct shmu_heap_stat s;
	pid_t pids[WORKERS];
	int i;

	root = shmu_heap_root(heap, "table");
	assert_int_equal(shmu_heap_alloc_into(heap, sizeof *table, root), 0);
	table = shmu_heap_at(heap, *root);
	memset(table, 0, sizeof *table);
	for (i = 0; i < WORKERS; i++)
		pids[i] = start(i);
	kill_and_replace(pids, kills);
	check();
	for (i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	assert_int_equal(shmu_heap_view_mapped(&v,
	    (char *)shmu_heap_at(heap, 1) - 1, MAXIMUM), 0);
	assert_int_equal(shmu_heap_view_stat(v, &s), 0);
	shmu_heap_view_close(v);
	assert_int_equal(shmu_heap_detach(heap), 0);
	return s;
}

static void
deaths_lose_and_leak_nothing(void **state)
{
	const char *text = getenv("SHMU_KILLS");
	int kills = text != NULL ? atoi(text) :
	    getenv("SHMU_TORTURE") != NULL ? 100000 :
	    getenv("SHMU_SLOW") != NULL ? 50 : 2000;
	struct shmu_heap_stat s;

	(void)state;
	make(SHMU_PRIVATE);
	s = let_work(kills);
	print_message(
	    "# %d kills, %llu of them with the lock, %llu operations\n", kills,
	    (unsigned long long)s.deaths, (unsigned long long)s.operations);
}

/* Heaps are new, and grow, for some milliseconds only: so there are many. */
static void
deaths_while_it_grows_lose_and_leak_nothing(void **state)
{
	int heaps = getenv("SHMU_TORTURE") != NULL ? 2000 :
	    getenv("SHMU_SLOW") != NULL ? 4 : 60, i;
	uint64_t deaths = 0, grown = 0;

	(void)state;
	for (i = 0; i < heaps; i++) {
		struct shmu_heap_stat s;

		make(SHMU_POSIX);
		s = let_work(6);
		assert_int_equal(s.maximum, MAXIMUM);
		deaths += s.deaths;
		grown += s.total > MAXIMUM / 12;
	}
	print_message("# %d heaps, %llu deaths with the lock\n", heaps,
	    (unsigned long long)deaths);
	assert_int_equal(grown, heaps);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_lose_and_leak_nothing),
		cmocka_unit_test(deaths_while_it_grows_lose_and_leak_nothing),
	};

	return cmocka_run_group_tests_name("heap, killed", tests, NULL, NULL);
}
