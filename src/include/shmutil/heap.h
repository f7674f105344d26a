/* SPDX-License-Identifier: MIT */
/*
 * heap.h - malloc in a segment
 *
 * A heap is a pool that is reserved when it is made, in a segment of any kind
 * or in the private memory of a process; in a POSIX object or a file it can
 * grow to a maximum, at the same addresses.  Each thread that attaches
 * gets spans of its own to allocate from, so the common paths take no lock;
 * any thread may free what any other allocated.
 *
 * Death: a process may be killed at any instruction.  Every call takes effect
 * by one store, so it has happened or it has not, and the next that meets what
 * the dead one had recovers it.  What plain malloc had given out and the dead
 * process had not yet stored anywhere nobody can know: use
 * shmu_heap_alloc_into and shmu_heap_free_from to publish and to withdraw.
 *
 * Accounting: each allocation carries the place in the source that made it.
 * The macros below give __FILE__ and __LINE__ of the caller; put the name in
 * parentheses to call the function without.
 *
 * Errors: -1 or NULL with errno, nothing printed.  What processes share is
 * checked before it is used: whoever writes garbage into the segment can make
 * calls fail with EBADMSG and can spoil what is stored in it, but causes no
 * access outside it.  A peer that truncates the object makes access to it
 * SIGBUS.
 * Descriptor: an attachment to a heap that grows needs the one it has opened.
 * Where the application closed it, allocation cannot make the heap grow, and
 * what other processes have made it grow by is EBADMSG.
 * Threads: one handle, one thread; shmu_heap_join gives another thread its own
 * on the same addresses.  Not to be called from signal handlers.
 * Fork: in a child every handle fails with ECHILD until shmu_heap_join gave it
 * one of its own; addresses stay.  Exec: all is gone, and the slot with it.
 * Standards: the names after C11 7.22.3, the alignment as said below.
 */
#ifndef SHMUTIL_HEAP_H
#define SHMUTIL_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "shmutil/header.h"
#include "shmutil/segment.h"

SHMU_BEGIN

#define SHMU_HEAP_LAYOUT	1U
#define SHMU_HEAP_NAME		51U	/* bytes in the name of a root, at
					 * most */
#define SHMU_HEAP_MINIMUM	(UINT64_C(128) << 10)	/* bytes of a heap */

struct shmu_heap;	/* the attachment of one thread */

/* A place in the source that allocates; static, one for each, all else zero. */
struct shmu_site {
	const char	*file;
	unsigned int	 line;
	uint64_t	 known;		/* private */
};
#define SHMU_SITE	(__extension__({				\
	static struct shmu_site shmu_site_ = { __FILE__, __LINE__, 0 };	\
	&shmu_site_; }))

#define SHMU_HEAP_DEBUG		1U	/* guards, and both sites of a fault */
#define SHMU_HEAP_FALLBACK	2U	/* System V where POSIX is not */
#define SHMU_HEAP_ANY_OWNER	4U	/* attach: also another user's heap */

/* What a new heap shall be.  0 in slots, sites and roots is the default. */
struct shmu_heap_spec {
	struct shmu_spec	 segment;	/* size, mode, owner of the
						 * segment */
	unsigned int		 flags;		/* SHMU_HEAP_* */
	uint32_t		 slots;		/* threads attached at once:
						 * 64 */
	uint32_t		 sites;		/* places in the source: by
						 * size */
	uint32_t		 roots;		/* names: 64 */
	const struct shmu_owner	*owner;		/* whose end is the heap's, or
						 * NULL */
	uint64_t		 maximum;	/* bytes to grow to; 0: it does
						 * not */
};
#define SHMU_HEAP_SPEC_INIT	{ SHMU_SPEC_INIT, 0, 0, 0, 0, NULL, 0 }

/*
 * Make a heap and attach to it.  Its metadata is about 0.2 % of the maximum and
 * 100 KiB.  Nobody can open the segment before the heap is complete; System V,
 * which knows no such thing, shows it as unfinished.  EINVAL: the size is less
 * than SHMU_HEAP_MINIMUM, or more than the maximum, or what was asked for does
 * not fit into it; else as shmu_segment_begin and publish.
 *
 * With a maximum, which is what must not be less than SHMU_HEAP_MINIMUM then,
 * the segment begins with segment.size, or with its metadata and eight units if
 * that is more; so 0 is as little as possible.  It grows under the heap's lock
 * when there is no room otherwise: by what is needed, a quarter of what it has
 * (64 MiB at most) or 256 KiB, or by what is needed alone where the filesystem
 * has no more.  The memory is allocated before anybody sees it, so a full
 * filesystem is ENOMEM, as are the seals of a memfd and RLIMIT_FSIZE.  It does
 * not shrink.  All who attach map the maximum: growth costs others nothing but
 * an fstat(2).  System V, which cannot grow, is made with the maximum.
 *
 * With SHMU_HEAP_FALLBACK, op a POSIX object and no POSIX objects to be had (no
 * directory, not mounted, not permitted), the heap is made in a System V
 * segment whose key comes from the name, which is kept in the heap and compared
 * by shmu_heap_attach with the same flag.
 */
