/* SPDX-License-Identifier: MIT */
/*
 * heap-layout.h - what a heap looks like in its segment
 *
 *	header | control | roots | sites | slots | bits | notice | descs | units
 *
 * The memory is cut into units, and a run of units is a span of small chunks of
 * one size class, or one large chunk.  What is true stands in two places:
 *
 *	desc	a word for each unit: free, head of a span or large chunk, or
 *		tail of the head that it names
 *	word	32 bits for each small chunk, at the start of its span: used,
 *		with the site of the allocation, or free; and a bit, set by who
 *		frees a chunk of another's span, that makes it free too
 *
 * A unit is in use when its desc is a head, or the tail of a head whose run
 * covers it; a chunk is free when its word or its bit says so.  So one store
 * takes or gives a run (of the head's desc) or a chunk (of the word), and
 * nothing needs a journal.  All else in the segment is a hint that recovery
 * makes anew, or a statistic; the lists that allocation runs on are private to
 * each thread (heap-private.h).
 *
 * A heap that grows is laid out for its maximum at once.  Of its units those
 * are there that end within header.size, which is published by one store once
 * the memory behind it was allocated.
 *
 * A unit is no power of two, or the words of all spans would share a few sets
 * of the processor's cache.
 */
#ifndef SHMU_LIB_HEAP_LAYOUT_H
#define SHMU_LIB_HEAP_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "shmutil/header.h"
#include "shmutil/lock.h"

#define HEAP_CLASSES	91U		/* of sizes 16 to 64 KiB */
#define HEAP_STEPS	63U		/* of them up to 512, 8 bytes apart */
#define HEAP_SMALL	65536U		/* bytes of the last class */
#define HEAP_CAP	4096U		/* chunks in a span, at most */
#define HEAP_SPAN_UNITS	1024U		/* units in a span, at most */
#define HEAP_SITES	(1U << 20)	/* ids of sites are less */
#define HEAP_LEAD	64U		/* a large chunk begins at a multiple */

/* The word of a chunk. */
#define WORD_USED	UINT32_C(0x80000000)
#define WORD_FREEING	UINT32_C(0x40000000)	/* free_from, by a slot */
#define WORD_SITE	UINT32_C(0x000fffff)
#define WORD_END	UINT32_C(0xffff)	/* of the list of free chunks */

enum desc_kind { DESC_FREE, DESC_SMALL, DESC_LARGE, DESC_TAIL };

/* A desc, taken apart. */
struct desc {
	enum desc_kind	kind;
	uint32_t	n;	/* heads: units of the run */
	uint32_t	cls;	/* small */
	uint32_t	owner;	/* small: slot + 1, or 0 */
	uint32_t	site;	/* large */
	uint32_t	lead;	/* large: bytes before the chunk */
	uint32_t	head;	/* tails */
};

struct heap_root {
	uint64_t	off;
	uint32_t	named;	/* 1: name is there, for good */
	char		name[52];
};

struct heap_site {
	uint32_t	line;
	char		file[60];	/* the end of it, if it is longer */
};

/* What intent says is under way; anything but 0 only while busy. */
enum heap_intent { INTENT_NONE, INTENT_INTO, INTENT_FROM };

/* What the owner of a slot must heed before its next operation. */
#define ORDER_STOP	1U	/* wait for who has the lock */
#define ORDER_REBUILD	2U	/* what is private is no longer true */
#define ORDER_TRACE	4U
#define ORDER_DEBUG	8U

/* One attached thread.  Lines by who writes them. */
struct heap_slot {
	/* the owner, with each operation */
	uint64_t	turn;		/* odd: in one; halved: how many so
					 * far */
	uint32_t	order;
	uint32_t	unused_a[13];
	/* whoever frees what the owner allocated */
	uint64_t	any;		/* regions of notice that have a bit */
	uint64_t	unused_b[7];
	/* attach and recovery */
	uint32_t	state;		/* 1: taken */
	uint32_t	unused_c;
	struct shmu_owner owner;
	uint64_t	since;		/* seconds since 1970 */
	/* the owner, in alloc_into and free_from */
	uint64_t	intent, intent_word, intent_chunk, intent_old;
	uint64_t	unused_d[4];
	/* the journal of a table that stands on this heap */
	uint64_t	table[8];
	/* the owner, when something happens */
	uint64_t	failures, failed_size;
	uint64_t	empty;		/* units kept though they are empty */
	uint32_t	fault[8];	/* struct shmu_heap_fault */
	uint64_t	unused_e;
	/* the owner, of its private pool */
	uint64_t	pool_base, pool_size, pool_used, pool_real, pool_max;
	uint32_t	pool_rank;
	char		pool_name[20];
	uint64_t	unused_f[8];
};

