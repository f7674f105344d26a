/* SPDX-License-Identifier: MIT */
/* heap-attach.c - make a heap, and the coming and going of its threads */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "heap-private.h"
#include "kernel.h"
#include "shmutil/sys.h"
#include "shmutil/table.h"

static const struct shmu_segment closed = SHMU_SEGMENT_INIT;

static void *
pages(size_t len, int advice)
{
	void *p = shmu_sys_mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (advice != 0)
		shmu_sys_madvise(p, len, advice);
	return p;
}

static struct shmu_heap *
handle(void)
{
	/* The alignment of the second part is within the mapping. */
	size_t len = sizeof(struct shmu_heap) + KEPT_SIZE;
	unsigned char *p = pages(len, 0);
	struct shmu_heap *h;

	if (p == NULL)
		return NULL;
	h = (struct shmu_heap *)(void *)shmu_range_up((uintptr_t)p, KEPT_SIZE);
	shmu_sys_madvise((char *)h + KEPT_SIZE, sizeof *h - KEPT_SIZE,
	    MADV_WIPEONFORK);
	h->seg = closed;
	h->format = SHMU_FORMAT_HEAP;
	h->root = h;
	h->span = len;
	h->kept = p;
	return h;
}

/* The pool, and then the map. */
static size_t
pool_bytes(const struct shmu_heap *h)
{
	return ((size_t)h->l.all + 1) * (sizeof *h->pool + sizeof *h->map);
}

/* Free what a handle has in memory; its slot is given up. */
static void
discard(struct shmu_heap *h)
{
	struct shmu_segment seg = h->seg;
	void *base = h->base, *kept = h->kept;
	bool private = h->private && h->root == h;
	uint64_t size = h->l.maximum;
	size_t span = h->span;

	if (h->pool != NULL)
		shmu_sys_munmap(h->pool, pool_bytes(h));
	shmu_sys_munmap(kept, span);
	if (private && base != NULL)
		shmu_sys_munmap(base, (size_t)size);
	shmu_segment_close(&seg);
}

static int
fail(struct shmu_heap *h, int err)
{
	discard(h);
	errno = err;
	return -1;
}

/* What is private to the thread. */
static int
prepare(struct shmu_heap *h)
{
	h->pool = pages(pool_bytes(h), MADV_DONTFORK);
	if (h->pool == NULL)
		return -1;
	h->map = (uint32_t *)(void *)(h->pool + h->l.all + 1);
	h->data = h->base + h->l.data_off;
	h->data_size = h->l.all * h->l.unit;
	h->tag = (uint32_t)control(h)->id;
	h->limit = h->l.limit;
	shmu_locker_init(&h->locker, h->base, h->l.size, shmu_h_recover, h);
	return 0;
}

static bool
same_places(const struct shmu_owner *a, const struct shmu_owner *b)
{
	return a->pidns == b->pidns && a->timens == b->timens;
}

static struct heap_slot *
free_slot(struct shmu_heap *h)
{
	uint32_t i;

	for (i = 0; i < h->l.slots; i++)
		if (ACQUIRE(&slots(h)[i].state) == 0)
			return &slots(h)[i];
	return NULL;
}

/* With the lock held.  The state, last, takes the slot. */
static int
take_slot(struct shmu_heap *h)
{
	struct heap_control *c = control(h);
	struct heap_slot *s = free_slot(h);

	if (s == NULL) {
		errno = EUSERS;
		return -1;
	}
	h->index = (uint32_t)(s - slots(h));
	s->any = 0;
	s->intent = INTENT_NONE;
	s->empty = 0;
	s->pool_base = 0;
	s->owner = h->locker.self;
	s->since = (uint64_t)time(NULL);
	s->order = (h->l.flags & SHMU_HEAP_DEBUG) != 0 ? ORDER_DEBUG : 0;
	if (c->tracer.pid != 0 && !shmu_owner_dead(&c->tracer))
		s->order |= ORDER_TRACE;
	h->slot = s;
	RELEASE(&s->state, 1);
	return 0;
}

/* Take a slot for the calling thread. */
static int
enrol(struct shmu_heap *h)
{
	int r;

	if (h->pool == NULL && prepare(h) == -1)
		return -1;
	if (!same_places(&control(h)->places, &h->locker.self)) {
		errno = EXDEV;
		return -1;
	}
	if (shmu_h_lock(h) == -1)
		return -1;
	shmu_h_bury_dead(h);
	r = take_slot(h);
	if (r == 0)
		shmu_h_span_forget_all(h);
	shmu_h_unlock(h);
	return r;
}

