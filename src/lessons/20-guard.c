/* SPDX-License-Identifier: MIT */
/* guard - a fault that a program uses: which pages were written? */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

enum { PAGES = 48, BUFFER = 100 };

/* show handler */
static char *area;
static size_t page, faults;
static char written[48];

/* Note which page it was, and allow it from now on. */
static void
on_write(int sig, siginfo_t *info, void *context)
{
	char *at = info->si_addr;
	size_t n = (size_t)(at - area) / page;

	(void)sig, (void)context;
	if (n >= sizeof written)
		_exit(9);
	written[n] = 1;
	faults++;
	mprotect(area + n * page, page,
	    PROT_READ | PROT_WRITE);
}
/* end */

/* Bytes here and there; the third and fourth are in the same page. */
static const size_t places[] = { 3, 7, 20, 20, 21, 40 };

static void
track(const struct arena *a, size_t *lines)
{
	struct sigaction act = { .sa_sigaction = on_write,
		.sa_flags = SA_SIGINFO };
	size_t i;

	area = (char *)a->base;
	page = a->page;
	memset(area, 0, a->size);
	sigaction(SIGSEGV, &act, NULL);
	mprotect(area, a->size, PROT_READ);
	for (i = 0; i < sizeof places / sizeof places[0]; i++)
		((volatile char *)area)[places[i] * page + i] = 1;
	signal(SIGSEGV, SIG_DFL);
	*lines = maps_count(a->base, a->base + a->size);
}

static void
draw(const struct arena *a, size_t lines)
{
	char cells[PAGES];
	size_t i;

	for (i = 0; i < a->pages; i++)
		cells[i] = written[i] ? '+' : '.';
	tour_step("All pages read-only, then six writes");
	tour_code("handler");
	tour_strip("pages", cells, a->pages, "%zu faults", faults);
	tour_key('+', "written, and so the handler was called");
	tour_key('.', "not written");
	tour_text("Six writes, %zu faults: the second to the same page was "
	    "free. The mapping is now %zu lines in /proc/self/maps, since "
	    "each line has one protection.", faults, lines);
}

static int
pages_right(void)
{
	size_t i, n = 0, want = 0;
	char should[PAGES] = { 0 };

	for (i = 0; i < sizeof places / sizeof places[0]; i++)
		should[places[i]] = 1;
	for (i = 0; i < PAGES; i++) {
		want += should[i] == 1;
		n += should[i] == written[i];
	}
	return n == PAGES && faults == want;
}

/* A buffer whose end is the end of a page, before one without access. */
static void
overflow(void *end)
{
	volatile char *p = (char *)end - BUFFER;
	int i;

	for (i = 0; i <= BUFFER; i++)
		p[i] = 1;
}

static void
measure(void)
{
	struct arena a, b;
	struct victim v;
	size_t lines;
	char *end;

	arena_open(&a, PAGES);
	track(&a, &lines);
	draw(&a, lines);
	arena_open(&b, 2);
	end = (char *)b.base + b.page;
	mprotect(end, b.page, PROT_NONE);
	victim_run(overflow, end, &v);

	tour_step("A guard page behind a buffer");
	tour_strip("memory", "................########!!!!!!!!!!!!!!!!", 40,
	    "100 bytes");
	tour_key('#', "the buffer, up to the end of its page");
	tour_key('!', "the guard: PROT_NONE");
	tour_text("A loop runs one byte too far. Without the guard it would "
	    "have changed something else, unnoticed. With it the child died "
	    "by %s, %lld bytes behind the buffer: at the first wrong store.",
	    victim_signal(v.signal),
	    (long long)(v.addr - (uintptr_t)end));

	tour_value("faults", (int64_t)faults);
	tour_value("maps_lines", (int64_t)lines);
	tour_check(pages_right(), "exactly the pages that were written were "
	    "noted, each once");
	tour_check(lines > 1, "the mapping was split: %zu lines", lines);
	tour_check(v.signal == SIGSEGV && v.addr == (uintptr_t)end,
	    "the overflow was caught at its first byte");
}

const struct lesson lesson_guard = {
	.name = "guard",
	.title = "a fault that a program uses",
	.track = "mappings",
	.minutes = 3,
	.question = "A program makes 48 pages read-only, and its SIGSEGV "
	    "handler makes a page writable again. It writes six bytes, in "
	    "five different pages. How often does the handler run?",
	.choices = { "6 times", "5 times", "48 times" },
	.answer = 2,
	.hint = "After the handler returns the same store is done again. What "
	    "is different for the next store into that page?",
	.why = "A fault is a call that the hardware makes for you: at the "
	    "first write to each page. Garbage collectors, debuggers and "
	    "snapshots learn that way what has changed, and guard pages turn "
	    "a silent overflow into a crash at the right place. Under every "
	    "stack lies one.",
	.next = "put the guard in front of a buffer, and run backwards.",
	.pages = "mprotect(2) sigaction(2) sigaltstack(2)",
	.measure = measure
};
