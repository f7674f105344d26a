/* SPDX-License-Identifier: MIT */
/*
 * traces.h - what a lesson must give a name to, and that nothing of it stays
 *
 * A lesson removes what it made as soon as that can go.  For whatever ends it
 * before, there is a janitor: a process that waits until the lesson and all of
 * its children have gone, and then removes what it was told of.
 */
#ifndef TRACES_H
#define TRACES_H

#include <stddef.h>
#include <sys/ipc.h>

/* A file, a FIFO, or a directory with the files in it; the last one told of
 * goes first.  It need not be there yet. */
void traces_path(const char *path);

/* Have the janitor, for children too; else the first of these does. */
void traces_begin(void);

/* A System V segment. */
void traces_id(int id);

/* A new System V segment of size bytes with a key that nobody had; the lesson
 * is skipped without. */
int traces_segment(key_t *key, size_t size);

/* "/mem-tour-PID", a name for a POSIX object that is yet to be made. */
void traces_name(char *name, size_t size);

#endif
