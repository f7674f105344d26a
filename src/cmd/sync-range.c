/* SPDX-License-Identifier: MIT */
/* sync-range.c - ranges of a file: sync, populate and evict them; see sync.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "progress.h"
#include "shmutil/parse.h"
#include "shmutil/range.h"
#include "shmutil/sys.h"
#include "sync.h"

#define WINDOW	((uint64_t)16 << 20)	/* that is populated at once */

/* Not in every libc yet. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

void
range_add(struct request *r, const char *text)
{
	size_t len = strcspn(text, ":");
	struct range g = { 0, REST };
	char off[64];

	snprintf(off, sizeof off, "%.*s", (int)len, text);
	if (len >= sizeof off || shmu_parse_size(off, &g.off) == -1 ||
	    (text[len] != '\0' && text[len + 1] != '\0' &&
	    shmu_parse_size(text + len + 1, &g.len) == -1))
		cli_usage(text, "a range is OFF:LEN, two sizes, such as 4K:1M");
	r->ranges = realloc(r->ranges, (r->nranges + 1) * sizeof *r->ranges);
	if (r->ranges == NULL)
		exit(cli_fail(EXIT_CANNOT, NULL, "out of memory"));
	r->ranges[r->nranges++] = g;
}

static int
by_offset(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* Join ranges that meet within a page: the kernel syncs whole ones. */
static size_t
merge(struct range *g, size_t n)
{
	uint64_t page = shmu_pages_size();
	size_t i, last = 0;

	qsort(g, n, sizeof *g, by_offset);
	for (i = 1; i < n; i++) {
		uint64_t end = g[last].off + g[last].len;

		if (shmu_range_down(g[i].off, page) > shmu_range_up(end, page))
			g[++last] = g[i];
		else if (g[i].off + g[i].len > end)
			g[last].len = g[i].off + g[i].len - g[last].off;
	}
	return last + 1;
}

int
job_ranges(struct job *j)
{
	const struct request *r = j->r;
	size_t i;

	j->whole.len = j->size;
	j->ranges = &j->whole;
	j->nranges = 1;
	if (r->nranges == 0)
		return EXIT_YES;
	j->ranges = calloc(r->nranges, sizeof *j->ranges);
	if (j->ranges == NULL)
		return cli_fail(EXIT_CANNOT, NULL, "out of memory");
	for (i = 0; i < r->nranges; i++) {
		struct range *g = &j->ranges[i];

		*g = r->ranges[i];
		if (g->len == REST && g->off <= j->size)
			g->len = j->size - g->off;
		if (!shmu_range_fits(g->off, g->len, j->size))
			return cli_fail(EXIT_NO, j->text,
			    "the range of %" PRIu64 " bytes at offset %" PRIu64
			    " does not fit: the file has %" PRIu64,
			    g->len, g->off, j->size);
	}
	j->nranges = merge(j->ranges, r->nranges);
	return EXIT_YES;
}

/* What a failed sync means. */
static int
lost(const struct job *j, const char *call, int err)
{
	switch (err) {
	case EIO:
		return cli_fail(EXIT_CANNOT, j->text,
		    "%s: the disk failed to take it (EIO): what was written is "
		    "not safe, and another sync may not say so again; write it "
		    "anew, elsewhere",
		    call);
	case ENOSPC:
	case EDQUOT:
		return cli_fail(EXIT_CANNOT, j->text, "%s: %s, so what was written "
		    "is not all on the disk; free some and write it anew", call,
		    err == ENOSPC ? "the disk is full" : "your quota is used up");
	case EBUSY:
		return cli_fail(EXIT_CANNOT, j->text,
		    "%s: some pages are locked in RAM, so they cannot be "
		    "invalidated",
		    call);
	case EINVAL:
		return cli_fail(EXIT_CANNOT, j->text,
		    "%s: this filesystem has no disk to sync with", call);
	default:
		return cli_fail(EXIT_CANNOT, j->text, "%s: %s", call,
		    strerror(err));
	}
}

/* MS_ASYNC alone does nothing in Linux since 2.6.19. */
static int
schedule(struct job *j, const struct range *g, int flags)
{
	if (j->seg.start != NULL && shmu_pages_sync((char *)j->seg.base +
	    g->off, (size_t)g->len, MS_ASYNC | flags) == -1)
		return -1;
	j->call = "sync_file_range";
	if (g->len == 0)	/* which would be all */
		return 0;
	return shmu_sys_sync_file_range(j->seg.fd, (off_t)g->off,
	    (off_t)g->len, SYNC_FILE_RANGE_WRITE);
}

/*
 * msync(2) of a range, or fdatasync(2) of the whole where there is no mapping,
 * and where the file could be opened for reading only: of such a mapping Linux
 * writes nothing back, and says that it did.
 */
static int
sync_one(struct job *j, const struct range *g)
{
	int flags = j->r->invalidate ? MS_INVALIDATE : 0;

	j->calls++;
	j->synced += g->len;
	if (j->r->async)
		return schedule(j, g, flags);
	if (j->seg.start == NULL || !j->writable) {
		j->call = "fdatasync";
		return shmu_sys_fdatasync(j->seg.fd);
	}
	j->call = "msync";
	return shmu_pages_sync((char *)j->seg.base + g->off, (size_t)g->len,
	    MS_SYNC | flags);
}

/* Only where it is told: the first look at the clock makes the sync of a clean
 * file a twentieth slower. */
