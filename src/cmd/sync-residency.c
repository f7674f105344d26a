/* SPDX-License-Identifier: MIT */
/* sync-residency.c - what of a file is in RAM, and the report; see sync.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"
#include "shmutil/range.h"
#include "sync.h"

/*
 * Whether the kernel tells this process the truth: mincore(2) calls every page
 * of another's file resident, where the caller could not write to it.
 */
static int
may_judge(const struct job *j)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof path, "/proc/self/fd/%d", j->seg.fd);
	return (fstat(j->seg.fd, &st) == 0 && st.st_uid == geteuid()) ||
	    faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* cachestat(2); where the kernel has none, or a sandbox forbids it, mincore. */
static int
look(struct job *j, uint64_t off, uint64_t len, struct shmu_residency *r)
{
	if (shmu_pages_cached(j->seg.fd, off, len, r) == 0)
		return EXIT_YES;
	if ((errno == EPERM || errno == ENOSYS) && !may_judge(j))
		return cli_fail(EXIT_CANNOT, j->text,
		    "what is in RAM is told to its owner and to who may write "
		    "it, and to nobody else");
	if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP)
		return cli_fail(EXIT_CANNOT, j->text, "cachestat: %s",
		    strerror(errno));
	if (job_map(j) != EXIT_YES)
		return EXIT_CANNOT;
	if (shmu_pages_resident((char *)j->seg.base + off, (size_t)len, r) == 0)
		return EXIT_YES;
	return cli_fail(EXIT_CANNOT, j->text, "mincore: %s", strerror(errno));
}

/* One cell for each of CELLS equal parts, or for each page of a small range:
 * '#' all of it is in RAM, '+' some, '.' nothing. */
static int
look_at_range(struct job *j, const struct range *g, struct strip *s)
{
	uint64_t page = shmu_pages_size(),
		 begin = shmu_range_down(g->off, page);
	uint64_t pages = (shmu_range_up(g->off + g->len, page) - begin) / page;
	uint64_t n = pages < CELLS ? pages : CELLS, i;
	struct shmu_residency r;
	int status;

	memset(s, 0, sizeof *s);
	s->all.source = "cachestat";
	for (i = 0; i < n; i++) {
		uint64_t from = begin +
				(pages / n * i + pages % n * i / n) * page;
		uint64_t to = begin + (pages / n * (i + 1) +
		    pages % n * (i + 1) / n) * page;

		status = look(j, from, (to < j->size ? to : j->size) - from, &r);
		if (status != EXIT_YES)
			return status;
		s->all.total += to - from;
		s->all.resident += r.resident;
		s->all.dirty += r.dirty;
		s->all.writeback += r.writeback;
		s->all.source = r.source;
		s->cells[i] = r.resident == 0 ? '.' : r.resident >= to - from ?
		    '#' : '+';
	}
	return EXIT_YES;
}

int
job_look(struct job *j)
{
	int status = EXIT_YES;
	size_t i;

	j->strips = calloc(j->nranges, sizeof *j->strips);
	if (j->strips == NULL)
		return cli_fail(EXIT_CANNOT, NULL, "out of memory");
	for (i = 0; i < j->nranges && status == EXIT_YES; i++)
		status = look_at_range(j, &j->ranges[i], &j->strips[i]);
	if (status == EXIT_YES)
		return status;
	free(j->strips);
	j->strips = NULL;
	return status;
}

/* In tenths of a per cent, cut: 100.0 is all of it. */
static unsigned int
tenths(const struct shmu_residency *r)
{
	return r->total == 0 ? 0 : (unsigned int)((double)r->resident /
	    (double)r->total * 1000);
}

static void
print_strip(const struct job *j, const struct range *g, const struct strip *s)
{
	unsigned int t = tenths(&s->all);

	cli_safe(stdout, j->text);
	if (j->r->nranges > 0)
		printf(": %" PRIu64 ":%" PRIu64, g->off, g->len);
	printf(": %" PRIu64 " of %" PRIu64 " bytes in RAM, %u.%u %%",
	    s->all.resident, s->all.total, t / 10, t % 10);
	if (strcmp(s->all.source, "cachestat") == 0)
		printf(", %" PRIu64 " dirty, %" PRIu64 " being written",
		    s->all.dirty, s->all.writeback);
	printf(" (%s)\n|%s|\n", s->all.source, s->cells);
}

static void
json_strip(struct json *o, const struct range *g, const struct strip *s)
{
	int counted = strcmp(s->all.source, "cachestat") == 0;

	json_open(o, NULL, '{');
	json_unsigned(o, "offset", g->off);
	json_unsigned(o, "length", g->len);
	json_unsigned(o, "total", s->all.total);
	json_unsigned(o, "resident", s->all.resident);
	if (counted) {
		json_unsigned(o, "dirty", s->all.dirty);
		json_unsigned(o, "writeback", s->all.writeback);
	} else {
		json_null(o, "dirty");
		json_null(o, "writeback");
	}
	json_string(o, "source", s->all.source);
	json_string(o, "strip", s->cells);
	json_close(o, '}');
}

static void
json_sync(struct json *o, const struct job *j)
{
	if (j->call == NULL) {
		json_null(o, "sync");
		return;
	}
	json_open(o, "sync", '{');
	json_string(o, "call", j->call);
	json_unsigned(o, "calls", j->calls);
	json_unsigned(o, "bytes", j->synced);
	json_bool(o, "waited", !j->r->async);
	json_unsigned(o, "nanoseconds", j->nanoseconds);
	json_close(o, '}');
}

static void
print_json(const struct job *j, struct json *o, int status)
{
	size_t i;

	json_open(o, NULL, '{');
	json_string(o, "file", j->text);
	json_number(o, "status", status);
	json_bool(o, "created", j->created);
	json_unsigned(o, "size_before", j->old);
	json_unsigned(o, "size", j->size);
	json_unsigned(o, "written", j->written);
	json_string(o, "via", j->r->updates.n == 0 ? NULL :
	    j->via == VIA_MMAP ? "mmap" : "pwrite");
	json_sync(o, j);
	if (j->has_evicted)
		json_unsigned(o, "evicted", j->evicted);
	else
		json_null(o, "evicted");
	if (j->strips == NULL)
		json_null(o, "residency");
	else {
		json_open(o, "residency", '[');
		for (i = 0; i < j->nranges; i++)
			json_strip(o, &j->ranges[i], &j->strips[i]);
		json_close(o, ']');
	}
	json_close(o, '}');
}

void
job_print(const struct job *j, struct json *o, int status)
{
	size_t i;

	if (j->r->json) {
		print_json(j, o, status);
		return;
	}
	for (i = 0; j->strips != NULL && i < j->nranges; i++)
		print_strip(j, &j->ranges[i], &j->strips[i]);
}
