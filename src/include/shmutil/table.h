/* SPDX-License-Identifier: MIT */
/*
 * table.h - named cells in a segment: bytes and integers that processes share
 *
 * A table is a hash of cells over a heap, one in a segment, which grows up to
 * a stated maximum where the segment can grow (POSIX objects, files).  A key is
 * 1 to SHMU_KEY_MAX bytes of anything.  A cell holds bytes or a 64-bit integer
 * (here), or is a lock, a semaphore, a barrier or a queue (<shmutil/cell.h>).
 *
 * To keep a struct under a key, with no pointers in it:
 *
 *	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
 *	struct call call = { .start = now };
 *
 *	shmu_table_open(&t, &op, &spec, 0, NULL);
 *	shmu_table_put(t, id, strlen(id), &call, sizeof call);
 *	shmu_table_get(t, id, strlen(id), &call, sizeof call, NULL);
 *	shmu_table_delete(t, id, strlen(id));
 *	shmu_table_detach(t);
 *
 * Readers take no lock and write nothing: a get is consistent, and is not
 * delayed by who writes other cells.  Each change is atomic: others see all of
 * it or nothing.
 *
 * Death: a process may be killed at any instruction; what it was changing is
 * then done or not done, and whoever meets what it held takes it back.
 * Errors: -1 with errno, nothing printed, and nothing changed.  Besides what is
 * said for each: EINVAL (a key that is empty or too long), ETIMEDOUT (somebody
 * living, but stopped, has held a bucket or the heap's lock for 5 s: see
 * shmu_table_holder), EBADMSG (damaged), ENOMEM (no room up to the maximum),
 * EROFS (attached for reading; also to wait, which tells others so).  A peer
 * that writes garbage can cause these and spoil what is stored, but no access
 * outside the segment; one that truncates it, SIGBUS.
 * Threads: one handle, one thread; shmu_table_join gives another its own.  Not
 * to be called from signal handlers.
 * Fork: in a child every handle fails with ECHILD; join or attach anew.  Exec:
 * all is gone.
 */
#ifndef SHMUTIL_TABLE_H
#define SHMUTIL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "shmutil/heap.h"

SHMU_BEGIN

#define SHMU_TABLE_LAYOUT	1U
#define SHMU_TABLE_MAXIMUM	(UINT64_C(64) << 20)	/* bytes, by default */
#define SHMU_KEY_MAX		255U	/* bytes */

struct shmu_table;	/* the attachment of one thread */

/* What a new table shall be.  segment.size is ignored: it begins small where
 * it can grow, and has its maximum at once elsewhere. */
struct shmu_table_spec {
	struct shmu_spec	 segment;	/* mode, owner */
	uint64_t		 maximum;	/* bytes; 0:
						 * SHMU_TABLE_MAXIMUM */
	uint32_t		 slots;		/* threads attached at once; 0:
						 * 64 */
	const struct shmu_owner	*owner;		/* whose end is the table's, or
						 * NULL */
};
#define SHMU_TABLE_SPEC_INIT	{ SHMU_SPEC_INIT, 0, 0, NULL }

#define SHMU_TABLE_ANY_OWNER	1U	/* also another user's */
#define SHMU_TABLE_READ		2U	/* only to read: needs no slot */

/* Make one and attach to it, attach to what is there, or whichever it takes
 * (*created, which may be NULL, then says which).  Errors as shmu_heap_create
 * and shmu_heap_attach; EPROTOTYPE: it is a segment of another format;
 * EINPROGRESS: one that somebody is making, for which open waits 5 s. */
SHMU_API int shmu_table_create(struct shmu_table **out,
    const struct shmu_operand *op, const struct shmu_table_spec *spec);
SHMU_API int shmu_table_attach(struct shmu_table **out,
    const struct shmu_operand *op, unsigned int flags);
SHMU_API int shmu_table_open(struct shmu_table **out,
    const struct shmu_operand *op, const struct shmu_table_spec *spec,
    unsigned int flags, int *created);

/* Another thread of this process, or a child after fork with its parent's. */
SHMU_API int shmu_table_join(struct shmu_table **out,
    struct shmu_table *other);

/* Give the slot back, unmap, free the handle.  Locks and leases in cells stay:
 * they are the process's.  EBUSY: others have joined this handle. */
SHMU_API int shmu_table_detach(struct shmu_table *table);

/* The descriptor that the handle keeps; it is moved to least or above, out of
 * the way of whoever uses certain numbers, as shells do.  -1 with EBADF: it
 * keeps none; or as fcntl(2) with F_DUPFD_CLOEXEC, and it stays what it was. */
SHMU_API int shmu_table_descriptor(struct shmu_table *table, int least);

/* The heap below, for what the caller allocates there itself; NULL when
 * attached for reading. */
