/* SPDX-License-Identifier: MIT */
/*
 * table-cell.c - take the bucket of a cell, make, replace or remove the cell,
 * and leave
 *
 * A chunk that is being put in or was taken out is named by the journal for as
 * long as it may be nobody's: J_NEW from its allocation until the bucket has
 * it, J_OLD from before the bucket lets go of it until it is free.
 */
#include "config.h"

#include <string.h>

#include "table-layout.h"

bool
shmu_t_entry_is(const struct shmu_table *t, const struct entry *e,
    const void *key, size_t key_length)
{
	uint64_t off = (uint64_t)((const unsigned char *)e - t->base);

	return e->key_length == key_length &&
	    within(t->heap, off, entry_head(key_length)) &&
	    memcmp(e->key, key, key_length) == 0;
}

uint64_t
shmu_t_entry_length(const struct shmu_table *t, const struct entry *e,
    size_t key_length)
{
	uint64_t off = (uint64_t)((const unsigned char *)e - t->base),
	    length = LOAD(&e->length);

	off += entry_head(key_length);
	return within(t->heap, off, length) ? length : UINT64_MAX;
}

static void
describe(struct cell *c, struct entry *e, uint64_t length)
{
	c->entry = e;
	c->type = e == NULL ? SHMU_CELL_NONE : (enum shmu_cell_type)e->type;
	c->payload = e == NULL ? NULL : entry_payload(e, c->key_length);
	c->length = length;
}

/* Find the key in the chain.  1, 0, or -1 with EBADMSG. */
static int
find(struct cell *c)
{
	struct shmu_table *t = c->t;
	struct bucket *p = t->head;
	uint32_t hops, i;
	struct entry *e;
	uint64_t word;

	t->link = NULL;
	for (hops = 0; p != NULL && hops < TABLE_HOPS; hops++) {
		for (i = 0; i < BUCKET_SLOTS; i++) {
			word = LOAD(&p->slot[i]);
			if (word >> 32 != (uint32_t)c->hash || word == 0 ||
			    slot_link(word))
				continue;
			e = slot_at(t, word);
			if (e == NULL)
				return -1;
			if (!shmu_t_entry_is(t, e, c->key, c->key_length))
				continue;
			t->at = &p->slot[i];
			t->in = p;
			describe(c, e, shmu_t_entry_length(t, e,
			    c->key_length));
			return c->length == UINT64_MAX ||
			    c->type == SHMU_CELL_NONE ||
			    c->type > SHMU_CELL_QUEUE ? -1 : 1;
		}
		if (!slot_link(LOAD(&p->slot[BUCKET_LAST])))
			return 0;
		t->link = &p->slot[BUCKET_LAST];
		p = slot_at(t, *t->link);
	}
	return -1;
}

/* Free what the journal still names.  What cannot be freed now, since somebody
 * has had the heap's lock for too long, is freed before anything else. */
int
shmu_t_tidy(struct shmu_table *t)
{
	uint64_t *j = journal(t);

	if (likely((j[J_NEW] | j[J_OLD]) == 0))
		return 0;
	if (j[J_NEW] != 0 &&
	    shmu_heap_free_from(t->heap, &j[J_NEW]) == -1)
		return -1;
	return j[J_OLD] == 0 ? 0 : shmu_heap_free_from(t->heap, &j[J_OLD]);
}

/* A split may come between the choice of the bucket and its lock. */
static int
lock(struct cell *c)
{
	struct shmu_table *t = c->t;

	for (;;) {
		c->bucket = bucket_of(c->hash, buckets_now(t));
		if (shmu_t_lock(t, c->bucket, &t->head) == -1)
			return -1;
		if (likely(bucket_of(c->hash, buckets_now(t)) == c->bucket))
			return 0;
		shmu_t_unlock(t, t->head, false);
	}
}

int
shmu_t_take_for(struct shmu_table *t, const void *key, size_t key_length,
    struct cell *c)
{
	c->t = t;
	c->key = key;
	c->key_length = key_length;
	describe(c, NULL, 0);
	c->hash = shmu_t_hash(t, key, key_length);
	if (lock(c) == -1)
		return -1;
	if (find(c) != -1)
		return 0;
	shmu_t_unlock(t, t->head, false);
	errno = EBADMSG;
	return -1;
}

int
shmu_t_take(struct shmu_table *t, const void *key, size_t key_length,
    struct cell *c)
{
	if (!shmu_t_writable(t, key_length) || shmu_t_tidy(t) == -1)
		return -1;
	return shmu_t_take_for(t, key, key_length, c);
}

/* An entry that only this thread's journal has; the payload is not set. */
struct entry *
shmu_t_entry_new(struct shmu_table *t, const void *key, size_t key_length,
    enum shmu_cell_type type, uint64_t length)
{
	uint64_t *j = journal(t), head = entry_head(key_length), size;
	struct entry *e;

