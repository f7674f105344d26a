/* SPDX-License-Identifier: MIT */
/* format.c - what our structures say of themselves; see format.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "shmutil/header.h"
#include "shmutil/heap-view.h"
#include "shmutil/parse.h"
#include "shmutil/ring.h"
#include "shmutil/table.h"

/* The beginning of a segment, copied: what is in it can change. */
struct begin {
	struct shmu_segment	seg;
	uint64_t		size;		/* of the segment */
	size_t			have;		/* bytes copied */
	union {
		struct shmu_header	header;
		char			text[SHMU_HEADER_SIZE];
	} u;
};

void
format_word(const struct shmu_item *item, char *buf, size_t size)
{
	const char *name = shmu_header_name(item->format);

	buf[0] = '\0';
	if (name != NULL)
		snprintf(buf, size, "%s %" PRIu32, name, item->layout);
}

static void
owner_text(const struct shmu_owner *owner, char *buf, size_t size)
{
	if (owner->pid == 0)
		snprintf(buf, size, "tied to no process");
	else
		snprintf(buf, size, "tied to process %" PRIu32 ", %s", owner->pid,
		    shmu_owner_dead(owner) ? "dead" : "not proven dead");
}

/* How far a stream is, and between whom. */
static void
ring(struct begin *b, char *buf, size_t size)
{
	struct shmu_ring_status st;

	if (shmu_ring_status(&b->seg, &st) == 0)
		snprintf(buf, size, "; %" PRIu64 " bytes published, %" PRIu64
		    " acknowledged, producer %" PRIu32 ", consumer %" PRIu32 "%s",
		    st.published, st.acknowledged,
		    st.owner[SHMU_RING_PRODUCER].pid,
		    st.owner[SHMU_RING_CONSUMER].pid,
		    st.finished ? ", finished" : "");
}

/* How full a heap or table is, by a view, which stops nobody. */
static void
heap(struct begin *b, char *buf, size_t size)
{
	char used[SHMU_SIZE_TEXT];
	struct shmu_heap_view *v;
	struct shmu_heap_stat st;
	uint64_t cells;
	int n = 0;

	if (shmu_heap_view_segment(&v, &b->seg) == -1)
		return;
	if (shmu_table_view_cells(v, &cells) == 0)
		n = snprintf(buf, size, "; cells %" PRIu64, cells);
	if (shmu_heap_view_stat(v, &st) == 0)
		snprintf(buf + n, size - (size_t)n, "; chunks %" PRIu64
		    " with %s, attached %" PRIu32 ", of these dead %" PRIu32,
		    st.chunks, shmu_size_text(used, st.used), st.attached,
		    st.dead);
	shmu_heap_view_close(v);
}

/* What every structure with a header tells. */
static int
with_header(struct begin *b, char *buf, size_t size)
{
	struct shmu_header h;
	char used[SHMU_SIZE_TEXT], most[SHMU_SIZE_TEXT], owner[64];
	const char *name;

	if (b->have < sizeof b->u.header ||
	    (shmu_header_check(&b->u.header, b->size, 0, 0, &h) == -1 &&
	    errno == EILSEQ))
		return 0;
	if (shmu_header_check(&b->u.header, b->size, 0, 0, &h) == -1) {
		snprintf(buf, size, "%s", errno == ESTALE ?
		    "unfinished: the process that built it is dead" :
		    errno == EINPROGRESS ? "still being built" :
		    errno == ENOEXEC ? "a structure of another word size or byte "
		    "order" : "a damaged structure of libshmutil");
		return 1;
	}
	name = shmu_header_name(h.format);
	owner_text(&h.owner, owner, sizeof owner);
	snprintf(buf, size, "%s, layout %" PRIu32 ", %s of at most %s, %s",
	    name != NULL ? name : "structure", h.layout,
	    shmu_size_text(used, h.size), shmu_size_text(most, h.maximum), owner);
	if (h.format == SHMU_FORMAT_RING)
		ring(b, buf + strlen(buf), size - strlen(buf));
	else if (h.format == SHMU_FORMAT_HEAP || h.format == SHMU_FORMAT_TABLE)
		heap(b, buf + strlen(buf), size - strlen(buf));
	return 1;
}

/* The uptime segment has a text of fixed form at its beginning, no header. */
static int
uptime(struct begin *b, char *buf, size_t size)
{
	static const char form[] = "00:00:00";
	size_t i;

	if (b->size != 256 || b->have < sizeof form)
		return 0;
	for (i = 0; i < sizeof form; i++)
		if (form[i] == '0' ? b->u.text[i] < '0' || b->u.text[i] > '9' :
		    b->u.text[i] != form[i])
			return 0;
	snprintf(buf, size, "uptime, at %s", b->u.text);
	return 1;
}

/* Open it and read its beginning without changing its times; 0, or -1. */
static int
read_begin(const struct shmu_item *item, struct begin *b)
{
	struct shmu_operand op;
	struct shmu_info info;
	size_t len;
	ssize_t n = -1;

	if (shmu_item_operand(item, &op) == -1 || (op.kind == SHMU_ID &&
	    item->info.attached == 0) ||
	    shmu_segment_open(&b->seg, &op, SHMU_READ) == -1)
		return -1;
	if (shmu_segment_stat(&b->seg, &info) == 0) {
		b->size = info.size;
		len = info.size < sizeof b->u ? (size_t)info.size : sizeof b->u;
		if (b->seg.fd != -1 &&
		    fcntl(b->seg.fd, F_SETFL, O_NOATIME) == 0)
			n = pread(b->seg.fd, &b->u, len, 0);
		else if (b->seg.fd == -1 &&
		    shmu_segment_map(&b->seg, 0, len, PROT_READ) == 0 &&
		    shmu_segment_copy(&b->u, b->seg.base, len, NULL) == 0)
			n = (ssize_t)len;
		shmu_segment_unmap(&b->seg);
	}
	b->have = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : -1;
}

void
format_line(const struct shmu_item *item, char *buf, size_t size)
{
	static int (*const kinds[])(struct begin *, char *, size_t) = {
		with_header, uptime
	};
	static const struct shmu_segment closed = SHMU_SEGMENT_INIT;
	struct begin *b = calloc(1, sizeof *b);
	size_t i;

	buf[0] = '\0';
	if (b == NULL)
		return;
	b->seg = closed;
	if ((item->type == S_IFREG || item->type == 0) &&
	    read_begin(item, b) == 0)
		for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
			if (kinds[i](b, buf, size))
				break;
	shmu_segment_close(&b->seg);
	free(b);
}
