/* SPDX-License-Identifier: MIT */
/*
 * heap-view.h - look at a heap without being attached to it
 *
 * A view reads: it takes no lock, needs no slot, writes nothing and stops
 * nobody, so it may be of an application that works, hangs or is dead, and of
 * the private pool of another process.  What it shows of a heap that is in use
 * is each word as it was at one instant, not all at the same.
 *
 * Everything is copied before it is looked at, and checked.  A view allocates;
 * its memory is freed by shmu_heap_view_close.  One view, one thread.  Errors:
 * -1 with errno, nothing printed.
 */
#ifndef SHMUTIL_HEAP_VIEW_H
#define SHMUTIL_HEAP_VIEW_H

#include "shmutil/heap.h"

SHMU_BEGIN

struct shmu_heap_view;

/* Copy len bytes at off of the heap to to: 0, or -1 with errno. */
typedef int shmu_heap_reader(void *arg, uint64_t off, void *to, size_t len);

/*
 * View what read gives of size bytes.  Fails as shmu_header_check, with EBADMSG
 * when the heap's own description is damaged, ENOMEM, or as read does.
 */
SHMU_API int shmu_heap_view_open(struct shmu_heap_view **out,
    shmu_heap_reader *read, void *arg, uint64_t size);

/* View the heap in seg, which is open and not mapped; it is mapped for reading
 * as far as the heap may grow, so that a refresh sees that too, and stays so
 * until shmu_segment_unmap or close.  EINVAL when it is mapped. */
SHMU_API int shmu_heap_view_segment(struct shmu_heap_view **out,
    struct shmu_segment *seg);

/* View what is mapped at base, by shmu_segment_copy: a peer that truncates it
 * makes that EFAULT and not a signal.  size is of the mapping, and may be more
 * than is there. */
SHMU_API int shmu_heap_view_mapped(struct shmu_heap_view **out,
    const void *base, uint64_t size);

/* View the heap at an address of another process, by process_vm_readv(2), which
 * needs the permission to trace it. */
SHMU_API int shmu_heap_view_process(struct shmu_heap_view **out, pid_t pid,
    uint64_t base, uint64_t size);

/* Read again all that was copied. */
SHMU_API int shmu_heap_view_refresh(struct shmu_heap_view *view);

SHMU_API void shmu_heap_view_close(struct shmu_heap_view *view);

/*
 * Sizes in bytes.  real_used is what nobody else can have: the metadata, the
 * units of spans, free chunks of spans included, and of large chunks.  used is
 * of the chunks that are allocated, spare of the free ones in spans.  total =
 * real_used + free, and may grow to maximum.
 */
struct shmu_heap_stat {
	uint64_t	total, maximum, free, used, real_used, max_used;
	uint64_t	fragments;	/* runs of units that free is in */
	uint64_t	largest_free;	/* of these */
	uint64_t	spare;
	uint64_t	metadata;
	uint64_t	unit;
	uint64_t	chunks;		/* allocated now */
	uint64_t	spans, orphans;	/* orphans: without an owner */
	uint64_t	operations;	/* allocations, frees and the like, so
					 * far */
	uint64_t	failures, last_failure;
	uint64_t	faults;
	uint64_t	recovered;	/* dead threads, so far */
	uint64_t	deaths;		/* of holders of the lock, so far */
	uint32_t	slots, attached, dead;
	uint32_t	sites, flags;
	uint32_t	tracer;		/* thread that traces, or 0 */
	struct shmu_owner holder;	/* of the lock, or nobody */
};
SHMU_API int shmu_heap_view_stat(struct shmu_heap_view *view,
    struct shmu_heap_stat *out);

/* A chunk, or a run of free units (site 0, small 0). */
struct shmu_heap_chunk {
	uint64_t	off;
	uint64_t	size;		/* usable */
	uint32_t	site;
	uint32_t	owner;		/* slot + 1; 0: none, or large */
	unsigned char	used;
	unsigned char	small;
	unsigned char	pending;	/* freed by another, not yet
					 * collected */
};

/* Call each for every chunk and every free run, by offset, until it returns
 * other than 0, which is then the result. */
SHMU_API int shmu_heap_view_walk(struct shmu_heap_view *view,
    int (*each)(const struct shmu_heap_chunk *chunk, void *arg), void *arg);

/* Site number id: 0, or -1 with ENOENT.  file is the end of its path. */
#define SHMU_HEAP_FILE	60
SHMU_API int shmu_heap_view_site(const struct shmu_heap_view *view,
    uint32_t id, char file[SHMU_HEAP_FILE], uint32_t *line);

/* Slot number index, from 0: 1, or 0 when nobody has it; -1 with ENOENT behind
 * the last. */
struct shmu_heap_thread {
	struct shmu_owner owner;
	int		dead;		/* proven */
	int		busy;		/* in a call */
	uint64_t	since;		/* seconds since 1970 */
	uint64_t	operations;	/* of this slot, ever */
	uint64_t	failures, last_failure;
	struct shmu_heap_fault fault;
	uint64_t	pool_base;	/* of its private pool, 0: none
					 * published */
	uint64_t	pool_size, pool_used, pool_real, pool_max;
	uint32_t	pool_rank;
	char		pool_name[20];
};
SHMU_API int shmu_heap_view_thread(const struct shmu_heap_view *view,
    uint32_t index, struct shmu_heap_thread *out);

/* Root number index: 1 with name and offset, 0 behind the last. */
SHMU_API int shmu_heap_view_root(const struct shmu_heap_view *view,
    uint32_t index, char name[SHMU_HEAP_NAME + 1], uint64_t *off);

/* What a check may find.  In a heap that is in use a finding counts only when
 * a later check, after a refresh, has it too. */
enum shmu_heap_flaw {
	SHMU_HEAP_FLAW_DESC = 1,	/* a unit is described as what it cannot
					 * be */
	SHMU_HEAP_FLAW_TAIL,		/* a unit belongs to no run */
	SHMU_HEAP_FLAW_OWNER,		/* a span's owner is not attached */
	SHMU_HEAP_FLAW_WORD,		/* a chunk's word cannot be */
	SHMU_HEAP_FLAW_REMOTE,		/* freed by another, and free or not
					 * there */
	SHMU_HEAP_FLAW_LIST,		/* free chunks are not one list */
	SHMU_HEAP_FLAW_HINT,		/* bits or counts differ from the
					 * units */
	SHMU_HEAP_FLAW_INTENT,		/* a living thread's, at rest */
	SHMU_HEAP_FLAW_UNDO,		/* words to undo, and nobody has the
					 * lock */
	SHMU_HEAP_FLAW_DEAD		/* a dead thread: gc recovers it */
};
struct shmu_heap_finding {
	uint32_t	flaw;		/* enum shmu_heap_flaw */
	uint32_t	index;		/* unit, slot or chunk */
	uint64_t	off;		/* in the heap */
	uint64_t	value;		/* what is there */
};
SHMU_API const char *shmu_heap_flaw_text(uint32_t flaw);

/* Check everything; each is called for each finding.  How many there are. */
SHMU_API int shmu_heap_view_check(struct shmu_heap_view *view,
    void (*each)(const struct shmu_heap_finding *finding, void *arg),
    void *arg);

SHMU_END

#endif
