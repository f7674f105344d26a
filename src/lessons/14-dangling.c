/* SPDX-License-Identifier: MIT */
/* dangling - what a freed pointer reads, and what a second free does */
#include "config.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lesson.h"
#include "victim.h"

/* show dangling */
/* Whose text does the old pointer read? */
static int
reads_the_other(char text[24])
{
	char *volatile mine, *volatile other;
	uintptr_t was;

	mine = malloc(24);
	if (mine == NULL)
		return 0;
	was = (uintptr_t)mine;
	strcpy(mine, "my secret");
	free(mine);
	other = malloc(24);
	if (other == NULL)
		return 0;
	strcpy(other, "somebody else's");
	memcpy(text, mine, 24);	/* wrong; no fault */
	return (uintptr_t)other == was;
}
/* end */

static void
free_twice(void *arg)
{
	char *volatile p = malloc(24);

	(void)arg;
	free(p);
	free(p);
}

static void
free_middle(void *arg)
{
	char *volatile p = malloc(24);

	(void)arg;
	p += 8;
	free(p);
}

static void
free_local(void *arg)
{
	char local[64], *volatile p = local + 16;

	(void)arg;
	free(p);
}

static void
judge(const char *what, void (*fn)(void *))
{
	struct victim v;

	victim_run(fn, NULL, &v);
	tour_line("%-22s %-8s %.24s", what, victim_signal(v.signal), v.said);
	tour_check(v.signal != 0, "%s ended the child by a signal", what);
}

static void
measure(void)
{
	char text[25] = "";
	int same = reads_the_other(text);

	tour_step("A block is freed, and another is asked for");
	tour_code("dangling");
	tour_line("the old pointer reads: \"%s\"", text);
	tour_text("Both have the same address: what was freed last is handed "
	    "out first. Nothing faults, and nobody is told. Had the program "
	    "written there, it would have changed what is another's.");
	tour_value("same_address", same);
	tour_check(same, "the next block has the address of the freed one");
	tour_check(strcmp(text, "somebody else's") == 0,
	    "the old pointer reads the new owner's text");
	tour_step("What free notices, in a child each");
	judge("free twice", free_twice);
	judge("free(p + 8)", free_middle);
	judge("free of a local", free_local);
	tour_text("These are cheap checks of glibc, not a promise: after "
	    "another malloc between them, the second free would have "
	    "freed a block of somebody else.");
}

const struct lesson lesson_dangling = {
	.name = "dangling",
	.title = "what a freed pointer reads",
	.track = "allocator",
	.minutes = 3,
	.question = "A program frees a block of 24 bytes, asks for 24 bytes "
	    "again, stores a text there, and reads through the old pointer. "
	    "What happens?",
	.choices = { "SIGSEGV", "it reads what was there before",
	    "it reads the new text" },
	.answer = 3,
	.hint = "free(3) does not change your pointer, and the kernel is "
	    "not asked.",
	.why = "free gives the block to the allocator, not to the kernel: the "
	    "page stays mapped. The last freed is the next used, for it is "
	    "warm in the cache. So use after free reads and writes what is "
	    "another's. Set the pointer to NULL, and let a tool look.",
	.next = "build a program of yours with -fsanitize=address.",
	.pages = "free(3) malloc(3) mallopt(3)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