SHMU_API struct shmu_heap *shmu_table_heap(struct shmu_table *table);
SHMU_API const struct shmu_operand *shmu_table_operand(
    const struct shmu_table *table);

/* Who kept the last call from what it waited for, after ETIMEDOUT: 1, or 0
 * when that is not known. */
SHMU_API int shmu_table_holder(const struct shmu_table *table,
    struct shmu_owner *out);

enum shmu_cell_type {
	SHMU_CELL_NONE,
	SHMU_CELL_BYTES,
	SHMU_CELL_INTEGER,
	SHMU_CELL_LOCK,
	SHMU_CELL_SEMAPHORE,
	SHMU_CELL_BARRIER,
	SHMU_CELL_QUEUE
};

/* What there is to know of a cell besides what it holds. */
struct shmu_cell {
	enum shmu_cell_type	type;
	uint32_t		changes;	/* grows with each, and wraps;
						 * on when it is deleted and
						 * made anew */
	uint64_t		length;		/* bytes: of the value, integer:
						 * 8 */
	uint32_t		key_length;
	unsigned char		key[SHMU_KEY_MAX + 1];	/* and a NUL */
};

/* "bytes", "integer", "lock" ..., or NULL for what is none. */
SHMU_API const char *shmu_cell_name(enum shmu_cell_type type);

/* Store length bytes under key: the cell is made, or its value replaced, also
 * an integer.  EPROTOTYPE: it is neither bytes nor an integer. */
SHMU_API int shmu_table_put(struct shmu_table *table, const void *key,
    size_t key_length, const void *value, size_t length);

/*
 * Copy what the cell holds, at most size bytes of it, to buf; an integer is an
 * int64_t.  *cell, unless NULL, is filled: its length tells whether all of it
 * was copied.  Of other types nothing is copied.  ENOENT: there is none.
 * Attached for reading: EOWNERDEAD when a dead process's change of it is still
 * to be undone, which takes an attachment to write.
 */
SHMU_API int shmu_table_get(struct shmu_table *table, const void *key,
    size_t key_length, void *buf, size_t size, struct shmu_cell *cell);

/* Remove the cell.  ENOENT; EBUSY: of a lock or semaphore that somebody living
 * has, a barrier where somebody waits, a queue of which items are on lease. */
SHMU_API int shmu_table_delete(struct shmu_table *table, const void *key,
    size_t key_length);

enum shmu_integer {
	SHMU_ADD,	/* a; ERANGE on overflow */
	SHMU_ADD_WRAP,	/* a; modulo 2^64 */
	SHMU_SWAP,	/* a; *result is what was there before */
	SHMU_CAS,	/* to b if it is a; else EAGAIN, and *result is what is
			 * there */
	SHMU_MAX,	/* to a if that is more */
	SHMU_MIN
};

/*
 * Change an integer; *result, unless NULL, is what it is then.  A cell that is
 * not there counts as 0 and is made.  Bytes that are a decimal integer in the
 * range of int64_t, as in "-17", become one; EPROTOTYPE: it is neither.
 */
SHMU_API int shmu_table_integer(struct shmu_table *table, const void *key,
    size_t key_length, enum shmu_integer op, int64_t a, int64_t b,
    int64_t *result);

/*
 * Call each for every cell, with what it holds (value, cell->length bytes; NULL
 * for what is neither bytes nor an integer), until it returns other than 0,
 * which is then the result.  A cell that is there from the beginning to the end
 * is seen exactly once, one that comes or goes meanwhile at most once.  each
 * may change the table.
 */
SHMU_API int shmu_table_each(struct shmu_table *table,
    int (*each)(const struct shmu_cell *cell, const void *value, void *arg),
    void *arg);

/*
 * Wait until the cell is as it shall be: until is called with what the cell
 * holds (cell NULL: it is not there) at once and after each change, until it
 * returns other than 0, which is then the result; also when nothing has
 * changed.  limit NULL is no limit.  ETIMEDOUT; EINTR: a signal was caught.
 */
SHMU_API int shmu_table_wait(struct shmu_table *table, const void *key,
    size_t key_length, int (*until)(const struct shmu_cell *cell,
    const void *value, void *arg), void *arg, const struct timespec *limit);

/* Totals, as they were at some instants. */
struct shmu_table_stat {
	uint64_t	cells;
	uint64_t	buckets, overflows;
	uint64_t	size, maximum;	/* of the segment, bytes */
	uint64_t	repaired;	/* changes of dead processes that were
					 * undone */
};
SHMU_API int shmu_table_stat(struct shmu_table *table,
    struct shmu_table_stat *out);

/* How many cells the table has whose heap is viewed (<shmutil/heap-view.h>),
 * which stops nobody: 0, or -1 with ENOENT when the heap has no table. */
struct shmu_heap_view;
SHMU_API int shmu_table_view_cells(const struct shmu_heap_view *view,
    uint64_t *cells);

SHMU_END

#endif
