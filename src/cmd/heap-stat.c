/* SPDX-License-Identifier: MIT */
/* heap-stat.c - shm-heap: sums, a picture, and who uses the heap */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"

#define WIDTH	64U
#define CELLS	(WIDTH * 24)

static void
number(const struct heap *h, struct json *j, const char *name, uint64_t n)
{
	if (h->json)
		json_unsigned(j, name, n);
	else
		printf("%s: %" PRIu64 "\n", name, n);
}

static void
print_stat(const struct heap *h, const struct shmu_heap_stat *s)
{
	struct json j = JSON_INIT(stdout);

	if (h->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "schema", "shmutils.heap-stat.1");
		json_string(&j, "operand", h->text);
	}
	number(h, &j, "total", s->total);
	number(h, &j, "maximum", s->maximum);
	number(h, &j, "free", s->free);
	number(h, &j, "used", s->used);
	number(h, &j, "real_used", s->real_used);
	number(h, &j, "max_used", s->max_used);
	number(h, &j, "fragments", s->fragments);
	number(h, &j, "largest_free", s->largest_free);
	number(h, &j, "failures", s->failures);
	number(h, &j, "last_failure", s->last_failure);
	number(h, &j, "spare", s->spare);
	number(h, &j, "metadata", s->metadata);
	number(h, &j, "unit", s->unit);
	number(h, &j, "chunks", s->chunks);
	number(h, &j, "spans", s->spans);
	number(h, &j, "orphans", s->orphans);
	number(h, &j, "operations", s->operations);
	number(h, &j, "faults", s->faults);
	number(h, &j, "slots", s->slots);
	number(h, &j, "attached", s->attached);
	number(h, &j, "dead", s->dead);
	number(h, &j, "recovered", s->recovered);
	number(h, &j, "deaths_in_lock", s->deaths);
	number(h, &j, "lock_holder", s->holder.pid);
	number(h, &j, "tracer", s->tracer);
	number(h, &j, "sites", s->sites);
	number(h, &j, "debug", (s->flags & SHMU_HEAP_DEBUG) != 0);
	if (h->json)
		json_close(&j, '}');
}

int
heap_stat(struct heap *h)
{
	struct shmu_heap_stat s;
	int status = heap_look(h, h->argv[0]);

	if (status != EXIT_YES)
		return status;
	if (shmu_heap_view_stat(h->view, &s) == -1)
		status = heap_cause(h, errno);
	else
		print_stat(h, &s);
	heap_look_away(h);
	return status;
}

/* How the bytes of each cell of the picture are used. */
struct picture {
	uint64_t	total;
	uint64_t	cell;			/* bytes */
	uint64_t	small[CELLS];		/* bytes in spans */
	uint64_t	used[CELLS];		/* of these */
	uint64_t	large[CELLS];
	uint64_t	first;			/* offset of the first unit */
	uint64_t	first_seen;
};

static int
paint(const struct shmu_heap_chunk *c, void *arg)
{
	struct picture *p = arg;
	uint64_t off = c->off, left = c->size, n;

	if (!p->first_seen) {
		p->first = off;
		p->first_seen = 1;
	}
	for (; left > 0 && off < p->total; off += n, left -= n) {
		uint64_t i = off / p->cell;

		n = (i + 1) * p->cell - off;
		if (n > left)
			n = left;
		if (c->small)
			p->small[i] += n;
		if (c->small && c->used)
			p->used[i] += n;
		if (!c->small && c->used)
			p->large[i] += n;
	}
	return 0;
}

static char
shade(const struct picture *p, uint64_t i)
{
	if ((i + 1) * p->cell <= p->first)
		return 'M';
	if (p->large[i] >= p->small[i] && p->large[i] > 0)
		return '#';
	if (p->small[i] == 0)
		return '.';
	return (char)('0' + p->used[i] * 9 / p->small[i]);
}

static int
draw(struct heap *h, struct picture *p)
{
	struct shmu_heap_stat s;
	uint64_t i;

	if (shmu_heap_view_stat(h->view, &s) == -1)
		return heap_cause(h, errno);
	p->total = s.total;
	p->cell = s.unit;
	while (s.total / p->cell >= CELLS)
		p->cell += s.unit;
	if (shmu_heap_view_walk(h->view, paint, p) == -1)
		return heap_cause(h, errno);
	for (i = 0; i * p->cell < s.total; i++) {
		if (i % WIDTH == 0)
			printf("%s%12" PRIu64 "  ", i > 0 ? "\n" : "",
			    i * p->cell);
		putchar(shade(p, i));
	}
	printf("\n%12s  a character is %" PRIu64 " bytes: M metadata, . free, "
	    "0-9 spans by how full, # large\n", "", p->cell);
	return EXIT_YES;
}

static void
roots(const struct heap *h)
{
	char name[SHMU_HEAP_NAME + 1];
	uint64_t off;
	uint32_t i;

	for (i = 0; shmu_heap_view_root(h->view, i, name, &off) == 1; i++) {
		printf("%12" PRIu64 "  root ", off);
		cli_safe(stdout, name);
		putchar('\n');
	}
}

/* One chunk: what walk has of it. */
struct wanted {
	uint64_t	off;
	struct shmu_heap_chunk chunk;
};

static int
seek(const struct shmu_heap_chunk *c, void *arg)
{
	struct wanted *w = arg;

	if (w->off < c->off || w->off - c->off >= c->size)
		return 0;
	w->chunk = *c;
	return 1;
}

