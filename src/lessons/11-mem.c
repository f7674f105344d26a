/* SPDX-License-Identifier: MIT */
/* mem - which of the mem functions is safe here */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lesson.h"

/* show forward */
/* What a simple memcpy does: byte by byte, forward. */
static void
forward(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}
/* end */

static void
overlap(void)
{
	char by_hand[] = "0123456789", by_move[] = "0123456789";

	forward(by_hand + 2, by_hand, 8);
	memmove(by_move + 2, by_move, 8);
	tour_step("Move eight bytes two places on");
	tour_code("forward");
	tour_line("%-22s 0123456789", "before");
	tour_line("%-22s %s", "forward, by hand", by_hand);
	tour_line("%-22s %s", "memmove", by_move);
	tour_text("The ranges overlap, so the loop reads what it has written. "
	    "memmove(3) looks which way to go. memcpy(3) promises nothing "
	    "then, whatever it does on your machine today.");
	tour_check(strcmp(by_move, "0101234567") == 0,
	    "memmove is right where ranges overlap");
	tour_check(strcmp(by_hand, "0101010101") == 0,
	    "a forward copy repeats the first two");
}

static void
search(void)
{
	static const char path[] = "/usr/lib/libc.so";
	const char *first = memchr(path, '/', sizeof path);
	const char *name = memmem(path, sizeof path, "libc", 4);
#ifdef __GLIBC__
	const char *last = memrchr(path, '/', sizeof path);
#else
	const char *last = strrchr(path, '/');
#endif

	tour_step("Look for something");
	tour_line("in %s", path);
	tour_line("%-22s at %td", "memchr  '/'", first - path);
	tour_line("%-22s at %td", "memrchr '/'", last - path);
	tour_line("%-22s at %td", "memmem  \"libc\"", name - path);
	tour_check(first == path && last == path + 8 && name == path + 9,
	    "first, last and a string are found");
}

static void
build(void)
{
	char line[32], *end = line, key[8] = "secret";

	end = mempcpy(end, "key=", 4);
	end = memccpy(end, "value;rest", ';', 10);
	*end = '\0';
	tour_step("Build, wipe, scramble");
	tour_line("%-22s \"%s\"", "mempcpy, memccpy", line);
	tour_check(strcmp(line, "key=value;") == 0,
	    "both return where to go on");
	tour_check(memcmp("abc", "abd", 3) < 0 && memcmp("a", "a", 1) == 0,
	    "memcmp orders bytes");
	explicit_bzero(key, sizeof key);
	tour_line("%-22s %d", "explicit_bzero, then", key[0]);
	tour_check(key[0] == 0 && key[5] == 0, "a key is wiped");
#ifdef __GLIBC__
	memfrob(line, 4);
	tour_line("%-22s %02x %02x %02x %02x", "memfrob \"key=\"",
	    (unsigned char)line[0], (unsigned char)line[1],
	    (unsigned char)line[2], (unsigned char)line[3]);
	memfrob(line, 4);
	tour_check(memcmp(line, "key=", 4) == 0,
	    "memfrob twice is as before");
#else
	tour_lacks("memfrob, which only glibc has");
#endif
	tour_text("memset(3) of what is not read again may be left out by the "
	    "compiler; explicit_bzero(3) may not. memfrob(3) hides nothing "
	    "from anybody: it is an exclusive or with 42.");
}

static void
measure(void)
{
	overlap();
	search();
	build();
}

const struct lesson lesson_mem = {
	.name = "mem",
	.title = "which mem function is safe here",
	.track = "allocator",
	.minutes = 3,
	.question = "The bytes 0123456789 lie in a row, and a loop copies the "
	    "first eight two places on, byte by byte from the left. What is "
	    "there then?",
	.choices = { "0101234567", "0101010101", "0123456701" },
	.answer = 2,
	.hint = "What is in the third place when the loop comes to read it?",
	.why = "memcpy wants ranges that do not overlap, and takes any order; "
	    "memmove takes them as they are. Use memmove within one buffer. "
	    "bcopy, bcmp and bzero are the old names of memmove, memcmp and "
	    "memset.",
	.next = "copy two places back instead: is the loop right then?",
	.pages = "memmove(3) memcpy(3) memmem(3) memccpy(3) bzero(3)",
	.measure = measure
};
