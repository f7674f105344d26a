/* SPDX-License-Identifier: MIT */
/*
 * test-table-between.c - one process is stopped at each instruction of its
 * operation while another does whole ones
 *
 * A reader must then have what was there before or what was there after, never
 * anything else; a writer must have done what it was asked to, and so must the
 * other.  Where a writer is stopped with a bucket held the other waits for it,
 * which is not tried here.  Every seventh instruction is tried, and fewer
 * beyond the first 700; with SHMU_TORTURE every one.
 */
#include "config.h"

#include <sys/mman.h>

#include "../unit/check.h"
#include "step.h"
#include "table-state.h"

#define OLD	'o'
#define NEW	'n'

static struct shmu_table *table, *other;
static uint64_t key;
static unsigned char value[2000];
static bool acted;	/* the other did its part */

/* What the stopped one found; shared. */
static struct found {
	int	 r, err;
	uint64_t length;
	char	 what;		/* first byte; 0: they are not all the same */
	int	 times;
} *found;

static void
put_as(struct shmu_table *t, uint64_t k, char what, size_t length)
{
	memset(value, what, sizeof value);
	assert_int_equal(shmu_table_put(t, &k, sizeof k, value, length), 0);
}

/* key is in the bucket that is split next, and moves; others are with it. */
static void
prepare(size_t length)
{
	uint64_t k;
	int i;

	state_create_table(&table);
	assert_int_equal(shmu_table_join(&other, table), 0);
	table->denied = other->denied = UINT64_MAX;
	key = state_key(table, TABLE_FIRST, TABLE_FIRST * 2, 8);
	for (i = 0; i < 8; i++)
		put_as(table, state_key(table, 0, TABLE_FIRST, i), OLD, 8);
	put_as(table, key, OLD, length);
	for (k = 1000; journal(table)[J_COUNT] < 200; k++)
		put_as(table, k, OLD, 8);
	table->denied = other->denied = 0;
	state_keep(table->heap);
	memset(found, 0, sizeof *found);
	acted = false;
}

static void
end(void)
{
	assert_int_equal(shmu_table_detach(other), 0);
	assert_int_equal(shmu_table_detach(table), 0);
}

static void
do_get(void *arg)
{
	static unsigned char buf[sizeof value];
	struct shmu_cell cell;
	uint64_t i;

	(void)arg;
	found->r = shmu_table_get(table, &key, sizeof key, buf, sizeof buf,
	    &cell);
	found->err = errno;
	found->length = cell.length;
	found->what = (char)buf[0];
	for (i = 0; found->r == 0 && i < cell.length; i++)
		if (buf[i] != buf[0])
			found->what = 0;
}

static int
see(const struct shmu_cell *cell, const void *v, void *arg)
{
	(void)v;
	(void)arg;
	if (cell->key_length == sizeof key &&
	    memcmp(cell->key, &key, sizeof key) == 0)
		found->times++;
	return 0;
}

static void
do_each(void *arg)
{
	(void)arg;
	found->r = shmu_table_each(table, see, NULL);
}

static void
do_put(void *arg)
{
	(void)arg;
	memset(value, NEW, sizeof value);
	found->r = shmu_table_put(table, &key, sizeof key, value, 12);
}

static void
do_put_long(void *arg)
{
	(void)arg;
	memset(value, NEW, sizeof value);
	found->r = shmu_table_put(table, &key, sizeof key, value, 200);
}

static void
do_delete(void *arg)
{
	(void)arg;
	found->r = shmu_table_delete(table, &key, sizeof key);
}

static void
do_add(void *arg)
{
	(void)arg;
	found->r = shmu_table_integer(table, "n", 1, SHMU_ADD, 1, 0, NULL);
}

/* Not while the stopped one has a bucket, or splits, or has the heap. */
static bool
free_to_act(void)
{
	uint64_t b;

	for (b = 0; b < table->c->buckets; b++)
		if ((bucket_at(other, b)->word & WORD_LOCKED) != 0)
			return false;
	return acted = control(table->heap)->lock.word == 0;
}

static void
replaces_in_place(void *arg)
{
	(void)arg;
	if (free_to_act())
		put_as(other, key, NEW, 12);
}

/* And what was freed is used again. */
static void
replaces_by_other(void *arg)
{
	uint64_t k;

	(void)arg;
	if (!free_to_act())
		return;
	put_as(other, key, NEW, 200);
	for (k = 5000; k < 5010; k++)
		put_as(other, k, 'x', 150);
}

static void
deletes(void *arg)
{
	uint64_t k;

	(void)arg;
	if (!free_to_act())
		return;
	assert_int_equal(shmu_table_delete(other, &key, sizeof key), 0);
	for (k = 5000; k < 5010; k++)
		put_as(other, k, 'x', 150);
}

static void
deletes_too(void *arg)
{
	(void)arg;
	if (free_to_act() && shmu_table_delete(other, &key, sizeof key) == -1)
		assert_int_equal(errno, ENOENT);
}

static void
makes_again(void *arg)
{
	if (!free_to_act())
		return;
	deletes(arg);
	put_as(other, key, NEW, 150);
}

