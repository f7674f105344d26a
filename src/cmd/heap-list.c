/* SPDX-License-Identifier: MIT */
/* heap-list.c - shm-heap: chunks, sums by site, and what changed between two */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"

#define HEADING	"COUNT BYTES SITE\n"

/* What one place in the source has allocated. */
struct site {
	char		*text;
	uint64_t	 count, bytes;
};

struct sites {
	struct site	*rows;
	size_t		 n;
};

struct walk {
	struct heap	*h;
	struct json	 j;
};

static int
list(const struct shmu_heap_chunk *c, void *arg)
{
	struct walk *w = arg;
	char site[HEAP_SITE_TEXT] = "-";
	const char *state = c->used ? "used" : c->pending ? "pending" :
	    c->small ? "spare" : "free";

	if (c->size < w->h->least || c->size > w->h->most)
		return 0;
	if (c->used || c->pending)
		heap_site_text(w->h->view, c->site, site);
	if (w->h->site != NULL && (strcmp(site, w->h->site) != 0 || !c->used))
		return 0;
	if (!w->h->json) {
		printf("%" PRIu64 " %" PRIu64 " %s %s\n", c->off, c->size,
		    state, site);
		return ferror(stdout) != 0;
	}
	json_open(&w->j, NULL, '{');
	json_unsigned(&w->j, "offset", c->off);
	json_unsigned(&w->j, "size", c->size);
	json_string(&w->j, "state", state);
	json_string(&w->j, "site", site[0] == '-' ? NULL : site);
	json_close(&w->j, '}');
	return ferror(stdout) != 0;
}

int
heap_walk(struct heap *h)
{
	struct walk w = { .h = h, .j = JSON_INIT(stdout) };
	int status = heap_look(h, h->argv[0]);

	if (status != EXIT_YES)
		return status;
	if (h->json) {
		json_open(&w.j, NULL, '{');
		json_string(&w.j, "schema", "shmutils.heap-walk.1");
		json_open(&w.j, "chunks", '[');
	} else
		puts("OFFSET SIZE STATE SITE");
	if (shmu_heap_view_walk(h->view, list, &w) == -1)
		status = heap_cause(h, errno);
	if (h->json) {
		json_close(&w.j, ']');
		json_close(&w.j, '}');
	}
	heap_look_away(h);
	return status;
}

static int
add_up(const struct shmu_heap_chunk *c, void *arg)
{
	struct sites *s = arg;
	size_t i = c->site < s->n ? c->site : 0;

	if (!c->used)
		return 0;
	s->rows[i].count++;
	s->rows[i].bytes += c->size;
	return 0;
}

static void
discard(struct sites *s)
{
	while (s->n > 0)
		free(s->rows[--s->n].text);
	free(s->rows);
	s->rows = NULL;
}

/* Row 0 is for what is not known. */
static int
take(struct heap *h, struct sites *s)
{
	char text[HEAP_SITE_TEXT];
	struct shmu_heap_stat st;
	size_t i;

	if (shmu_heap_view_stat(h->view, &st) == -1)
		return heap_cause(h, errno);
	s->rows = calloc((size_t)st.sites + 1, sizeof *s->rows);
	s->n = s->rows == NULL ? 0 : (size_t)st.sites + 1;
	for (i = 0; i < s->n; i++) {
		s->rows[i].text = strdup(heap_site_text(h->view, (uint32_t)i,
		    text));
		if (s->rows[i].text == NULL)
			break;
	}
	if (s->n == 0 || i < s->n)
		return cli_fail(EXIT_CANNOT, h->text, "no memory");
	return shmu_heap_view_walk(h->view, add_up, s) == -1 ?
	    heap_cause(h, errno) : EXIT_YES;
}

static int
by_bytes(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) :
	    strcmp(x->text, y->text);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const struct site *)a)->text,
	    ((const struct site *)b)->text);
}

static void
print_sites(const struct heap *h, const struct sites *s)
{
	struct json j = JSON_INIT(stdout);
	size_t i;

	if (h->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "schema", "shmutils.heap-sites.1");
		json_open(&j, "sites", '[');
	} else
		fputs(HEADING, stdout);
	for (i = 0; i < s->n; i++) {
		const struct site *r = &s->rows[i];

		if (r->count == 0)
			continue;
		if (!h->json) {
			printf("%" PRIu64 " %" PRIu64 " %s\n", r->count,
			    r->bytes, r->text);
			continue;
		}
		json_open(&j, NULL, '{');
		json_unsigned(&j, "count", r->count);
		json_unsigned(&j, "bytes", r->bytes);
		json_string(&j, "site", r->text);
		json_close(&j, '}');
	}
	if (h->json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
}

int
heap_sites(struct heap *h)
{
	struct sites s = { NULL, 0 };
	int status = heap_look(h, h->argv[0]);

	if (status != EXIT_YES)
		return status;
	status = take(h, &s);
	if (status == EXIT_YES) {
		qsort(s.rows, s.n, sizeof *s.rows, by_bytes);
		print_sites(h, &s);
	}
	discard(&s);
	heap_look_away(h);
	return status;
}

