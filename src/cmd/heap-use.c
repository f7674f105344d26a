/* SPDX-License-Identifier: MIT */
/* heap-use.c - shm-heap: create, alloc, free, check, gc, trace */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cause.h"
#include "heap.h"
#include "stop.h"

#define MOST	4096	/* findings */
#define PASSES	3	/* a finding counts when each of so many looks has it */

static int
not_created(struct heap *h)
{
	switch (errno) {
	case EEXIST:
		return cli_fail(EXIT_NO, h->text,
		    "exists already; choose another name, or remove it with "
		    "shm-rm");
	case EINVAL:
		return cli_fail(EXIT_CANNOT, h->text,
		    "a heap of %" PRIu64 " bytes cannot be made here; its size "
		    "or the number of slots does not fit",
		    h->spec.segment.size);
	default:
		return cause_create(h->text, &h->op, &h->spec.segment, errno);
	}
}

int
heap_create(struct heap *h)
{
	char text[SHMU_OPERAND_TEXT];
	struct shmu_heap *heap;

	cli_operand_or_die(&h->op, h->text);
	cli_not_semaphore(&h->op, h->text);
	if (h->op.kind == SHMU_ID || h->op.kind == SHMU_PIDFD)
		cli_usage(h->text, "this cannot be chosen for a new segment; write "
		    "/NAME, a key or a path");
	h->spec.segment.size = cli_size("a size", h->argv[1]);
	if (h->spec.segment.size < SHMU_HEAP_MINIMUM)
		cli_usage(h->argv[1], "a heap has at least %" PRIu64 " bytes",
		    SHMU_HEAP_MINIMUM);
	if (h->most < h->spec.segment.size)
		cli_usage(h->argv[1], "this is more than --max allows");
	if (h->most != UINT64_MAX)
		h->spec.maximum = h->most;
	if (shmu_heap_create(&heap, &h->op, &h->spec) == -1)
		return not_created(h);
	if (h->op.kind == SHMU_POSIX &&
	    shmu_heap_operand(heap)->kind == SHMU_ID && !cli.quiet)
		cli_say(h->text,
		    "there are no POSIX objects here; the heap is a System V "
		    "segment, and --fallback finds it by its name");
	shmu_operand_text(shmu_heap_operand(heap), text, sizeof text);
	shmu_heap_detach(heap);
	puts(text);
	return EXIT_YES;
}

static int
no_room(struct heap *h, uint64_t size)
{
	switch (errno) {
	case ENOMEM:
		return cli_fail(EXIT_NO, h->text,
		    "no room for %" PRIu64
		    " bytes; see shm-heap stat and sites",
		    size);
	case EEXIST:
		return cli_fail(EXIT_NO, h->text, "root %s names something "
		    "already; free it first", h->root);
	case ENOSPC:
		return cli_fail(EXIT_CANNOT, h->text, "all roots have names");
	case EINVAL:
		return cli_fail(EXIT_USAGE, h->root,
		    "a root has a name of 1 to %u bytes", SHMU_HEAP_NAME);
	default:
		return heap_cause(h, errno);
	}
}

int
heap_alloc(struct heap *h)
{
	uint64_t size = cli_size("a size", h->argv[1]), *word, off = 0;
	struct shmu_heap *heap;
	int status = heap_attach(h, &heap);
	void *p;

	if (status != EXIT_YES)
		return status;
	if (h->root != NULL) {
		word = shmu_heap_root(heap, h->root);
		if (word != NULL && size <= SIZE_MAX &&
		    shmu_heap_alloc_into(heap, (size_t)size, word) == 0)
			off = *word;
	} else {
		p = size > SIZE_MAX ? NULL :
		    shmu_heap_calloc(heap, 1, (size_t)size);
		off = shmu_heap_offset(heap, p);
	}
	if (off == 0)
		status = no_room(h, size);
	else
		printf("%" PRIu64 "\n", off);
	shmu_heap_detach(heap);
	return status;
}

