/* SPDX-License-Identifier: MIT */
/* heap.h - what the files of shm-heap share */
#ifndef HEAP_H
#define HEAP_H

#include "cli.h"
#include "json.h"
#include "shmutil/heap-view.h"

#define HEAP_SITE_TEXT	(4 * SHMU_HEAP_FILE + 16)

struct heap {
	char			**argv;		/* operands after the verb */
	const char		*text;		/* the first, as typed */
	struct shmu_operand	 op;
	struct shmu_segment	 seg;
	struct shmu_heap_view	*view;
	int			 json;
	uint64_t		 least, most;	/* walk: usable sizes */
	const char		*site;		/* walk: only of this */
	uint64_t		 count;		/* trace */
	double			 interval;
	const char		*root;
	uint64_t		 pool;		/* pid whose private pool is
						 * meant */
	struct shmu_heap_spec	 spec;		/* create */
};

/* A verb: does it, prints, and returns an exit status. */
typedef int heap_verb(struct heap *h);

heap_verb heap_alloc, heap_check, heap_create, heap_diff, heap_free, heap_gc,
    heap_processes, heap_show, heap_sites, heap_stat, heap_trace, heap_walk;

/* View the heap that text names, or its process's pool; or say why not. */
int heap_look(struct heap *h, const char *text);
void heap_look_away(struct heap *h);

/* Attach to it; or say why not. */
int heap_attach(struct heap *h, struct shmu_heap **out);

/* Say what err means of a heap. */
int heap_cause(struct heap *h, int err);

/* "FILE:LINE", escaped, or "?" for what is not known. */
const char *heap_site_text(const struct shmu_heap_view *view, uint32_t id,
    char buf[HEAP_SITE_TEXT]);

#endif
