/* SPDX-License-Identifier: MIT */
/*
 * header.h - the page that every structure of libshmutil begins with
 *
 * It says what the segment holds, in which layout, for which kind of program,
 * and whose it is.  It is written once, while nobody else can have the segment,
 * and then only size, state and the words a structure reserves for itself
 * change.  The structures hold offsets, never pointers, and no object of libc
 * (no mutex), so programs of different libcs may share one; the word size and
 * the byte order must agree.
 *
 * What is mapped is never trusted: shmu_header_check copies it once, checks
 * the copy and hands that out.  The functions are thread-safe, allocate nothing
 * and call nothing but, for the owner, what <shmutil/owner.h> does.
 */
#ifndef SHMUTIL_HEADER_H
#define SHMUTIL_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "shmutil/owner.h"

SHMU_BEGIN

#define SHMU_HEADER_SIZE	4096U	/* bytes, from offset 0 */

/* What a segment can hold; the values are part of the layout. */
enum shmu_format {
	SHMU_FORMAT_HEAP = 1,
	SHMU_FORMAT_TABLE = 2,
	SHMU_FORMAT_RING = 3
};

enum shmu_header_state {
	SHMU_HEADER_BUILDING = 1,
	SHMU_HEADER_LIVE = 2
};

struct shmu_header {
	uint64_t		magic;
	uint32_t		format;		/* enum shmu_format */
	uint32_t		layout;		/* version of that format */
	uint32_t		abi;		/* shmu_header_abi */
	uint32_t		state;		/* enum shmu_header_state */
	uint64_t		maximum;	/* bytes that size may grow
						 * to */
	uint64_t		created;	/* seconds since 1970 */
	struct shmu_owner	creator;
	struct shmu_owner	owner;		/* whose end is the segment's;
						 * or nobody */
	uint64_t		checksum;	/* of all above but state */
	uint64_t		size;		/* bytes in use; grows */
	unsigned char		reserved[SHMU_HEADER_SIZE - 152];	/* 0 */
};

/* What shmu_header_abi says of this program: bits in a word, and byte order
 * (bit 8 set: big endian). */
SHMU_API uint32_t shmu_header_abi(void);

/* "heap", "table", "ring", or NULL for what is none. */
SHMU_API const char *shmu_header_name(uint32_t format);

/*
 * Write the header of a segment that only the caller has: size bytes that may
 * grow to maximum (at least size), tied to owner or, with NULL, to nobody.  The
 * state is BUILDING; shmu_header_publish makes it LIVE by one store, after all
 * that was written before.
 */
SHMU_API void shmu_header_init(struct shmu_header *mapped,
    enum shmu_format format, uint32_t layout, uint64_t size, uint64_t maximum,
    const struct shmu_owner *owner);
SHMU_API void shmu_header_publish(struct shmu_header *mapped);

/*
 * Copy what is mapped, of which available bytes are there, and check it:
 * format and layout must be these (0: any), size and maximum must make sense
 * and size must be available.  0; or -1 with *copy for a message and errno
 *	EILSEQ		no header of ours (also when less than a header is there)
 *	EBADMSG		damaged: checksum, size or state cannot be right
 *	ENOEXEC		made by a program of another word size or byte order
 *	EPROTOTYPE	another format or layout
 *	EINPROGRESS	still being built
 *	ESTALE		being built by a process that is proven dead
 */
SHMU_API int shmu_header_check(const struct shmu_header *mapped,
    uint64_t available, uint32_t format, uint32_t layout,
    struct shmu_header *copy);

SHMU_END

#endif
