/* SPDX-License-Identifier: MIT */
/* header.c - write and check the first page; see shmutil/header.h */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "hash.h"
#include "shmutil/header.h"

/* "shmutil" and a byte that text does not have. */
#define MAGIC	UINT64_C(0x8c6c6974756d6873)

_Static_assert(sizeof(struct shmu_header) == SHMU_HEADER_SIZE,
    "the header is a page, whatever the compiler");

uint32_t
shmu_header_abi(void)
{
	return (uint32_t)(sizeof(void *) * CHAR_BIT) |
	    (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x100U : 0U);
}

const char *
shmu_header_name(uint32_t format)
{
	static const char *const names[] = { NULL, "heap", "table", "ring" };

	return format < sizeof names / sizeof names[0] ? names[format] : NULL;
}

/* Of what never changes once it was written. */
static uint64_t
checksum(const struct shmu_header *h)
{
	struct shmu_header fixed;

	memcpy(&fixed, h, offsetof(struct shmu_header, checksum));
	fixed.state = 0;
	return XXH3_64bits(&fixed, offsetof(struct shmu_header, checksum));
}

void
shmu_header_init(struct shmu_header *mapped, enum shmu_format format,
    uint32_t layout, uint64_t size, uint64_t maximum,
    const struct shmu_owner *owner)
{
	memset(mapped, 0, sizeof *mapped);
	mapped->magic = MAGIC;
	mapped->format = (uint32_t)format;
	mapped->layout = layout;
	mapped->abi = shmu_header_abi();
	mapped->maximum = maximum;
	mapped->created = (uint64_t)time(NULL);
	shmu_owner_self(&mapped->creator);
	if (owner != NULL)
		mapped->owner = *owner;
	mapped->size = size;
	mapped->checksum = checksum(mapped);
	__atomic_store_n(&mapped->state, SHMU_HEADER_BUILDING,
	    __ATOMIC_RELEASE);
}

void
shmu_header_publish(struct shmu_header *mapped)
{
	__atomic_store_n(&mapped->state, SHMU_HEADER_LIVE, __ATOMIC_RELEASE);
}

/* What is wrong with the copy of a header, or 0. */
static int
judge(const struct shmu_header *h, uint64_t available, uint32_t format,
    uint32_t layout)
{
	if (h->magic != MAGIC)
		return EILSEQ;
	if (h->abi != shmu_header_abi())
		return ENOEXEC;
	if (h->checksum != checksum(h))
		return EBADMSG;
	if ((format != 0 && h->format != format) ||
	    (layout != 0 && h->layout != layout))
		return EPROTOTYPE;
	if (h->state == SHMU_HEADER_BUILDING)
		return shmu_owner_dead(&h->creator) ? ESTALE : EINPROGRESS;
	if (h->state != SHMU_HEADER_LIVE || h->size < SHMU_HEADER_SIZE ||
	    h->size > h->maximum || h->size > available)
		return EBADMSG;
	return 0;
}

int
shmu_header_check(const struct shmu_header *mapped, uint64_t available,
    uint32_t format, uint32_t layout, struct shmu_header *copy)
{
	int err;

	memset(copy, 0, sizeof *copy);
	if (available < SHMU_HEADER_SIZE) {
		errno = EILSEQ;
		return -1;
	}
	memcpy(copy, mapped, offsetof(struct shmu_header, reserved));
	copy->state = __atomic_load_n(&mapped->state, __ATOMIC_ACQUIRE);
	copy->size = __atomic_load_n(&mapped->size, __ATOMIC_ACQUIRE);
	err = judge(copy, available, format, layout);
	if (err == 0)
		return 0;
	errno = err;
	return -1;
}