static int
not_freed(struct heap *h, const char *what)
{
	switch (errno) {
	case EINVAL:
		return cli_fail(EXIT_NO, h->text, "%s is no allocation", what);
	case EALREADY:
		return cli_fail(EXIT_NO, h->text, "%s is free already", what);
	case ENOENT:
		return cli_fail(EXIT_NO, h->text, "root %s names nothing",
		    what);
	case EBADMSG:
		return cli_fail(EXIT_CANNOT, h->text,
		    "the guard behind %s is damaged: somebody wrote beyond it; "
		    "it was not freed",
		    what);
	default:
		return heap_cause(h, errno);
	}
}

static int
free_one(struct heap *h, struct shmu_heap *heap, uint64_t off)
{
	uint64_t *word;
	void *p;

	if (h->root != NULL) {
		word = shmu_heap_root_find(heap, h->root);
		return word != NULL && shmu_heap_free_from(heap, word) == 0 ?
		    EXIT_YES : not_freed(h, h->root);
	}
	p = shmu_heap_at(heap, off);
	errno = EINVAL;
	return p != NULL && shmu_heap_free(heap, p) == 0 ? EXIT_YES :
	    not_freed(h, h->argv[1]);
}

int
heap_free(struct heap *h)
{
	struct shmu_heap *heap;
	uint64_t off = 0;
	int status;

	if ((h->root != NULL) == (h->argv[1] != NULL))
		cli_usage(h->text, "free what? an OFFSET, or --root NAME");
	if (h->argv[1] != NULL)
		off = cli_number("an offset", h->argv[1], INT64_MAX);
	status = heap_attach(h, &heap);
	if (status != EXIT_YES)
		return status;
	status = free_one(h, heap, off);
	shmu_heap_detach(heap);
	return status;
}

int
heap_gc(struct heap *h)
{
	struct shmu_heap_gc gc;
	struct shmu_heap *heap;
	struct json j = JSON_INIT(stdout);
	struct shmu_heap_stat before;
	int status = heap_look(h, h->argv[0]);

	if (status != EXIT_YES)
		return status;
	/* Attaching recovers too. */
	if (shmu_heap_view_stat(h->view, &before) == -1)
		status = heap_cause(h, errno);
	heap_look_away(h);
	if (status == EXIT_YES)
		status = heap_attach(h, &heap);
	if (status != EXIT_YES)
		return status;
	if (shmu_heap_gc(heap, &gc) == -1) {
		status = heap_cause(h, errno);
		shmu_heap_detach(heap);
		return status;
	}
	shmu_heap_detach(heap);
	gc.dead += before.dead;
	if (h->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "schema", "shmutils.heap-gc.1");
		json_unsigned(&j, "dead", gc.dead);
		json_unsigned(&j, "idle", gc.idle);
		json_unsigned(&j, "bytes", gc.units * before.unit);
		json_close(&j, '}');
	} else if (!cli.quiet)
		printf("recovered %u dead, took from %u idle, gave back %" PRIu64
		    " bytes\n",
		    gc.dead, gc.idle, gc.units * before.unit);
	return EXIT_YES;
}

/* What one look found. */
struct findings {
	struct shmu_heap_finding *rows;
	size_t		 n, room;
	int		 lost;
};

static void
note(const struct shmu_heap_finding *f, void *arg)
{
	struct findings *s = arg;
	struct shmu_heap_finding *rows;

	if (s->n == s->room) {
		rows = s->room > MOST ? NULL :
		    realloc(s->rows, (s->room * 2 + 16) * sizeof *rows);
		if (rows == NULL) {
			s->lost = 1;
			return;
		}
		s->rows = rows;
		s->room = s->room * 2 + 16;
	}
	s->rows[s->n++] = *f;
}

static int
has(const struct findings *s, const struct shmu_heap_finding *f)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->rows[i].flaw == f->flaw && s->rows[i].off == f->off &&
		    s->rows[i].index == f->index)
			return 1;
	return 0;
}

/* Leave in all what now has too. */
static void
intersect(struct findings *all, const struct findings *now)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		if (has(now, &all->rows[i]))
			all->rows[n++] = all->rows[i];
	all->n = n;
}

