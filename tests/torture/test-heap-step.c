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
#include "heap-state.h"
#include "step.h"

static struct shmu_heap *heap;
static struct shmu_heap *rescuer;
static unsigned char image[STATE_ARENA], last[STATE_ARENA];
static unsigned char last_rescue[STATE_ARENA];

/* What an operation works with; set up before it is stepped. */
static void *chunk, *other;
static struct shmu_heap *joined[2];
static int njoined;
static uint64_t *word;

struct cut {
	struct state_content	 before, after, now;
	unsigned long		 states, rescues, cuts;
	unsigned long		 every;	/* of so many states one */
	int			 bad;
};

/* The image, once recovered, is it the one or the other? */
static void
judge(struct cut *c, const char *what, unsigned long step)
{
	int flaws = state_recover(image, heap, &c->now);
	bool old = strcmp(c->now.text, c->before.text) == 0;

	if (flaws == 0 && (old || strcmp(c->now.text, c->after.text) == 0))
		return;
	if (c->bad++ < 3)
		print_error("# %s %lu: %d flaws; before %s\n# after %s\n"
		    "# now %s\n", what, step, flaws, c->before.text,
		    c->after.text, c->now.text);
}

static enum step_next
look_at_rescue(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	struct cut *c = ctx;

	(void)pid;
	(void)pc;
	if (memcmp(last_rescue, rescuer->base, STATE_ARENA) == 0)
		return STEP_ON;
	memcpy(last_rescue, rescuer->base, STATE_ARENA);
	memcpy(image, last_rescue, STATE_ARENA);
	c->cuts++;
	judge(c, "rescue", n);
	return STEP_ON;
}

static void
rescue(void *arg)
{
	(void)arg;
	shmu_heap_gc(rescuer, NULL);
}

/* Recover the state in last, and be killed at each instruction of that. */
static void
cut_rescue(struct cut *c)
{
	struct heap_slot mine = *rescuer->slot, *there;
	struct step_end end;

	memcpy(image, last, STATE_ARENA);
	state_bury(image, heap);
	there = (void *)(image + ((unsigned char *)rescuer->slot -
	    rescuer->base));
	if (there->state != 0)
		return;
	*there = mine;
	memcpy(rescuer->base, image, STATE_ARENA);
	memcpy(last_rescue, image, STATE_ARENA);
	assert_int_equal(step_run(rescue, NULL, look_at_rescue, c, &end), 0);
	assert_true(end.finished);
	memcpy(image, rescuer->base, STATE_ARENA);
	judge(c, "rescued", end.steps);
	c->rescues++;
	*rescuer->slot = mine;
}

/* First the operation is run through, for what is after it. */
static enum step_next
through(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	(void)ctx;
	(void)pid;
	(void)n;
	(void)pc;
	return STEP_FREE;
}

static enum step_next
look(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	struct cut *c = ctx;

	(void)pid;
	(void)pc;
	if (memcmp(last, heap->base, STATE_ARENA) == 0)
		return STEP_ON;
	memcpy(last, heap->base, STATE_ARENA);
	memcpy(image, last, STATE_ARENA);
	judge(c, "step", n);
	if (++c->states % c->every == 0)
		cut_rescue(c);
	return STEP_ON;
}

/* Step op, after prepare, and see every state between before and after. */
static void
step_all(unsigned int flags, void (*prepare)(void), void (*op)(void *))
{
	static struct cut c;
	unsigned char *start = malloc(STATE_ARENA);
	struct step_end end;

	memset(&c, 0, sizeof c);
	c.every = getenv("SHMU_TORTURE") != NULL ? 1 : 100;
	state_create(&heap, flags);
	prepare();
	state_keep(heap);
	memcpy(start, heap->base, STATE_ARENA);
	memcpy(image, start, STATE_ARENA);
	assert_int_equal(state_recover(image, heap, &c.before), 0);
	if (step_run(op, NULL, through, NULL, &end) == -1) {
		free(start);
		skip();
	}
	assert_true(end.finished);
	memcpy(image, heap->base, STATE_ARENA);
	assert_int_equal(state_recover(image, heap, &c.after), 0);
	memcpy(heap->base, start, STATE_ARENA);
	memcpy(last, start, STATE_ARENA);
	rescuer = state_rescuer(start);
	state_keep(rescuer);
	assert_int_equal(step_run(op, NULL, look, &c, &end), 0);
	assert_true(end.finished);
	print_message("# %lu instructions, %lu states; %lu recoveries cut in "
	    "%lu states\n", end.steps, c.states, c.rescues, c.cuts);
	assert_int_equal(shmu_heap_detach(rescuer), 0);
	assert_int_equal(c.bad, 0);
	assert_true(c.states > 2);
	free(start);
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

static int
begin(void **state)
{
	(void)state;
	return state_begin();
}

static int
finish(void **state)
{
	(void)state;
	state_end();
	return 0;
}

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

	return cmocka_run_group_tests_name("heap, cut", tests, begin, finish);
}
