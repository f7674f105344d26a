/* SPDX-License-Identifier: MIT */
/* sync-write.c - how mmap-sync stores its updates; see sync.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "progress.h"
#include "shmutil/range.h"
#include "shmutil/sys.h"
#include "sync.h"

#define PIECE	((size_t)1 << 20)

static int
failed(const struct job *j, uint64_t off, int err)
{
	const char *why = err == ENOSPC ? "the filesystem is full" :
	    err == EDQUOT ? "your quota is used up" :
	    err == EFBIG ? "it is beyond the limit of ulimit -f" :
	    err == EPERM ? "a seal or attribute of the file forbids it" :
	    strerror(err);

	progress_end();
	return cli_fail(EXIT_CANNOT, j->text, "offset %" PRIu64 " cannot be "
	    "written: %s; %" PRIu64 " bytes were stored before", off, why,
	    j->written);
}

static int
fault(struct job *j, uint64_t off)
{
	progress_end();
	return cause_fault(j->text, &j->seg, j->size, off);
}

static int
input_failed(int err)
{
	progress_end();
	return cli_fail(EXIT_CANNOT, "standard input", "%s", strerror(err));
}

/*
 * Allocate what is a hole in the range, so that a full filesystem is an error
 * here, before anything is stored, and not a SIGBUS at a store.  known is a
 * range without a hole that was found before: to ask for each of many updates
 * would walk the same data again and again.
 */
static int
allocate(const struct job *j, uint64_t off, uint64_t len, struct range *known)
{
	off_t hole;

	if (len == 0 || shmu_range_fits(off - known->off, len, known->len))
		return 0;
	hole = lseek(j->seg.fd, (off_t)off, SEEK_HOLE);
	known->off = off;
	known->len = hole == -1 ? len : (uint64_t)hole - off;
	if (hole == -1 || known->len >= len)
		return 0;
	known->len = len;
	if (shmu_sys_fallocate(j->seg.fd, FALLOC_FL_KEEP_SIZE, (off_t)off,
	    (off_t)len) == 0 || errno == EOPNOTSUPP)
		return 0;
	return -1;
}

static int
allocate_all(struct job *j)
{
	const struct updates *u = &j->r->updates;
	struct range known = { 0, 0 };
	size_t i;

	for (i = 0; i < u->n; i++) {
		const struct update *up = &u->list[i];

		if (allocate(j, up->off, update_known(up), &known) == -1)
			return failed(j, up->off, errno);
	}
	return EXIT_YES;
}

/*
 * pwrite(2) would make a file that somebody else has cut grow again, with zeros
 * in the place of what was lost; so look before each.
 */
static int
put_pwrite(struct job *j, uint64_t off, const char *p, size_t len)
{
	while (len > 0) {
		size_t n = len < PIECE ? len : PIECE;
		struct stat st;
		ssize_t r;

		if (shmu_sys_fstat(j->seg.fd, &st) == -1)
			return failed(j, off, errno);
		if (!shmu_range_fits(off, n, (uint64_t)st.st_size))
			return fault(j, off);
		r = shmu_sys_pwrite(j->seg.fd, p, n, (off_t)off);
		if (r == -1 && errno != EINTR)
			return failed(j, off, errno);
		n = r > 0 ? (size_t)r : 0;
		off += n;
		p += n;
		len -= n;
		j->written += n;
		progress_at(j->written);
	}
	return EXIT_YES;
}

static int
put(struct job *j, uint64_t off, const char *p, size_t len)
{
	if (j->via == VIA_PWRITE)
		return put_pwrite(j, off, p, len);
	if (shmu_segment_copy((char *)j->seg.base + off, p, len, NULL) == -1)
		return fault(j, off);
	j->written += len;
	progress_at(j->written);
	return EXIT_YES;
}

static int
too_much(const struct job *j)
{
	progress_end();
	if (j->created)
		return cli_fail(EXIT_NO, j->text,
		    "standard input has more than fits into %" PRIu64
		    " bytes, so nothing was created",
		    j->size);
	return cli_fail(EXIT_NO, j->text, "standard input has more than fits: %"
	    PRIu64 " bytes were stored up to the end", j->written);
}

