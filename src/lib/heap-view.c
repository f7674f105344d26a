/* SPDX-License-Identifier: MIT */
/* heap-view.c - copy a heap's tables and look things up in them */
#include "config.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "heap-view.h"
#include "shmutil/table.h"
#include "shmutil/range.h"

static int
read_mapped(void *arg, uint64_t off, void *to, size_t len)
{
	const struct shmu_heap_view *v = arg;

	return shmu_segment_copy(to, v->base + off, len, NULL);
}

static int
read_process(void *arg, uint64_t off, void *to, size_t len)
{
	const struct shmu_heap_view *v = arg;
	size_t n = 0;

	while (n < len) {
		struct iovec local = { (char *)to + n, len - n };
		struct iovec remote = {
		    (void *)(uintptr_t)(v->address + off + n), len - n };
		ssize_t r = process_vm_readv(v->pid, &local, 1, &remote, 1, 0);

		if (r == -1)
			return -1;
		if (r == 0) {
			errno = EFAULT;
			return -1;
		}
		n += (size_t)r;
	}
	return 0;
}

static int
fetch(struct shmu_heap_view *v, uint64_t off, void *to, uint64_t len)
{
	if (shmu_range_fits(off, len, v->size) && len <= SIZE_MAX)
		return v->read(v->arg, off, to, (size_t)len);
	errno = EBADMSG;
	return -1;
}

static int
check(struct shmu_heap_view *v)
{
	struct shmu_header header, copy;
	uint32_t layout;

	if (v->size < 2 * SHMU_HEADER_SIZE) {
		errno = EILSEQ;
		return -1;
	}
	if (fetch(v, 0, &header, sizeof header) == -1 ||
	    shmu_header_check(&header, v->size, 0, 0, &copy) == -1)
		return -1;
	layout = copy.format == SHMU_FORMAT_HEAP ? SHMU_HEAP_LAYOUT :
	    copy.format == SHMU_FORMAT_TABLE ? SHMU_TABLE_LAYOUT : 0;
	if (layout == 0 || copy.layout != layout) {
		errno = EPROTOTYPE;
		return -1;
	}
	if (fetch(v, SHMU_HEADER_SIZE, &v->control, sizeof v->control) == -1)
		return -1;
	if (shmu_h_layout_read(&v->l, &v->control, &copy))
		return 0;
	errno = EBADMSG;
	return -1;
}

/* What the tables tell of units that came while they were copied is right with
 * these; all else of the layout stays what the copy was made by. */
static int
look_again(struct shmu_heap_view *v)
{
	uint64_t size;

	if (v->l.size == v->l.maximum)
		return 0;
	if (fetch(v, offsetof(struct shmu_header, size), &size,
	    sizeof size) == -1)
		return -1;
	if (size > v->l.size && size <= v->l.maximum && size <= v->size)
		shmu_h_layout_resize(&v->l, size);
	return 0;
}

int
shmu_heap_view_refresh(struct shmu_heap_view *v)
{
	uint64_t was = v->l.data_off - v->l.roots_off, len;

	if (check(v) == -1)
		return -1;
	len = v->l.data_off - v->l.roots_off;
	if (v->tables == NULL || len != was) {
		free(v->tables);
		v->tables = malloc((size_t)len);
	}
	if (v->tables == NULL || fetch(v, v->l.roots_off, v->tables, len) == -1)
		return -1;
	return look_again(v);
}

static int
begin(struct shmu_heap_view **out, const struct shmu_heap_view *how)
{
	struct shmu_heap_view *v = malloc(sizeof *v);
	int err;

	if (v == NULL)
		return -1;
	*v = *how;
	if (v->arg == how)
		v->arg = v;
	v->head = malloc(HEAP_CAP * 4 + HEAP_CAP / 8 + 64);
	if (v->head != NULL && shmu_heap_view_refresh(v) == 0) {
		*out = v;
		return 0;
	}
	err = errno;
	shmu_heap_view_close(v);
	errno = err;
	return -1;
}

int
shmu_heap_view_open(struct shmu_heap_view **out, shmu_heap_reader *read,
    void *arg, uint64_t size)
{
	struct shmu_heap_view v = { .read = read, .arg = arg, .size = size };

	return begin(out, &v);
}

int
shmu_heap_view_mapped(struct shmu_heap_view **out, const void *base,
    uint64_t size)
{
	struct shmu_heap_view v = { .read = read_mapped, .size = size };

	v.arg = &v;
	v.base = base;
	return begin(out, &v);
}

/* Now that the maximum is known. */
static int
map_ahead(struct shmu_heap_view *v, struct shmu_segment *seg)
{
	if (seg->op.kind == SHMU_ID || v->l.maximum > SIZE_MAX) {
		errno = EBADMSG;
		return -1;
	}
	shmu_segment_unmap(seg);
	if (shmu_segment_map_ahead(seg, 0, (size_t)v->l.maximum,
	    PROT_READ) == -1)
		return -1;
	v->base = seg->base;
	v->size = v->l.maximum;
	return 0;
}

