/* SPDX-License-Identifier: MIT */
/*
 * test-table-hostile.c - tables that somebody wrote garbage into
 *
 * Each word of the control block, the buckets, the journals and the entries is
 * changed in turn, and everything is tried on what that gives.  Calls may fail
 * and may answer what the garbage says; no process may crash, hang, or touch
 * what is outside.  The segment lies between pages that cannot be touched.
 *
 * Of all images there are about 800 are tried, with SHMU_TORTURE each.
 */
#include "config.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/check.h"
#include "table-state.h"

#define BATCH	64
#define SOME	40	/* cells */

static unsigned char pristine[STATE_ARENA];
static struct shmu_operand op;
static int fd;
static uint32_t *progress;	/* shared: the image a child is at */
static struct { uint64_t from, to; } area[8];
static int nareas;

static int
ignore(const struct shmu_cell *cell, const void *value, void *arg)
{
	uint64_t *sum = arg, i;

	for (i = 0; value != NULL && i < cell->length; i++)
		*sum += ((const unsigned char *)value)[i];
	return 0;
}

static int
not_yet(const struct shmu_cell *cell, const void *value, void *arg)
{
	(void)cell;
	(void)value;
	(void)arg;
	return 0;
}

static void
look(unsigned int flags)
{
	static unsigned char buf[2000];
	struct shmu_table_stat s;
	struct shmu_cell cell;
	struct shmu_table *t;
	uint64_t sum = 0, k;

	if (shmu_table_attach(&t, &op, flags) == -1)
		return;
	errno = 0;
	for (k = 0; k < SOME && errno != ETIMEDOUT; k++)
		if (shmu_table_get(t, &k, sizeof k, buf, sizeof buf,
		    &cell) == 0 && cell.key_length > SHMU_KEY_MAX)
			_exit(22);
	if (errno != ETIMEDOUT)
		shmu_table_each(t, ignore, &sum);
	shmu_table_stat(t, &s);
	shmu_table_detach(t);
}

/* Some of all that one may do with a table.  Garbage can say that somebody who
 * lives has a bucket: that takes its time once. */
static void
use(void)
{
	static unsigned char value[1500];
	const struct timespec no_time = { 0, 0 };
	struct shmu_table *t;
	uint64_t k;

	if (shmu_table_attach(&t, &op, 0) == -1)
		return;
	errno = 0;
	for (k = 0; k < SOME && errno != ETIMEDOUT; k++) {
		shmu_table_put(t, &k, sizeof k, value, (k * 13) % 300);
		shmu_table_integer(t, &k, sizeof k, SHMU_ADD, 1, 0, NULL);
		if (k % 2 == 0)
			shmu_table_delete(t, &k, sizeof k);
	}
	shmu_table_put(t, "large", 5, value, sizeof value);
	shmu_table_wait(t, "large", 5, not_yet, NULL, &no_time);
	for (k = 1000; k < 1260 && errno != ETIMEDOUT; k++)
		shmu_table_put(t, &k, sizeof k, value, 8);
	for (k = 1000; k < 1260 && errno != ETIMEDOUT; k++)
		shmu_table_delete(t, &k, sizeof k);
	shmu_table_detach(t);
}

/* What a word is changed into. */
static uint64_t
garbage(uint64_t word, uint32_t n)
{
	switch (n % 6) {
	case 0:
		return ~word;
	case 1:
		return word ^ 1;
	case 2:
		return word + 64;
	case 3:
		return word ^ SLOT_LINK;
	case 4:
		return word ^ UINT64_C(0x8000000000000000);
	default:
		return word >> 8;
	}
}

/* Word n of those there are, and of how many. */
static uint64_t
place(uint64_t n, uint64_t *all)
{
	uint64_t at = 0, words;
	int i;

	*all = 0;
	for (i = 0; i < nareas; i++) {
		words = (area[i].to - area[i].from) / 8;
		if (n >= *all && n < *all + words)
			at = area[i].from + (n - *all) * 8;
		*all += words;
	}
	return at;
}