	if (!shmu_range_fits(head, length, t->heap->l.maximum)) {
		errno = ENOMEM;
		return NULL;
	}
	size = shmu_range_up(head + length, 64);
	if (shmu_heap_alloc_into(t->heap, size, &j[J_NEW]) == -1)
		return NULL;
	e = (struct entry *)(t->base + j[J_NEW]);
	e->type = (uint8_t)type;
	e->key_length = (uint8_t)key_length;
	e->room = (uint16_t)((size - head) / 16 < UINT16_MAX ?
	    (size - head) / 16 : UINT16_MAX);
	e->length = length;
	memcpy(e->key, key, key_length);
	return e;
}

/* The bucket had none: one store adds the slot's word. */
static int
insert(struct cell *c, uint64_t word)
{
	struct shmu_table *t = c->t;
	uint64_t *j = journal(t);

	RELEASE(&j[J_SAVED], j[J_COUNT]);
	RELEASE(&j[J_WHAT], COUNT_MORE);
	if (shmu_t_chain_add(t, t->head, word, &j[J_OLD]) == -1) {
		RELEASE(&j[J_WHAT], 0);
		return -1;
	}
	RELEASE(&j[J_COUNT], j[J_COUNT] + 1);
	RELEASE(&j[J_WHAT], 0);
	RELEASE(&j[J_OLD], 0);
	return 0;
}

/* More than any entry that was in the bucket had, for the sequence grows with
 * each change: who waits for one sees that a cell was removed and made anew. */
static uint32_t
changes_first(const struct shmu_table *t)
{
	return (uint32_t)(LOAD(&t->head->word) / WORD_SEQUENCE) + 1;
}

/* Make the new entry the cell, in the place of the old one if there is one. */
int
shmu_t_publish(struct cell *c, struct entry *e)
{
	struct shmu_table *t = c->t;
	uint64_t *j = journal(t), word = SLOT_OF(j[J_NEW], c->hash);
	struct entry *old = c->entry;

	if (old == NULL) {
		e->changes = changes_first(t);
		if (insert(c, word) == -1)
			return -1;
		t->grown = true;
	} else {
		e->changes = old->changes + 1;
		RELEASE(&j[J_OLD], offset(t->heap, old));
		RELEASE(t->at, word);		/* the commit */
	}
	RELEASE(&j[J_NEW], 0);
	t->counted = true;
	describe(c, e, e->length);
	return 0;
}

int
shmu_t_make(struct cell *c, enum shmu_cell_type type, uint64_t length,
    void (*init)(void *, void *), void *arg)
{
	struct entry *e = shmu_t_entry_new(c->t, c->key, c->key_length, type,
	    length);

	if (e == NULL)
		return -1;
	memset(entry_payload(e, c->key_length), 0, length);
	if (init != NULL)
		init(entry_payload(e, c->key_length), arg);
	return shmu_t_publish(c, e);
}

void
shmu_t_remove(struct cell *c)
{
	struct shmu_table *t = c->t;
	uint64_t *j = journal(t);

	RELEASE(&j[J_SAVED], j[J_COUNT]);
	RELEASE(&j[J_OLD], offset(t->heap, c->entry));
	if (t->link != NULL && shmu_t_chain_only(t->in, t->at) != 1)
		RELEASE(&j[J_NEW], offset(t->heap, t->in));
	RELEASE(&j[J_WHAT], COUNT_LESS);
	shmu_t_chain_remove(t->at, t->in, t->link);	/* the commit */
	RELEASE(&j[J_COUNT], j[J_COUNT] - 1);
	RELEASE(&j[J_WHAT], 0);
	describe(c, NULL, 0);
}

/* Another number of changes, before the change itself: whoever dies between
 * has raised it for nothing, which is no harm. */
void
shmu_t_count(struct cell *c)
{
	struct entry *e = c->entry;

	RELEASE(&e->changes, e->changes + 1);
	c->t->counted = true;
}

void
shmu_t_leave(struct cell *c, bool changed)
{
	struct shmu_table *t = c->t;
	struct shmu_event *event;
	int err = errno;

	if (changed && !t->counted && c->entry != NULL)
		shmu_t_count(c);
	t->counted = false;
	shmu_t_unlock(t, t->head, changed);
	if (changed) {
		/* See shmu_t_unlock. */
		event = shmu_t_event(t, c->hash);
		if (unlikely(__atomic_load_n(&event->waiters,
		    __ATOMIC_SEQ_CST) != 0))
			shmu_event_notify(event);
	}
	shmu_t_tidy(t);
	if (unlikely(t->grown)) {
		t->grown = false;
		shmu_t_grow(t);
	}
	errno = err;
}