SHMU_API int shmu_heap_create(struct shmu_heap **out,
    const struct shmu_operand *op, const struct shmu_heap_spec *spec);

/* The same in private memory of size bytes: gone with the process, and without
 * a name.  flags: SHMU_HEAP_DEBUG. */
SHMU_API int shmu_heap_create_private(struct shmu_heap **out, uint64_t size,
    unsigned int flags);

/*
 * Attach the calling thread.  What dead processes held is recovered first.
 *	EUSERS		every slot is taken by a living thread
 *	EPERM		another user's, and not SHMU_HEAP_ANY_OWNER
 *	EXDEV		made in another pid or time namespace, where the ids of
 *			processes mean others
 *	ETIMEDOUT	somebody living has held the lock for 5 s
 *	EBADMSG		damaged
 * else as shmu_segment_open and map and shmu_header_check.
 */
SHMU_API int shmu_heap_attach(struct shmu_heap **out,
    const struct shmu_operand *op, unsigned int flags);

/* Attach the calling thread to the mapping that other has: another thread of
 * this process, or in a child after fork the handle of its parent. */
SHMU_API int shmu_heap_join(struct shmu_heap **out, struct shmu_heap *other);

/*
 * Give the slot and the spans back, unmap what create or attach mapped, and
 * free the handle.  EBUSY, with nothing done: this thread holds the lock, or
 * others have joined this handle.  In a child an inherited handle is only
 * freed.  A process that ends without has died, which is no harm.
 */
SHMU_API int shmu_heap_detach(struct shmu_heap *heap);

/* The segment that the heap is in; kind SHMU_PRIVATE for none. */
SHMU_API const struct shmu_operand *shmu_heap_operand(
    const struct shmu_heap *heap);

/*
 * Allocation.  Alignment: a size that is 1 to 8 modulo 16 is aligned to 8, all
 * others to 16, and multiples of 64 to 64.  Size 0 is a byte.  ENOMEM: there is
 * no room, also after all that could be taken back was taken back from dead
 * and from idle processes.  free: EINVAL when p is no allocation, EALREADY when
 * it is free.
 */
SHMU_API void *shmu_heap_malloc_at(struct shmu_heap *heap, size_t size,
    struct shmu_site *site);
SHMU_API void *shmu_heap_calloc_at(struct shmu_heap *heap, size_t n,
    size_t size, struct shmu_site *site);
SHMU_API void *shmu_heap_realloc_at(struct shmu_heap *heap, void *p,
    size_t size, struct shmu_site *site);
SHMU_API int shmu_heap_free_at(struct shmu_heap *heap, void *p,
    struct shmu_site *site);

/* Of an alignment that is a power of two up to 4096, else EINVAL.  More than 64
 * costs at least one unit, see struct shmu_heap_stat. */
SHMU_API void *shmu_heap_aligned_at(struct shmu_heap *heap, size_t align,
    size_t size, struct shmu_site *site);

/* realloc, but on failure p is freed. */
SHMU_API void *shmu_heap_reallocf_at(struct shmu_heap *heap, void *p,
    size_t size, struct shmu_site *site);

/*
 * Allocate and store the offset in *word, which lies in the segment and is 0;
 * or clear *word and free what it named.  A death leaves both done or neither:
 * who recovers looks at *word.  So until the call has returned nobody else may
 * change it, and after a death in it nobody may move what it names elsewhere
 * before shmu_heap_gc or an attach has recovered the dead thread.  0, or -1 as
 * above; EEXIST or ENOENT: *word was not 0, or was.
 */
SHMU_API int shmu_heap_alloc_into_at(struct shmu_heap *heap, size_t size,
    uint64_t *word, struct shmu_site *site);
SHMU_API int shmu_heap_free_from_at(struct shmu_heap *heap, uint64_t *word,
    struct shmu_site *site);

/* The same without a site, and as macros with the caller's. */
SHMU_API void *shmu_heap_malloc(struct shmu_heap *heap, size_t size);
SHMU_API void *shmu_heap_calloc(struct shmu_heap *heap, size_t n, size_t size);
SHMU_API void *shmu_heap_realloc(struct shmu_heap *heap, void *p, size_t size);
SHMU_API void *shmu_heap_reallocf(struct shmu_heap *heap, void *p, size_t size);
SHMU_API void *shmu_heap_aligned(struct shmu_heap *heap, size_t align,
    size_t size);
SHMU_API int shmu_heap_free(struct shmu_heap *heap, void *p);
SHMU_API int shmu_heap_alloc_into(struct shmu_heap *heap, size_t size,
    uint64_t *word);
SHMU_API int shmu_heap_free_from(struct shmu_heap *heap, uint64_t *word);

#ifndef SHMU_HEAP_NO_SITES
#define shmu_heap_malloc(h, size)					\
	shmu_heap_malloc_at(h, size, SHMU_SITE)