static uint32_t
layout(const struct shmu_heap *h)
{
	return h->format == SHMU_FORMAT_TABLE ? SHMU_TABLE_LAYOUT :
	    SHMU_HEAP_LAYOUT;
}

/* Write a new heap into h->base, which is zero: all but that it is live. */
static int
write_heap(struct shmu_heap *h, const struct shmu_heap_spec *spec,
    const char *name)
{
	struct heap_control *c = control(h);

	shmu_header_init((struct shmu_header *)h->base, h->format, layout(h),
	    h->l.size, h->l.maximum, spec->owner);
	if (getrandom(&c->id, sizeof c->id, 0) != (ssize_t)sizeof c->id)
		return -1;
	c->id |= 1;
	c->maximum = h->l.maximum;
	c->unit = h->l.unit;
	c->units = h->l.all;
	c->first = h->l.units;
	c->slots = h->l.slots;
	c->sites = h->l.sites;
	c->roots = h->l.roots;
	c->flags = h->l.flags;
	memcpy(c->name, name, strlen(name));
	c->sum = shmu_h_control_sum(c);
	shmu_owner_thread(&c->places);
	c->sites_known = 1;
	shmu_h_units_normalise(h);
	return 0;
}

/* Whoever only reads has the tag for a token: it is 0 in a child. */
static int
look_on(struct shmu_heap *h)
{
	h->tag = (uint32_t)control(h)->id | 1;
	return 0;
}

static bool
choose(struct shmu_heap *h, const struct shmu_heap_spec *spec)
{
	h->l.size = spec->segment.size;
	h->l.maximum = spec->maximum;
	h->l.slots = spec->slots;
	h->l.sites = spec->sites;
	h->l.roots = spec->roots;
	h->l.flags = spec->flags & SHMU_HEAP_DEBUG;
	return shmu_h_layout_choose(&h->l);
}

/* Where POSIX objects are not to be had at all. */
static bool
no_posix(int err)
{
	return err == ENOENT || err == ENOTDIR || err == ENOSYS ||
	    err == EACCES || err == EPERM || err == EROFS || err == ENODEV ||
	    err == EOPNOTSUPP;
}

/* The key that a name has: never 0, never negative. */
static struct shmu_operand
stand_in(const struct shmu_operand *op)
{
	struct shmu_operand key;

	memset(&key, 0, sizeof key);
	key.kind = SHMU_KEY;
	key.key = (key_t)(XXH3_64bits(op->name, strlen(op->name)) &
	    0x7fffffff) | 1;
	return key;
}

/* System V does not grow: there the heap has its maximum from the beginning. */
static int
begin_as(struct shmu_heap *h, const struct shmu_operand *op,
    struct shmu_spec *spec)
{
	if (op->kind == SHMU_KEY || op->kind == SHMU_PRIVATE)
		shmu_h_layout_resize(&h->l, h->l.maximum);
	spec->size = h->l.size;
	return shmu_segment_begin(&h->seg, op, spec);
}

static int
begin(struct shmu_heap *h, const struct shmu_operand *op,
    struct shmu_heap_spec *spec, const char **name)
{
	struct shmu_operand key;

	if (begin_as(h, op, &spec->segment) == 0)
		return 0;
	if ((spec->flags & SHMU_HEAP_FALLBACK) == 0 ||
	    op->kind != SHMU_POSIX || !no_posix(errno))
		return -1;
	key = stand_in(op);
	*name = op->name;
	return begin_as(h, &key, &spec->segment);
}

/* What a descriptor must still be of when the heap grows. */
static int
know_object(struct shmu_heap *h)
{
	struct stat st;

	if (h->seg.fd == -1)
		return 0;
	if (shmu_sys_fstat(h->seg.fd, &st) == -1)
		return -1;
	h->dev = st.st_dev;
	h->ino = st.st_ino;
	return 0;
}

/* Map what was begun, as far as it may grow, and write the heap into it. */
static int
create(struct shmu_heap *h, const struct shmu_heap_spec *spec,
    const char *name)
{
	if (shmu_segment_map_ahead(&h->seg, 0, (size_t)h->l.maximum,
	    PROT_READ | PROT_WRITE) == -1 || know_object(h) == -1)
		return -1;
	h->base = h->seg.base;
	h->op = h->seg.op;
	if (write_heap(h, spec, name) == -1)
		return -1;
	return enrol(h);
}

