/* SPDX-License-Identifier: MIT */
/* buffer.c - bytes that grow, to be used again; see buffer.h */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

char *
buffer_room(struct buffer *b, size_t n)
{
	size_t room = b->room;
	char *p;

	if (n >= SIZE_MAX / 4 || b->used >= SIZE_MAX / 4) {
		errno = ENOMEM;
		return NULL;
	}
	if (n < room - b->used)
		return b->bytes + b->used;
	room = room > 0 ? room : 256;
	while (room - b->used <= n)
		room *= 2;
	p = realloc(b->bytes, room);
	if (p == NULL)
		return NULL;
	b->bytes = p;
	b->room = room;
	return p + b->used;
}

int
buffer_add(struct buffer *b, const void *bytes, size_t n)
{
	char *p = buffer_room(b, n);

	if (p == NULL)
		return -1;
	if (n > 0)
		memcpy(p, bytes, n);
	b->used += n;
	return 0;
}

int
buffer_byte(struct buffer *b, char c)
{
	return buffer_add(b, &c, 1);
}

void
buffer_free(struct buffer *b)
{
	free(b->bytes);
	memset(b, 0, sizeof *b);
}