#define shmu_heap_calloc(h, n, size)					\
	shmu_heap_calloc_at(h, n, size, SHMU_SITE)
#define shmu_heap_realloc(h, p, size)					\
	shmu_heap_realloc_at(h, p, size, SHMU_SITE)
#define shmu_heap_reallocf(h, p, size)					\
	shmu_heap_reallocf_at(h, p, size, SHMU_SITE)
#define shmu_heap_aligned(h, align, size)				\
	shmu_heap_aligned_at(h, align, size, SHMU_SITE)
#define shmu_heap_free(h, p)						\
	shmu_heap_free_at(h, p, SHMU_SITE)
#define shmu_heap_alloc_into(h, size, word)				\
	shmu_heap_alloc_into_at(h, size, word, SHMU_SITE)
#define shmu_heap_free_from(h, word)					\
	shmu_heap_free_from_at(h, word, SHMU_SITE)
#endif

/* Bytes that may be used at p, at least those asked for; 0 with EINVAL when p
 * is no allocation. */
SHMU_API size_t shmu_heap_usable(struct shmu_heap *heap, const void *p);

/* The offset of p in the segment, 0 for NULL and for what is not in it; the
 * address of off, NULL for 0 and for what is not in it. */
SHMU_API uint64_t shmu_heap_offset(const struct shmu_heap *heap,
    const void *p);
SHMU_API void *shmu_heap_at(const struct shmu_heap *heap, uint64_t off);

/*
 * Named roots: where a process that attaches begins.  A name keeps its place
 * for as long as the heap lives; its offset is one word, 0 when unset, and may
 * be given to alloc_into and free_from.  The first makes the name when it is
 * not there: ENOSPC when all places are taken, EINVAL for a name that is empty
 * or too long.  The other looks without a lock; NULL with ENOENT.
 */
SHMU_API uint64_t *shmu_heap_root(struct shmu_heap *heap, const char *name);
SHMU_API uint64_t *shmu_heap_root_find(struct shmu_heap *heap,
    const char *name);

/* What recovery took back. */
struct shmu_heap_gc {
	uint32_t	dead;		/* slots of dead threads */
	uint32_t	idle;		/* slots of others that were idle */
	uint64_t	units;		/* that were given back */
};

/* Recover what dead processes had, take free memory back from idle ones, and
 * give up what is empty of one's own.  *out may be NULL. */
SHMU_API int shmu_heap_gc(struct shmu_heap *heap, struct shmu_heap_gc *out);

/* What a refused free, or a damaged guard, was about. */
enum shmu_heap_trouble {
	SHMU_HEAP_NO_FAULT,
	SHMU_HEAP_BAD_FREE,		/* no allocation */
	SHMU_HEAP_DOUBLE_FREE,
	SHMU_HEAP_OVERRUN,		/* debug: the guard behind it is
					 * damaged */
	SHMU_HEAP_USED_FREE		/* debug: written to after it was
					 * freed */
};
struct shmu_heap_fault {
	uint32_t	kind;		/* enum shmu_heap_trouble */
	uint32_t	count;		/* faults of this slot so far */
	uint64_t	off;		/* of the chunk, or of what was given */
	uint32_t	here;		/* site of the call, 0: unknown */
	uint32_t	allocated;	/* site of the allocation; 0: unknown */
	uint32_t	freed;		/* debug: site of the free before; 0 */
	uint32_t	unused;
};

/* The last one that this handle met; 0 when there was none, else 1.  A damaged
 * guard is EBADMSG from free, which then keeps the chunk; use after free is
 * found when the chunk is given out again, which then still happens. */
SHMU_API int shmu_heap_fault(const struct shmu_heap *heap,
    struct shmu_heap_fault *out);

/*
 * Tell the shared heap of this process's private pool, so that others find it:
 * rank is a number of the application's, name a word for people.  pool NULL
 * takes it back.
 */
SHMU_API int shmu_heap_publish(struct shmu_heap *shared,
    struct shmu_heap *pool, uint32_t rank, const char *name);

/*
 * Events: each allocation and free of every process, from the time that
 * start returned until stop.  One at a time: EBUSY while the one who traces
 * lives.  The ring of events, 64 KiB, stays allocated under the root ".trace".
 * next is 1 with *out filled, 0 when there is none now; *lost is raised by what
 * was overwritten before it was read.
 */
struct shmu_heap_event {
	uint32_t	thread;
	uint32_t	site;
	uint64_t	off;
	uint64_t	size;		/* asked for, or of what was freed */
	uint32_t	freed;		/* 0: allocated */
	uint32_t	unused;
};
SHMU_API int shmu_heap_trace_start(struct shmu_heap *heap);
SHMU_API int shmu_heap_trace_next(struct shmu_heap *heap,
    struct shmu_heap_event *out, uint64_t *lost);
SHMU_API int shmu_heap_trace_stop(struct shmu_heap *heap);

SHMU_END

#endif
