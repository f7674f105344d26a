/* SPDX-License-Identifier: MIT */
/* heap-view.h - the copy that a view is, within the library */
#ifndef SHMU_LIB_HEAP_VIEW_H
#define SHMU_LIB_HEAP_VIEW_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heap-layout.h"
#include "shmutil/heap-view.h"

struct shmu_heap_view {
	struct heap_layout	 l;
	shmu_heap_reader	*read;
	void			*arg;
	uint64_t		 size;
	const unsigned char	*base;		/* mapped */
	pid_t			 pid;		/* process */
	uint64_t		 address;
	struct heap_control	 control;
	unsigned char		*tables;	/* the bytes from roots_off to
						 * data_off */
	unsigned char		*head;		/* bits and words of one span */
};

#define TABLE(v, field, type)						\
	((const type *)(const void *)((v)->tables +			\
	    ((v)->l.field - (v)->l.roots_off)))

/* A span whose bits and words were read into view->head. */
struct view_span {
	struct desc		 d;
	uint32_t		 unit;
	struct heap_shape	 shape;
	const uint64_t		*bits;
	const uint32_t		*words;
};

static inline bool
view_desc(const struct shmu_heap_view *v, uint32_t u, struct desc *out)
{
	return shmu_h_desc_unpack(&v->l, u, TABLE(v, descs_off, uint64_t)[u],
	    out);
}

/* Read span d at unit u; 0, or -1 with errno. */
int shmu_h_view_span(struct shmu_heap_view *v, uint32_t u, const struct desc *d,
    struct view_span *out);

#endif
