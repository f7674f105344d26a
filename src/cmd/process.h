/* SPDX-License-Identifier: MIT */
/* process.h - what /proc tells of a process */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/*
 * Whether the process that was pid at the time since is proven dead: there is
 * none, it is a zombie, or the one there is was started later.  0 whenever
 * that cannot be shown, as for pid 0, which is a process of a namespace that
 * cannot be seen from here.
 */
int process_dead(pid_t pid, time_t since);

/* Its command as the kernel has it, or "?"; bytes of any kind. */
const char *process_command(pid_t pid, char *buf, size_t size);

#endif
