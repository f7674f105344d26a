/* SPDX-License-Identifier: MIT */
/* calls.c - which system calls does a function make?  See calls.h */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "lesson.h"
#include "victim.h"

/* A call that fails at once, and that nobody else makes. */
void
mark(void)
{
	syscall(SYS_write, -1, NULL, 0);
}

const char *
call_name(const struct call *c)
{
	switch (c->number) {
	case SYS_brk: return "brk";
	case SYS_mmap: return "mmap";
	case SYS_munmap: return "munmap";
	case SYS_mremap: return "mremap";
	case SYS_getrandom: return "getrandom";
	default: return "another call";
	}
}

#ifdef PTRACE_GET_SYSCALL_INFO

static void __attribute__((noreturn))
traced(void (*fn)(void *), void *arg)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		_exit(1);
	raise(SIGSTOP);
	mark();
	fn(arg);
	_exit(0);
}

static int
is_mark(const struct call *c)
{
	return c->number == SYS_write && (int)c->args[0] == -1;
}

/* The child has stopped at one end of a call; note it.  -1: cannot tell. */
static int
note(pid_t pid, struct call *c, int *n, int max)
{
	struct __ptrace_syscall_info info;
	size_t i;

	memset(&info, 0, sizeof info);
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info,
	    &info) <= 0)
		return -1;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && *n < max) {
		memset(&c[*n], 0, sizeof *c);
		c[*n].number = (int64_t)info.entry.nr;
		for (i = 0; i < 3; i++)
			c[*n].args[i] = info.entry.args[i];
		if (is_mark(&c[*n]))
			c[*n].number = -1;
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && *n < max) {
		c[(*n)++].result = info.exit.rval;
	}
	return 0;
}

/* Let it go on, from call to call, until it has ended. */
static int
follow(pid_t pid, struct call *calls, int max)
{
	int n = 0, status, ok = 1;

	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
	while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 &&
	    waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    note(pid, calls, &n, max) == -1)
			ok = 0;
	return ok && n > 0 && calls[0].number == -1 ? n : -1;
}

int
calls_of(void (*fn)(void *), void *arg, struct call *calls, int max)
{
	pid_t pid = lesson_fork();
	int status, n;

	if (pid == 0)
		traced(fn, arg);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	n = follow(pid, calls, max);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return n;
}

#else

int
calls_of(void (*fn)(void *), void *arg, struct call *calls, int max)
{
	(void)fn, (void)arg, (void)calls, (void)max;
	return -1;
}

#endif