struct heap_control {
	/* written once, under sum */
	uint64_t	id;		/* random */
	uint64_t	maximum;	/* of the whole segment */
	uint64_t	unit;
	uint32_t	units;		/* that it can have */
	uint32_t	slots, sites, roots, flags;
	uint32_t	first;		/* units that it began with */
	char		name[256];	/* of the POSIX object it stands in
					 * for */
	uint64_t	sum;
	uint64_t	unused_b[1];
	/* changes */
	struct shmu_owner places;	/* where the ids of owners mean
					 * anything */
	uint64_t	unused_c[2];
	struct shmu_lock lock;
	uint64_t	unused_d[2];
	uint64_t	hint;		/* no free unit before */
	uint64_t	used;		/* units */
	uint64_t	max_used;	/* units */
	uint64_t	recovered;	/* slots */
	uint64_t	sites_known;	/* rows of sites in use */
	uint64_t	trace;		/* offset of the ring of events, or 0 */
	struct shmu_owner tracer;
	uint32_t	orphans[96];	/* spans without an owner, by class */
	unsigned char	unused_e[SHMU_HEADER_SIZE - 1120];
};

/* Where things stand; from control, checked. */
struct heap_layout {
	uint64_t	size;		/* bytes that are there */
	uint64_t	maximum, unit, inverse;
	uint32_t	units;		/* that are there */
	uint32_t	all;		/* that will be with the maximum */
	uint32_t	slots, sites, roots, flags;
	uint64_t	roots_off, sites_off, slots_off, bits_off, notice_off,
			descs_off, data_off;
	uint32_t	region;		/* notice: words in one bit of any */
	uint32_t	classes;	/* that are used */
	uint32_t	limit;		/* bytes of the last of them */
};

/* The chunks of a span of n units, relative to its first byte. */
struct heap_shape {
	uint32_t	size, cap, nbits;	/* bits: words of 64 */
	uint32_t	words_off, chunks_off;
};

uint64_t shmu_h_desc_pack(const struct desc *d);

/* Take a desc apart.  false, and then as DESC_FREE, when it cannot be right for
 * unit u of the layout. */
bool shmu_h_desc_unpack(const struct heap_layout *l, uint32_t u, uint64_t word,
    struct desc *out);

uint32_t shmu_h_class_size(uint32_t cls);
uint32_t shmu_h_class_of(uint32_t size);	/* 1 to HEAP_SMALL */

/* A shape; cap is 0 when not one chunk fits. */
void shmu_h_shape(uint64_t unit, uint32_t cls, uint32_t n,
    struct heap_shape *out);

/* The units that the first spans of a class have. */
uint32_t shmu_h_span_units(uint64_t unit, uint32_t cls);

/* Choose a layout: what is 0 in l is chosen.  false when it does not fit.  A
 * size that is too small to begin with, but may grow, is made what it needs. */
bool shmu_h_layout_choose(struct heap_layout *l);

/* The layout that copies of control and header tell; false when it cannot
 * be. */
bool shmu_h_layout_read(struct heap_layout *l, const struct heap_control *c,
    const struct shmu_header *header);

/* Size bytes are there, at most the maximum: so many units are. */
void shmu_h_layout_resize(struct heap_layout *l, uint64_t size);

/* The size that has n units, whole pages but for the maximum. */
uint64_t shmu_h_layout_bytes(const struct heap_layout *l, uint32_t n);

uint64_t shmu_h_control_sum(const struct heap_control *c);

/* The unit that an offset is in; off is at least data_off and within. */
static inline uint32_t
heap_unit_of(const struct heap_layout *l, uint64_t rel)
{
#ifdef __SIZEOF_INT128__
	__extension__ typedef unsigned __int128 wide;

	return (uint32_t)((wide)rel * l->inverse >> 64);
#else
	return (uint32_t)(rel / l->unit);
#endif
}

static inline uint64_t
heap_unit_at(const struct heap_layout *l, uint32_t u)
{
	return l->data_off + (uint64_t)u * l->unit;
}

#endif
