/* SPDX-License-Identifier: MIT */
/* sync-job.c - one file, from its name to the report; see sync.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cause.h"
#include "cli.h"
#include "shmutil/sys.h"
#include "sync.h"

static int
absent(struct job *j, const struct shmu_operand *op)
{
	struct shmu_spec spec = SHMU_SPEC_INIT;

	if (!j->r->has_size)
		return cli_fail(EXIT_NO, j->text,
		    "there is no such file; --size SIZE creates it");
	j->created = 1;
	j->size = j->r->size;
	if (j->r->dry)
		return EXIT_YES;
	spec.size = j->size;
	spec.flags = j->r->sparse ? SHMU_SPEC_SPARSE : 0;
	if (shmu_segment_begin(&j->seg, op, &spec) == 0) {
		j->writable = 1;
		return EXIT_YES;
	}
	if (errno == EEXIST)
		return cli_fail(EXIT_NO, j->text,
		    "somebody else creates it, or the name is a symbolic link "
		    "to what is not there");
	return cause_create(j->text, op, &spec, errno);
}

/*
 * Look first: to open a device can set something off.  What can be synced can
 * be opened for reading at least.
 */
static int
open_existing(struct job *j, const struct shmu_operand *op)
{
	int need = request_changes(j->r);
	struct shmu_info info;

	if (shmu_segment_open(&j->seg, op, SHMU_LOOK) == -1)
		return errno == ENOENT ? absent(j, op) :
		    cause_open(j->text, op, errno);
	shmu_segment_close(&j->seg);
	j->writable = (need || (!j->r->dry && (j->r->sync ||
	    request_asks_mapping(j->r)))) &&
	    shmu_segment_open(&j->seg, op, SHMU_WRITE) == 0;
	if (!j->writable && (need || shmu_segment_open(&j->seg, op,
	    SHMU_READ) == -1))
		return cause_open(j->text, op, errno);
	if (shmu_segment_stat(&j->seg, &info) == -1)
		return cause_open(j->text, op, errno);
	j->old = j->size = info.size;
	return EXIT_YES;
}

/* See that all that was asked for can be, before any of it is done. */
static int
plan(struct job *j)
{
	const struct request *r = j->r;
	int status;

	if (r->has_size && r->size < j->size && !r->force)
		return cli_fail(EXIT_NO, j->text,
		    "has %" PRIu64 " bytes, and %" PRIu64
		    " would cut content off, with SIGBUS for who has that "
		    "mapped; --force does it",
		    j->size, r->size);
	if (r->has_size)
		j->size = r->size;
	status = updates_fit(&r->updates, j->text, j->size);
	return status != EXIT_YES ? status : job_ranges(j);
}

static int
resize(struct job *j)
{
	struct shmu_spec spec = SHMU_SPEC_INIT;
	uint64_t size = j->size;

	if (j->created || size == j->old ||
	    shmu_segment_resize(&j->seg, size, j->r->sparse) == 0)
		return EXIT_YES;
	spec.size = errno == ENOSPC || errno == EDQUOT ? size - j->old : size;
	j->size = j->old;
	return cause_create(j->text, &j->seg.op, &spec, errno);
}

int
job_map(struct job *j)
{
	if (j->seg.start != NULL || j->size == 0)
		return EXIT_YES;
	if (j->size <= SIZE_MAX && shmu_segment_map(&j->seg, 0, (size_t)j->size,
	    PROT_READ | (j->writable ? PROT_WRITE : 0)) == 0)
		return EXIT_YES;
	if (j->size > SIZE_MAX || errno == ENOMEM)
		return cli_fail(EXIT_CANNOT, j->text,
		    "there is no address space for %" PRIu64
		    " bytes (ulimit -v)",
		    j->size);
	if (errno == ERANGE)
		return cause_fault(j->text, &j->seg, j->size, 0);
	return cli_fail(EXIT_CANNOT, j->text, errno == ENODEV ? "this filesystem "
	    "does not let files be mapped" : "cannot be mapped: %s",
	    strerror(errno));
}

/*
 * What is written goes by pwrite(2): a store into one byte of a mapping makes
 * the kernel read the page before, and write the whole folio, up to 1 MiB,
 * afterwards; and a rewrite of all of a file is no faster by a mapping.  Where
 * something was asked of the mapping, it is used.
 */
static enum via
choose(const struct request *r)
{
	return r->via != VIA_AUTO ? r->via : request_asks_mapping(r) ? VIA_MMAP :
	    VIA_PWRITE;
}

/* The mapping is made where it is needed.  Where only the sync could use it,
 * fdatasync(2) does as well for the whole file. */
static int
map(struct job *j)
{
	const struct request *r = j->r;

	if (request_asks_mapping(r) || r->populate ||
	    (j->via == VIA_MMAP && r->updates.n > 0) ||
	    (r->sync && j->writable && (r->nranges > 0 || r->invalidate)))
		return job_map(j);
	if (r->sync && r->updates.n == 0 && j->writable && j->size > 0 &&
	    j->size <= SIZE_MAX)
		shmu_segment_map(&j->seg, 0, (size_t)j->size,
		    PROT_READ | PROT_WRITE);
	return EXIT_YES;
}

