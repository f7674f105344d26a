/* SPDX-License-Identifier: MIT */
/* heap-shmu.c - libshmutil's heap, as a peer of bench/heap */
#include <stdio.h>
#include <unistd.h>

#include "heap-work.h"
#include "shmutil/heap-view.h"

const int peer_shared = 1;
static struct shmu_heap *heap;

int
peer_create(size_t arena)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;
	struct shmu_operand op = { .kind = SHMU_POSIX };
	int r;

	snprintf(op.name, sizeof op.name, "/bench-heap-%d", (int)getpid());
	spec.segment.size = arena;
	spec.segment.flags = SHMU_SPEC_SPARSE;
	r = shmu_heap_create(&heap, &op, &spec);
	if (r == 0)
		shmu_segment_remove(&op, NULL);
	return r;
}

void
peer_child(int index)
{
	struct shmu_heap *parent = heap;

	(void)index;
	if (shmu_heap_join(&heap, parent) == -1) {
		perror("shmu_heap_join");
		_exit(1);
	}
}

__attribute__((noinline)) void *
peer_malloc(size_t size)
{
	return shmu_heap_malloc(heap, size);
}

__attribute__((noinline)) void
peer_free(void *p)
{
	if (shmu_heap_free(heap, p) == -1)
		perror("shmu_heap_free");
}

/* The heap is mapped at p - offset for any p; p is what it always has. */
static struct shmu_heap_view *
look(void)
{
	struct shmu_heap_view *v;
	unsigned char *base = shmu_heap_at(heap, 1);
	const struct shmu_header *h = (void *)(base - 1);

	return shmu_heap_view_mapped(&v, h, h->size) == 0 ? v : NULL;
}

uint64_t
peer_real_used(void)
{
	struct shmu_heap_view *v = look();
	struct shmu_heap_stat st;
	uint64_t n = v != NULL && shmu_heap_view_stat(v, &st) == 0 ?
	    st.real_used : 0;

	shmu_heap_view_close(v);
	return n;
}

static void
tell(const struct shmu_heap_finding *f, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s: %u at %#llx: %#llx\n",
	    shmu_heap_flaw_text(f->flaw), f->index,
	    (unsigned long long)f->off, (unsigned long long)f->value);
}

int
peer_check(void)
{
	struct shmu_heap_view *v;
	int n;

	if (shmu_heap_gc(heap, NULL) == -1)
		perror("shmu_heap_gc");
	v = look();
	n = v == NULL ? 1000 : shmu_heap_view_check(v, tell, NULL);
	shmu_heap_view_close(v);
	return n;
}
