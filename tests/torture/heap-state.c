/* SPDX-License-Identifier: MIT */
/* heap-state.c - see heap-state.h */
#include "config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../unit/finding.h"
#include "heap-state.h"

static struct shmu_operand operand, second;

const struct shmu_operand *
state_segment(bool rescue, const unsigned char *image, ssize_t there)
{
	const struct shmu_operand *op = rescue ? &second : &operand;

	assert_int_equal(pwrite(op->fd, image, (size_t)there, 0), there);
	assert_int_equal(ftruncate(op->fd, (off_t)there), 0);
	return op;
}

int
state_begin(void **state)
{
	(void)state;
	memset(&operand, 0, sizeof operand);
	operand.kind = SHMU_PIDFD;
	operand.pid = getpid();
	operand.fd = memfd_create("image", MFD_CLOEXEC);
	second = operand;
	second.fd = memfd_create("second", MFD_CLOEXEC);
	return operand.fd == -1 || second.fd == -1 ? -1 :
	    ftruncate(operand.fd, (off_t)STATE_ARENA) |
	    ftruncate(second.fd, (off_t)STATE_ARENA);
}

int
state_end(void **state)
{
	(void)state;
	close(operand.fd);
	close(second.fd);
	return 0;
}

struct shmu_heap *
state_rescuer(const unsigned char *image)
{
	struct shmu_heap *h;

	assert_int_equal(shmu_heap_attach(&h, state_segment(true, image,
	    STATE_ARENA), 0), 0);
	return h;
}

void
state_create(struct shmu_heap **out, unsigned int flags)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;
	struct shmu_operand op;

	memset(&op, 0, sizeof op);
	op.kind = SHMU_PRIVATE;
	spec.maximum = STATE_ARENA;
	spec.slots = 4;
	spec.flags = flags & ~STATE_GROWS;
	if ((flags & STATE_GROWS) != 0) {
		op.kind = SHMU_POSIX;
		snprintf(op.name, sizeof op.name, "/shmu-state-%d",
		    (int)getpid());
	}
	assert_int_equal(shmu_heap_create(out, &op, &spec), 0);
	op = *shmu_heap_operand(*out);
	assert_int_equal(shmu_segment_remove(&op, NULL), 0);
	if ((flags & STATE_GROWS) != 0)
		assert_int_equal(shmu_segment_resize(&(*out)->seg,
		    STATE_ARENA, 0), 0);
}

void
state_keep(struct shmu_heap *h)
{
	madvise((char *)h + KEPT_SIZE, sizeof *h - KEPT_SIZE, MADV_KEEPONFORK);
	madvise(h->pool, (h->l.all + 1) * (sizeof *h->pool + sizeof *h->map),
	    MADV_DOFORK);
}

static int
add_chunk(const struct shmu_heap_chunk *c, void *arg)
{
	struct state_content *t = arg;

	if (!c->used || t->len > sizeof t->text - 64)
		return 0;
	t->chunks++;
	t->len += (size_t)sprintf(t->text + t->len, "%llu+%llu@%u ",
	    (unsigned long long)c->off, (unsigned long long)c->size, c->site);
	return 0;
}

void
state_bury(unsigned char *image, const struct shmu_heap *like)
{
	struct heap_control *c = (void *)(image + SHMU_HEADER_SIZE);
	struct heap_slot *s = (void *)(image + like->l.slots_off);
	uint32_t i;

	for (i = 0; i < like->l.slots; i++)
		s[i].owner.start |= UINT64_C(1) << 62;
	if ((c->lock.word & 0x7fffffff) != 0)
		c->lock.word |= UINT64_C(1) << 63;
}

static int
tell(const struct shmu_heap *h, struct state_content *out)
{
	char name[SHMU_HEAP_NAME + 1];
	struct shmu_heap_view *v;
	uint64_t off;
	uint32_t i;
	int n;

	memset(out, 0, sizeof *out);
	assert_int_equal(shmu_heap_view_mapped(&v, h->base, STATE_ARENA), 0);
	n = shmu_heap_view_check(v, print_finding, NULL);
	assert_int_equal(shmu_heap_view_walk(v, add_chunk, out), 0);
	for (i = 0; shmu_heap_view_root(v, i, name, &off) == 1; i++)
		out->len += (size_t)sprintf(out->text + out->len, "%s=%llu ",
		    name, (unsigned long long)off);
	shmu_heap_view_close(v);
	return n;
}

int
state_recover(unsigned char *image, const struct shmu_heap *like,
    struct state_content *out)
{
	ssize_t there = (ssize_t)((struct shmu_header *)(void *)image)->size;
	struct shmu_heap *h;
	int n;

	/* What is not published need not be there. */
	state_bury(image, like);
	assert_int_equal(shmu_heap_attach(&h, state_segment(false, image,
	    there), 0), 0);
	assert_int_equal(shmu_heap_gc(h, NULL), 0);
	n = tell(h, out);
	assert_int_equal(shmu_heap_detach(h), 0);
	return n;
}
