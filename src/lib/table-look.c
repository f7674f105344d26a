/* SPDX-License-Identifier: MIT */
/*
 * table-look.c - read without a lock
 *
 * The word of the bucket is loaded before and after: if nobody had it and it is
 * the same, what was read between was all true at one time, also when an entry
 * was freed and used again meanwhile.  Until that is known nothing that was
 * read is trusted to be more than bits.
 */
#include "config.h"

#include <string.h>

#include "table-layout.h"

/* Copy n bytes that may change meanwhile; from is aligned to 16. */
static void
copy(void *to, const unsigned char *from, uint64_t n)
{
	unsigned char *out = to;
	uint64_t word, i;

	for (i = 0; i + sizeof word <= n; i += sizeof word) {
		word = LOAD((const uint64_t *)(const void *)(from + i));
		memcpy(out + i, &word, sizeof word);
	}
	for (; i < n; i++)
		out[i] = LOAD(from + i);
}

/* What is stored is copied to buf, at most size bytes.  false: it cannot be
 * right. */
bool
shmu_t_look_entry(const struct shmu_table *t, const struct entry *e,
    void *buf, uint64_t size, struct shmu_cell *cell)
{
	uint64_t off = (uint64_t)((const unsigned char *)e - t->base), length;
	uint8_t type = LOAD(&e->type), key_length = LOAD(&e->key_length);
	bool value = type == SHMU_CELL_BYTES || type == SHMU_CELL_INTEGER;

	length = shmu_t_entry_length(t, e, key_length);
	if (length == UINT64_MAX || type == SHMU_CELL_NONE ||
	    type > SHMU_CELL_QUEUE ||
	    !within(t->heap, off, entry_head(key_length)))
		return false;
	if (value)
		copy(buf, t->base + off + entry_head(key_length),
		    length < size ? length : size);
	if (cell == NULL)
		return true;
	cell->type = (enum shmu_cell_type)type;
	cell->changes = LOAD(&e->changes);
	cell->length = value ? length : 0;
	cell->key_length = key_length;
	memcpy(cell->key, e->key, key_length);
	cell->key[key_length] = '\0';
	return true;
}

/* The entry of a key in the chain: 1, 0, or -1 when the chain is damaged or
 * was changed meanwhile. */
static int
find(const struct shmu_table *t, const struct bucket *p, const void *key,
    size_t key_length, uint64_t hash, struct entry **out)
{
	uint32_t hops, i;
	uint64_t word;

	for (hops = 0; hops < TABLE_HOPS; hops++) {
		for (i = 0; i < BUCKET_SLOTS; i++) {
			word = LOAD(&p->slot[i]);
			if (word >> 32 != (uint32_t)hash || word == 0 ||
			    slot_link(word))
				continue;
			*out = slot_at(t, word);
			if (*out == NULL)
				return -1;
			if (shmu_t_entry_is(t, *out, key, key_length))
				return 1;
		}
		word = LOAD(&p->slot[BUCKET_LAST]);
		if (!slot_link(word))
			return 0;
		p = slot_at(t, word);
		if (p == NULL)
			return -1;
	}
	return -1;
}

/* Wait until nobody has the bucket; its word then. */
int
shmu_t_look_begin(struct shmu_table *t, uint64_t b, struct bucket **p,
    uint64_t *word)
{
	*p = bucket_at(t, b);
	if (*p == NULL)
		return -1;
	for (;;) {
		*word = ACQUIRE(&(*p)->word);
		if (likely((*word & WORD_LOCKED) == 0))
			return 0;
		if (shmu_t_await(t, b, *p, *word) == -1)
			return -1;
	}
}

/* Whether nothing has changed since. */
bool
shmu_t_look_end(const struct bucket *p, uint64_t word)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return LOAD(&p->word) == word;
}

/* With the bucket held: for what others change faster than it is read. */
static int
get_held(struct shmu_table *t, const void *key, size_t key_length, void *buf,
    size_t size, struct shmu_cell *cell)
{
	struct cell c;
	int r = 0;

	if (t->heap->reading) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (shmu_t_take(t, key, key_length, &c) == -1)
		return -1;
	if (c.type == SHMU_CELL_NONE) {
		errno = ENOENT;
		r = -1;
	} else if (!shmu_t_look_entry(t, c.entry, buf, size, cell)) {
		errno = EBADMSG;
		r = -1;
	}
	shmu_t_leave(&c, false);
	return r;
}

int
shmu_table_get(struct shmu_table *t, const void *key, size_t key_length,
    void *buf, size_t size, struct shmu_cell *cell)
{
	uint32_t tries = 0, most = t->heap->reading ? TRIES_READING : TRIES;
	uint64_t hash, b, word;
	struct entry *e;
	struct bucket *p;
	int r;

	if (!shmu_t_usable(t, key_length))
		return -1;
	hash = shmu_t_hash(t, key, key_length);
	while (tries++ < most) {
		b = bucket_of(hash, buckets_now(t));
		if (shmu_t_look_begin(t, b, &p, &word) == -1)
			return -1;
		r = find(t, p, key, key_length, hash, &e);
		if (r == 1 && !shmu_t_look_entry(t, e, buf, size, cell))
			r = -1;
		if (unlikely(!shmu_t_look_end(p, word)))
			continue;
		if (likely(r == 1))
			return 0;
		if (r == 0 && bucket_of(hash, buckets_now(t)) != b)
			continue;
		errno = r == -1 ? EBADMSG : ENOENT;
		return -1;
	}
	return get_held(t, key, key_length, buf, size, cell);
}
