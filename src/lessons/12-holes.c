/* SPDX-License-Identifier: MIT */
/* holes - memory that is free and cannot be used */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "heap.h"
#include "lesson.h"

enum { BLOCKS = 10000, SIZE = 2000, CELLS = 48 };

/* show holes */
/* Many blocks, and then every second of them freed. */
static void
make_holes(char *block[], size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		block[i] = malloc(size);
		if (block[i] == NULL)
			abort();
		memset(block[i], 1, size);
	}
	for (size_t i = 0; i < n; i += 2)
		free(block[i]);
}
/* end */

/* show buddy */
/* A buddy allocator: blocks are powers of two, and each
 * half knows the address of its other half. */
static char order_at[32];	/* free: order + 1 */

static int
buddy_take(int order)
{
	for (int k = order; k <= 5; k++)
		for (int at = 0; at < 32; at += 1 << k) {
			if (order_at[at] != k + 1)
				continue;
			while (k-- > order)	/* split */
				order_at[at + (1 << k)] =
				    (char)(k + 1);
			order_at[at] = 0;
			return at;
		}
	return -1;
}

static void
buddy_give(int at, int order)
{
	for (; order < 5; order++) {
		int other = at ^ 1 << order;

		if (order_at[other] != order + 1)
			break;
		order_at[other] = 0;	/* join */
		at &= other;
	}
	order_at[at] = (char)(order + 1);
}
/* end */

enum { UNITS = 32 };

/* Blocks of the buddy allocator as they are drawn. */
static char units[UNITS];

static int
take(int asked, int order)
{
	int at = buddy_take(order), i;

	for (i = 0; at >= 0 && i < 1 << order; i++)
		units[at + i] = i < asked ? '#' : '+';
	return at;
}

static void
give(int at, int order)
{
	memset(units + at, '.', (size_t)1 << order);
	buddy_give(at, order);
}

/* Eight of four units; every second freed: half is free, and 8 in a row are
 * not there.  With the others gone it is one block again. */
static int
buddy_fragmented(void)
{
	int at[8], i, refused;

	for (i = 0; i < 8; i++)
		at[i] = take(4, 2);
	for (i = 0; i < 8; i += 2)
		give(at[i], 2);
	tour_strip("every second", units, UNITS, "16 free");
	refused = buddy_take(3) == -1;
	for (i = 1; i < 8; i += 2)
		give(at[i], 2);
	return refused;
}

static void
buddy(void)
{
	int three, five, nine, inside, refused, i;

	memset(units, '.', sizeof units);
	order_at[0] = 5 + 1;
	tour_step("Another allocator: halves and their buddies");
	tour_code("buddy");
	three = take(3, 2);
	five = take(5, 3);
	nine = take(9, 4);
	tour_step("The same trouble, drawn");
	tour_strip("3, 5 and 9", units, UNITS, "28 taken");
	for (i = inside = 0; i < UNITS; i++)
		inside += units[i] == '+';
	give(three, 2);
	give(five, 3);
	give(nine, 4);
	refused = buddy_fragmented();
	tour_strip("all freed", units, UNITS, "one block");
	tour_key('#', "asked for");
	tour_key('+', "given beyond that");
	tour_key('.', "free");
	tour_text("Sizes are rounded up to powers of two, so 17 units take 28: "
	    "internal fragmentation. In the second row half is free, and a "
	    "block of 8 is refused: external. What is free next to its buddy "
	    "is joined at once. The kernel gives out pages so: "
	    "/proc/buddyinfo.");
	tour_value("buddy_inside", inside);
	tour_check(inside == 11, "buddies: 11 units are lost within blocks");
	tour_check(refused && order_at[0] == 5 + 1,
	    "8 in a row are refused, and in the end all is one block");
}

static char *blocks[BLOCKS];

static uint64_t
heap_rss(const void *in)
{
	struct smaps s;

	return smaps_at(0, in, &s) ? s.rss : 0;
}

/* Free the rest but the last block, which holds all of the heap in place. */
static void
trim(uint64_t before)
{
	char *end;
	uint64_t after;
	size_t i;

	for (i = 1; i < BLOCKS - 1; i += 2)
		free(blocks[i]);
	end = sbrk(0);
	heap_trim();
	after = heap_rss(blocks[BLOCKS - 1]);
	tour_step("Everything freed but the last block");
	tour_bar("Rss before", before, before, "KiB");
	tour_bar("malloc_trim", after, before, "KiB");
	tour_text("One block at the top pins the break: the heap cannot get "
	    "shorter. But malloc_trim(3) gives back whole pages in the "
	    "middle of it, by madvise(2).");
	tour_value("rss_before_kib", (int64_t)before);
	tour_value("rss_after_kib", (int64_t)after);
	tour_check(end - (char *)sbrk(0) < 256 << 10,
	    "the last block keeps the heap as long as it was");
	tour_check(after * 10 < before,
	    "malloc_trim gave back more than nine tenths of it");
}

static void
measure(void)
{
	struct heap full, holes;
	char cells[CELLS + 1], *end, *large, *highest;
	uint64_t before;
	size_t i;

	make_holes(blocks, BLOCKS, SIZE);
	end = sbrk(0);
	heap_look(&holes);
	before = heap_rss(blocks[1]);
	highest = blocks[BLOCKS - 1];
	large = malloc(4000);
	heap_look(&full);
	for (i = 0; i < CELLS; i++)
		cells[i] = i % 2 ? '#' : '-';
	tour_step("Every second block is freed");
	tour_code("holes");
	tour_strip("heap, part", cells, CELLS, "%zu free pieces",
	    holes.pieces);
	tour_key('#', "a block of 2000 bytes");
	tour_key('-', "a hole of that size");
	tour_line("%-18s %8zu KiB", "the heap", holes.arena / 1024);
	tour_line("%-18s %8zu KiB", "in use", holes.in_use / 1024);
	tour_line("%-18s %8zu KiB", "free", holes.free / 1024);
	tour_step("4000 bytes more");
	tour_line("%-24s %s", "malloc(4000) lies", large > highest ?
	    "above all the holes" : "in a hole");
	tour_text("Half of the heap is free, and no two holes touch, so none "
	    "has 4000 bytes in a row: external fragmentation. What a block "
	    "has beyond what was asked is internal fragmentation.");
	tour_value("free_kib", (int64_t)(holes.free / 1024));
	tour_value("pieces", (int64_t)holes.pieces);
	tour_check(holes.free * 10 >= holes.arena * 4,
	    "at least four tenths of the heap are free");
	tour_check(large > highest && full.in_use > holes.in_use,
	    "and yet 4000 bytes found no room in it");
	tour_check((char *)sbrk(0) >= end, "the break has not moved down");
	free(large);
	trim(before);
	buddy();
}

const struct lesson lesson_holes = {
	.name = "holes",
	.title = "memory that is free and of no use",
	.track = "allocator",
	.minutes = 4,
	.question = "A program has 10000 blocks of 2000 bytes and frees every "
	    "second one: 10 MB are free. Where does malloc(4000) find room?",
	.choices = { "in the holes", "above them all",
	    "nowhere: NULL" },
	.answer = 2,
	.hint = "Blocks are never moved: somebody has their address.",
	.why = "Free memory is only of use in one piece. Blocks cannot be "
	    "moved, so what lives long between what lives short leaves "
	    "holes, and one block near the top pins everything below. Sizes "
	    "of a kind from pools of their own, and freeing in the order of "
	    "allocation, help.",
	.next = "free every second pair of neighbours: does it fit now?",
	.pages = "mallinfo(3) malloc_trim(3) mallopt(3) malloc_stats(3)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