static uint64_t
now(const struct job *j)
{
	struct timespec t;

	if (!cli.verbose && !j->r->json)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
tell(const struct job *j)
{
	if (cli.verbose)
		cli_say(j->text, "%s %" PRIu64 " bytes by %s, %zu call%s, %" PRIu64
		    " us", j->r->async ? "scheduled" : "synced", j->synced,
		    j->call, j->calls, j->calls == 1 ? "" : "s",
		    j->nanoseconds / 1000);
	if (!j->r->async || cli.quiet || j->r->json)
		return;
	cli_safe(stdout, j->text);
	puts(": writing back is scheduled, and was not waited for");
}

/* Every range is tried, and the first failure is told. */
int
job_sync(struct job *j)
{
	uint64_t begin = now(j);
	int err = 0;
	size_t i;

	if (!j->r->async)
		progress_begin_sync(j->text, j->seg.fd);
	for (i = 0; i < j->nranges; i++) {
		if (sync_one(j, &j->ranges[i]) == -1 && err == 0)
			err = errno;
		if (strcmp(j->call, "fdatasync") == 0)
			break;
	}
	progress_end();
	j->nanoseconds = now(j) - begin;
	if (err != 0)
		return lost(j, j->call, err);
	tell(j);
	return EXIT_YES;
}

/* passed is how much of all ranges lies before off 0 of this one. */
static int
populate_data(struct job *j, uint64_t off, uint64_t end, uint64_t passed)
{
	uint64_t n;

	for (; off < end; off += n) {
		n = end - off < WINDOW ? end - off : WINDOW;
		progress_at(passed + off);
		if (shmu_pages_advise((char *)j->seg.base + off, (size_t)n,
		    MADV_POPULATE_READ) == 0)
			continue;
		progress_end();
		if (errno == EFAULT)
			return cause_fault(j->text, &j->seg, j->size, off);
		return cli_fail(EXIT_CANNOT, j->text, "offset %" PRIu64 " cannot "
		    "be brought into RAM: %s%s", off, strerror(errno),
		    errno == EINVAL ? "; before Linux 5.14 use --advise willneed" :
		    "");
	}
	return EXIT_YES;
}

/* Holes are left out: they would only fill RAM, or a tmpfs, with zeros. */
static int
populate_range(struct job *j, const struct range *g, uint64_t passed)
{
	uint64_t off = g->off, end = g->off + g->len, to;
	int status = EXIT_YES;

	for (; off < end && status == EXIT_YES; off = to) {
		off_t data = lseek(j->seg.fd, (off_t)off, SEEK_DATA), hole;

		if (data == -1 && errno == ENXIO)
			break;
		off = data == -1 ? off : (uint64_t)data;
		hole = lseek(j->seg.fd, (off_t)off, SEEK_HOLE);
		to = hole == -1 || (uint64_t)hole > end ? end : (uint64_t)hole;
		status = populate_data(j, off, to, passed - g->off);
	}
	return status;
}

int
job_populate(struct job *j)
{
	uint64_t total = 0, passed = 0;
	int status = EXIT_YES;
	size_t i;

	for (i = 0; i < j->nranges; i++)
		total += j->ranges[i].len;
	progress_begin(j->text, "reading", total);
	for (i = 0; i < j->nranges && status == EXIT_YES; i++) {
		status = populate_range(j, &j->ranges[i], passed);
		passed += j->ranges[i].len;
	}
	progress_end();
	return status;
}

/* How much of the ranges is in RAM; -1 when that cannot be told. */
static int
resident(const struct job *j, uint64_t *bytes)
{
	struct shmu_residency r;
	size_t i;

	*bytes = 0;
	for (i = 0; i < j->nranges; i++) {
		if (j->ranges[i].len == 0)	/* which would mean all */
			continue;
		if (shmu_pages_cached(j->seg.fd, j->ranges[i].off,
		    j->ranges[i].len, &r) == -1)
			return -1;
		*bytes += r.resident;
	}
	return 0;
}

int
job_evict(struct job *j)
{
	uint64_t page = shmu_pages_size(), before, after;
	int known = resident(j, &before) == 0, err;
	size_t i;

	shmu_segment_unmap(&j->seg);	/* what is mapped stays */
	for (i = 0; i < j->nranges; i++) {
		uint64_t off = shmu_range_down(j->ranges[i].off, page);
		uint64_t end = shmu_range_up(j->ranges[i].off +
		    j->ranges[i].len, page);

		err = end == off ? 0 : shmu_sys_posix_fadvise(j->seg.fd,
		    (off_t)off, (off_t)(end - off), POSIX_FADV_DONTNEED);
		if (err != 0)
			return cli_fail(EXIT_CANNOT, j->text,
			    "cannot be evicted: %s", strerror(err));
	}
	if (!known || resident(j, &after) == -1)
		return cli_fail(EXIT_YES, j->text,
		    "the kernel was asked to evict it, and does not tell "
		    "whether it did");
	j->has_evicted = 1;
	j->evicted = before > after ? before - after : 0;
	if (cli.verbose)
		cli_say(j->text, "evicted %" PRIu64 " bytes", j->evicted);
	return after == 0 ? EXIT_YES : cli_fail(EXIT_NO, j->text, "%" PRIu64
	    " bytes stay in RAM: locked, mapped or in use by somebody, or of a "
	    "filesystem that lives in RAM", after);
}
