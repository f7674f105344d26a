/* SPDX-License-Identifier: MIT */
/*
 * progress.h - a line on the terminal for what takes longer than a second
 *
 * Nothing happens unless standard error is a terminal and neither --quiet nor
 * --explain is there.  The line is drawn by a thread, since the main one may be
 * in a system call that no signal interrupts.  Between begin and end nobody
 * else may print.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/* Begin: what is done to text, and of how many bytes, 0 when nobody knows. */
void progress_begin(const char *text, const char *what, uint64_t total);

/* So much is done. */
void progress_at(uint64_t done);

/* Begin writing back the dirty pages of fd, which are counted by cachestat. */
void progress_begin_sync(const char *text, int fd);

/* End, and take the line away. */
void progress_end(void);

#endif
