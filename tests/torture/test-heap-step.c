/* SPDX-License-Identifier: MIT */
/*
 * test-heap-step.c - the heap, cut at every instruction of every operation
 *
 * An operation is run instruction by instruction.  Whenever the segment has
 * changed, a copy of it is what a kill at that instant would have left: its
 * owner is made a dead one, another process attaches, and then the heap must be
 * sound and hold exactly what it held before the operation or after it.
 *
 * Of some of these states the recovery is cut at every instruction in turn, and
 * what that leaves is recovered; with SHMU_TORTURE of all of them.
 */
#include "config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../unit/check.h"
#include "cut.h"

static struct shmu_heap *heap;
static struct shmu_heap *rescuer;

/* What an operation works with; set up before it is stepped. */
static void *chunk, *other;
static struct shmu_heap *joined[2];
static int njoined;
static uint64_t *word;

static struct state_content content[CUT_TIMES];

static int
recover(unsigned char *image, enum cut_when when)
{
	return state_recover(image, heap, &content[when]);
}

static bool
same(enum cut_when then)
{
	return strcmp(content[CUT_NOW].text, content[then].text) == 0;
}

static void
show(void)
{
	print_error("# before %s\n# after %s\n# now %s\n",
	    content[CUT_BEFORE].text, content[CUT_AFTER].text,
	    content[CUT_NOW].text);
}

static struct shmu_heap *
attach(const unsigned char *start)
{
	return rescuer = state_rescuer(start);
}

static void
detach(void)
{
	assert_int_equal(shmu_heap_detach(rescuer), 0);
}

/* Cut op, after prepare. */
static void
step_all(unsigned int flags, void (*prepare)(void), void (*op)(void *))
{
	struct cut c = { .every = 100, .recover = recover, .same = same,
	    .show = show, .attach = attach, .detach = detach };

	state_create(&heap, flags);
	prepare();
	c.heap = heap;
	if (cut_all(&c, op) == -1)
		skip();
	while (njoined > 0)
		assert_int_equal(shmu_heap_detach(joined[--njoined]), 0);
	assert_int_equal(shmu_heap_detach(heap), 0);
}

/* Another thread's handle, which the end of the test detaches. */
static struct shmu_heap *
join(void)
{
	struct shmu_heap *h;

	assert_int_equal(shmu_heap_join(&h, heap), 0);
	return joined[njoined++] = h;
}

static void
nothing(void)
{
	njoined = 0;
	chunk = NULL;
	shmu_heap_malloc(heap, 40);
	word = shmu_heap_root(heap, "word");
	*word = 0;
}

static void
one(void)
{
	nothing();
	chunk = shmu_heap_malloc(heap, 40);
}

/* The span of 40 bytes is full: the next needs another. */
static void
full(void)
{
	struct chunk c;
	void *p = NULL;

	nothing();
	do {
		chunk = p;
		p = shmu_heap_malloc(heap, 40);
		assert_true(shmu_h_find(heap, shmu_heap_offset(heap, p), &c));
	} while (c.i + 1 < c.shape.cap);
	other = p;
}

static void
nearly_empty(void)
{
	void *all[40];
	int i;

	/* So that more is kept empty than this thread may keep. */
	nothing();
	for (i = 0; i < 40; i++)
		all[i] = shmu_heap_malloc(heap, 500);
	for (i = 0; i < 39; i++)
		shmu_heap_free(heap, all[i]);
	heap->empty = 1000;
	chunk = all[39];
}

static void
large(void)
{
	nothing();
	chunk = shmu_heap_malloc(heap, 30000);
}

/* What has grown once has room behind it. */
static void
grown(void)
{
	nothing();
	chunk = shmu_heap_realloc(heap, shmu_heap_malloc(heap, 20000), 30000);
}

/* No unit is free, and the span of 40 bytes is full. */
static void
crowded(void)
{
	full();
	while (control(heap)->used < heap->l.units)
		assert_non_null(shmu_heap_malloc(heap, 4000));
	assert_true(heap->l.units < heap->l.all);
}

/* Behind the chunk is what is not there yet. */
static void
at_the_end(void)
{
	nothing();
	chunk = shmu_heap_malloc(heap, 20000);
	assert_true(heap->l.units < heap->l.all);
}

static void
named(void)
{
	nothing();
	assert_int_equal(shmu_heap_alloc_into(heap, 40, word), 0);
}

static void
named_large(void)
{
	nothing();
	assert_int_equal(shmu_heap_alloc_into(heap, 30000, word), 0);
}

/* The chunk is in a span of another thread's, which may be full or gone. */
static void
of_another(void)
{
	nothing();
	chunk = shmu_heap_malloc(join(), 40);
}

static void
of_nobody(void)
{
	of_another();
	assert_int_equal(shmu_heap_detach(joined[--njoined]), 0);
}

static void
named_of_another(void)
{
	nothing();
	assert_int_equal(shmu_heap_alloc_into(join(), 40, word), 0);
}

/* Others have freed what is to be collected. */
static void
freed_by_another(void)
{
	struct shmu_heap *h;
	void *p = NULL;
	int i;

	full();
	h = join();
	for (i = 0; i < 2; i++) {
		p = i == 0 ? chunk : other;
		assert_int_equal(shmu_heap_free(h, p), 0);
	}
}