static int
apply(struct job *j)
{
	size_t i;
	int status = EXIT_YES;

	if (!request_asks_mapping(j->r) || j->size == 0)
		return status;
	for (i = 0; i < j->nranges && status == EXIT_YES; i++)
		status = mapping_apply(&j->r->asked, j->text,
		    (char *)j->seg.base + j->ranges[i].off,
		    (size_t)j->ranges[i].len);
	return status;
}

/* Sync the directory that a new name is in. */
static int
sync_directory(const struct job *j)
{
	char *path = strdup(j->text), *slash;
	int fd, r;

	if (path == NULL)
		return cli_fail(EXIT_CANNOT, NULL, "out of memory");
	slash = strrchr(path, '/');
	if (slash != NULL)
		slash[slash == path] = '\0';
	fd = shmu_sys_open(slash != NULL ? path : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (fd == -1)
		return EXIT_YES;	/* one may create where one cannot
					 * read */
	r = shmu_sys_fdatasync(fd);
	if (r == -1 && errno != EINVAL)
		r = cli_fail(EXIT_CANNOT, j->text, "its directory could not be "
		    "synced: %s", strerror(errno));
	else
		r = EXIT_YES;
	shmu_sys_close(fd);
	return r;
}

/* Give a file that is complete its name. */
static int
publish(struct job *j)
{
	struct shmu_spec spec = SHMU_SPEC_INIT;

	spec.size = j->size;
	if (shmu_segment_publish(&j->seg, &spec) == -1 && errno == EEXIST)
		return cli_fail(EXIT_NO, j->text, "somebody else created it "
		    "meanwhile; theirs is as it was");
	if (j->seg.fd == -1)
		return cause_create(j->text, &j->seg.op, &spec, errno);
	return j->r->async ? EXIT_YES : sync_directory(j);
}

static const char *
comma(int *n)
{
	return (*n)++ > 0 ? ", " : "";
}

static void
dry_sync(const struct job *j, int *n)
{
	printf("%s%s ", comma(n), j->r->async ? "schedule" : "sync");
	if (j->r->nranges == 0)
		printf("all of it");
	else
		printf("%zu range%s of it", j->nranges,
		    j->nranges == 1 ? "" : "s");
}

static int
dry_run(const struct job *j)
{
	const struct request *r = j->r;
	uint64_t bytes = 0;
	size_t i;
	int n = 0;

	cli_safe(stdout, j->text);
	printf(": would ");
	if (j->created)
		printf("%screate it with %" PRIu64 " bytes", comma(&n), j->size);
	else if (j->size != j->old)
		printf("%schange its size from %" PRIu64 " to %" PRIu64,
		    comma(&n), j->old, j->size);
	if (r->populate)
		printf("%spopulate it", comma(&n));
	if (request_asks_mapping(r))
		printf("%smap it as --advise, --lock and --protect say",
		    comma(&n));
	for (i = 0; i < r->updates.n; i++)
		bytes += update_known(&r->updates.list[i]);
	if (r->updates.n > 0)
		printf("%swrite %" PRIu64 " bytes in %zu places by %s",
		    comma(&n), bytes, r->updates.n,
		    j->via == VIA_MMAP ? "mmap" : "pwrite");
	if (r->sync)
		dry_sync(j, &n);
	if (r->evict)
		printf("%sevict it", comma(&n));
	if (r->residency)
		printf("%slook what is in RAM", comma(&n));
	putchar('\n');
	return EXIT_YES;
}

static int
work(struct job *j)
{
	const struct request *r = j->r;
	int status = resize(j);

	if (status == EXIT_YES)
		status = map(j);
	if (status == EXIT_YES && r->populate)
		status = job_populate(j);
	if (status == EXIT_YES)
		status = apply(j);
	if (status == EXIT_YES && r->updates.n > 0)
		status = job_write(j);
	if (status == EXIT_YES && r->sync)
		status = job_sync(j);
	if (status == EXIT_YES && j->created)
		status = publish(j);
	if (status == EXIT_YES && r->evict)
		status = job_evict(j);
	if (r->residency && status != EXIT_CANNOT)
		status = cli_worst(status, job_look(j));
	return status;
}

int
job_run(const struct request *r, const char *text, struct json *o)
{
	struct job j = { .r = r, .text = text, .seg = SHMU_SEGMENT_INIT };
	struct shmu_operand op = { .kind = SHMU_FILE, .path = text };
	int status;

	j.via = choose(r);
	status = open_existing(&j, &op);
	if (status == EXIT_YES)
		status = plan(&j);
	if (status == EXIT_YES)
		status = r->dry ? dry_run(&j) : work(&j);
	if (!r->dry)
		job_print(&j, o, status);
	if (j.created)
		shmu_segment_abandon(&j.seg);
	shmu_segment_close(&j.seg);
	if (j.ranges != &j.whole)
		free(j.ranges);
	free(j.strips);
	return status;
}
