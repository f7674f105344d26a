/* SPDX-License-Identifier: MIT */
/* table-chain.c - a bucket and its overflow: find, add, remove, each by one
 * store that counts */
#include "config.h"

#include <string.h>

#include "table-layout.h"

/* Whether an entry, or a bucket of overflow, is in the chain. */
bool
shmu_t_chain_holds(struct shmu_table *t, struct bucket *p, uint64_t off)
{
	uint32_t hops, i;

	for (hops = 0; p != NULL && hops < TABLE_HOPS; hops++) {
		for (i = 0; i < BUCKET_SLOTS; i++)
			if (SLOT_OFFSET(LOAD(&p->slot[i])) == off)
				return true;
		if (!slot_link(LOAD(&p->slot[BUCKET_LAST])))
			break;
		p = slot_at(t, LOAD(&p->slot[BUCKET_LAST]));
	}
	return false;
}

/*
 * The last bucket is full: another one takes word and what was in the last
 * slot, and is linked there by one store.  *chunk is where the journal has it
 * until then.
 */
static int
extend(struct shmu_table *t, struct bucket *last, uint64_t word,
    uint64_t *chunk)
{
	struct bucket *p;

	if (shmu_heap_alloc_into(t->heap, sizeof *p, chunk) == -1)
		return -1;
	p = (struct bucket *)(t->base + *chunk);
	memset(p, 0, sizeof *p);
	p->slot[0] = LOAD(&last->slot[BUCKET_LAST]);
	p->slot[1] = word;
	RELEASE(&last->slot[BUCKET_LAST], SLOT_LINK | *chunk >> 6);
	return 0;
}

/* Add a slot's word.  -1: nothing was done. */
int
shmu_t_chain_add(struct shmu_table *t, struct bucket *p, uint64_t word,
    uint64_t *chunk)
{
	uint32_t hops, i;

	for (hops = 0; hops < TABLE_HOPS; hops++) {
		for (i = 0; i < BUCKET_SLOTS; i++)
			if (LOAD(&p->slot[i]) == 0) {
				RELEASE(&p->slot[i], word);
				return 0;
			}
		if (!slot_link(LOAD(&p->slot[BUCKET_LAST])))
			return extend(t, p, word, chunk);
		p = slot_at(t, LOAD(&p->slot[BUCKET_LAST]));
		if (p == NULL)
			break;
	}
	errno = EBADMSG;
	return -1;
}

/* The one slot of a bucket that is used, besides but; 0: none; 1: more. */
uint64_t
shmu_t_chain_only(const struct bucket *in, const uint64_t *but)
{
	uint64_t word, only = 0;
	uint32_t i;

	for (i = 0; i < BUCKET_SLOTS; i++) {
		word = &in->slot[i] == but ? 0 : LOAD(&in->slot[i]);
		if (word != 0 && only != 0)
			return 1;
		only |= word;
	}
	return only;
}

/*
 * Empty the slot at, in a bucket that link leads to (NULL: the head).  Where
 * that leaves a bucket of overflow with one slot in use, or none, the link
 * becomes that slot's word: the same store removes the bucket, which is then
 * the journal's to free.
 */
void
shmu_t_chain_remove(uint64_t *at, struct bucket *in, uint64_t *link)
{
	uint64_t only = link == NULL ? 1 : shmu_t_chain_only(in, at);

	if (only == 1)
		RELEASE(at, 0);
	else
		RELEASE(link, only);
}
