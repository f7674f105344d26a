/* SPDX-License-Identifier: MIT */
/*
 * test-heap-between.c - one thread is stopped at each instruction of its
 * operation while another does a whole one
 *
 * Both must then have happened, and the heap be sound.  Beyond the first 150
 * instructions every fourth, with SHMU_TORTURE every one.
 */
#include "config.h"

#include "../unit/check.h"
#include "heap-state.h"
#include "step.h"

static struct shmu_heap *owner, *stranger;
static unsigned char image[STATE_ARENA];
#define FULL	94	/* chunks of 40 bytes in a span of one unit */
static void *mine[FULL], *theirs;
static int nmine;

static void
prepare(int chunks)
{
	state_create(&owner, 0);
	assert_int_equal(shmu_heap_join(&stranger, owner), 0);
	for (nmine = 0; nmine < chunks; nmine++)
		mine[nmine] = (shmu_heap_malloc)(owner, 40);
	theirs = (shmu_heap_malloc)(stranger, 72);
	/* A full span, of which the owner has to collect what others freed. */
	if (chunks == FULL) {
		const struct span *s =
		    owner->classes[shmu_h_class_of(40)].cur;

		assert_int_equal(s->used, s->cap);
		(shmu_heap_free)(stranger, mine[chunks - 1]);
	}
	/* An empty span that is allocated from: a reclaim would take it.  What
	 * is kept empty is what a reclaim looks for. */
	if (chunks == 0)
		(shmu_heap_free)(owner, (shmu_heap_malloc)(owner, 40));
	owner->slot->empty = 1;
	state_keep(owner);
	state_keep(stranger);
}

static void
end(void)
{
	assert_int_equal(shmu_heap_detach(stranger), 0);
	assert_int_equal(shmu_heap_detach(owner), 0);
}

static void
owner_mallocs(void *arg)
{
	(void)arg;
	(shmu_heap_malloc)(owner, 40);
}

static void
owner_frees(void *arg)
{
	(void)arg;
	(shmu_heap_free)(owner, mine[1]);
}

static void
stranger_frees(void *arg)
{
	(void)arg;
	(shmu_heap_free)(stranger, mine[0]);
}

static void
stranger_reclaims(void *arg)
{
	(void)arg;
	stranger->tired = 0;
	shmu_heap_gc(stranger, NULL);
}

static void
stranger_grows(void *arg)
{
	(void)arg;
	(shmu_heap_malloc)(stranger, 30000);
}

/* Chunks of owner to begin with, what owner or stranger does first, stopped,
 * what the other does meanwhile, and how many chunks there are in the end. */
static void
each_between(int chunks, void (*stopped)(void *), void (*meanwhile)(void *),
    int expected)
{
	struct state_content now;
	unsigned long n, most = getenv("SHMU_SLOW") != NULL ? 20 : 5000;
	bool thorough = getenv("SHMU_TORTURE") != NULL;
	int r, flaws;

	for (n = 0; n < most; n += n < 150 || thorough ? 1 : 4) {
		prepare(chunks);
		r = step_between(stopped, NULL, n, meanwhile, NULL);
		if (r == -1) {
			end();
			skip();
		}
		memcpy(image, owner->base, STATE_ARENA);
		flaws = r == 1 ? state_recover(image, owner, &now) : 0;
		end();
		if (r == 0)
			break;
		if (flaws != 0 || now.chunks != expected)
			fail_msg("instruction %lu: %d chunks, not %d: %s", n,
			    now.chunks, expected, now.text);
	}
	print_message("# %lu instructions\n", n);
	assert_true(n > 10);
}

#define CASE(name, ...)							\
	static void							\
	name(void **state)						\
	{								\
		(void)state;						\
		each_between(__VA_ARGS__);				\
	}
CASE(malloc_while_another_frees, 5, owner_mallocs, stranger_frees, 6)
CASE(free_while_another_frees, 5, owner_frees, stranger_frees, 4)
CASE(collect_while_another_frees, FULL, owner_mallocs, stranger_frees, FULL)
CASE(last_free_while_another_frees, 2, owner_frees, stranger_frees, 1)
CASE(remote_free_while_the_owner_mallocs, 5, stranger_frees, owner_mallocs, 6)
CASE(remote_free_while_the_owner_frees, 5, stranger_frees, owner_frees, 4)
CASE(remote_free_while_the_owner_collects, FULL, stranger_frees, owner_mallocs,
    FULL)
CASE(malloc_while_another_reclaims, 5, owner_mallocs, stranger_reclaims, 7)
CASE(first_malloc_while_another_reclaims, 0, owner_mallocs, stranger_reclaims,
    2)
CASE(free_while_another_reclaims, 5, owner_frees, stranger_reclaims, 5)
CASE(malloc_while_another_takes_units, 5, owner_mallocs, stranger_grows, 8)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malloc_while_another_frees),
		cmocka_unit_test(free_while_another_frees),
		cmocka_unit_test(collect_while_another_frees),
		cmocka_unit_test(last_free_while_another_frees),
		cmocka_unit_test(remote_free_while_the_owner_mallocs),
		cmocka_unit_test(remote_free_while_the_owner_frees),
		cmocka_unit_test(remote_free_while_the_owner_collects),
		cmocka_unit_test(malloc_while_another_reclaims),
		cmocka_unit_test(first_malloc_while_another_reclaims),
		cmocka_unit_test(free_while_another_reclaims),
		cmocka_unit_test(malloc_while_another_takes_units),
	};

	return cmocka_run_group_tests_name("heap, between", tests, state_begin,
	    state_end);
}
