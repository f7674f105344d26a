/* SPDX-License-Identifier: MIT */
/* step.c - stop a function at each of its instructions; see step.h */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "step.h"

#if defined __x86_64__
#define PC(r)	((uintptr_t)(r).rip)
#elif defined __aarch64__
#define PC(r)	((uintptr_t)(r).pc)
#endif

/* Where the child goes from the last instruction of fn; the first is fn's own
 * address. */
static void __attribute__((noinline, noreturn))
landing(void)
{
	_exit(0);
}

static void __attribute__((noinline, noreturn))
child(void (*fn)(void *), void *arg)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		_exit(1);
	raise(SIGSTOP);
	fn(arg);
	landing();
}

#ifdef PC
static int
where(pid_t pid, uintptr_t *pc)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof regs };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov) == -1)
		return -1;
	*pc = PC(regs);
	return 0;
}
#else
static int
where(pid_t pid, uintptr_t *pc)
{
	(void)pid;
	(void)pc;
	errno = ENOTSUP;
	return -1;
}
#endif

/* One instruction further; a signal that came instead is delivered.  1 when
 * the child has stopped again, 0 when it has ended. */
static int
step(pid_t pid, int *status)
{
	int sig = 0;

	do {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL,
			(void *)(intptr_t)sig) == -1 ||
		    waitpid(pid, status, 0) != pid)
			return -1;
		if (!WIFSTOPPED(*status))
			return 0;
		sig = WSTOPSIG(*status);
	} while (sig != SIGTRAP);
	return 1;
}

/* Step until the child is at pc; -1 when it never comes there. */
static int
go_to(pid_t pid, uintptr_t target)
{
	uintptr_t pc;
	int status;

	do
		if (step(pid, &status) != 1 || where(pid, &pc) == -1)
			return -1;
	while (pc != target);
	return 0;
}

static int
trace(pid_t pid, step_fn *at, void *ctx, struct step_end *end)
{
	enum step_next next = STEP_ON;
	uintptr_t pc;
	int r = 1;

	while (next == STEP_ON && r == 1) {
		if (where(pid, &pc) == -1)
			return -1;
		if (pc == (uintptr_t)landing) {
			end->finished = 1;
			break;
		}
		next = at(ctx, pid, end->steps++, pc);
		if (next == STEP_ON)
			r = step(pid, &end->status);
	}
	if (r == -1)
		return -1;
	if (r == 0)
		return 0;
	if (next == STEP_KILL)
		kill(pid, SIGKILL);
	else
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	if (waitpid(pid, &end->status, 0) != pid)
		return -1;
	end->finished |= WIFEXITED(end->status) &&
			 WEXITSTATUS(end->status) == 0;
	return 0;
}

int
step_run(void (*fn)(void *), void *arg, step_fn *at, void *ctx,
    struct step_end *end)
{
	int status, err, r = -1;
	pid_t pid = fork();

	*end = (struct step_end){ 0, 0, 0 };
	if (pid == -1)
		return -1;
	if (pid == 0)
		child(fn, arg);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (!WIFSTOPPED(status)) {
		errno = EPERM;
		return -1;
	}
	if (go_to(pid, (uintptr_t)fn) == 0)
		r = trace(pid, at, ctx, end);
	if (r == -1) {
		err = errno;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		errno = err;
	}
	return r;
}

struct between {
	unsigned long	 n;
	void		(*meanwhile)(void *);
	void		*other;
	int		 reached;
};

static enum step_next
reach(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	struct between *b = ctx;

	(void)pid;
	(void)pc;
	if (n < b->n)
		return STEP_ON;
	b->reached = 1;
	b->meanwhile(b->other);
	return STEP_FREE;
}

int
step_between(void (*fn)(void *), void *arg, unsigned long n,
    void (*meanwhile)(void *), void *other)
{
	struct between b = { n, meanwhile, other, 0 };
	struct step_end end;

	return step_run(fn, arg, reach, &b, &end) == -1 ? -1 : b.reached;
}
