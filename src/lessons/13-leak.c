/* SPDX-License-Identifier: MIT */
/* leak - finding what nobody can free any more */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "lesson.h"
#include "tools.h"

enum { LOG = 32 };

/* show log */
/* A log of what is allocated, and taken out by free. */
static struct { void *p; size_t n; int line; } kept[32];

static void *
logged_malloc(size_t n, int line)
{
	void *p = malloc(n);

	for (size_t i = 0; i < 32 && p != NULL; i++)
		if (kept[i].p == NULL) {
			kept[i].p = p;
			kept[i].n = n;
			kept[i].line = line;
			break;
		}
	return p;
}

static void
logged_free(void *p)
{
	for (size_t i = 0; i < 32; i++)
		if (kept[i].p == p)
			kept[i].p = NULL;
	free(p);
}
/* end */

#define malloc(n)	logged_malloc(n, __LINE__)
#define free(p)		logged_free(p)

/* show careless */
/* Two are lost: at an early return, and unused. */
static int
careless(int fail)
{
	char *name = malloc(11), *copy;

	if (name == NULL || fail)
		return -1;
	copy = malloc(10);
	if (copy != NULL)
		strcpy(copy, "a copy");
	free(name);
	name = malloc(30);
	free(name);
	return 0;
}
/* end */

#undef malloc
#undef free

static size_t
in_use(void)
{
	struct heap h;

	heap_look(&h);
	return h.in_use;
}

/* The same function as a program of its own, under valgrind: what it says in
 * the end, or NULL where it cannot be had. */
static const char *
said_by_valgrind(void)
{
	static const struct tool alone = { { NULL }, { NULL } }, valgrind = {
		{ "valgrind", "--vgdb=no", "--leak-check=full", NULL },
		{ NULL } };
	static const char lost[] = "definitely lost: ";
	static char said[8000];
	struct program p;
	struct run runs[2];
	int status;
	char *at;

	if (program_build(&p, "leak", "careless",
	    "int main(void) { careless(1); return careless(0); }\n",
	    NULL) == -1)
		return NULL;
	run_begin(&runs[0], &p, &alone, "");
	run_begin(&runs[1], &p, &valgrind, "");
	status = run_end(&runs[0], said, sizeof said);
	status |= run_end(&runs[1], said, sizeof said);
	program_remove(&p);
	at = strstr(said, lost);
	if (status != 0 || at == NULL)
		return NULL;
	at += strlen(lost);
	at[strcspn(at, "\n")] = '\0';
	return at;
}

static void
ask_valgrind(void)
{
	const char *lost = said_by_valgrind();

	tour_step("Who needs no change to the program");
	tour_code("careless");
	if (lost == NULL) {
		tour_lacks("valgrind, or cc: not here, or not working");
	} else {
		tour_line("valgrind: definitely lost: %s", lost);
		tour_check(strcmp(lost, "21 bytes in 2 blocks") == 0,
		    "valgrind finds the same 21 bytes in 2 blocks");
	}
	tour_text("valgrind knows every block and looks in the end which of "
	    "them no pointer leads to. It names the line that asked for each; "
	    "mtrace(3) writes a log such as ours to a file.");
}

static void
measure(void)
{
	size_t before, after, i, blocks = 0, bytes = 0, ten = 0, eleven = 0;

	free(malloc(10));
	before = in_use();
	careless(1);
	careless(0);
	after = in_use();
	tour_step("What is not in the log any more was freed");
	tour_code("log");
	for (i = 0; i < LOG; i++)
		if (kept[i].p != NULL) {
			blocks++;
			bytes += kept[i].n;
			ten += kept[i].n == 10;
			eleven += kept[i].n == 11;
			tour_line("13-leak.c, line %d: %zu bytes lost",
			    kept[i].line, kept[i].n);
		}
	tour_step("What malloc says of it");
	tour_bar("before", before, after, "bytes");
	tour_bar("after", after, after, "bytes");
	tour_text("%zu bytes in %zu blocks were lost, and the heap has %zu "
	    "bytes more in use: headers and steps are counted there. The "
	    "total shows that something leaks, the log shows where.", bytes,
	    blocks, after - before);
	ask_valgrind();
	tour_value("lost_bytes", (int64_t)bytes);
	tour_value("lost_blocks", (int64_t)blocks);
	tour_check(blocks == 2 && ten == 1 && eleven == 1,
	    "two blocks were not freed, of 11 and 10 bytes");
	tour_check(after - before >= bytes && after - before <= bytes + 96,
	    "and by so much, with their headers, the heap has grown");
}

const struct lesson lesson_leak = {
	.name = "leak",
	.title = "finding what nobody can free",
	.track = "allocator",
	.minutes = 3,
	.question = "A function loses a block of 11 bytes, and another of 10. "
	    "By how much does malloc's own count of bytes in use grow?",
	.choices = { "21 bytes", "more than 21 bytes",
	    "not at all" },
	.answer = 2,
	.hint = "See the lesson sizes: what is given for what was asked?",
	.why = "A leak is memory whose last pointer is gone: early returns and "
	    "overwritten pointers. At exit the kernel takes everything, so "
	    "it matters for what runs long. A log of every malloc and free "
	    "finds it; tools are such logs with a stack trace.",
	.next = "valgrind --leak-check=full on a program of yours.",
	.pages = "mtrace(3) mallinfo(3) malloc(3)",
	.needs = LESSON_GLIBC_MALLOC,
	.measure = measure
};
