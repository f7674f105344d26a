/* SPDX-License-Identifier: MIT */
/*
 * table-layout.h - what a table looks like in its heap, and its handle
 *
 * A root names the control block, which has the pieces of a directory of
 * buckets, by linear hashing: buckets are added one by one, each taking over a
 * part of what one before it has, and pieces double, so a bucket never moves.
 *
 * A bucket is a line: a word that says who has it and how often it was changed,
 * and seven slots, each 0 or an entry: where it is, and the low half of the
 * key's hash, of which the low bits say in which bucket it belongs.  The
 * seventh may be a link to a bucket of overflow instead.
 *
 * All that counts is changed by one store: of a slot, of a link, of the number
 * of buckets, of an integer.  What surrounds that store stands in the journal
 * of the slot of the thread, for who recovers it: see table-recover.c.
 */
#ifndef SHMU_LIB_TABLE_LAYOUT_H
#define SHMU_LIB_TABLE_LAYOUT_H

#include "table-private.h"

#define TABLE_ROOT	".table"
#define TABLE_MAGIC	UINT64_C(0x656c626174756d68)
#define TABLE_FIRST	64U		/* buckets in the first piece */
#define TABLE_PIECES	26U
#define TABLE_MOST	(UINT64_C(1) << 31)	/* buckets */
#define TABLE_EVENTS	256U
#define TABLE_LOAD	3U		/* entries for each bucket */
#define TABLE_HOPS	4096U		/* buckets of overflow in a chain */
#define TABLE_IN_PLACE	16U		/* bytes that may be replaced in
					 * place */

#define TRIES		100U	/* reads of what others change all the time, */
#define TRIES_READING	1000000U	/* and by who cannot take the bucket */

#define BUCKET_SLOTS	7U
#define BUCKET_LAST	(BUCKET_SLOTS - 1)
struct bucket {
	uint64_t	word;		/* of overflow: unused */
	uint64_t	slot[BUCKET_SLOTS];
};

/* The word: bit 0 locked, then the slot of who has it, from bit 16 on a number
 * that grows with each change. */
#define WORD_LOCKED	UINT64_C(1)
#define WORD_OWNER(w)	((uint32_t)(w) >> 1 & 0x7fff)
#define WORD_SEQUENCE	UINT64_C(0x10000)

/* A slot of a bucket: the low half is an offset in units of 64, or with LINK
 * that of a bucket; the high half is of the hash. */
#define SLOT_LINK	UINT64_C(0x80000000)
#define SLOT_OFFSET(w)	(((w) & 0x7fffffff) << 6)
#define SLOT_OF(off, hash)	((off) >> 6 | (uint64_t)(uint32_t)(hash) << 32)

/* Small, so that a key of up to 32 bytes with 16 of value is one line. */
struct entry {
	uint32_t	changes;
	uint8_t		type;
	uint8_t		key_length;
	uint16_t	room;		/* for what is behind the key: 16
					 * bytes */
	uint64_t	length;		/* of that */
	unsigned char	key[];
};

struct table_control {
	/* written once */
	uint64_t		magic;
	uint64_t		seed;
	uint64_t		unused_a[6];
	/* changes with each split */
	uint64_t		buckets;
	uint64_t		unused_b[7];
	uint32_t		splitting;	/* slot + 1 of who does, or 0 */
	uint32_t		unused_c;
	uint64_t		fresh;		/* number + 1 of what is being
						 * filled */
	uint64_t		repaired;
	uint64_t		unused_d[5];
	uint64_t		piece[32];	/* offsets */
	struct shmu_event	events[TABLE_EVENTS];
};

/* The journal: struct heap_slot.table. */
enum {
	J_WHAT,		/* 0, COUNT_* or the offset of the entry that SAVED is
			 * of */
	J_SAVED,	/* two words of its payload; or of count before */
	J_LENGTH = J_SAVED + 2,
	J_NEW,		/* chunks that are this thread's unless the bucket
			 * that */
	J_OLD,		/* it holds has them */
	J_LOCK,		/* number + 1 of that bucket */
	J_COUNT		/* cells made less cells deleted; stays */
};
#define COUNT_MORE	1U	/* J_NEW is one more cell, if it counts */
#define COUNT_LESS	2U	/* J_OLD is one less, if it does not */

struct shmu_table {
	struct shmu_heap	*heap;
	unsigned char		*base;
	struct table_control	*c;
	uint64_t		 seed;
	bool			 counted;	/* the change that is being
						 * made */
	bool			 grown;		/* a cell was added */
	uint64_t		 party;		/* this process; 0: not yet
						 * known */
	uint64_t		 denied;	/* splits: see table-split.c */
	uint32_t		 refused;
	uint64_t		*at;		/* slot of the cell that is
						 * held, */
	struct bucket		*in;		/* the bucket that that is
						 * of, */
	uint64_t		*link;		/* and the link to it, or
						 * NULL */
	struct bucket		*head;		/* the bucket that is held */
	struct bucket		*piece[TABLE_PIECES];
};

static inline uint64_t *
journal(const struct shmu_table *t)
{
	return t->heap->slot->table;
}

