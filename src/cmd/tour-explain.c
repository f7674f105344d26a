/* SPDX-License-Identifier: MIT */
/* tour-explain.c - a term in a few lines, or a lesson without measuring */
#include "config.h"

#include <string.h>

#include "cli.h"
#include "tour.h"

static const struct term {
	const char	*word;
	const char	*text;
	const char	*lessons;
} terms[] = {
	{ "page", "The unit in which the kernel gives out memory: the "
	    "smallest piece that can be mapped, protected, shared, written "
	    "back or taken away. getconf PAGESIZE prints its bytes.",
	    "first-touch cow" },
	{ "fault", "An access that the page table does not allow as it "
	    "stands. If the mapping allows it the kernel mends the table and "
	    "the access goes on: a minor fault, or a major one when the page "
	    "had to be read from a disk. If not, it is a signal.",
	    "first-touch faults" },
	{ "rss", "Resident set size: the pages of RAM that a process or a "
	    "mapping has in its page table now. A page that four share counts "
	    "in full in each, so a sum of Rss is more than what is used.",
	    "cow pools" },
	{ "pss", "Proportional set size: as Rss, but a page that N processes "
	    "have counts 1/N in each. A sum of Pss is what is used.",
	    "cow pools" },
	{ "overcommit", "The kernel promises more memory than there is, since "
	    "most of what is asked for is never touched. "
	    "/proc/sys/vm/overcommit_memory says by which rule.",
	    "overcommit first-touch" },
	{ "mapping", "A range of addresses with one source and one "
	    "protection: a line of /proc/PID/maps. It promises pages; they "
	    "come at the first touch.", "map anon filemap" },
	{ "break", "The end of the heap that brk(2) moves. What malloc has "
	    "from there goes back to the kernel only from the top, or page by "
	    "page by malloc_trim(3).", "break brk-or-mmap holes" },
	{ "race", "Two do something at once, and what comes out depends on "
	    "who was faster. n++ is a load, an addition and a store; another's "
	    "store between the first and the last is lost.", "race" },
	{ "choosing", "Small and short-lived, of one function: the stack. Of "
	    "one process, size known at run time: malloc; zeroed: calloc. "
	    "Large and given back at once: mmap, anonymous and private. With "
	    "children: mmap, anonymous and shared. With whoever knows a name, "
	    "until it is removed: shm_open. With programs that know a key: "
	    "shmget. To be kept: a mapped file, and msync. A stream: a pipe, "
	    "or a ring in shared memory.",
	    "stack sizes brk-or-mmap anon filemap posix sysv bell" },
	{ NULL, NULL, NULL }
};

void
explain_list(void)
{
	const struct term *t;
	size_t i;

	for (t = terms; t->word != NULL; t++)
		puts(t->word);
	for (i = 0; lessons[i] != NULL; i++)
		puts(lessons[i]->name);
}

static void
print(struct lines *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		puts(s->line[i]);
	lines_free(s);
}

static void
lesson(const struct look *look, const struct lesson *l)
{
	struct lines s = { NULL, 0 };
	char text[256];

	draw_heading(&s, look, l->title);
	lines_add(&s, "%s", "");
	draw_question(&s, look, l);
	lines_add(&s, "%s", "");
	draw_code(&s, look, l, NULL);
	lines_add(&s, "%s", "");
	lines_wrap(&s, look, l->why);
	lines_add(&s, "%s", "");
	snprintf(text, sizeof text, "Man pages: %s", l->pages);
	lines_wrap(&s, look, text);
	snprintf(text, sizeof text, "Measure it: mem-tour run %s", l->name);
	lines_wrap(&s, look, text);
	print(&s);
}

int
explain_topic(const struct tour *t, const char *topic)
{
	struct lines s = { NULL, 0 };
	const struct term *term;
	struct look look;
	char text[256];
	int n;

	look_at(&look, t);
	for (term = terms; term->word != NULL; term++)
		if (strcmp(term->word, topic) == 0) {
			lines_wrap(&s, &look, term->text);
			snprintf(text, sizeof text, "Lessons: %s",
			    term->lessons);
			lines_wrap(&s, &look, text);
			print(&s);
			return EXIT_YES;
		}
	n = lesson_find(topic);
	if (n < 0)
		return cli_fail(EXIT_NO, topic, "there is no such topic; "
		    "mem-tour explain lists them");
	lesson(&look, lessons[n]);
	return EXIT_YES;
}
