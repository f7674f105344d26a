/* SPDX-License-Identifier: MIT */
/* ring.h - what the tortures of the ring share: a channel, and its stream */
#ifndef TORTURE_RING_H
#define TORTURE_RING_H

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "shmutil/ring.h"
#include "unit/check.h"

/* A stream of which every byte tells where it belongs. */
static inline unsigned char
ring_byte(uint64_t n)
{
	return (unsigned char)((n + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static inline void
ring_fill(void *at, uint64_t position, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		((unsigned char *)at)[i] = ring_byte(position + i);
}

static inline int
ring_right(const void *at, uint64_t position, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((const unsigned char *)at)[i] != ring_byte(position + i))
			return 0;
	return 1;
}

/* Records too: the one at a position has a length of its own. */
static inline uint32_t
ring_length(uint64_t position)
{
	return (uint32_t)((position + 8) * UINT64_C(0x9e3779b97f4a7c15) >> 40) %
	    300;
}

/* The channel of this process and its children. */
static inline struct shmu_operand
ring_channel(const char *what)
{
	struct shmu_operand op;
	char name[64];

	snprintf(name, sizeof name, "/torture-%s-%d", what, (int)getpid());
	if (shmu_operand_parse(&op, name, NULL) == -1)
		abort();
	return op;
}

static inline int
ring_try(struct shmu_ring *r, enum shmu_ring_role role,
    const struct shmu_operand *op, uint64_t capacity, uint32_t kind,
    unsigned int flags)
{
	struct shmu_ring_spec spec = SHMU_RING_SPEC_INIT;

	spec.capacity = capacity;
	spec.kind = kind;
	spec.flags = flags;
	return shmu_ring_open(r, role, op, &spec);
}

/* Whether a name of the channel is there: bit 0 the object, bit 1 the bell. */
static inline int
ring_names(const struct shmu_operand *op)
{
	char bell[300], path[300];

	if (shmu_ring_bell(op, bell, sizeof bell) == -1)
		abort();
	snprintf(path, sizeof path, SHMU_POSIX_DIR "%s", op->name);
	return (access(path, F_OK) == 0) | (access(bell, F_OK) == 0) << 1;
}

/* Rounds of a test: what a check has time for, or many times that. */
static inline int
ring_rounds(int few, int many)
{
	return getenv("SHMU_TORTURE") != NULL ? many :
	    getenv("SHMU_SLOW") != NULL ? few / 10 + 1 : few;
}

#endif