static void
splits(void *arg)
{
	uint64_t k = 6000;

	(void)arg;
	if (!free_to_act())
		return;
	while (other->c->buckets < TABLE_FIRST + 2)
		put_as(other, k++, 'x', 8);
}

static void
adds(void *arg)
{
	(void)arg;
	if (free_to_act())
		assert_int_equal(shmu_table_integer(other, "n", 1, SHMU_ADD, 1,
		    0, NULL), 0);
}

/* What is right in the end; of a reader, and of a writer. */
static bool
old_or_new(void)
{
	return found->r == 0 && (found->what == OLD || found->what == NEW);
}

static bool
old(void)
{
	return found->r == 0 && found->what == OLD;
}

static bool
old_or_none(void)
{
	return old() || (found->r == -1 && found->err == ENOENT);
}

static bool
any(void)
{
	return old_or_new() || old_or_none();
}

static bool
once(void)
{
	return found->r == 0 && found->times == 1;
}

static bool
is_new(void)
{
	bool done = found->r == 0;

	do_get(NULL);
	return done && found->r == 0 && found->what == NEW;
}

static bool
is_new_or_none(void)
{
	bool done = found->r == 0;

	do_get(NULL);
	return done && ((found->r == 0 && found->what == NEW) ||
	    (acted && found->r == -1 && found->err == ENOENT));
}

static bool
is_none(void)
{
	bool done = found->r == 0;

	do_get(NULL);
	return done && found->r == -1 && found->err == ENOENT;
}

static bool
is_none_either_way(void)
{
	bool done = found->r == 0 || acted;

	do_get(NULL);
	return done && found->r == -1 && found->err == ENOENT;
}

static bool
is_sum(void)
{
	int64_t n = 0;

	shmu_table_get(other, "n", 1, &n, sizeof n, NULL);
	return found->r == 0 && n == 1 + acted;
}

static void
each_between(size_t length, void (*stopped)(void *),
    void (*meanwhile)(void *), bool (*right)(void))
{
	unsigned long n, most = getenv("SHMU_SLOW") != NULL ? 350 : 100000,
	    acts = 0;
	bool thorough = getenv("SHMU_TORTURE") != NULL, good;
	struct shmu_table_stat s;
	int r, seen;

	for (n = 0; n < most; n += thorough ? 1 : n < 700 ? 7 :
	    n < 2000 ? 17 : 8009) {
		prepare(length);
		r = step_between(stopped, NULL, n, meanwhile, NULL);
		if (r == -1) {
			end();
			skip();
		}
		acts += acted;
		good = r == 0 || right();
		found->times = 0;
		assert_int_equal(shmu_table_each(other, see, NULL), 0);
		seen = found->times;
		assert_int_equal(shmu_table_stat(other, &s), 0);
		end();
		if (r == 0)
			break;
		if (!good || seen > 1)
			fail_msg("instruction %lu: %d, %d; %c %llu; %d times",
			    n, found->r, found->err, found->what,
			    (unsigned long long)found->length, seen);
	}
	print_message("# %lu instructions, %lu with the other between\n", n,
	    acts);
	assert_true(n > 10 && acts > 10);
}

#define CASE(name, ...)							\
	static void							\
	name(void **state)						\
	{								\
		(void)state;						\
		each_between(__VA_ARGS__);				\
	}
CASE(get_while_another_replaces_in_place, 12, do_get, replaces_in_place,
    old_or_new)
CASE(get_while_another_replaces, 150, do_get, replaces_by_other, old_or_new)
CASE(get_while_another_deletes, 150, do_get, deletes, old_or_none)
CASE(get_while_another_makes_it_again, 150, do_get, makes_again, any)
CASE(get_while_another_splits, 150, do_get, splits, old)
CASE(each_while_another_splits, 8, do_each, splits, once)
CASE(put_while_another_splits, 8, do_put, splits, is_new)
CASE(put_while_another_deletes, 150, do_put_long, deletes, is_new_or_none)
CASE(long_put_while_another_splits, 8, do_put_long, splits, is_new)
CASE(delete_while_another_splits, 8, do_delete, splits, is_none)
CASE(delete_while_another_deletes, 150, do_delete, deletes_too,
    is_none_either_way)
CASE(add_while_another_adds, 8, do_add, adds, is_sum)

static int
begin(void **state)
{
	(void)state;
	found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return found == MAP_FAILED ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_while_another_replaces_in_place),
		cmocka_unit_test(get_while_another_replaces),
		cmocka_unit_test(get_while_another_deletes),
		cmocka_unit_test(get_while_another_makes_it_again),
		cmocka_unit_test(get_while_another_splits),
		cmocka_unit_test(each_while_another_splits),
		cmocka_unit_test(put_while_another_splits),
		cmocka_unit_test(put_while_another_deletes),
		cmocka_unit_test(long_put_while_another_splits),
		cmocka_unit_test(delete_while_another_splits),
		cmocka_unit_test(delete_while_another_deletes),
		cmocka_unit_test(add_while_another_adds),
	};

	return cmocka_run_group_tests_name("table, between", tests, begin,
	    NULL);
}