/* Read what is there of standard input, waiting only for the first of it: a
 * writer of small pieces must not make us write as small ones. */
static ssize_t
gather(char *to, size_t room)
{
	struct pollfd more = { STDIN_FILENO, POLLIN, 0 };
	size_t got = 0;
	ssize_t r;

	do {
		r = read(STDIN_FILENO, to + got, room - got);
		got += r > 0 ? (size_t)r : 0;
	} while ((r == -1 && errno == EINTR) ||
	    (r > 0 && got < room && poll(&more, 1, 0) > 0));
	return got > 0 ? (ssize_t)got : r;
}

/* Store one piece of standard input, which is read into the mapping at once
 * where there is no buf.  *n is 0 at the end. */
static int
pour_piece(struct job *j, uint64_t off, size_t *n, char *buf)
{
	char *to = buf != NULL ? buf : (char *)j->seg.base + off;
	ssize_t r = gather(to, *n);

	if (r == -1)
		return errno == EFAULT ? fault(j, off) : input_failed(errno);
	*n = (size_t)r;
	if (buf != NULL)
		return put_pwrite(j, off, buf, *n);
	j->written += *n;
	progress_at(j->written);
	return EXIT_YES;
}

/* The rest of standard input, to the end of it, of left or of the file.  A read
 * into the mapping needs room before it; pwrite(2) tells if there is none. */
static int
pour_rest(struct job *j, uint64_t off, uint64_t left, char *buf)
{
	struct range known = { 0, 0 };
	int status = EXIT_YES;
	size_t n;
	char c;

	for (; left > 0 && off < j->size; off += n, left -= n) {
		uint64_t most = j->size - off < left ? j->size - off : left;

		most = PIECE - off % PIECE < most ? PIECE - off % PIECE : most;
		n = (size_t)most;
		if (buf == NULL && allocate(j, off, n, &known) == -1)
			return failed(j, off, errno);
		status = pour_piece(j, off, &n, buf);
		if (status != EXIT_YES || n == 0)
			return status;
	}
	return left > 0 && read(STDIN_FILENO, &c, 1) > 0 ? too_much(j) : status;
}

static int
pour(struct job *j, uint64_t off, uint64_t left)
{
	void *buf = NULL;
	int status, err;

	/* Of whole pages: what is not aligned is copied a tenth slower. */
	err = j->via == VIA_PWRITE ?
	    posix_memalign(&buf, shmu_pages_size(), PIECE) : 0;
	if (err != 0)
		return input_failed(err);
	status = pour_rest(j, off, left, buf);
	free(buf);
	return status;
}

static int
put_all(struct job *j)
{
	const struct updates *u = &j->r->updates;
	int status = EXIT_YES;
	size_t i;

	if (u->start != -1 && lseek(STDIN_FILENO, u->start, SEEK_SET) == -1)
		return input_failed(errno);
	for (i = 0; i < u->n && status == EXIT_YES; i++) {
		const struct update *up = &u->list[i];

		status = put(j, up->off, up->bytes, (size_t)up->len);
		if (status == EXIT_YES && up->total > up->len)
			status = pour(j, up->off + up->len, up->total == REST ?
			    REST : up->total - up->len);
	}
	return status;
}

/* 0 when nobody knows. */
static uint64_t
total(const struct updates *u)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < u->n; i++) {
		if (u->list[i].total == REST)
			return 0;
		sum += u->list[i].total;
	}
	return sum;
}

int
job_write(struct job *j)
{
	int status = allocate_all(j);

	if (status != EXIT_YES) {
		/* So that nothing has changed. */
		if (j->size > j->old && !j->created)
			shmu_segment_resize(&j->seg, j->old, 0);
		return status;
	}
	progress_begin(j->text, "writing", total(&j->r->updates));
	status = put_all(j);
	progress_end();
	if (status == EXIT_YES && cli.verbose)
		cli_say(j->text, "wrote %" PRIu64 " bytes in %zu places by %s",
		    j->written, j->r->updates.n,
		    j->via == VIA_PWRITE ? "pwrite" : "stores to the mapping");
	return status;
}
