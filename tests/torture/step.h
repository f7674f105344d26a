/* SPDX-License-Identifier: MIT */
/*
 * step.h - stop a function at each of its instructions
 *
 * A function is run in a child, which shares with the tracer what was mapped
 * shared before.  Between its first instruction and its return, the child
 * stops before every instruction and the tracer is called.  It may look, write
 * to what is shared, step a second function meanwhile, or kill the child there.
 * What libc does around the function is not stepped.
 *
 * Link with -Wl,-z,now, so that the first call of a function of libc is no
 * different from the second.
 */
#ifndef STEP_H
#define STEP_H

#include <stdint.h>
#include <sys/types.h>

enum step_next {
	STEP_ON,	/* execute one instruction, then stop again */
	STEP_FREE,	/* go on without stops */
	STEP_KILL	/* SIGKILL, here */
};

/* Called before instruction n (from 0) of the child pid, at address pc. */
typedef enum step_next step_fn(void *ctx, pid_t pid, unsigned long n,
    uintptr_t pc);

/* What became of the child. */
struct step_end {
	unsigned long	 steps;		/* instructions that the tracer saw */
	int		 finished;	/* fn has returned; 0: it was killed */
	int		 status;	/* as waitpid(2), when not finished */
};

/*
 * Run fn(arg) so.  Signals that the child gets are delivered to it.  0; or -1
 * with errno: as fork(2) and ptrace(2), EPERM where tracing is forbidden, and
 * ENOTSUP on a processor whose registers are not known here.
 */
int step_run(void (*fn)(void *), void *arg, step_fn *at, void *ctx,
    struct step_end *end);

/*
 * The same for one instruction: run fn(arg) up to before its instruction n,
 * call meanwhile(other), and let it go on.  1; 0 when fn has no more than n
 * instructions, so that counting n up from 0 until then is every point there
 * is; -1 as above.
 */
int step_between(void (*fn)(void *), void *arg, unsigned long n,
    void (*meanwhile)(void *), void *other);

#endif
