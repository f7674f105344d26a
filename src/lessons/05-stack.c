/* SPDX-License-Identifier: MIT */
/* stack - where locals go, and how deep they may */
#include "config.h"

#include <alloca.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arena.h"
#include "lesson.h"
#include "victim.h"

enum { BIG = 4 << 20, TOO_BIG = 64 << 20 };

/* show use */
/* Take n bytes of the stack and write to each. */
static __attribute__((noinline)) int
use_stack(size_t n)
{
	volatile char *p = alloca(n);

	for (size_t i = n; i-- > 0;)	/* downward */
		p[i] = 1;
	return p[0];
}
/* end */

struct sizes {
	uint64_t	before, after, rss;
	long		faults;
	int		copy_inside, array_inside;
};

static uint64_t
stack_kib(const void *local, uint64_t *rss)
{
	struct smaps s;

	if (!smaps_at(0, local, &s))
		tour_skip("the stack is in no line of /proc/self/smaps");
	*rss = s.rss;
	return s.size;
}

static int
in_stack(const void *p, const void *local)
{
	struct maps_line a, b;

	return maps_at(0, p, &a) && maps_at(0, local, &b) && a.from == b.from;
}

static __attribute__((noinline)) void
others(struct sizes *s, int n)
{
	char array[n];
	char *copy = strdupa("a copy");

	memset(array, 0, (size_t)n);
	s->copy_inside = in_stack(copy, &copy);
	s->array_inside = in_stack(array, &copy);
}

static void
too_deep(void *arg)
{
	use_stack(*(size_t *)arg);
}

/* A limit of our own, whatever the machine's is; it counts after exec only for
 * some parts, but always for growing. */
static void
limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_STACK, &r) != 0)
		return;
	if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > TOO_BIG / 2) {
		r.rlim_cur = TOO_BIG / 2;
		setrlimit(RLIMIT_STACK, &r);
	} else if (r.rlim_cur < 2 * BIG) {
		r.rlim_cur = 2 * BIG;
		if (setrlimit(RLIMIT_STACK, &r) != 0)
			tour_skip("the stack may not be larger than %llu KiB",
			    (unsigned long long)r.rlim_cur / 1024);
	}
}

static void
draw(const struct sizes *s, const struct victim *v)
{
	tour_step("The stack grows when it is touched");
	tour_code("use");
	tour_bar("before", s->before, s->after, "KiB");
	tour_bar("after 4 MiB", s->after, s->after, "KiB");
	tour_text("%ld faults. The function has returned, and the stack is "
	    "still %llu KiB, %llu of them in RAM: it never shrinks.",
	    s->faults, (unsigned long long)s->after,
	    (unsigned long long)s->rss);
	tour_step("What else is there");
	tour_line("%-24s %s", "strdupa(\"a copy\")", s->copy_inside ?
	    "on the stack" : "elsewhere");
	tour_line("%-24s %s", "char array[n]", s->array_inside ?
	    "on the stack" : "elsewhere");
	tour_text("Both are gone when the function returns, and neither can "
	    "say that there is no room. So their size must be known to be "
	    "small, and never come from outside.");
	tour_step("Too deep");
	tour_text("A child wants %d MiB, more than RLIMIT_STACK allows. "
	    "It dies by %s. The message of the shell is the same as for a "
	    "wild pointer: Segmentation fault.", TOO_BIG >> 20,
	    victim_signal(v->signal));
	tour_text("A handler for that signal needs a stack of its own, by "
	    "sigaltstack(2): there is no room left for its frame.");
}

static void
measure(void)
{
	size_t too_big = TOO_BIG;
	struct victim v;
	struct sizes s;
	uint64_t rss;

	limit();
	s.before = stack_kib(&s, &rss);
	s.faults = faults_minor();
	use_stack(BIG);
	s.faults = faults_minor() - s.faults;
	s.after = stack_kib(&s, &s.rss);
	others(&s, 100);
	victim_run(too_deep, &too_big, &v);
	draw(&s, &v);
	tour_value("before_kib", (int64_t)s.before);
	tour_value("after_kib", (int64_t)s.after);
	tour_check(s.after >= BIG / 1024 && s.rss >= BIG / 1024,
	    "after alloca of 4 MiB the stack has that much, in RAM");
	tour_check(s.copy_inside && s.array_inside,
	    "strdupa and a variable array are on it");
	tour_check(v.signal == SIGSEGV, "a child that went too deep died by "
	    "SIGSEGV");
}

const struct lesson lesson_stack = {
	.name = "stack",
	.title = "where locals go, and how deep",
	.track = "address space",
	.minutes = 3,
	.question = "A function takes 4 MiB by alloca(3), uses them, and "
	    "returns. How large is the stack afterwards?",
	.choices = { "as before", "4 MiB larger",
	    "it depends on the caller" },
	.answer = 2,
	.hint = "To return moves a register. Who would tell the kernel?",
	.why = "The kernel grows the stack when an address just below it is "
	    "touched, up to RLIMIT_STACK, and never takes it back. So one "
	    "deep call costs its pages until the process ends, and one too "
	    "deep ends it: no call can fail in a way to be handled.",
	.next = "ulimit -s 256, and run this lesson again.",
	.pages = "alloca(3) strdupa(3) getrlimit(2) sigaltstack(2)",
	.measure = measure
};