int
shmu_h_create(struct shmu_heap **out, const struct shmu_operand *op,
    const struct shmu_heap_spec *spec, enum shmu_format format,
    int (*build)(struct shmu_heap *h))
{
	struct shmu_heap_spec what = *spec;
	struct shmu_heap *h = handle();
	const char *name = "";
	int err;

	if (h == NULL)
		return -1;
	h->format = format;
	if (!choose(h, spec) || h->l.maximum > SIZE_MAX)
		return fail(h, EINVAL);
	if (begin(h, op, &what, &name) == -1)
		return fail(h, errno);
	if (create(h, spec, name) == -1 || (build != NULL && build(h) == -1)) {
		err = errno;
		shmu_segment_abandon(&h->seg);
		return fail(h, err);
	}
	shmu_header_publish((struct shmu_header *)h->base);
	if (shmu_segment_publish(&h->seg, &what.segment) == -1)
		return fail(h, errno);
	*out = h;
	return 0;
}

int
shmu_heap_create(struct shmu_heap **out, const struct shmu_operand *op,
    const struct shmu_heap_spec *spec)
{
	return shmu_h_create(out, op, spec, SHMU_FORMAT_HEAP, NULL);
}

int
shmu_heap_create_private(struct shmu_heap **out, uint64_t size,
    unsigned int flags)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;
	struct shmu_heap *h = handle();

	if (h == NULL)
		return -1;
	spec.segment.size = size;
	spec.slots = 16;
	spec.flags = flags;
	if (!choose(h, &spec))
		return fail(h, EINVAL);
	h->private = true;
	h->op.kind = SHMU_PRIVATE;
	h->base = pages((size_t)size, 0);
	if (h->base == NULL || write_heap(h, &spec, "") == -1 || enrol(h) == -1)
		return fail(h, errno);
	shmu_header_publish((struct shmu_header *)h->base);
	*out = h;
	return 0;
}

/*
 * A file may outlive the machine's start, and then the ids of processes in it
 * mean nothing.  The first to attach since then, of those that come through
 * here under a lock of the file, frees the heap's own lock and takes the places
 * over; all slots are then proven to be dead ones'.
 */
static int
restart(struct shmu_heap *h)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct shmu_owner *places = &control(h)->places;
	const struct shmu_owner *self = &h->locker.self;

	if (h->seg.fd == -1 ||
	    memcmp(places->boot, self->boot, sizeof self->boot) == 0 ||
	    (self->boot[0] | self->boot[1]) == 0)
		return 0;
	if (shmu_sys_lock(h->seg.fd, F_OFD_SETLKW, &whole) == -1)
		return -1;
	if (memcmp(places->boot, self->boot, sizeof self->boot) != 0) {
		/* What the last holder had begun is undone by recovery. */
		__atomic_store_n(&control(h)->lock.word, UINT64_C(0x7fffffff),
		    __ATOMIC_SEQ_CST);
		places->pidns = self->pidns;
		places->timens = self->timens;
		places->boot[1] = self->boot[1];
		places->boot[0] = self->boot[0];
	}
	whole.l_type = F_UNLCK;
	return shmu_sys_lock(h->seg.fd, F_OFD_SETLK, &whole);
}

/* The segment has what it claims: it may have grown since it was mapped, so
 * what it has is asked for after what it claims was copied. */
static int
check(struct shmu_heap *h, const char *name)
{
	struct shmu_header copy;
	struct heap_control c;
	struct shmu_info info;

	if (shmu_header_check((struct shmu_header *)h->base, UINT64_MAX,
	    h->format, layout(h), &copy) == -1 ||
	    shmu_segment_stat(&h->seg, &info) == -1)
		return -1;
	memcpy(&c, control(h), sizeof c);
	c.name[sizeof c.name - 1] = '\0';
	if (copy.size > info.size || !shmu_h_layout_read(&h->l, &c, &copy)) {
		errno = EBADMSG;
		return -1;
	}
	if (strcmp(c.name, name) != 0) {
		errno = ENOENT;
		return -1;
	}
	return 0;
}

static int
open_it(struct shmu_heap *h, const struct shmu_operand *op, unsigned int flags,
    const char **name)
{
	struct shmu_operand key;

	if (shmu_segment_open(&h->seg, op,
	    h->reading ? SHMU_READ : SHMU_WRITE) == 0)
		return 0;
	if ((flags & SHMU_HEAP_FALLBACK) == 0 || op->kind != SHMU_POSIX ||
	    !no_posix(errno))
		return -1;
	key = stand_in(op);
	*name = op->name;
	return shmu_segment_open(&h->seg, &key, SHMU_WRITE);
}

