/* SPDX-License-Identifier: MIT */
/*
 * test-table-step.c - the table, cut at every instruction of every operation
 *
 * An operation is run instruction by instruction.  Whenever the segment has
 * changed, a copy of it is what a kill at that instant would have left: its
 * owner is made a dead one, another process attaches, and then the table must
 * hold exactly what it held before the operation or after it, with no chunk of
 * the heap lost, nothing locked, and each cell where it is looked for.
 *
 * Of some of these states the recovery is cut at every instruction in turn, and
 * what that leaves is recovered; with SHMU_TORTURE of all of them.
 */
#include "config.h"

#include <unistd.h>

#include "../unit/check.h"
#include "cut.h"
#include "table-state.h"

static struct shmu_table *table, *rescuer;
static unsigned char value[2000];
static uint64_t key;	/* that the operation is about */

static struct table_content content[CUT_TIMES];

static int
recover(unsigned char *image, enum cut_when when)
{
	return state_recover_table(image, table, &content[when]);
}

static bool
same(enum cut_when then)
{
	return state_same(&content[CUT_NOW], &content[then]);
}

static void
show(void)
{
	static const char *const names[] = { "before", "after", "now" };
	int when, i;

	for (when = 0; when < CUT_TIMES; when++) {
		print_error("# %s: %d cells\n", names[when],
		    content[when].cells);
		for (i = 0; i < content[when].cells && i < 20; i++)
			print_error("#   %s\n", content[when].cell[i]);
	}
}

static struct shmu_heap *
attach(const unsigned char *start)
{
	rescuer = state_attach_table(true, start);
	return rescuer->heap;
}

static void
detach(void)
{
	assert_int_equal(shmu_table_detach(rescuer), 0);
}

/* Cut op, after prepare. */
static void
step_all(void (*prepare)(void), void (*op)(void *))
{
	struct cut c = { .every = 40, .recover = recover, .same = same,
	    .show = show, .attach = attach, .detach = detach };

	state_create_table(&table);
	prepare();
	memset(value, 'n', sizeof value);	/* not what was put before */
	c.heap = table->heap;
	if (cut_all(&c, op) == -1)
		skip();
	assert_int_equal(shmu_table_detach(table), 0);
}

static void
put(uint64_t k, size_t length)
{
	memset(value, (int)(k % 251), sizeof value);
	assert_int_equal(shmu_table_put(table, &k, sizeof k, value, length),
	    0);
}

/* Some cells, of which none is key. */
static void
some(void)
{
	put(1, 5);
	put(2, 100);
	key = state_key(table, 7, TABLE_FIRST, 0);
}

static void
one(void)
{
	some();
	put(key, 8);
}

static void
one_long(void)
{
	some();
	put(key, 200);
}

static void
one_large(void)
{
	some();
	put(key, 1200);
}

/* The bucket of key has so many others. */
static void
crowd(int n)
{
	int i;

	some();
	for (i = 1; i <= n; i++)
		put(state_key(table, 7, TABLE_FIRST, i), 8);
}

static void
full_bucket(void)
{
	crowd(7);
}

/* The bucket has one of overflow, which has two entries, one of them of key,
 * or of another and then key is in the head. */
static void
in_overflow(void)
{
	crowd(7);
	put(key, 8);
}

static void
before_overflow(void)
{
	some();
	put(key, 8);
	crowd(7);
}

static void
digits(void)
{
	some();
	assert_int_equal(shmu_table_put(table, &key, sizeof key, "-42", 3), 0);
}

static void
number(void)
{
	some();
	assert_int_equal(shmu_table_integer(table, &key, sizeof key, SHMU_ADD,
	    5, 0, NULL), 0);
}

/* So many cells that there should be three buckets more, and the first that
 * is split has much overflow, of which a part moves. */
static void
much(void)
{
	uint64_t k;
	int i;

	table->denied = UINT64_MAX;
	for (i = 0; i < 30; i++)
		put(state_key(table, 0, TABLE_FIRST, i), 8);
	for (k = 1000; k < 1170; k++)
		put(k, 8);
	assert_int_equal(journal(table)[J_COUNT], 200);
	table->denied = 0;
}

/* The next put splits. */
static void
nearly_much(void)
{
	much();
	table->denied = UINT64_MAX;
	for (key = 1170; key < 1177; key++)
		put(key, 8);
	table->denied = 0;
	put(key, 8);
	assert_int_equal(table->c->buckets, 70);
	for (key = 2000; (journal(table)[J_COUNT] + 1) % 8 != 0; key++)
		put(key, 8);
}

#define PUT(n)	shmu_table_put(table, &key, sizeof key, value, n)
#define OP(name, ...)							\
	static void							\
	name(void *arg)							\
	{								\
		(void)arg;						\
		__VA_ARGS__;						\
	}
OP(do_put, PUT(9))
OP(do_put_long, PUT(150))
OP(do_put_large, PUT(1300))
OP(do_delete, shmu_table_delete(table, &key, sizeof key))
OP(do_add, shmu_table_integer(table, &key, sizeof key, SHMU_ADD, 7, 0, NULL))
OP(do_grow, shmu_t_grow(table))
OP(do_nothing_then_put, shmu_table_delete(table, "none", 4); PUT(9))

#define CASE(name, prepare, op)						\
	static void							\
	name(void **state)						\
	{								\
		(void)state;						\
		step_all(prepare, op);					\
	}
CASE(insert, some, do_put)
CASE(insert_long, some, do_put_long)
CASE(insert_large, some, do_put_large)
CASE(insert_into_a_full_bucket, full_bucket, do_put)
CASE(insert_into_overflow, in_overflow, do_put)
CASE(replace_in_place, one, do_put)
CASE(replace_by_longer, one, do_put_long)
CASE(replace_by_shorter, one_long, do_put)
CASE(replace_large_by_large, one_large, do_put_large)
CASE(delete, one, do_delete)
CASE(delete_large, one_large, do_delete)
CASE(delete_from_overflow, in_overflow, do_delete)
CASE(delete_before_overflow, before_overflow, do_delete)
CASE(integer_made, some, do_add)
CASE(integer_changed, number, do_add)
CASE(integer_of_digits, digits, do_add)
CASE(integer_replaced_by_bytes, number, do_put)
CASE(split, much, do_grow)
CASE(insert_that_splits, nearly_much, do_put)
CASE(an_absent_cell_and_then_another, some, do_nothing_then_put)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(insert),
		cmocka_unit_test(insert_long),
		cmocka_unit_test(insert_large),
		cmocka_unit_test(insert_into_a_full_bucket),
		cmocka_unit_test(insert_into_overflow),
		cmocka_unit_test(replace_in_place),
		cmocka_unit_test(replace_by_longer),
		cmocka_unit_test(replace_by_shorter),
		cmocka_unit_test(replace_large_by_large),
		cmocka_unit_test(delete),
		cmocka_unit_test(delete_large),
		cmocka_unit_test(delete_from_overflow),
		cmocka_unit_test(delete_before_overflow),
		cmocka_unit_test(integer_made),
		cmocka_unit_test(integer_changed),
		cmocka_unit_test(integer_of_digits),
		cmocka_unit_test(integer_replaced_by_bytes),
		cmocka_unit_test(split),
		cmocka_unit_test(insert_that_splits),
		cmocka_unit_test(an_absent_cell_and_then_another),
	};

	return cmocka_run_group_tests_name("table, cut", tests, state_begin,
	    state_end);
}
