/* SPDX-License-Identifier: MIT */
/* table.c - make a table, attach to it and leave; see table-layout.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "table-layout.h"

#define BUILDING_LIMIT	5000	/* milliseconds that another may take to
				 * build */

_Static_assert(sizeof(struct bucket) == 64, "a line");
_Static_assert(sizeof(struct entry) == 16, "part of the layout");
_Static_assert(sizeof(struct table_control) % 64 == 0, "a chunk of lines");
_Static_assert(J_COUNT < 8, "the journal has eight words");

/* In the segment that nobody else has yet. */
static int
build(struct shmu_heap *h)
{
	uint64_t *root = shmu_heap_root(h, TABLE_ROOT);
	struct table_control *c;
	uint64_t seed;

	if (root == NULL ||
	    shmu_heap_alloc_into(h, sizeof *c, root) == -1 ||
	    getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return -1;
	c = shmu_heap_at(h, *root);
	memset(c, 0, sizeof *c);
	c->magic = TABLE_MAGIC;
	c->seed = seed;
	c->buckets = TABLE_FIRST;
	if (shmu_heap_alloc_into(h, TABLE_FIRST * sizeof(struct bucket),
	    &c->piece[0]) == -1)
		return -1;
	memset(shmu_heap_at(h, c->piece[0]), 0,
	    TABLE_FIRST * sizeof(struct bucket));
	return 0;
}

/* Find the table that stands on h. */
int
shmu_t_bind(struct shmu_table *t, struct shmu_heap *h)
{
	const uint64_t *root = shmu_heap_root_find(h, TABLE_ROOT);
	uint64_t off = root == NULL ? 0 : ACQUIRE(root);

	memset(t, 0, sizeof *t);
	t->heap = h;
	t->base = h->base;
	if (off < SHMU_HEADER_SIZE || off % 64 != 0 ||
	    !within(h, off, sizeof *t->c)) {
		errno = EBADMSG;
		return -1;
	}
	t->c = (struct table_control *)(h->base + off);
	t->seed = t->c->seed;
	if (t->c->magic == TABLE_MAGIC)
		return 0;
	errno = EBADMSG;
	return -1;
}

/* The handle for a heap, which is detached when that fails. */
static int
handle(struct shmu_table **out, struct shmu_heap *h)
{
	struct shmu_table *t = calloc(1, sizeof *t);
	int err;

	if (t != NULL && shmu_t_bind(t, h) == 0) {
		*out = t;
		return 0;
	}
	err = errno;
	free(t);
	shmu_heap_detach(h);
	errno = err;
	return -1;
}

int
shmu_table_create(struct shmu_table **out, const struct shmu_operand *op,
    const struct shmu_table_spec *spec)
{
	struct shmu_heap_spec heap = SHMU_HEAP_SPEC_INIT;
	struct shmu_heap *h;

	heap.segment = spec->segment;
	heap.segment.size = 0;
	heap.maximum = spec->maximum == 0 ? SHMU_TABLE_MAXIMUM :
	    spec->maximum;
	heap.slots = spec->slots == 0 ? 64 : spec->slots;
	heap.sites = 64;
	heap.roots = 16;
	heap.owner = spec->owner;
	/* What a slot of a bucket can name. */
	if (heap.maximum > UINT64_C(1) << 37) {
		errno = EINVAL;
		return -1;
	}
	if (shmu_h_create(&h, op, &heap, SHMU_FORMAT_TABLE, build) == -1)
		return -1;
	return handle(out, h);
}

int
shmu_table_attach(struct shmu_table **out, const struct shmu_operand *op,
    unsigned int flags)
{
	struct shmu_heap *h;

	if (shmu_h_attach(&h, op,
	    ((flags & SHMU_TABLE_ANY_OWNER) != 0 ? SHMU_HEAP_ANY_OWNER : 0) |
	    ((flags & SHMU_TABLE_READ) != 0 ? HEAP_READ : 0),
	    SHMU_FORMAT_TABLE) == -1)
		return -1;
	return handle(out, h);
}

/* Another may come first, or take the name away again; and what System V shows
 * unfinished is waited for. */
int
shmu_table_open(struct shmu_table **out, const struct shmu_operand *op,
    const struct shmu_table_spec *spec, unsigned int flags, int *created)
{
	const struct timespec pause = { 0, 1000000 };
	int i;

	for (i = 0; i < BUILDING_LIMIT; i++) {
		if (created != NULL)
			*created = 0;
		if (shmu_table_attach(out, op, flags) == 0)
			return 0;
		if (errno == EINPROGRESS) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (errno != ENOENT)
			return -1;
		if (shmu_table_create(out, op, spec) == 0) {
			if (created != NULL)
				*created = 1;
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

int
shmu_table_join(struct shmu_table **out, struct shmu_table *other)
{
	struct shmu_heap *h;

	if (shmu_heap_join(&h, other->heap) == -1)
		return -1;
	return handle(out, h);
}

int
shmu_table_detach(struct shmu_table *t)
{
	if (shmu_heap_detach(t->heap) == -1)
		return -1;
	free(t);
	return 0;
}

struct shmu_heap *
shmu_table_heap(struct shmu_table *t)
{
	return t->heap->reading ? NULL : t->heap;
}

int
shmu_table_descriptor(struct shmu_table *t, int least)
{
	struct shmu_segment *seg = &t->heap->seg;
	int fd;

	if (t->heap->tag == 0) {
		errno = ECHILD;
		return -1;
	}
	if (seg->fd == -1) {
		errno = EBADF;
		return -1;
	}
	if (seg->fd >= least)
		return seg->fd;
	fd = fcntl(seg->fd, F_DUPFD_CLOEXEC, least);
	if (fd == -1)
		return -1;
	close(seg->fd);
	seg->fd = fd;
	return fd;
}

const struct shmu_operand *
shmu_table_operand(const struct shmu_table *t)
{
	return &t->heap->op;
}

int
shmu_table_holder(const struct shmu_table *t, struct shmu_owner *out)
{
	*out = t->heap->holder;
	return out->pid != 0;
}

const char *
shmu_cell_name(enum shmu_cell_type type)
{
	static const char *const names[] = { NULL, "bytes", "integer", "lock",
	    "semaphore", "barrier", "queue" };

	return (unsigned int)type < sizeof names / sizeof names[0] ?
	    names[type] : NULL;
}

/* May this thread use the table, and can there be such a key?  The tag is 0 in
 * a child that has inherited the handle. */
bool
shmu_t_usable(struct shmu_table *t, size_t key_length)
{
	if (likely(t->heap->tag != 0 && key_length - 1 < SHMU_KEY_MAX))
		return true;
	errno = t->heap->tag == 0 ? ECHILD : EINVAL;
	return false;
}

bool
shmu_t_writable(struct shmu_table *t, size_t key_length)
{
	if (!shmu_t_usable(t, key_length))
		return false;
	if (likely(!t->heap->reading))
		return true;
	errno = EROFS;
	return false;
}

uint64_t
shmu_t_hash(const struct shmu_table *t, const void *key, size_t key_length)
{
	return XXH3_64bits_withSeed(key, key_length, t->seed);
}

/* Other bits than those that choose the bucket. */
struct shmu_event *
shmu_t_event(struct shmu_table *t, uint64_t hash)
{
	return &t->c->events[hash >> 56];
}

struct bucket *
shmu_t_piece(struct shmu_table *t, uint32_t k)
{
	uint64_t off = k < TABLE_PIECES ? ACQUIRE(&t->c->piece[k]) : 0;

	if (off < SHMU_HEADER_SIZE || off % 64 != 0 || !within(t->heap, off,
	    piece_buckets(k) * sizeof(struct bucket))) {
		errno = EBADMSG;
		return NULL;
	}
	t->piece[k] = (struct bucket *)(t->base + off);
	return t->piece[k];
}

/* Each thread counts what it makes and deletes, in its slot, for good. */
uint64_t
shmu_t_cells(const struct shmu_table *t)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < t->heap->l.slots; i++)
		n += LOAD(&slots(t->heap)[i].table[J_COUNT]);
	return n;
}
