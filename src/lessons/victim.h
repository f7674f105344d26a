/* SPDX-License-Identifier: MIT */
/* victim.h - children of a lesson: those that die, and those that share */
#ifndef VICTIM_H
#define VICTIM_H

#include <stdint.h>
#include <sys/types.h>

/* How a child ended, and where a fault was. */
struct victim {
	int		 exited;	/* with this status, or -1 */
	int		 signal;	/* by this one, or 0 */
	int		 code;		/* si_code of the fault, or 0 */
	uintptr_t	 addr;		/* si_addr of the fault */
	char		 said[256];	/* the first line on its stderr */
};

/*
 * Run fn(arg) in a child and wait for its end; fn that returns is exit 0.  It
 * dumps no core.  A fault is caught on a stack of its own, noted, and then
 * kills the child as if it had not been caught.
 */
void victim_run(void (*fn)(void *), void *arg, struct victim *end);

/* "SIGSEGV", and "SEGV_MAPERR" of a signal and its code. */
const char *victim_signal(int sig);
const char *victim_code(int sig, int code);

/* fork(2) of a child that dies with its parent; the lesson is skipped when
 * there is none. */
pid_t lesson_fork(void);

/* The status of a child once it ended: its exit status, or -signal. */
int lesson_wait(pid_t pid);

/* A turn that goes from process to process: memory that a fork shares. */
struct turns {
	volatile uint32_t	*turn;
};
void turns_open(struct turns *t);
void turns_give(struct turns *t, uint32_t to);
void turns_await(const struct turns *t, uint32_t mine);

/* Zeroed memory that children share; the lesson is skipped without. */
void *lesson_shared(size_t size);

#endif