static void __attribute__((noreturn))
batch(uint32_t from, uint32_t to, uint32_t step)
{
	uint64_t all, at, word;
	uint32_t n;

	for (n = from; n < to; n += step) {
		at = place(n, &all);
		memcpy(&word, pristine + at, sizeof word);
		word = garbage(word, n / step);
		__atomic_store_n(progress, (uint32_t)at, __ATOMIC_RELEASE);
		alarm(60);
		if (pwrite(fd, pristine, STATE_ARENA, 0) !=
		    (ssize_t)STATE_ARENA ||
		    pwrite(fd, &word, sizeof word, (off_t)at) != sizeof word)
			_exit(21);
		look(SHMU_TABLE_READ);
		use();
		look(0);
	}
	_exit(0);
}

static void
no_word_that_is_changed_does_harm(void **state)
{
	uint32_t images = getenv("SHMU_TORTURE") != NULL ? UINT32_MAX :
	    getenv("SHMU_SLOW") != NULL ? 64 : 800, n, at, step;
	uint64_t all;
	int status;
	pid_t pid;

	(void)state;
	place(0, &all);
	n = (uint32_t)all;
	step = images >= n ? 1 : n / images;
	for (at = 0; at < n; at += step * BATCH) {
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0)
			batch(at, at + step * BATCH < n ? at + step * BATCH : n,
			    step);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("word at %u changed: %s %d", *progress,
			    WIFSIGNALED(status) ? "signal" : "status",
			    WIFSIGNALED(status) ? WTERMSIG(status) :
			    WEXITSTATUS(status));
	}
	print_message("# %u images of %u words\n", (n + step - 1) / step, n);
}

static void
add_area(uint64_t from, uint64_t length)
{
	area[nareas].from = from;
	area[nareas++].to = from + length;
}

/* Cells of all lengths, one bucket with overflow, and a slot of a process that
 * died with a bucket. */
static void
fill(void)
{
	static unsigned char value[1500];
	struct shmu_table *t, *mine;
	struct bucket *p;
	uint64_t k;
	pid_t pid;
	int i;

	state_create_table(&t);
	for (i = 0; i < 9; i++) {
		k = state_key(t, 5, TABLE_FIRST, i);
		assert_int_equal(shmu_table_put(t, &k, sizeof k, value, 8), 0);
	}
	for (k = 0; k < SOME; k++)
		assert_int_equal(shmu_table_put(t, &k, sizeof k, value,
		    k == 7 ? sizeof value : k * 7), 0);
	pid = fork();
	if (pid == 0) {
		if (shmu_table_join(&mine, t) == 0) {
			k = 3;
			shmu_table_put(mine, &k, sizeof k, "dead", 4);
			shmu_t_lock(mine, 3, &p);
		}
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	add_area((uint64_t)((unsigned char *)t->c - t->base),
	    offsetof(struct table_control, events));
	add_area(t->c->piece[0], TABLE_FIRST * sizeof(struct bucket));
	add_area(t->heap->l.slots_off, 2 * sizeof(struct heap_slot));
	add_area((bucket_at(t, 5)->slot[BUCKET_LAST] & 0x7fffffff) << 6, 64);
	for (i = 0; i < 3; i++)
		add_area(SLOT_OFFSET(bucket_at(t, 5)->slot[i]), 64);
	memcpy(pristine, t->base, STATE_ARENA);
	assert_int_equal(shmu_table_detach(t), 0);
}

static int
begin(void **state)
{
	(void)state;
	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = memfd_create("image", MFD_CLOEXEC);
	if (progress == MAP_FAILED || fd == -1 ||
	    ftruncate(fd, (off_t)STATE_ARENA) == -1)
		return -1;
	fill();
	/* What is mapped next comes to lie below this. */
	if (mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0) == MAP_FAILED)
		return -1;
	memset(&op, 0, sizeof op);
	op.kind = SHMU_PIDFD;
	op.pid = getpid();
	op.fd = fd;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_word_that_is_changed_does_harm),
	};

	return cmocka_run_group_tests_name("table, hostile", tests, begin,
	    NULL);
}
