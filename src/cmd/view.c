/* SPDX-License-Identifier: MIT */
/* view.c - walk through a segment in bounded memory; see view.h */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shmutil/pages.h"
#include "shmutil/range.h"
#include "shmutil/sys.h"
#include "view.h"

int
view_begin(struct view *v, struct shmu_segment *seg, int prot)
{
	struct shmu_info info;

	memset(v, 0, sizeof *v);
	v->seg = seg;
	v->prot = prot;
	if (shmu_segment_stat(seg, &info) == -1)
		return -1;
	v->size = info.size;
	return 0;
}

static int
map(struct view *v, uint64_t from, size_t len)
{
	int err;

	if (shmu_segment_map(v->seg, from, len, v->prot) == -1)
		return -1;
	v->from = from;
	if (v->mapped == NULL || v->mapped(v->seg, v->arg) == 0)
		return 0;
	err = errno;
	shmu_segment_unmap(v->seg);
	errno = err;
	return -1;
}

/* Make the window that has off in it the mapped one. */
static int
slide(struct view *v, uint64_t off)
{
	uint64_t from = shmu_range_down(off, VIEW_WINDOW);
	size_t len = v->size - from < VIEW_WINDOW ? (size_t)(v->size - from) :
	    VIEW_WINDOW;

	if (v->seg->fd != -1) {
		if (v->seg->start != NULL && v->from == from)
			return 0;
		shmu_segment_unmap(v->seg);
		return map(v, from, len);
	}
	if (v->seg->start == NULL)
		return map(v, 0, (size_t)v->size);
	if (v->from != from) {
		/* Locked pages stay, and that is what was asked for. */
		shmu_pages_advise((char *)v->seg->start + v->from, VIEW_WINDOW,
		    MADV_DONTNEED);
		v->from = from;
	}
	return 0;
}

void *
view_at(struct view *v, uint64_t off, size_t *len)
{
	uint64_t base, room;

	if (off >= v->size) {
		errno = ERANGE;
		return NULL;
	}
	if (slide(v, off) == -1)
		return NULL;
	base = v->seg->fd != -1 ? v->from : 0;
	room = shmu_range_down(off, VIEW_WINDOW) + VIEW_WINDOW;
	room = (room < v->size ? room : v->size) - off;
	if (*len > room)
		*len = (size_t)room;
	return (char *)v->seg->base + (off - base);
}

void
view_end(struct view *v)
{
	shmu_segment_unmap(v->seg);
}

static int
live_file(struct view *v, uint64_t off, uint64_t *from, uint64_t *to)
{
	off_t data = lseek(v->seg->fd, (off_t)off, SEEK_DATA), hole;

	if (data == -1 && errno == ENXIO)
		return 1;
	if (data == -1) {
		*from = off;
		*to = v->size;
		return 0;
	}
	hole = lseek(v->seg->fd, data, SEEK_HOLE);
	*from = (uint64_t)data;
	*to = hole == -1 || (uint64_t)hole > v->size ? v->size : (uint64_t)hole;
	return *from >= v->size;
}

/* Whether any page of System V memory is in swap. */
static int
swapped(void)
{
	struct shm_info info;

	return shmu_sys_shmctl(0, SHM_INFO, (struct shmid_ds *)&info) == -1 ||
	    info.shm_swp != 0;
}

/* A page of System V is stored when it is in RAM or in swap.  mincore(2) tells
 * only of RAM, so it counts only when nothing is in swap afterwards. */
static int
live_sysv(struct view *v, uint64_t off, uint64_t *from, uint64_t *to)
{
	unsigned char vec[512];
	uint64_t page = shmu_pages_size(), at = shmu_range_down(off, page);
	uint64_t start = 0;
	int found = 0;
	size_t i, n;

	if (v->seg->start == NULL && map(v, 0, (size_t)v->size) == -1)
		return 1;
	for (; at < v->size; at += n * page) {
		n = (size_t)((v->size - at + page - 1) / page);
		if (n > sizeof vec)
			n = sizeof vec;
		if (shmu_pages_map((char *)v->seg->start + at, n * page,
		    vec) == -1 || swapped())
			memset(vec, 1, n);
		for (i = 0; i < n; i++) {
			if ((vec[i] & 1) != 0 && !found) {
				found = 1;
				start = at + i * page;
			} else if ((vec[i] & 1) == 0 && found) {
				*to = at + i * page;
				goto done;
			}
		}
	}
	if (!found)
		return 1;
	*to = v->size;
done:
	*from = start < off ? off : start;
	if (*to > v->size)
		*to = v->size;
	return 0;
}

int
view_live(struct view *v, uint64_t off, uint64_t *from, uint64_t *to)
{
	if (off >= v->size)
		return 1;
	return v->seg->fd != -1 ? live_file(v, off, from, to) :
	    live_sysv(v, off, from, to);
}
