/* SPDX-License-Identifier: MIT */
/* cell-item.c - the items of a queue, copied out */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cell-queue.h"

int
shmu_t_item(const struct cell *c, uint64_t off, void **item, size_t *length)
{
	struct shmu_heap *h = shmu_table_heap(c->t);
	const struct cell_item *from = shmu_heap_at(h, off);
	size_t usable = from == NULL ? 0 : shmu_heap_usable(h, from);
	uint64_t n;
	char *bytes;

	if (usable < sizeof *from ||
	    (n = LOAD(&from->length)) > usable - sizeof *from) {
		errno = EBADMSG;
		return -1;
	}
	bytes = malloc((size_t)n + 1);
	if (bytes == NULL)
		return -1;
	memcpy(bytes, from->bytes, (size_t)n);
	bytes[n] = '\0';
	*item = bytes;
	*length = (size_t)n;
	return 0;
}

/* The offset of what stands at the first position from *position on, which
 * *position then is; 0: there is no more. */
static uint64_t
from_position(const struct cell *c, const struct cell_ring *r,
    uint64_t *position)
{
	uint64_t room, i, at = r->next, off = 0, start = *position;
	struct cell_lease *l = shmu_t_array(c, &r->q->leases, sizeof *l, &room);

	if (start < r->first)
		at = r->first;
	else if (start < r->next)
		at = start;
	if (at < r->next)
		off = LOAD(&r->slots[at % r->n]);
	for (i = 0; i < room; i++) {
		uint64_t p = LOAD(&l[i].position);

		if (shmu_t_leased(&l[i], r->first) && p >= start &&
		    (p < at || off == 0)) {
			at = p;
			off = LOAD(&l[i].item);
		}
	}
	*position = at;
	return off;
}

static int
look(struct cell *c, uint64_t *position, void **item, size_t *length)
{
	struct cell_ring r;
	uint64_t off;

	if (shmu_t_ring(c, &r) == -1)
		return -1;
	off = from_position(c, &r, position);
	if (off == 0) {
		errno = ENOENT;
		return -1;
	}
	++*position;
	return shmu_t_item(c, off, item, length);
}

int
shmu_queue_item(struct shmu_table *t, const void *key, size_t key_length,
    uint64_t *position, void **item, size_t *length)
{
	struct cell c;
	int r, err;

	if (shmu_t_take(t, key, key_length, &c) == -1)
		return -1;
	r = look(&c, position, item, length);
	err = errno;
	shmu_t_leave(&c, false);
	errno = err;
	return r;
}
