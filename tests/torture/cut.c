/* SPDX-License-Identifier: MIT */
/* cut.c - see cut.h */
#include "config.h"

#include "../unit/check.h"
#include "cut.h"
#include "step.h"

static unsigned char image[STATE_ARENA], last[STATE_ARENA];
static unsigned char last_rescue[STATE_ARENA];

/* The image, once recovered, is it the one or the other? */
static void
judge(struct cut *c, const char *what, unsigned long step)
{
	int flaws = c->recover(image, CUT_NOW);

	if (flaws == 0 && (c->same(CUT_BEFORE) || c->same(CUT_AFTER)))
		return;
	if (c->bad++ >= 3)
		return;
	print_error("# %s %lu: %d flaws\n", what, step, flaws);
	c->show();
}

static enum step_next
look_at_rescue(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	struct cut *c = ctx;

	(void)pid;
	(void)pc;
	if (memcmp(last_rescue, c->rescuer->base, STATE_ARENA) == 0)
		return STEP_ON;
	memcpy(last_rescue, c->rescuer->base, STATE_ARENA);
	memcpy(image, last_rescue, STATE_ARENA);
	c->cuts++;
	judge(c, "rescue", n);
	return STEP_ON;
}

static void
rescue(void *rescuer)
{
	shmu_heap_gc(rescuer, NULL);
}

/* Recover the state in last, and be killed at each instruction of that. */
static void
cut_rescue(struct cut *c)
{
	struct heap_slot mine = *c->rescuer->slot, *there;
	struct step_end end;

	memcpy(image, last, STATE_ARENA);
	state_bury(image, c->heap);
	there = (void *)(image + ((unsigned char *)c->rescuer->slot -
	    c->rescuer->base));
	if (there->state != 0)
		return;
	*there = mine;
	memcpy(c->rescuer->base, image, STATE_ARENA);
	memcpy(last_rescue, image, STATE_ARENA);
	assert_int_equal(step_run(rescue, c->rescuer, look_at_rescue, c, &end),
	    0);
	assert_true(end.finished);
	memcpy(image, c->rescuer->base, STATE_ARENA);
	judge(c, "rescued", end.steps);
	c->rescues++;
	*c->rescuer->slot = mine;
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
	if (memcmp(last, c->heap->base, STATE_ARENA) == 0)
		return STEP_ON;
	memcpy(last, c->heap->base, STATE_ARENA);
	memcpy(image, last, STATE_ARENA);
	judge(c, "step", n);
	if (++c->states % c->every == 0)
		cut_rescue(c);
	return STEP_ON;
}

int
cut_all(struct cut *c, void (*op)(void *))
{
	static unsigned char start[STATE_ARENA];
	struct step_end end;

	if (getenv("SHMU_TORTURE") != NULL)
		c->every = 1;
	state_keep(c->heap);
	memcpy(start, c->heap->base, STATE_ARENA);
	memcpy(image, start, STATE_ARENA);
	assert_int_equal(c->recover(image, CUT_BEFORE), 0);
	if (step_run(op, NULL, through, NULL, &end) == -1)
		return -1;
	assert_true(end.finished);
	memcpy(image, c->heap->base, STATE_ARENA);
	assert_int_equal(c->recover(image, CUT_AFTER), 0);
	memcpy(c->heap->base, start, STATE_ARENA);
	memcpy(last, start, STATE_ARENA);
	c->rescuer = c->attach(start);
	state_keep(c->rescuer);
	assert_int_equal(step_run(op, NULL, look, c, &end), 0);
	assert_true(end.finished);
	print_message("# %lu instructions, %lu states; %lu recoveries cut in "
	    "%lu states\n", end.steps, c->states, c->rescues, c->cuts);
	c->detach();
	assert_int_equal(c->bad, 0);
	assert_true(c->states > 2);
	return 0;
}