/* A heap in use changes while it is looked at: what is wrong stays wrong. */
static int
look_repeatedly(struct heap *h, struct findings *all)
{
	struct findings now = { NULL, 0, 0, 0 };
	int pass, r;

	r = shmu_heap_view_check(h->view, note, all);
	for (pass = 1; r != -1 && pass < PASSES && all->n > 0; pass++) {
		cli_sleep(0.01);
		now.n = 0;
		r = shmu_heap_view_refresh(h->view);
		if (r == 0)
			r = shmu_heap_view_check(h->view, note, &now);
		intersect(all, &now);
	}
	free(now.rows);
	return r == -1 ? heap_cause(h, errno) : EXIT_YES;
}

static void
print_findings(const struct heap *h, const struct findings *all)
{
	struct json j = JSON_INIT(stdout);
	size_t i;

	if (h->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "schema", "shmutils.heap-check.1");
		json_open(&j, "findings", '[');
	}
	for (i = 0; i < all->n; i++) {
		const struct shmu_heap_finding *f = &all->rows[i];

		if (!h->json) {
			printf("%" PRIu64 " %u %#" PRIx64 " %s\n", f->off,
			    f->index, f->value, shmu_heap_flaw_text(f->flaw));
			continue;
		}
		json_open(&j, NULL, '{');
		json_unsigned(&j, "offset", f->off);
		json_unsigned(&j, "index", f->index);
		json_unsigned(&j, "value", f->value);
		json_string(&j, "text", shmu_heap_flaw_text(f->flaw));
		json_close(&j, '}');
	}
	if (h->json) {
		json_close(&j, ']');
		json_close(&j, '}');
	} else if (all->n == 0 && !cli.quiet)
		puts("sound");
}

int
heap_check(struct heap *h)
{
	struct findings all = { NULL, 0, 0, 0 };
	int status = heap_look(h, h->argv[0]);

	if (status != EXIT_YES)
		return status;
	status = look_repeatedly(h, &all);
	if (status == EXIT_YES) {
		print_findings(h, &all);
		status = all.n > 0 ? EXIT_NO : EXIT_YES;
	}
	free(all.rows);
	heap_look_away(h);
	return status;
}

static void
event(struct heap *h, const struct shmu_heap_event *e)
{
	char site[HEAP_SITE_TEXT];

	/* A site that came up since is not in the copy. */
	if (heap_site_text(h->view, e->site, site)[0] == '?' && e->site != 0 &&
	    shmu_heap_view_refresh(h->view) == 0)
		heap_site_text(h->view, e->site, site);
	printf("%s %" PRIu64 " %" PRIu64 " %u %s\n",
	    e->freed ? "free" : "alloc", e->off, e->size, e->thread, site);
}

static int
follow(struct heap *h, struct shmu_heap *heap)
{
	uint64_t n = 0, lost = 0, told = 0;
	struct shmu_heap_event e;
	int r;

	puts("WHAT OFFSET SIZE THREAD SITE");
	fflush(stdout);
	while (stop_signal() == 0 && (h->count == 0 || n < h->count) &&
	    !ferror(stdout)) {
		r = shmu_heap_trace_next(heap, &e, &lost);
		if (r == -1)
			return heap_cause(h, errno);
		if (lost > told) {
			printf("lost %" PRIu64 "\n", lost - told);
			told = lost;
		}
		if (r == 1) {
			event(h, &e);
			n++;
			continue;
		}
		fflush(stdout);
		cli_sleep(0.005);
	}
	return EXIT_YES;
}

int
heap_trace(struct heap *h)
{
	struct shmu_heap *heap;
	int status = heap_look(h, h->argv[0]);

	if (status != EXIT_YES)
		return status;
	status = heap_attach(h, &heap);
	if (status != EXIT_YES) {
		heap_look_away(h);
		return status;
	}
	stop_on_signals();
	signal(SIGPIPE, SIG_IGN);	/* or the tracing would go on */
	if (shmu_heap_trace_start(heap) == -1)
		status = errno == EBUSY ? cli_fail(EXIT_NO, h->text, "somebody "
		    "traces it already; see tracer in shm-heap stat") :
		    errno == ENOMEM ? cli_fail(EXIT_CANNOT, h->text, "no room for "
		    "the 64 KiB that events are passed through") :
		    heap_cause(h, errno);
	else {
		status = follow(h, heap);
		shmu_heap_trace_stop(heap);
	}
	shmu_heap_detach(heap);
	heap_look_away(h);
	cli_done(status);
	stop_die();
	return status;
}