static int
parse_row(char *line, struct sites *s)
{
	struct site r = { NULL, 0, 0 }, *rows;
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %n", &r.count, &r.bytes,
	    &n) < 2 || n == 0 || line[n] == '\0')
		return -1;
	rows = realloc(s->rows, (s->n + 1) * sizeof *rows);
	if (rows == NULL)
		return -1;
	s->rows = rows;
	r.text = strdup(line + n);
	if (r.text == NULL)
		return -1;
	s->rows[s->n++] = r;
	return 0;
}

/* 1: text is the name of a file that sites has written, now read; 0: it is
 * not; -1: it is, and damaged. */
static int
from_file(const char *text, struct sites *s)
{
	FILE *f = fopen(text, "re");
	char line[HEAP_SITE_TEXT + 64] = "";
	int r = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof line, f) != NULL && line[0] == '{')
		r = -1;
	else if (strcmp(line, HEADING) == 0)
		for (r = 1; r == 1 && fgets(line, sizeof line, f) != NULL;)
			if (parse_row(line, s) == -1)
				r = -1;
	fclose(f);
	return r;
}

/* A snapshot from a file or of a heap as it is now. */
static int
snapshot(struct heap *h, const char *text, struct sites *s)
{
	int r = from_file(text, s), status;

	if (r == -1)
		return cli_fail(EXIT_CANNOT, text,
		    "this is not what shm-heap sites prints, without --json, "
		    "or only its beginning");
	if (r == 1)
		return EXIT_YES;
	status = heap_look(h, text);
	if (status != EXIT_YES)
		return status;
	status = take(h, s);
	heap_look_away(h);
	return status;
}

struct change {
	const char	*text;
	int64_t		 count, bytes;
};

static int
by_growth(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) :
	    strcmp(x->text, y->text);
}

static struct change
change(const struct site *before, const struct site *after)
{
	struct change c = { after != NULL ? after->text : before->text, 0, 0 };

	if (after != NULL) {
		c.count = (int64_t)after->count;
		c.bytes = (int64_t)after->bytes;
	}
	if (before != NULL) {
		c.count -= (int64_t)before->count;
		c.bytes -= (int64_t)before->bytes;
	}
	return c;
}

/* Both are sorted by text. */
static size_t
subtract(const struct sites *before, const struct sites *after,
    struct change *out)
{
	size_t i = 0, k = 0, n = 0;
	int d;

	while (i < before->n || k < after->n) {
		const struct site *b = i < before->n ? &before->rows[i] : NULL;
		const struct site *a = k < after->n ? &after->rows[k] : NULL;

		d = a == NULL ? -1 : b == NULL ? 1 : strcmp(b->text, a->text);
		out[n] = change(d <= 0 ? b : NULL, d >= 0 ? a : NULL);
		i += d <= 0;
		k += d >= 0;
		n += out[n].count != 0 || out[n].bytes != 0;
	}
	return n;
}

static int
print_changes(const struct heap *h, struct sites *before, struct sites *after)
{
	struct change *all = calloc(before->n + after->n + 1, sizeof *all);
	struct json j = JSON_INIT(stdout);
	size_t n, i;

	if (all == NULL)
		return cli_fail(EXIT_CANNOT, h->text, "no memory");
	qsort(before->rows, before->n, sizeof *before->rows, by_text);
	qsort(after->rows, after->n, sizeof *after->rows, by_text);
	n = subtract(before, after, all);
	qsort(all, n, sizeof *all, by_growth);
	if (h->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "schema", "shmutils.heap-diff.1");
		json_open(&j, "sites", '[');
	} else
		fputs(HEADING, stdout);
	for (i = 0; i < n; i++) {
		if (!h->json) {
			printf("%+" PRId64 " %+" PRId64 " %s\n", all[i].count,
			    all[i].bytes, all[i].text);
			continue;
		}
		json_open(&j, NULL, '{');
		json_number(&j, "count", all[i].count);
		json_number(&j, "bytes", all[i].bytes);
		json_string(&j, "site", all[i].text);
		json_close(&j, '}');
	}
	if (h->json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	free(all);
	return n > 0 ? EXIT_YES : EXIT_NO;
}

int
heap_diff(struct heap *h)
{
	struct sites before = { NULL, 0 }, after = { NULL, 0 };
	int status = snapshot(h, h->argv[0], &before);

	if (status == EXIT_YES && h->argv[1] == NULL)
		cli_sleep(h->interval);
	if (status == EXIT_YES)
		status = snapshot(h, h->argv[h->argv[1] != NULL], &after);
	if (status == EXIT_YES)
		status = print_changes(h, &before, &after);
	discard(&before);
	discard(&after);
	return status;
}
