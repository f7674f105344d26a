/* SPDX-License-Identifier: MIT */
/*
 * table-each.c - walk all cells while others change the table
 *
 * A bucket has an interval of hashes, when these are read from their lowest
 * bit to their highest, and a split cuts it in two; nothing ever joins them.
 * So the walk goes through the hashes in that order, takes the bucket that has
 * the next one now, and all that it has, at one time, goes on behind its
 * interval.  No cell is met twice, and none that stays is missed.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "table-layout.h"


/* The cells of a bucket: each a header, then its value, aligned. */
struct item {
	struct shmu_cell	cell;
	uint64_t		room;	/* bytes of value behind it */
};

struct heap_of_cells {
	unsigned char	*p;
	uint64_t	 used, size;
};

static uint32_t
reversed(uint32_t n)
{
	n = (n >> 1 & 0x55555555) | (n & 0x55555555) << 1;
	n = (n >> 2 & 0x33333333) | (n & 0x33333333) << 2;
	n = (n >> 4 & 0x0f0f0f0f) | (n & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(n);
}

/* How many hashes, of 2^32, belong into bucket b of so many. */
static uint64_t
width(uint64_t b, uint64_t buckets)
{
	uint64_t top = UINT64_C(1) << (63 - __builtin_clzll(buckets));

	if (b >= top || b + top < buckets)
		top *= 2;
	return (UINT64_C(1) << 32) / top;
}

static struct item *
more(struct heap_of_cells *m, uint64_t room)
{
	uint64_t need = sizeof(struct item) + shmu_range_up(room, 16), size;
	unsigned char *p;
	struct item *out;

	if (need > m->size - m->used) {
		size = 2 * m->size + need;
		p = size < need ? NULL : realloc(m->p, size);
		if (p == NULL) {
			errno = ENOMEM;
			return NULL;
		}
		m->p = p;
		m->size = size;
	}
	out = (struct item *)(void *)(m->p + m->used);
	out->room = shmu_range_up(room, 16);
	m->used += need;
	return out;
}

/* 1: taken.  0: it cannot be right.  -1: no memory. */
static int
take(struct shmu_table *t, struct heap_of_cells *m, const struct entry *e)
{
	uint64_t length = shmu_t_entry_length(t, e, LOAD(&e->key_length));
	struct item *i;

	if (length == UINT64_MAX)
		return 0;
	i = more(m, length);
	if (i == NULL)
		return -1;
	/* It may have grown meanwhile, and then it is all read again. */
	return shmu_t_look_entry(t, e, i + 1, length, &i->cell) &&
	    i->cell.length <= length;
}

static int
take_chain(struct shmu_table *t, struct heap_of_cells *m,
    const struct bucket *p)
{
	uint32_t hops, i;
	uint64_t word;
	int r;

	m->used = 0;
	for (hops = 0; p != NULL && hops < TABLE_HOPS; hops++) {
		for (i = 0; i < BUCKET_SLOTS; i++) {
			word = LOAD(&p->slot[i]);
			if (word == 0 || slot_link(word))
				continue;
			if (slot_at(t, word) == NULL)
				return 0;
			r = take(t, m, slot_at(t, word));
			if (r != 1)
				return r;
		}
		word = LOAD(&p->slot[BUCKET_LAST]);
		if (!slot_link(word))
			return 1;
		p = slot_at(t, word);
	}
	return 0;
}

/* Under the lock, for what others change faster than it is read. */
static int
take_held(struct shmu_table *t, struct heap_of_cells *m, uint64_t b)
{
	struct bucket *p;
	int r;

	if (shmu_t_tidy(t) == -1 || shmu_t_lock(t, b, &p) == -1)
		return -1;
	r = take_chain(t, m, p);
	shmu_t_unlock(t, p, false);
	return r;
}

/* All cells of the bucket that has the hash; how many hashes that are. */
static int
take_bucket(struct shmu_table *t, struct heap_of_cells *m, uint32_t hash,
    uint64_t *wide)
{
	uint64_t b, word;
	struct bucket *p;
	uint32_t tries;
	int r;

	for (tries = 0;; tries++) {
		b = bucket_of(hash, buckets_now(t));
		if (tries == TRIES_READING) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (tries >= TRIES && !t->heap->reading) {
			r = take_held(t, m, b);
		} else {
			if (shmu_t_look_begin(t, b, &p, &word) == -1)
				return -1;
			r = take_chain(t, m, p);
			if (!shmu_t_look_end(p, word))
				continue;
		}
		*wide = width(b, buckets_now(t));
		if (r == -1 || bucket_of(hash, buckets_now(t)) == b)
			break;
	}
	if (r == 0)
		errno = EBADMSG;
	return r == 1 ? 0 : -1;
}

static int
tell(const struct heap_of_cells *m,
    int (*each)(const struct shmu_cell *, const void *, void *), void *arg)
{
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && at < m->used) {
		const struct item *i = (const void *)(m->p + at);
		bool value = i->cell.type == SHMU_CELL_BYTES ||
		    i->cell.type == SHMU_CELL_INTEGER;

		at += sizeof *i + i->room;
		r = each(&i->cell, value ? i + 1 : NULL, arg);
	}
	return r;
}

int
shmu_table_each(struct shmu_table *t,
    int (*each)(const struct shmu_cell *, const void *, void *), void *arg)
{
	struct heap_of_cells m = { NULL, 0, 0 };
	uint64_t at = 0, wide;
	int r = 0, err;

	if (!shmu_t_usable(t, 1))
		return -1;
	while (r == 0 && at >> 32 == 0) {
		r = take_bucket(t, &m, reversed((uint32_t)at), &wide);
		if (r == 0) {
			at += wide;
			r = tell(&m, each, arg);
		}
	}
	err = errno;
	free(m.p);
	errno = err;
	return r;
}
