/* SPDX-License-Identifier: MIT */
/*
 * heap-private.h - the handle of a heap, and what its files ask of each other
 *
 * A thread allocates from lists in memory of its own.  They are made from what
 * is true in the segment and never written to it, so no peer can damage them
 * and no death can leave them torn.
 */
#ifndef SHMU_LIB_HEAP_PRIVATE_H
#define SHMU_LIB_HEAP_PRIVATE_H

#include <errno.h>

#include "heap-layout.h"
#include "shmutil/heap.h"
#include "shmutil/range.h"

#define NO_UNIT		UINT32_MAX
#define KEPT_SIZE	65536U	/* a multiple of any page size */

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* A span of this thread's.  Number 0 of the pool is none: its cap is 0. */
struct span {
	uint32_t	*words;
	unsigned char	*chunks;
	uint32_t	 free;		/* first of the list, or WORD_END */
	uint32_t	 used;		/* chunks */
	uint32_t	 cap, size, magic;	/* magic: 2^32 / size, up */
	uint8_t		 cls;
	uint8_t		 full;		/* in no list: its last chunk was
					 * taken */
	uint8_t		 listed;
	uint8_t		 current;
	uint32_t	 next, prev;	/* numbers in the pool */
	uint32_t	 unit, n;
};

struct class {
	struct span	*cur;		/* allocated from */
	uint32_t	 avail, last;	/* list of spans with room, 0: none */
	uint32_t	 owned;		/* units */
	uint32_t	 units;		/* of its first spans */
};

/* The first part is kept when a process forks, the second is zero in the
 * child; each begins at a page. */
struct shmu_heap {
	struct heap_layout	 l;
	unsigned char		*base;
	struct shmu_segment	 seg;		/* of the handle that mapped
						 * it, */
	dev_t			 dev;		/* and what its descriptor is
						 * of */
	ino_t			 ino;
	struct shmu_operand	 op;
	bool			 private;
	bool			 reading;	/* no slot, and nothing
						 * written */
	enum shmu_format	 format;
	struct shmu_heap	*root;		/* whose mapping this is */
	size_t			 span;		/* bytes of this handle, */
	void			*kept;		/* from here */

	_Alignas(KEPT_SIZE)
	struct heap_slot	*slot;		/* NULL: not attached */
	unsigned char		*data;		/* the first unit */
	uint64_t		 data_size;
	uint32_t		 tag;		/* low half of the heap's id */
	uint32_t		 limit;		/* bytes of a small chunk */
	uint32_t		*map;		/* of a unit: number of its
						 * span */
	struct span		*pool;
	uint32_t		 pool_free;	/* list by next, 0: none */
	uint32_t		 pool_used;	/* numbers ever used */
	uint32_t		 index;		/* of slot */
	uint32_t		 owned;		/* units in spans */
	uint32_t		 empty;		/* of them kept empty */
	uint32_t		 joined;	/* handles on this mapping */
	struct shmu_locker	 locker;
	struct shmu_owner	 holder;	/* of the lock, after
						 * ETIMEDOUT */
	struct shmu_heap_fault	 fault;
	struct shmu_heap	*registered;	/* shared heap that shows this
						 * pool */
	uint64_t		 trace_next;
	bool			 growing;	/* a large chunk, which may
						 * again */
	uint64_t		 tired;		/* see shmu_h_reclaim */
	struct class		 classes[HEAP_CLASSES + 1];
};

static inline struct heap_control *
control(const struct shmu_heap *h)
{
	return (struct heap_control *)(h->base + SHMU_HEADER_SIZE);
}

static inline struct heap_slot *
slots(const struct shmu_heap *h)
{
	return (struct heap_slot *)(h->base + h->l.slots_off);
}

static inline uint64_t *
descs(const struct shmu_heap *h)
{
	return (uint64_t *)(h->base + h->l.descs_off);
}

static inline uint64_t *
notices(const struct shmu_heap *h)
{
	return (uint64_t *)(h->base + h->l.notice_off);
}

static inline unsigned char *
unit_address(const struct shmu_heap *h, uint32_t u)
{
	return h->base + heap_unit_at(&h->l, u);
}