/* One try; *size is what the segment had. */
static int
view_segment(struct shmu_heap_view **out, struct shmu_segment *seg,
    uint64_t *size)
{
	struct shmu_heap_view *v = NULL;
	struct shmu_info info;
	int err;

	if (shmu_segment_stat(seg, &info) == -1)
		return -1;
	*size = info.size;
	if (info.size == 0 || info.size > SIZE_MAX) {
		errno = EILSEQ;
		return -1;
	}
	if (shmu_segment_map(seg, 0, (size_t)info.size, PROT_READ) == -1)
		return -1;
	if (shmu_heap_view_mapped(&v, seg->base, info.size) == 0 &&
	    (v->l.maximum <= info.size || map_ahead(v, seg) == 0)) {
		*out = v;
		return 0;
	}
	err = errno;
	shmu_heap_view_close(v);
	shmu_segment_unmap(seg);
	errno = err;
	return -1;
}

/* A heap that has grown between the look at its segment and at itself claims
 * more than there seemed to be. */
int
shmu_heap_view_segment(struct shmu_heap_view **out, struct shmu_segment *seg)
{
	uint64_t before = 0, now = 0;

	do {
		before = now;
		if (view_segment(out, seg, &now) == 0)
			return 0;
	} while (errno == EBADMSG && now > before);
	return -1;
}

int
shmu_heap_view_process(struct shmu_heap_view **out, pid_t pid, uint64_t base,
    uint64_t size)
{
	struct shmu_heap_view v = { .read = read_process, .size = size };

	v.arg = &v;
	v.pid = pid;
	v.address = base;
	return begin(out, &v);
}

void
shmu_heap_view_close(struct shmu_heap_view *v)
{
	if (v == NULL)
		return;
	free(v->tables);
	free(v->head);
	free(v);
}

int
shmu_h_view_span(struct shmu_heap_view *v, uint32_t u, const struct desc *d,
    struct view_span *out)
{
	out->d = *d;
	out->unit = u;
	shmu_h_shape(v->l.unit, d->cls, d->n, &out->shape);
	out->bits = (const uint64_t *)(const void *)v->head;
	out->words = (const uint32_t *)(const void *)
	    (v->head + out->shape.words_off);
	return fetch(v, heap_unit_at(&v->l, u), v->head,
	    out->shape.words_off + out->shape.cap * UINT64_C(4));
}

int
shmu_heap_view_site(const struct shmu_heap_view *v, uint32_t id,
    char file[SHMU_HEAP_FILE], uint32_t *line)
{
	const struct heap_site *s;

	if (id == 0 || id >= v->l.sites || id >= v->control.sites_known) {
		errno = ENOENT;
		return -1;
	}
	s = &TABLE(v, sites_off, struct heap_site)[id];
	memcpy(file, s->file, SHMU_HEAP_FILE);
	file[SHMU_HEAP_FILE - 1] = '\0';
	*line = s->line;
	return 0;
}

int
shmu_heap_view_thread(const struct shmu_heap_view *v, uint32_t index,
    struct shmu_heap_thread *out)
{
	const struct heap_slot *s;

	memset(out, 0, sizeof *out);
	if (index >= v->l.slots) {
		errno = ENOENT;
		return -1;
	}
	s = &TABLE(v, slots_off, struct heap_slot)[index];
	out->operations = s->turn / 2;
	out->failures = s->failures;
	out->last_failure = s->failed_size;
	memcpy(&out->fault, s->fault, sizeof out->fault);
	if (s->state == 0)
		return 0;
	out->owner = s->owner;
	out->dead = shmu_owner_dead(&s->owner);
	out->busy = (s->turn & 1) != 0;
	out->since = s->since;
	out->pool_base = s->pool_base;
	out->pool_size = s->pool_size;
	out->pool_used = s->pool_used;
	out->pool_real = s->pool_real;
	out->pool_max = s->pool_max;
	out->pool_rank = s->pool_rank;
	memcpy(out->pool_name, s->pool_name, sizeof out->pool_name - 1);
	return 1;
}

int
shmu_heap_view_root(const struct shmu_heap_view *v, uint32_t index,
    char name[SHMU_HEAP_NAME + 1], uint64_t *off)
{
	const struct heap_root *r;

	if (index >= v->l.roots)
		return 0;
	r = &TABLE(v, roots_off, struct heap_root)[index];
	if (r->named == 0)
		return 0;
	memcpy(name, r->name, SHMU_HEAP_NAME);
	name[SHMU_HEAP_NAME] = '\0';
	*off = r->off;
	return 1;
}
