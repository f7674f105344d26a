/* SPDX-License-Identifier: MIT */
/* process.h - what a process is called */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/*
 * Whether the process that was pid once is proven dead: there is none, or one
 * that ended and was not waited for.  0 whenever that cannot be shown, as for
 * pid 0, which is a process of a namespace that cannot be seen from here.  One
 * that seems to have started later is no proof: that is known by two clocks, of
 * which one can be set.
 */
int process_dead(pid_t pid);

/* Its command as the kernel has it, any bytes; "" when there is none to see. */
const char *process_command(pid_t pid, char *buf, size_t size);

/* The same of the creator of a System V segment with that ctime; "" also when
 * the process of that number seems to have started later. */
const char *process_creator(pid_t pid, time_t ctime, char *buf, size_t size);

#endif
