/* SPDX-License-Identifier: MIT */
/* heap-layout.c - the arithmetic of a heap; see heap-layout.h */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "hash.h"
#include "heap-layout.h"
#include "shmutil/heap.h"

#define FIRST	8U	/* units to begin with, at least */

_Static_assert(sizeof(struct heap_slot) == 512, "a slot is eight lines");
_Static_assert(offsetof(struct heap_slot, any) == 64, "a line of its own");
_Static_assert(offsetof(struct heap_slot, state) == 128, "a line of its own");
_Static_assert(offsetof(struct heap_slot, intent) == 192, "a line of its own");
_Static_assert(offsetof(struct heap_slot, table) == 256, "a line of its own");
_Static_assert(sizeof(struct heap_control) == SHMU_HEADER_SIZE, "a page");
_Static_assert(offsetof(struct heap_control, lock) % 64 == 0, "alignment");
_Static_assert(sizeof(struct heap_root) == 64, "part of the layout");
_Static_assert(sizeof(struct heap_site) == 64, "part of the layout");

/* Small n has 16 bits, large n 26; shmu_h_layout_choose keeps below both. */
uint64_t
shmu_h_desc_pack(const struct desc *d)
{
	switch (d->kind) {
	case DESC_SMALL:
		return DESC_SMALL | (uint64_t)d->cls << 2 |
		    (uint64_t)d->n << 10 | (uint64_t)d->owner << 26;
	case DESC_LARGE:
		return DESC_LARGE | (uint64_t)d->n << 2 |
		    (uint64_t)d->site << 28 |
		    (uint64_t)(d->lead / HEAP_LEAD) << 48;
	case DESC_TAIL:
		return DESC_TAIL | (uint64_t)d->head << 32;
	default:
		return DESC_FREE;
	}
}

static bool
small_fits(const struct heap_layout *l, const struct desc *d)
{
	return d->cls < l->classes && d->n <= HEAP_SPAN_UNITS &&
	    d->owner <= l->slots;
}

bool
shmu_h_desc_unpack(const struct heap_layout *l, uint32_t u, uint64_t word,
    struct desc *out)
{
	bool ok = true;

	memset(out, 0, sizeof *out);
	out->kind = (enum desc_kind)(word & 3);
	switch (out->kind) {
	case DESC_SMALL:
		out->cls = word >> 2 & 0xff;
		out->n = word >> 10 & 0xffff;
		out->owner = (uint32_t)(word >> 26);
		ok = small_fits(l, out);
		break;
	case DESC_LARGE:
		out->n = word >> 2 & 0x3ffffff;
		out->site = word >> 28 & WORD_SITE;
		out->lead = (uint32_t)(word >> 48) * HEAP_LEAD;
		ok = out->lead < out->n * l->unit;
		break;
	case DESC_TAIL:
		out->head = (uint32_t)(word >> 32);
		ok = out->head < u;
		break;
	default:
		return word == 0;
	}
	if (out->kind != DESC_TAIL)
		ok = ok && out->n > 0 && u < l->units && out->n <= l->units - u;
	if (!ok)
		memset(out, 0, sizeof *out);
	return ok;
}

uint32_t
shmu_h_class_size(uint32_t cls)
{
	uint32_t k = cls - HEAP_STEPS;

	if (cls < HEAP_STEPS)
		return 16 + 8 * cls;
	return (5 + k % 4) * (UINT32_C(128) << k / 4);
}

uint32_t
shmu_h_class_of(uint32_t size)
{
	uint32_t shift;

	if (size <= 16)
		return 0;
	if (size <= 512)
		return (size - 9) / 8;
	shift = 29 - (uint32_t)__builtin_clz(size - 1);
	return HEAP_STEPS + 4 * (shift - 7) + ((size - 1) >> shift) - 4;
}

/* What the chunks of size are aligned to, as far as 64. */
static uint32_t
alignment(uint32_t size)
{
	uint32_t low = size & -size;

	return low < 16 ? 16 : low > 64 ? 64 : low;
}

static uint64_t
shape_bytes(struct heap_shape *s)
{
	uint32_t align = alignment(s->size);

	s->nbits = (s->cap + 63) / 64;
	s->words_off = s->nbits * 8;
	s->chunks_off = (s->words_off + s->cap * 4 + align - 1) & ~(align - 1);
	return s->chunks_off + (uint64_t)s->cap * s->size;
}

void
shmu_h_shape(uint64_t unit, uint32_t cls, uint32_t n, struct heap_shape *out)
{
	uint64_t bytes = unit * n, cap;

	memset(out, 0, sizeof *out);
	out->size = shmu_h_class_size(cls);
	/* 33 bits of every chunk are its word and its remote bit. */
	cap = bytes * 8 / (out->size * UINT64_C(8) + 33);
	out->cap = cap > HEAP_CAP ? HEAP_CAP : (uint32_t)cap;
	while (out->cap > 0 && shape_bytes(out) > bytes)
		out->cap--;
}