static inline uint64_t
offset(const struct shmu_heap *h, const void *p)
{
	return (uint64_t)((const unsigned char *)p - h->base);
}

#define LOAD(p)		__atomic_load_n((p), __ATOMIC_RELAXED)
#define ACQUIRE(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define STORE(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define RELEASE(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* heap-grow.c: what is there.  1: more than this handle knew.  0: what it knew.
 * -1: what is published cannot be right. */
int shmu_h_catch_up(const struct shmu_heap *h);
/* With the lock held: n units more at least; false when they cannot be had. */
bool shmu_h_grow(struct shmu_heap *h, uint32_t n);

/* A run may reach into units that came since this handle looked. */
static inline bool
desc_get(const struct shmu_heap *h, uint32_t u, struct desc *out)
{
	return shmu_h_desc_unpack(&h->l, u, ACQUIRE(&descs(h)[u]), out) ||
	    (shmu_h_catch_up(h) == 1 &&
	    shmu_h_desc_unpack(&h->l, u, ACQUIRE(&descs(h)[u]), out));
}

/* Whether len bytes at off of the segment are there. */
static inline bool
within(const struct shmu_heap *h, uint64_t off, uint64_t len)
{
	return likely(shmu_range_fits(off, len, h->l.size)) ||
	    (shmu_h_catch_up(h) == 1 && shmu_range_fits(off, len, h->l.size));
}

static inline void
desc_set(struct shmu_heap *h, uint32_t u, const struct desc *d)
{
	RELEASE(&descs(h)[u], shmu_h_desc_pack(d));
}

/* What an address or offset is. */
struct chunk {
	struct desc		 d;	/* of its head */
	uint32_t		 unit;	/* of its head */
	uint32_t		 i;	/* small: index in its span */
	uint32_t		 usable;	/* bytes; large: see
						 * shmu_h_chunk_usable */
	struct heap_shape	 shape;	/* small */
	uint32_t		*word;	/* small */
	uint64_t		*bit_word, bit;	/* small: the remote bit */
};

/* false when off is not the beginning of a chunk, used or not. */
bool shmu_h_find(const struct shmu_heap *h, uint64_t off, struct chunk *out);
/* Whether it is used, and by no one freed. */
bool shmu_h_chunk_used(const struct chunk *c);
uint64_t shmu_h_chunk_usable(const struct shmu_heap *h, const struct chunk *c);

/* heap-units.c: runs of units.  All but the first with the lock held. */
int shmu_h_lock(struct shmu_heap *h);
void shmu_h_unlock(struct shmu_heap *h);
uint32_t shmu_h_units_find(struct shmu_heap *h, uint32_t n);
uint32_t shmu_h_units_find_last(struct shmu_heap *h, uint32_t n,
    uint32_t slack);
void shmu_h_units_tails(struct shmu_heap *h, uint32_t first, uint32_t from,
    uint32_t to);
void shmu_h_units_took(struct shmu_heap *h, uint32_t first, uint32_t n);
void shmu_h_units_give(struct shmu_heap *h, uint32_t first, uint32_t n);
bool shmu_h_units_free(struct shmu_heap *h, uint32_t first, uint32_t n);
void shmu_h_units_gave(struct shmu_heap *h, uint32_t first, uint32_t n);
void shmu_h_units_normalise(struct shmu_heap *h);
/* Make the heap so much larger that a run of n can be found. */
bool shmu_h_units_grow(struct shmu_heap *h, uint32_t n);

/* heap-span.c: the spans of this thread. */
struct span *shmu_h_span_new(struct shmu_heap *h, uint32_t cls);
struct span *shmu_h_span_adopt(struct shmu_heap *h, uint32_t u,
    const struct desc *d);
struct span *shmu_h_span_orphan(struct shmu_heap *h, uint32_t cls);
void shmu_h_span_collect(struct shmu_heap *h, struct span *s);
void shmu_h_span_edge(struct shmu_heap *h, struct span *s);
void shmu_h_span_list(struct shmu_heap *h, struct span *s);
void shmu_h_span_unlist(struct shmu_heap *h, struct span *s);
void shmu_h_span_drain(struct shmu_heap *h);
uint64_t shmu_h_span_trim(struct shmu_heap *h);	/* with the lock held */
uint32_t shmu_h_span_settle(struct shmu_heap *h, uint32_t u,
    const struct desc *d);	/* another's, quiet; chunks in use */
