/* SPDX-License-Identifier: MIT */
/* buffer.h - bytes that grow, to be used again */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>

/* All zero is empty. */
struct buffer {
	char	*bytes;
	size_t	 used, room;
};

/* Room for n bytes more behind what is used, and one for a NUL; NULL with
 * ENOMEM, and nothing changed. */
char *buffer_room(struct buffer *b, size_t n);

/* Append; 0, or -1 with ENOMEM. */
int buffer_add(struct buffer *b, const void *bytes, size_t n);
int buffer_byte(struct buffer *b, char c);

void buffer_free(struct buffer *b);

#endif