/* Slots of a dead thread, one that left and one that is idle. */
static void
with_the_dead(void)
{
	struct shmu_heap *h;
	struct heap_slot *s;

	named();
	h = join();
	shmu_heap_malloc(h, 60);
	shmu_heap_free(h, shmu_heap_malloc(h, 200));
	s = &slots(heap)[h->index];
	h = join();
	s->owner.start ^= 1;
	shmu_heap_malloc(h, 70);
	shmu_heap_free(h, shmu_heap_malloc(h, 300));
}

#define OP(name, ...)							\
	static void							\
	name(void *arg)							\
	{								\
		(void)arg;						\
		__VA_ARGS__;						\
	}
OP(do_malloc, (shmu_heap_malloc)(heap, 40))
OP(do_malloc_large, (shmu_heap_malloc)(heap, 30000))
OP(do_free, (shmu_heap_free)(heap, chunk))
OP(do_realloc, (shmu_heap_realloc)(heap, chunk, 40000))
OP(do_shrink, (shmu_heap_realloc)(heap, chunk, 20000))
OP(do_into, (shmu_heap_alloc_into)(heap, 40, word))
OP(do_into_large, (shmu_heap_alloc_into)(heap, 30000, word))
OP(do_from, (shmu_heap_free_from)(heap, word))
OP(do_gc, shmu_heap_gc(heap, NULL))
OP(do_root, shmu_heap_root(heap, "another name"))
OP(do_join, shmu_heap_join((struct shmu_heap **)&other, heap))

#define CASE(name, flags, prepare, op)					\
	static void							\
	name(void **state)						\
	{								\
		(void)state;						\
		step_all(flags, prepare, op);				\
	}
CASE(malloc_from_a_span, 0, one, do_malloc)
CASE(malloc_with_a_new_span, 0, full, do_malloc)
CASE(malloc_of_what_others_freed, 0, freed_by_another, do_malloc)
CASE(malloc_in_a_span_without_owner, 0, of_nobody, do_malloc)
CASE(malloc_large, 0, nothing, do_malloc_large)
CASE(free_in_a_span, 0, one, do_free)
CASE(free_in_a_full_span, 0, full, do_free)
CASE(free_that_gives_a_span_back, 0, nearly_empty, do_free)
CASE(free_large, 0, large, do_free)
CASE(free_in_the_span_of_another, 0, of_another, do_free)
CASE(free_in_a_span_without_owner, 0, of_nobody, do_free)
CASE(realloc_that_grows_in_place, 0, grown, do_realloc)
CASE(realloc_that_shrinks_in_place, 0, large, do_shrink)
CASE(alloc_into_from_a_span, 0, one, do_into)
CASE(alloc_into_with_a_new_span, 0, full, do_into)
CASE(alloc_into_large, 0, nothing, do_into_large)
CASE(free_from_a_span, 0, named, do_from)
CASE(free_from_large, 0, named_large, do_from)
CASE(free_from_the_span_of_another, 0, named_of_another, do_from)
CASE(gc_of_the_dead_and_the_idle, 0, with_the_dead, do_gc)
CASE(a_new_root, 0, nothing, do_root)
CASE(join_recovers_the_dead, 0, with_the_dead, do_join)
CASE(malloc_that_makes_it_grow, STATE_GROWS, crowded, do_malloc)
CASE(malloc_large_that_makes_it_grow, STATE_GROWS, crowded, do_malloc_large)
CASE(alloc_into_that_makes_it_grow, STATE_GROWS, crowded, do_into_large)
CASE(realloc_that_makes_it_grow, STATE_GROWS, at_the_end, do_realloc)
CASE(gc_of_a_heap_that_may_grow, STATE_GROWS, with_the_dead, do_gc)
CASE(alloc_into_of_a_debugged_heap, SHMU_HEAP_DEBUG, one, do_into)
CASE(free_from_of_a_debugged_heap, SHMU_HEAP_DEBUG, named, do_from)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malloc_from_a_span),
		cmocka_unit_test(malloc_with_a_new_span),
		cmocka_unit_test(malloc_of_what_others_freed),
		cmocka_unit_test(malloc_in_a_span_without_owner),
		cmocka_unit_test(malloc_large),
		cmocka_unit_test(free_in_a_span),
		cmocka_unit_test(free_in_a_full_span),
		cmocka_unit_test(free_that_gives_a_span_back),
		cmocka_unit_test(free_large),
		cmocka_unit_test(free_in_the_span_of_another),
		cmocka_unit_test(free_in_a_span_without_owner),
		cmocka_unit_test(realloc_that_grows_in_place),
		cmocka_unit_test(realloc_that_shrinks_in_place),
		cmocka_unit_test(alloc_into_from_a_span),
		cmocka_unit_test(alloc_into_with_a_new_span),
		cmocka_unit_test(alloc_into_large),
		cmocka_unit_test(free_from_a_span),
		cmocka_unit_test(free_from_large),
		cmocka_unit_test(free_from_the_span_of_another),
		cmocka_unit_test(gc_of_the_dead_and_the_idle),
		cmocka_unit_test(a_new_root),
		cmocka_unit_test(join_recovers_the_dead),
		cmocka_unit_test(malloc_that_makes_it_grow),
		cmocka_unit_test(malloc_large_that_makes_it_grow),
		cmocka_unit_test(alloc_into_that_makes_it_grow),
		cmocka_unit_test(realloc_that_makes_it_grow),
		cmocka_unit_test(gc_of_a_heap_that_may_grow),
		cmocka_unit_test(alloc_into_of_a_debugged_heap),
		cmocka_unit_test(free_from_of_a_debugged_heap),
	};

	return cmocka_run_group_tests_name("heap, cut", tests, state_begin,
	    state_end);
}
