/* SPDX-License-Identifier: MIT */
/*
 * heap-grow.c - what there is of a heap, and more of it
 *
 * The whole maximum is mapped from the beginning; what lies behind the end of
 * the object is SIGBUS to touch.  So nothing is touched behind h->l.size, which
 * only ever becomes a size that was published and that the object was seen to
 * have.
 */
#include "config.h"

#include <sys/resource.h>

#include "allocate.h"
#include "heap-private.h"
#include "shmutil/sys.h"

#define LEAST	(UINT64_C(256) << 10)	/* bytes to grow by, if they are to
					 * be */
#define MOST	(UINT64_C(64) << 20)	/* had and no more are needed */
#define TOO_LITTLE	(UINT64_C(64) << 10)	/* to be tried without need */

static uint64_t *
published(const struct shmu_heap *h)
{
	return &((struct shmu_header *)h->base)->size;
}

/* The descriptor of the object, and the size that it has.  An application may
 * have closed what it did not open, and opened something else since. */
static int
object(const struct shmu_heap *h, uint64_t *size)
{
	const struct shmu_heap *root = h->root;
	struct stat st;

	if (root->seg.fd == -1 || shmu_sys_fstat(root->seg.fd, &st) == -1 ||
	    st.st_dev != root->dev || st.st_ino != root->ino)
		return -1;
	*size = (uint64_t)st.st_size;
	return root->seg.fd;
}

static void
resize(struct shmu_heap *h, uint64_t size)
{
	shmu_h_layout_resize(&h->l, size);
	h->locker.size = size;
}

int
shmu_h_catch_up(const struct shmu_heap *h)
{
	uint64_t size, have;

	if (likely(h->l.size == h->l.maximum))
		return 0;
	size = ACQUIRE(published(h));
	if (size == h->l.size)
		return 0;
	if (size < h->l.size || size > h->l.maximum ||
	    object(h, &have) == -1 || size > have) {
		errno = EBADMSG;
		return -1;
	}
	/* The handle is its thread's alone, and none of them is const. */
	resize((struct shmu_heap *)(uintptr_t)h, size);
	return 1;
}

/*
 * Bring the object to size and tell everybody.  A death in between leaves an
 * object that is larger than what is published, where the next one finds the
 * memory allocated already.  Beyond the limit of the process for files there
 * would be a signal.
 */
static bool
enlarge(struct shmu_heap *h, int fd, uint64_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == -1 || size > limit.rlim_cur ||
	    shmu_allocate_more(fd, h->l.size, size) == -1)
		return false;
	RELEASE(published(h), size);
	resize(h, size);
	return true;
}

/* A quarter of what there is, so that it is not often; but the lock is held
 * meanwhile, so not very much at once. */
static uint64_t
step(uint64_t size)
{
	return size / 4 < LEAST ? LEAST : size / 4 > MOST ? MOST : size / 4;
}

/* Where there is not so much left, half of it is tried, and so on, and at last
 * what is needed alone. */
bool
shmu_h_grow(struct shmu_heap *h, uint32_t n)
{
	uint64_t more = step(h->l.size), need, size, have;
	int fd;

	if (n > h->l.all - h->l.units)
		return false;
	fd = object(h, &have);
	if (fd == -1)
		return false;
	need = shmu_h_layout_bytes(&h->l, h->l.units + n);
	for (; more >= TOO_LITTLE; more /= 2) {
		size = (h->l.size + more) & ~UINT64_C(4095);
		if (size > h->l.maximum)
			size = h->l.maximum;
		if (size > need && enlarge(h, fd, size))
			return true;
	}
	return enlarge(h, fd, need);
}
