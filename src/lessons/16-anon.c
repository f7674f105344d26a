/* SPDX-License-Identifier: MIT */
/* anon - which mappings a parent shares with its child */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

/* show fork */
/* A child adds one to what p points to; which is it? */
static int
after_child(volatile int *p)
{
	*p = 1;
	if (fork() == 0) {
		(*p)++;
		_exit(0);
	}
	wait(NULL);
	return *p;
}
/* end */

struct kind {
	const char	*name;
	const char	*value;
	int		 flags;
	int		 zero;		/* through /dev/zero */
	int		 fresh, result;
	char		 line[64];	/* its name in maps */
};

/* Do it for one kind; 0 where that cannot be had. */
static int
try(struct kind *k)
{
	int fd = k->zero ? open("/dev/zero", O_RDWR | O_CLOEXEC) : -1;
	size_t size = page_size();
	struct maps_line line;
	volatile int *p;

	if (k->zero && fd == -1)
		return 0;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, k->flags, fd, 0);
	if (k->zero)
		close(fd);
	if (p == MAP_FAILED)
		return 0;
	k->fresh = *p;
	k->result = after_child(p);
	if (maps_at(0, (const void *)p, &line))
		memcpy(k->line, line.name, sizeof k->line - 1);
	munmap((void *)p, size);
	return 1;
}

static void
measure(void)
{
	struct kind kinds[] = {
		{ "anonymous private", "anon_private",
		    MAP_PRIVATE | MAP_ANONYMOUS, 0, 0, 0, "" },
		{ "anonymous shared", "anon_shared",
		    MAP_SHARED | MAP_ANONYMOUS, 0, 0, 0, "" },
		{ "/dev/zero private", "zero_private", MAP_PRIVATE, 1, 0, 0,
		    "" },
		{ "/dev/zero shared", "zero_shared", MAP_SHARED, 1, 0, 0, "" }
	};
	size_t i;

	tour_step("The same program with four mappings");
	tour_code("fork");
	tour_line("%-18s %5s %5s  %s", "mapping", "fresh", "after", "in maps");
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct kind *k = &kinds[i];
		int want = k->flags & MAP_SHARED ? 2 : 1;

		if (!try(k)) {
			tour_lacks("%s cannot be mapped here", k->name);
			continue;
		}
		tour_line("%-18s %5d %5d  %.24s", k->name, k->fresh,
		    k->result, k->line[0] != '\0' ? k->line : "(no name)");
		tour_value(k->value, k->result);
		tour_check(k->fresh == 0 && k->result == want,
		    "%s: zero at first, %d after the child", k->name, want);
	}
	tour_step("Why a name appears");
	tour_text("Shared memory must be found again by more than one address "
	    "space, so the kernel makes a file for it in RAM, without a name "
	    "in any directory: that is what maps calls /dev/zero (deleted). "
	    "A private mapping needs no such thing.");
	tour_strip("private", "+++++++++++++++=", 16,
	    "parent and child part at the first write");
	tour_strip("shared", "################", 16,
	    "both use the same page for ever");
	tour_key('+', "copied when written");
	tour_key('#', "one page for both");
	tour_key('=', "not written: still one");
}

const struct lesson lesson_anon = {
	.name = "anon",
	.title = "which mappings a child shares",
	.track = "mappings",
	.minutes = 3,
	.question = "A program maps a page MAP_PRIVATE, writes 1 to it and "
	    "forks. The child adds one and ends. What does the parent read? "
	    "And what if the page is MAP_SHARED?",
	.choices = { "private 1, shared 2", "private 2, shared 2",
	    "private 1, shared 1" },
	.answer = 1,
	.hint = "fork copies the list of mappings, not the pages. The flag "
	    "says what the first write does.",
	.why = "Private means: my writes are mine, a page is copied before the "
	    "first. Shared means: there is one page, whoever writes. With "
	    "both, a child has the mappings of its parent; only with shared "
	    "does what it writes come back. /dev/zero is the older way to "
	    "ask for the same.",
	.next = "let the child map a page after the fork: who can see it?",
	.pages = "mmap(2) fork(2) zero(4)",
	.measure = measure
};