void shmu_h_span_forget_all(struct shmu_heap *h);
int shmu_h_span_load_all(struct shmu_heap *h);

/* heap-alloc.c: within enter and leave. */
bool shmu_h_enter(struct shmu_heap *h);
static inline void
heap_leave(struct shmu_heap *h)
{
	RELEASE(&h->slot->turn, h->slot->turn + 1);
}

static inline bool
slot_busy(const struct heap_slot *s)
{
	return (ACQUIRE(&s->turn) & 1) != 0;
}
struct span *shmu_h_ready(struct shmu_heap *h, uint32_t size);
void *shmu_h_pop(struct span *s, uint32_t site);
void *shmu_h_large(struct shmu_heap *h, size_t size, size_t align,
    uint32_t site);
void *shmu_h_plain_malloc(struct shmu_heap *h, size_t size, uint32_t site);
int shmu_h_plain_free(struct shmu_heap *h, const struct chunk *c);
void *shmu_h_get(struct shmu_heap *h, size_t size, size_t align, uint32_t site);
int shmu_h_put(struct shmu_heap *h, void *p, uint32_t site);
void shmu_h_remote_bit(struct shmu_heap *h, const struct chunk *c);

/* heap-attach.c: of a format whose structure stands on a heap.  build makes it
 * before anyone else can attach. */
#define HEAP_READ	0x80000000U	/* attach: only to look, without a
					 * slot */
int shmu_h_create(struct shmu_heap **out, const struct shmu_operand *op,
    const struct shmu_heap_spec *spec, enum shmu_format format,
    int (*build)(struct shmu_heap *h));
int shmu_h_attach(struct shmu_heap **out, const struct shmu_operand *op,
    unsigned int flags, enum shmu_format format);

/* heap-recover.c: with the lock held, but heed. */
int shmu_h_recover(void *heap);
void shmu_h_withdraw(struct shmu_heap *h, uint32_t index, uint64_t *word);
void shmu_h_bury(struct shmu_heap *h, uint32_t index);
uint32_t shmu_h_bury_dead(struct shmu_heap *h);
uint64_t shmu_h_reclaim(struct shmu_heap *h, struct shmu_heap_gc *out);
int shmu_h_heed(struct shmu_heap *h);

/* heap-sites.c: the id of a place in this heap, 0 when there is no room. */
uint32_t shmu_h_site_learn(struct shmu_heap *h, struct shmu_site *site);

static inline uint32_t
heap_site(struct shmu_heap *h, struct shmu_site *site)
{
	uint64_t known;

	if (site == NULL)
		return 0;
	known = LOAD(&site->known);
	if (likely(known >> 32 == h->tag))
		return (uint32_t)known & WORD_SITE;
	return shmu_h_site_learn(h, site);
}

/* heap-debug.c: the guards of a debugged heap, in the last bytes of a chunk. */
#define DEBUG_GUARD	32U
void shmu_h_debug_arm(struct shmu_heap *h, void *p, uint64_t usable,
    size_t size, uint32_t site);
int shmu_h_debug_disarm(struct shmu_heap *h, void *p, const struct chunk *c,
    uint32_t site);
void shmu_h_debug_forget(void *p, uint64_t usable);
uint64_t shmu_h_debug_size(const void *p, uint64_t usable);
int shmu_h_fault(struct shmu_heap *h, enum shmu_heap_trouble kind,
    uint64_t off, uint32_t here, int err);

/* heap-pools.c: show the shared heap how this private pool is used. */
void shmu_h_pool_refresh(struct shmu_heap *h);

/* heap-trace.c */
void shmu_h_trace_bury(struct shmu_heap *h);	/* a dead tracer, with the
						 * lock held */
void shmu_h_trace(struct shmu_heap *h, uint32_t site, uint64_t off,
    uint64_t size, bool freed);

#endif