/* At least eight chunks, and no more than a sixteenth lost at the end. */
uint32_t
shmu_h_span_units(uint64_t unit, uint32_t cls)
{
	struct heap_shape s;
	uint32_t n;

	for (n = 1; n < HEAP_SPAN_UNITS; n++) {
		shmu_h_shape(unit, cls, n, &s);
		if (s.cap >= 8 && unit * n - shape_bytes(&s) <= unit * n / 16)
			break;
	}
	return n;
}

/* Everything from the units on; false when it cannot be. */
static bool
place(struct heap_layout *l)
{
	uint64_t words = (l->all + UINT64_C(63)) / 64;

	l->roots_off = 2 * SHMU_HEADER_SIZE;
	l->sites_off = l->roots_off + l->roots * sizeof(struct heap_root);
	l->slots_off = l->sites_off + l->sites * sizeof(struct heap_site);
	l->slots_off = (l->slots_off + 127) & ~UINT64_C(127);
	l->bits_off = l->slots_off + l->slots * sizeof(struct heap_slot);
	l->notice_off = l->bits_off + words * 8;
	l->descs_off = l->notice_off + words * 8;
	l->data_off = (l->descs_off + l->all * UINT64_C(8) + 4095) &
	    ~UINT64_C(4095);
	l->region = (uint32_t)((words + 63) / 64);
	l->inverse = UINT64_MAX / l->unit + 1;
	return l->all > 0 && l->data_off < l->maximum &&
	    (l->maximum - l->data_off) / l->unit >= l->all;
}

/* The size classes that fit the units: those of which a span is no more than
 * 1/64 of the heap, since every thread may have one of each, and a chunk no
 * more than four units. */
static void
bound_classes(struct heap_layout *l)
{
	uint32_t c;

	for (c = 1; c < HEAP_CLASSES; c++)
		if (shmu_h_class_size(c) > l->unit * 4 ||
		    shmu_h_span_units(l->unit, c) > (l->all + 63) / 64)
			break;
	l->classes = c;
	l->limit = shmu_h_class_size(c - 1);
}

static bool
sane(const struct heap_layout *l)
{
	return l->maximum >= SHMU_HEAP_MINIMUM &&
	    l->maximum < UINT64_C(1) << 46 &&
	    l->unit >= 4160 && l->unit <= 1 << 20 && l->unit % 64 == 0 &&
	    l->slots > 0 && l->slots <= 4096 && l->sites > 0 &&
	    l->sites <= HEAP_SITES && l->roots > 0 && l->roots <= 65536 &&
	    l->maximum / l->unit < 1 << 26;
}

void
shmu_h_layout_resize(struct heap_layout *l, uint64_t size)
{
	uint64_t n = size > l->data_off ? (size - l->data_off) / l->unit : 0;

	l->size = size;
	l->units = n < l->all ? (uint32_t)n : l->all;
}

uint64_t
shmu_h_layout_bytes(const struct heap_layout *l, uint32_t n)
{
	uint64_t size = (heap_unit_at(l, n) + 4095) & ~UINT64_C(4095);

	return n >= l->all || size > l->maximum ? l->maximum : size;
}

static void
choose_tables(struct heap_layout *l)
{
	if (l->unit == 0)
		l->unit = l->maximum >= UINT64_C(16) << 20 ? 16384 + 320 :
		    l->maximum >= UINT64_C(4) << 20 ? 8192 + 64 : 4096 + 64;
	if (l->slots == 0)
		l->slots = l->maximum >= UINT64_C(4) << 20 ? 64 : 16;
	if (l->sites == 0)
		l->sites = l->maximum >= UINT64_C(16) << 20 ? 1024 : 128;
	if (l->roots == 0)
		l->roots = l->maximum >= UINT64_C(4) << 20 ? 64 : 16;
}

bool
shmu_h_layout_choose(struct heap_layout *l)
{
	uint64_t least;

	if (l->maximum == 0)
		l->maximum = l->size;
	choose_tables(l);
	if (!sane(l) || l->size > l->maximum)
		return false;
	/* Two bits and a desc for each unit; then what rounding took. */
	l->all = (uint32_t)(l->maximum * 4 / (l->unit * 4 + 33));
	while (l->all > 0 && !place(l))
		l->all--;
	if (l->all < FIRST)
		return false;
	least = shmu_h_layout_bytes(l, FIRST);
	shmu_h_layout_resize(l, l->size < least ? least : l->size);
	bound_classes(l);
	return true;
}

uint64_t
shmu_h_control_sum(const struct heap_control *c)
{
	return XXH3_64bits(c, offsetof(struct heap_control, sum));
}

bool
shmu_h_layout_read(struct heap_layout *l, const struct heap_control *c,
    const struct shmu_header *header)
{
	memset(l, 0, sizeof *l);
	l->maximum = c->maximum;
	l->unit = c->unit;
	l->all = c->units;
	l->slots = c->slots;
	l->sites = c->sites;
	l->roots = c->roots;
	l->flags = c->flags;
	if (c->sum != shmu_h_control_sum(c) || c->maximum != header->maximum ||
	    header->size > c->maximum || !sane(l) || !place(l))
		return false;
	shmu_h_layout_resize(l, header->size);
	bound_classes(l);
	return l->units > 0 && l->units >= c->first;
}
