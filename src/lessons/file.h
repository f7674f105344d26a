/* SPDX-License-Identifier: MIT */
/* file.h - files for lessons: without a name, gone with the process */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>

/* A file of size bytes, all fill, on a disk if there is a directory on one:
 * TMPDIR, /var/tmp, HOME, /tmp.  The lesson is skipped when none can be had. */
int lesson_file(size_t size, char fill);

/* The same, opened for reading only. */
int lesson_file_read_only(size_t size);

/* Skip the lesson if the file is on no disk: there it could not be seen. */
void lesson_needs_disk(int fd);

/* The directory it is in. */
const char *lesson_file_where(void);

#endif
