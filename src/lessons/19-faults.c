/* SPDX-License-Identifier: MIT */
/* faults - the ways to die at an address, and how the kernel says which */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

/* show poke */
static void
peek(const volatile char *p)
{
	(void)*p;		/* a load, whatever it finds */
}

static void
poke(volatile char *p)
{
	*p = 1;			/* a store */
}
/* end */

static void
do_peek(void *p)
{
	peek(p);
}

static void
do_poke(void *p)
{
	poke(p);
}

/* In the child, so that nothing else has been mapped there meanwhile. */
static void
unmap_and_peek(void *p)
{
	size_t page = page_size();

	munmap((char *)p - (uintptr_t)p % page, page);
	peek(p);
}

struct trial {
	const char	*what;
	void		(*access)(void *);
	char		*at;
	char		*base;
	int		 sig, code;
};

/* A file of two pages and a little, mapped over four. */
static char *
short_file(size_t page)
{
	int fd = memfd_create("mem-tour", MFD_CLOEXEC);
	char *p;

	if (fd == -1 || ftruncate(fd, (off_t)(2 * page + 100)) == -1)
		tour_skip("no file can be made in RAM");
	p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		tour_skip("it cannot be mapped");
	return p;
}

static void
judge(const struct trial *t, int number)
{
	struct victim v;
	int ok, where;

	victim_run(t->access, t->at, &v);
	where = v.signal == 0 || v.addr == (uintptr_t)t->at;
	ok = v.signal == t->sig && v.code == t->code && where;
	tour_line("%d %-25s %-8s %-11s %s", number, t->what,
	    victim_signal(v.signal), victim_code(v.signal, v.code),
	    v.signal == 0 ? "" : where ? "exact" : "elsewhere");
	tour_check(ok, "%s: %s%s", t->what, victim_signal(t->sig),
	    t->sig == 0 ? "" : ", at the very address");
}

static void
draw_file(void)
{
	tour_step("A mapping that is longer than its file");
	tour_strip("file", "####################=...............", 36,
	    "2 pages and 100 bytes");
	tour_strip("mapping", "##############################!!!!!!", 36,
	    "4 pages");
	tour_key('#', "stored, or there to use");
	tour_key('=', "the last bytes, in a page of their own");
	tour_key('.', "no file, and no byte");
	tour_key('!', "a page wholly behind the end: SIGBUS");
	tour_text("The kernel maps whole pages, so what is behind the last "
	    "byte but in its page reads as zero and can even be written; it is "
	    "never stored. A page that lies wholly behind has no file to "
	    "come from. That is how a program dies whose file another has "
	    "cut short.");
}

static void
measure(void)
{
	size_t page = page_size(), i;
	char *file = short_file(page);
	static const char literal[] = "abc";
	struct arena a;
	char *p;

	arena_open(&a, 4);
	memset(a.base, 0, a.size);
	p = (char *)a.base;
	mprotect(p, page, PROT_READ);
	{
		char *text = (char *)(uintptr_t)&measure;
		char *constant = (char *)(uintptr_t)literal;
		const struct trial trials[] = {
			{ "write, page is read-only", do_poke, p + 5, p,
			    SIGSEGV, SEGV_ACCERR },
			{ "read, page was unmapped", unmap_and_peek,
			    p + 2 * page + 5, p, SIGSEGV, SEGV_MAPERR },
			{ "read past end, same page", do_peek,
			    file + 2 * page + 101, file, 0, 0 },
			{ "read, next page past end", do_peek,
			    file + 3 * page, file, SIGBUS, BUS_ADRERR },
			{ "write to a string literal", do_poke, constant,
			    constant, SIGSEGV, SEGV_ACCERR },
			{ "write to the code", do_poke, text, text, SIGSEGV,
			    SEGV_ACCERR },
#ifndef __SANITIZE_ADDRESS__	/* it has its own way with that */
			{ "read at address 0", do_peek, NULL, NULL, SIGSEGV,
			    SEGV_MAPERR }
#endif
		};

		tour_step("Each access in a child of its own");
		tour_code("poke");
		tour_line("# %-25s %-8s %-11s %s", "access", "signal", "code",
		    "si_addr");
		for (i = 0; i < sizeof trials / sizeof trials[0]; i++)
			judge(&trials[i], (int)i + 1);
	}
	tour_check(((volatile char *)file)[2 * page + 101] == 0,
	    "what is past the end, but in its page, reads as zero");
	tour_value("trials", (int64_t)i);
	draw_file();
}

const struct lesson lesson_faults = {
	.name = "faults",
	.title = "the ways to die at an address",
	.track = "mappings",
	.minutes = 4,
	.question = "A file has two pages and 100 bytes; a program maps four "
	    "pages of it. It reads the byte at 101 of the third page, and "
	    "then the first of the fourth. What happens?",
	.choices = { "both reads are SIGSEGV",
	    "zero, and then SIGBUS", "zero, and zero again" },
	.answer = 2,
	.hint = "Pages are mapped whole. And there is a signal for an address "
	    "that may be used but has nothing behind it.",
	.why = "SIGSEGV is about the mapping: there is none (MAPERR), or it "
	    "does not allow that (ACCERR). SIGBUS is about what is behind: "
	    "the mapping is fine, its page cannot be had. A handler is told "
	    "the exact address, which is what makes the next lesson "
	    "possible.",
	.next = "truncate a file while you read it through a mapping.",
	.pages = "mmap(2) sigaction(2) mprotect(2)",
	.measure = measure
};