/* Where a hash belongs among so many buckets. */
static inline uint64_t
bucket_of(uint64_t hash, uint64_t buckets)
{
	uint64_t top = UINT64_C(1) << (63 - __builtin_clzll(buckets)),
	    b = (uint32_t)hash & (2 * top - 1);

	return b < buckets ? b : b & (top - 1);
}

static inline uint64_t
buckets_now(const struct shmu_table *t)
{
	uint64_t n = ACQUIRE(&t->c->buckets);

	return likely(n >= TABLE_FIRST && n <= TABLE_MOST) ? n : TABLE_FIRST;
}

static inline uint32_t
piece_of(uint64_t b)
{
	return b < TABLE_FIRST ? 0 : 58U - (uint32_t)__builtin_clzll(b);
}

static inline uint64_t
piece_buckets(uint32_t k)
{
	return k == 0 ? TABLE_FIRST : (uint64_t)TABLE_FIRST / 2 << k;
}

struct bucket *shmu_t_piece(struct shmu_table *t, uint32_t k);

/* NULL with EBADMSG */
static inline struct bucket *
bucket_at(struct shmu_table *t, uint64_t b)
{
	uint32_t k = piece_of(b);
	struct bucket *p = t->piece[k];

	if (unlikely(p == NULL) && (p = shmu_t_piece(t, k)) == NULL)
		return NULL;
	return p + (k == 0 ? b : b - piece_buckets(k));
}

static inline bool
slot_link(uint64_t word)
{
	return (word & SLOT_LINK) != 0;
}

/* What a link or slot names, of which at least 64 bytes are there; or NULL. */
static inline void *
slot_at(const struct shmu_table *t, uint64_t word)
{
	uint64_t off = SLOT_OFFSET(word);

	return likely(off >= SHMU_HEADER_SIZE &&
	    within(t->heap, off, 64)) ? t->base + off : NULL;
}

/* From the start of an entry to what is behind its key. */
static inline uint64_t
entry_head(uint64_t key_length)
{
	return shmu_range_up(sizeof(struct entry) + key_length, 16);
}

static inline unsigned char *
entry_payload(const struct entry *e, uint64_t key_length)
{
	return (unsigned char *)(uintptr_t)e + entry_head(key_length);
}

/* Whether the key of e, within the segment, is this. */
bool shmu_t_entry_is(const struct shmu_table *t, const struct entry *e,
    const void *key, size_t key_length);
/* How much is behind the key, or UINT64_MAX when that is not in the segment. */
uint64_t shmu_t_entry_length(const struct shmu_table *t,
    const struct entry *e, size_t key_length);

/* table.c */
int shmu_t_bind(struct shmu_table *t, struct shmu_heap *h);
bool shmu_t_usable(struct shmu_table *t, size_t key_length);
bool shmu_t_writable(struct shmu_table *t, size_t key_length);
uint64_t shmu_t_hash(const struct shmu_table *t, const void *key,
    size_t key_length);
uint64_t shmu_t_cells(const struct shmu_table *t);

/* table-bucket.c.  await: until the word is another, or -1. */
int shmu_t_await(struct shmu_table *t, uint64_t b, struct bucket *p,
    uint64_t word);
int shmu_t_lock(struct shmu_table *t, uint64_t b, struct bucket **out);
void shmu_t_unlock(struct shmu_table *t, struct bucket *p, bool changed);

/* table-cell.c: besides what table-private.h has.  take_for keeps what the
 * journal has of the caller's. */
int shmu_t_tidy(struct shmu_table *t);
int shmu_t_take_for(struct shmu_table *t, const void *key, size_t key_length,
    struct cell *out);
struct entry *shmu_t_entry_new(struct shmu_table *t, const void *key,
    size_t key_length, enum shmu_cell_type type, uint64_t length);
int shmu_t_publish(struct cell *c, struct entry *e);
void shmu_t_remove(struct cell *c);
void shmu_t_count(struct cell *c);

/* table-look.c */
bool shmu_t_look_entry(const struct shmu_table *t, const struct entry *e,
    void *buf, uint64_t size, struct shmu_cell *cell);
int shmu_t_look_begin(struct shmu_table *t, uint64_t b, struct bucket **p,
    uint64_t *word);
bool shmu_t_look_end(const struct bucket *p, uint64_t word);

/* table-chain.c: with the bucket held. */
bool shmu_t_chain_holds(struct shmu_table *t, struct bucket *p, uint64_t off);
int shmu_t_chain_add(struct shmu_table *t, struct bucket *head,
    uint64_t word, uint64_t *chunk);
void shmu_t_chain_remove(uint64_t *at, struct bucket *in, uint64_t *link);
uint64_t shmu_t_chain_only(const struct bucket *in, const uint64_t *but);

/* table-split.c */
void shmu_t_grow(struct shmu_table *t);
void shmu_t_empty(struct shmu_table *t, struct bucket *p, uint64_t *old,
    void (*give)(struct shmu_table *t, uint64_t *word));
void shmu_t_drop(struct shmu_table *t, struct bucket *p, uint64_t b);

/* table-recover.c: what the dead thread of a slot had; with the heap's lock. */
void shmu_t_bury(struct shmu_heap *h, uint32_t index);

#endif
