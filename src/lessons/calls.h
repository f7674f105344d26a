/* SPDX-License-Identifier: MIT */
/* calls.h - which system calls does a function make?  A small strace */
#ifndef CALLS_H
#define CALLS_H

#include <stddef.h>
#include <stdint.h>

struct call {
	int64_t		number;
	uint64_t	args[3];
	int64_t		result;
};

/*
 * Run fn(arg) in a child, under ptrace(2), and note the calls that it makes
 * from its first call to mark() on; each mark is noted as a call with number
 * -1.  Returns how many there were, max at most; or -1 where ptrace is not
 * allowed, or cannot tell.
 */
int calls_of(void (*fn)(void *), void *arg, struct call *calls, int max);
void mark(void);

/* "brk", "mmap", "munmap", "mremap", "getrandom", or "another call". */
const char *call_name(const struct call *c);

#endif
