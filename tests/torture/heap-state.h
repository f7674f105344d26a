/* SPDX-License-Identifier: MIT */
/*
 * heap-state.h - a small heap, images of it, and what is in an image
 *
 * An image is what a kill at some instant would have left.  Its owners are made
 * dead ones, another process attaches to it and recovers, and then its content
 * is told as a text, to be compared.
 */
#ifndef HEAP_STATE_H
#define HEAP_STATE_H

#include "heap-private.h"
#include "shmutil/heap-view.h"

#define STATE_ARENA	((size_t)192 << 10)
#define STATE_GROWS	0x80000000U	/* flag: begin small, and grow to
					 * that */

struct state_content {
	char	text[16384];	/* chunks, then roots */
	size_t	len;
	int	chunks;
};

/* For a group of tests. */
int state_begin(void **state);
int state_end(void **state);

/* A segment with the content of image, of which so much is there: the one that
 * is told of, or the one of a rescuer. */
const struct shmu_operand *state_segment(bool rescue,
    const unsigned char *image, ssize_t there);

/* Make a heap, of whose segment STATE_ARENA bytes can be looked at even if the
 * heap has less; and make it so that a child of this process goes on with the
 * lists of a handle, which is otherwise not so. */
void state_create(struct shmu_heap **out, unsigned int flags);
void state_keep(struct shmu_heap *h);

/* Make whoever owns a slot of an image, or its lock, a dead one. */
void state_bury(unsigned char *image, const struct shmu_heap *like);

/* Recover the image, whose owners are dead, and tell what is in it; returns the
 * number of flaws, which are printed. */
int state_recover(unsigned char *image, const struct shmu_heap *like,
    struct state_content *out);

/* A handle on a segment of its own, with the content of image, to recover what
 * is then copied there; it has the first slot that is free in image. */
struct shmu_heap *state_rescuer(const unsigned char *image);

#endif
