/* SPDX-License-Identifier: MIT */
/*
 * heap-debug.c - guards, patterns and both sites of a fault
 *
 * The last bytes of a chunk of a debugged heap are a guard and then the trailer
 * below.  What was freed is filled with a pattern and keeps its trailer, so
 * that it can be told who wrote to it, or freed it twice.
 */
#include "config.h"

#include <string.h>

#include "heap-private.h"

#define GUARD		0xa5
#define FREED		0xdf
#define MARK_LIVE	UINT32_C(0x4556494c)
#define MARK_FREED	UINT32_C(0x80000000)

struct trailer {
	uint64_t	size;		/* asked for */
	uint32_t	site;		/* that allocated */
	uint32_t	mark;		/* live, or freed by a site */
};

_Static_assert(sizeof(struct trailer) + 16 == DEBUG_GUARD, "a guard is left");

static struct trailer
trailer(const void *p, uint64_t usable)
{
	struct trailer t;

	memcpy(&t, (const char *)p + usable - sizeof t, sizeof t);
	return t;
}

static void
set_trailer(void *p, uint64_t usable, const struct trailer *t)
{
	memcpy((char *)p + usable - sizeof *t, t, sizeof *t);
}

static bool
filled(const unsigned char *p, uint64_t n, unsigned char byte)
{
	while (n > 0 && *p == byte)
		p++, n--;
	return n == 0;
}

int
shmu_h_fault(struct shmu_heap *h, enum shmu_heap_trouble kind, uint64_t off,
    uint32_t here, int err)
{
	struct shmu_heap_fault *f = &h->fault;

	f->kind = kind;
	f->count++;
	f->off = off;
	f->here = here;
	f->allocated = f->freed = 0;
	memcpy(h->slot->fault, f, sizeof *f);
	errno = err;
	return -1;
}

int
shmu_heap_fault(const struct shmu_heap *h, struct shmu_heap_fault *out)
{
	*out = h->fault;
	return h->fault.kind != SHMU_HEAP_NO_FAULT;
}

/* Add to the last fault what the trailer knows. */
static void
tell(struct shmu_heap *h, const struct trailer *t)
{
	h->fault.allocated = t->site & WORD_SITE;
	h->fault.freed = (t->mark & MARK_FREED) != 0 ?
	    t->mark & WORD_SITE : 0;
	memcpy(h->slot->fault, &h->fault, sizeof h->fault);
}

void
shmu_h_debug_arm(struct shmu_heap *h, void *p, uint64_t usable, size_t size,
    uint32_t site)
{
	struct trailer t = trailer(p, usable);

	if ((t.mark & MARK_FREED) != 0 && t.size == usable &&
	    !filled(p, usable - sizeof t, FREED)) {
		shmu_h_fault(h, SHMU_HEAP_USED_FREE, offset(h, p), site, errno);
		tell(h, &t);
	}
	t.size = size;
	t.site = site;
	t.mark = MARK_LIVE;
	memset((char *)p + size, GUARD, usable - sizeof t - size);
	set_trailer(p, usable, &t);
}

/* What lay here before is no chunk that was freed. */
void
shmu_h_debug_forget(void *p, uint64_t usable)
{
	static const struct trailer none;

	set_trailer(p, usable, &none);
}

uint64_t
shmu_h_debug_size(const void *p, uint64_t usable)
{
	struct trailer t = trailer(p, usable);

	return t.mark == MARK_LIVE && t.size <= usable - DEBUG_GUARD ?
	    t.size : usable - DEBUG_GUARD;
}

/* Of a chunk that is free already only the sites are wanted. */
int
shmu_h_debug_disarm(struct shmu_heap *h, void *p, const struct chunk *c,
    uint32_t site)
{
	uint64_t usable = shmu_h_chunk_usable(h, c);
	struct trailer t = trailer(p, usable);

	if (!shmu_h_chunk_used(c)) {
		tell(h, &t);
		return -1;
	}
	if (t.mark != MARK_LIVE || t.size > usable - DEBUG_GUARD ||
	    !filled((unsigned char *)p + t.size, usable - sizeof t - t.size,
	    GUARD)) {
		shmu_h_fault(h, SHMU_HEAP_OVERRUN, offset(h, p), site, EBADMSG);
		t.site = c->d.kind == DESC_LARGE ? c->d.site :
		    LOAD(c->word) & WORD_SITE;
		t.mark = 0;
		tell(h, &t);
		errno = EBADMSG;
		return -1;
	}
	memset(p, FREED, usable - sizeof t);
	/* A freed trailer says how large the chunk was: another span may come
	 * to lie here. */
	t.size = usable;
	t.mark = MARK_FREED | site;
	set_trailer(p, usable, &t);
	return 0;
}