/* Of a heap that may still grow the maximum is mapped, once it is known; what
 * it is for most tables is mapped at once, which costs only addresses. */
static int
map(struct shmu_heap *h, uint64_t size, const char *name)
{
	int prot = h->reading ? PROT_READ : PROT_READ | PROT_WRITE;

	if (h->format == SHMU_FORMAT_TABLE && h->seg.fd != -1 &&
	    size < SHMU_TABLE_MAXIMUM)
		size = SHMU_TABLE_MAXIMUM;
	if (size > SIZE_MAX || shmu_segment_map_ahead(&h->seg, 0, (size_t)size,
	    prot) == -1)
		return -1;
	h->base = h->seg.base;
	if (check(h, name) == -1)
		return -1;
	if (h->l.maximum <= size)
		return 0;
	if (h->seg.fd == -1 || h->l.maximum > SIZE_MAX) {
		errno = EBADMSG;
		return -1;
	}
	shmu_segment_unmap(&h->seg);
	h->base = NULL;
	if (shmu_segment_map_ahead(&h->seg, 0, (size_t)h->l.maximum,
	    prot) == -1)
		return -1;
	h->base = h->seg.base;
	return 0;
}

static int
attach(struct shmu_heap *h, const struct shmu_operand *op, unsigned int flags)
{
	const char *name = "";
	struct shmu_info info;

	if (open_it(h, op, flags, &name) == -1 ||
	    shmu_segment_stat(&h->seg, &info) == -1)
		return -1;
	if (info.uid != geteuid() && (flags & SHMU_HEAP_ANY_OWNER) == 0) {
		errno = EPERM;
		return -1;
	}
	if (info.size < 2 * SHMU_HEADER_SIZE) {
		errno = EILSEQ;
		return -1;
	}
	h->dev = info.dev;
	h->ino = info.ino;
	h->op = h->seg.op;
	if (map(h, info.size, name) == -1)
		return -1;
	if (h->reading)
		return look_on(h);
	return prepare(h) == -1 || restart(h) == -1 ? -1 : enrol(h);
}

int
shmu_h_attach(struct shmu_heap **out, const struct shmu_operand *op,
    unsigned int flags, enum shmu_format format)
{
	struct shmu_heap *h = handle();

	if (h == NULL)
		return -1;
	h->format = format;
	h->reading = (flags & HEAP_READ) != 0;
	if (attach(h, op, flags) == -1)
		return fail(h, errno);
	*out = h;
	return 0;
}

int
shmu_heap_attach(struct shmu_heap **out, const struct shmu_operand *op,
    unsigned int flags)
{
	return shmu_h_attach(out, op, flags & ~HEAP_READ, SHMU_FORMAT_HEAP);
}

int
shmu_heap_join(struct shmu_heap **out, struct shmu_heap *other)
{
	struct shmu_heap *h = handle();

	if (h == NULL)
		return -1;
	h->l = other->l;
	h->base = other->base;
	h->op = other->op;
	h->private = other->private;
	h->root = other->root;
	h->format = other->format;
	h->reading = other->reading;
	if ((h->reading ? look_on(h) : enrol(h)) == -1)
		return fail(h, errno);
	__atomic_fetch_add(&h->root->joined, 1, __ATOMIC_ACQ_REL);
	*out = h;
	return 0;
}

int
shmu_heap_detach(struct shmu_heap *h)
{
	if (h->locker.held > 0 || ACQUIRE(&h->joined) > 0) {
		errno = EBUSY;
		return -1;
	}
	if (h->slot != NULL) {
		if (h->registered != NULL)
			shmu_heap_publish(h->registered, NULL, 0, "");
		STORE(&h->slot->turn, h->slot->turn | 1);
		if (shmu_h_lock(h) == -1)
			return -1;
		shmu_h_bury(h, h->index);
		shmu_h_unlock(h);
	}
	if (h->tag != 0 && h->root != h)
		__atomic_fetch_sub(&h->root->joined, 1, __ATOMIC_ACQ_REL);
	discard(h);
	return 0;
}

const struct shmu_operand *
shmu_heap_operand(const struct shmu_heap *h)
{
	return &h->op;
}

uint64_t
shmu_heap_offset(const struct shmu_heap *h, const void *p)
{
	uint64_t off = offset(h, p);

	return p != NULL && within(h, off, 1) ? off : 0;
}

void *
shmu_heap_at(const struct shmu_heap *h, uint64_t off)
{
	return off != 0 && within(h, off, 1) ? h->base + off : NULL;
}
