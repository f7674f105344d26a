/* SPDX-License-Identifier: MIT */
/* break - how malloc moves the end of the heap */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"

enum { BLOCKS = 2000, SIZE = 1000, MOVES = 64 };

/* show watch */
/* How often does the break move for n blocks? */
static size_t
watch(size_t n, size_t size, size_t moved[], size_t max)
{
	size_t i, moves = 0;
	char *before = sbrk(0), *now;

	for (i = 0; i < n; i++) {
		void *volatile p = malloc(size);

		if (p == NULL)
			break;
		now = sbrk(0);
		if (now != before && moves < max)
			moved[moves++] = (size_t)(now - before);
		before = now;
	}
	return moves;
}
/* end */

static void
measure(void)
{
	size_t moved[MOVES], n, i, total = 0, whole = 0, page = page_size();
	char *begin = sbrk(0);
	struct maps_line m;
	void *mine;

	n = watch(BLOCKS, SIZE, moved, MOVES);
	mine = sbrk((intptr_t)page);
	for (i = 0; i < n; i++) {
		total += moved[i];
		whole += moved[i] % page == 0;
	}
	tour_step("2000 blocks of 1000 bytes");
	tour_code("watch");
	tour_bar("malloc", BLOCKS, BLOCKS, "calls");
	tour_bar("brk", n, BLOCKS, "calls");
	tour_text("The break moved %zu times, the first time by %zu bytes: "
	    "the request, and M_TOP_PAD of 128 KiB, up to a whole page.", n,
	    n > 0 ? moved[0] : 0);
	tour_step("A heap is a mapping that grows at its end");
	tour_line("%-20s %zu KiB", "asked for", BLOCKS * (size_t)SIZE / 1024);
	tour_line("%-20s %zu KiB", "the break moved by", total / 1024);
	tour_text("The difference is a header in front of each block, what is "
	    "rounded up, and what is left at the top for the next ones. A "
	    "program may move the break too, by sbrk(2); what it got so lies "
	    "in the same mapping, and malloc must live with the gap.");
	tour_value("moves", (int64_t)n);
	tour_value("first_move", n > 0 ? (int64_t)moved[0] : 0);
	tour_check(n > 1 && n < BLOCKS / 10,
	    "%zu moves of the break for %d blocks", n, BLOCKS);
	tour_check(whole == n, "each move is a whole number of pages");
	tour_check(n > 0 && moved[0] >= (128 << 10) + SIZE &&
	    moved[0] < (128 << 10) + SIZE + 2 * page,
	    "the first is the request and 128 KiB, rounded up");
	tour_check(total >= BLOCKS * (size_t)SIZE, "all of them fit");
	tour_check(maps_at(0, begin, &m) && strcmp(m.name, "[heap]") == 0 &&
	    (uintptr_t)mine < m.to, "and lie in one mapping, [heap]");
}

const struct lesson lesson_break = {
	.name = "break",
	.title = "how malloc moves the break",
	.track = "allocator",
	.minutes = 3,
	.question = "A program calls malloc(1000) 2000 times. About how often "
	    "does malloc ask the kernel for memory?",
	.choices = { "2000 times", "500 times, once for each page",
	    "15 times" },
	.answer = 3,
	.hint = "A system call costs as much as many mallocs. What would you "
	    "do, if you were asked for a little again and again?",
	.why = "malloc asks for more than it needs, by moving the break: the "
	    "end of the heap. It then hands that out without the kernel. "
	    "M_TOP_PAD says how much more.",
	.next = "mallopt(M_TOP_PAD, 1 << 20) in front of the loop.",
	.pages = "brk(2) malloc(3) mallopt(3)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