static int
show_chunk(struct heap *h, const char *text)
{
	struct wanted w = { .off = cli_number("an offset", text, INT64_MAX) };
	char site[HEAP_SITE_TEXT], bytes[32];
	size_t i, n;

	if (shmu_heap_view_walk(h->view, seek, &w) != 1)
		return cli_fail(EXIT_NO, h->text, "no chunk is at offset %s",
		    text);
	printf("offset: %" PRIu64 "\nsize: %" PRIu64 "\nstate: %s\nsite: %s\n",
	    w.chunk.off, w.chunk.size, w.chunk.used ? "used" :
	    w.chunk.pending ? "freed by another" : "free",
	    heap_site_text(h->view, w.chunk.site, site));
	n = w.chunk.size < sizeof bytes ? (size_t)w.chunk.size : sizeof bytes;
	if (!w.chunk.used || h->pool != 0 || shmu_segment_copy(bytes,
	    (const char *)h->seg.base + w.chunk.off, n, NULL) == -1)
		return EXIT_YES;
	printf("bytes:");
	for (i = 0; i < n; i++)
		printf(" %02x", (unsigned char)bytes[i]);
	putchar('\n');
	return EXIT_YES;
}

int
heap_show(struct heap *h)
{
	int status = heap_look(h, h->argv[0]);
	struct picture *p;

	if (status != EXIT_YES)
		return status;
	if (h->argv[1] != NULL)
		status = show_chunk(h, h->argv[1]);
	else if ((p = calloc(1, sizeof *p)) == NULL)
		status = cli_fail(EXIT_CANNOT, h->text, "no memory");
	else {
		status = draw(h, p);
		if (status == EXIT_YES)
			roots(h);
		free(p);
	}
	heap_look_away(h);
	return status;
}

/* Of a private pool: as it is now where it may be read, else as the process
 * last said. */
static void
refresh_pool(struct shmu_heap_thread *t)
{
	struct shmu_heap_view *pool;
	struct shmu_heap_stat s;

	if (t->pool_base == 0 || shmu_heap_view_process(&pool,
	    (pid_t)t->owner.pid, t->pool_base, t->pool_size) == -1)
		return;
	if (shmu_heap_view_stat(pool, &s) == 0) {
		t->pool_used = s.used;
		t->pool_real = s.real_used;
		t->pool_max = s.max_used;
	}
	shmu_heap_view_close(pool);
}

static void
row(uint32_t i, const struct shmu_heap_thread *t)
{
	printf("%5u %7u %-5s %10" PRIu64, i, t->owner.pid,
	    t->dead ? "dead" : t->busy ? "busy" : "idle", t->operations);
	if (t->pool_base == 0)
		printf(" %4s %12s %12s %12s -\n", "-", "-", "-", "-");
	else {
		printf(" %4u %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " ",
		    t->pool_rank, t->pool_used, t->pool_size - t->pool_real,
		    t->pool_real);
		cli_safe(stdout, t->pool_name[0] != '\0' ? t->pool_name : "-");
		putchar('\n');
	}
}

static void
object(struct json *j, uint32_t i, const struct shmu_heap_thread *t)
{
	json_open(j, NULL, '{');
	json_unsigned(j, "entry", i);
	json_unsigned(j, "pid", t->owner.pid);
	json_string(j, "state", t->dead ? "dead" : t->busy ? "busy" : "idle");
	json_unsigned(j, "operations", t->operations);
	json_unsigned(j, "failures", t->failures);
	json_unsigned(j, "faults", t->fault.count);
	json_time(j, "since", (time_t)t->since);
	if (t->pool_base == 0)
		json_null(j, "pool");
	else {
		json_open(j, "pool", '{');
		json_unsigned(j, "rank", t->pool_rank);
		json_string(j, "name", t->pool_name);
		json_unsigned(j, "total", t->pool_size);
		json_unsigned(j, "used", t->pool_used);
		json_unsigned(j, "free", t->pool_size - t->pool_real);
		json_unsigned(j, "real_used", t->pool_real);
		json_unsigned(j, "max_used", t->pool_max);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void
faults(const struct heap *h, uint32_t i, const struct shmu_heap_fault *f)
{
	static const char *const kinds[] = { "", "free of what is no chunk",
	    "double free", "overrun", "use after free" };
	char here[HEAP_SITE_TEXT], made[HEAP_SITE_TEXT], gone[HEAP_SITE_TEXT];

	if (f->count == 0 || f->kind >= sizeof kinds / sizeof kinds[0])
		return;
	printf("%5u fault %u: %s of %" PRIu64 " at %s, allocated at %s, freed "
	    "at %s\n", i, f->count, kinds[f->kind], f->off,
	    heap_site_text(h->view, f->here, here),
	    heap_site_text(h->view, f->allocated, made),
	    heap_site_text(h->view, f->freed, gone));
}

int
heap_processes(struct heap *h)
{
	struct json j = JSON_INIT(stdout);
	struct shmu_heap_thread t;
	int status = heap_look(h, h->argv[0]), r;
	uint32_t i;

	if (status != EXIT_YES)
		return status;
	if (h->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "schema", "shmutils.heap-processes.1");
		json_open(&j, "processes", '[');
	} else
		puts("ENTRY     PID STATE OPERATIONS RANK         USED         "
		    "FREE    REAL_USED NAME");
	for (i = 0; (r = shmu_heap_view_thread(h->view, i, &t)) != -1; i++) {
		if (r != 1)
			continue;
		refresh_pool(&t);
		if (h->json)
			object(&j, i, &t);
		else {
			row(i, &t);
			faults(h, i, &t.fault);
		}
	}
	if (h->json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	heap_look_away(h);
	return EXIT_YES;
}
