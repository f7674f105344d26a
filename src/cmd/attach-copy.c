/* SPDX-License-Identifier: MIT */
/* attach-copy.c - the verbs of shm-attach that move bytes: read write fill */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "cli.h"
#include "content.h"
#include "shmutil/range.h"

/* What comes through a pipe up to here is stored whole or not at all. */
#define WHOLE	((size_t)1 << 20)

/* Write all of buf to stdout. */
static int
put(const void *buf, size_t len, size_t *done)
{
	for (*done = 0; *done < len;) {
		ssize_t n = write(STDOUT_FILENO, (const char *)buf + *done,
		    len - *done);

		if (n == -1 && errno != EINTR)
			return -1;
		*done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
put_zeros(uint64_t len)
{
	static const char zeros[64 << 10];
	size_t done;

	for (; len > 0; len -= done)
		if (put(zeros, len < sizeof zeros ? (size_t)len : sizeof zeros,
		    &done) == -1)
			return cli_fail(EXIT_CANNOT, NULL, "standard output is "
			    "lost: %s", strerror(errno));
	return EXIT_YES;
}

static int
put_live(struct attach *a, uint64_t off, uint64_t end)
{
	size_t len, done;

	for (; off < end; off += done) {
		void *p;

		len = end - off < VIEW_WINDOW ? (size_t)(end - off) : VIEW_WINDOW;
		p = view_at(&a->view, off, &len);
		if (p == NULL)
			return content_fault(&a->view, a->text, off, errno);
		if (put(p, len, &done) == 0)
			continue;
		if (errno == EFAULT)
			return content_fault(&a->view, a->text, off + done,
			    errno);
		return cli_fail(EXIT_CANNOT, NULL,
		    "standard output is lost: %s", strerror(errno));
	}
	return EXIT_YES;
}

int
attach_read(struct attach *a, char *argv[])
{
	uint64_t off, len, end, from, to;
	int status;

	status = attach_range(a, argv, &off, &len);
	if (status == EXIT_YES)
		status = attach_touch(a, off, len);
	for (end = off + len; status == EXIT_YES && off < end; off = to) {
		if (view_live(&a->view, off, &from, &to) != 0 || from > end)
			from = to = end;
		if (to > end)
			to = end;
		status = put_zeros(from - off);
		if (status == EXIT_YES)
			status = put_live(a, from, to);
	}
	return status;
}

/* Store what was read already, then the rest of the stream. */
static int
stream(struct attach *a, uint64_t off, const char *head, size_t len)
{
	uint64_t stored = len;
	int status = content_bytes(head, len, &a->view, a->text, off);

	if (status != EXIT_YES)
		return status;
	return content_stream(STDIN_FILENO, "standard input", &a->view, a->text,
	    off + len, &stored);
}

static int
write_pipe(struct attach *a, uint64_t off)
{
	char *buf = malloc(WHOLE + 1);
	int status;
	ssize_t n;

	if (buf == NULL)
		return cli_fail(EXIT_CANNOT, NULL, "out of memory");
	n = cli_read(STDIN_FILENO, buf, WHOLE + 1);
	if (n == -1)
		status = cli_fail(EXIT_CANNOT, "standard input", "%s",
		    strerror(errno));
	else if (!shmu_range_fits(off, (uint64_t)n, a->length))
		status = attach_no_room(a, (size_t)n > WHOLE ?
		    "standard input, more than the first part" :
		    "standard input", (uint64_t)n, off);
	else if ((size_t)n <= WHOLE)
		status = content_bytes(buf, (size_t)n, &a->view, a->text, off);
	else
		status = stream(a, off, buf, (size_t)n);
	free(buf);
	return status;
}

static int
write_stdin(struct attach *a, uint64_t off)
{
	struct stat st;
	uint64_t len, stored = 0;
	off_t pos;

	if (fstat(STDIN_FILENO, &st) == -1 || !S_ISREG(st.st_mode))
		return write_pipe(a, off);
	pos = lseek(STDIN_FILENO, 0, SEEK_CUR);
	len = pos != -1 && pos < st.st_size ? (uint64_t)(st.st_size - pos) : 0;
	if (!shmu_range_fits(off, len, a->length))
		return attach_no_room(a, "standard input", len, off);
	return content_stream(STDIN_FILENO, "standard input", &a->view, a->text,
	    off, &stored);
}

int
attach_write(struct attach *a, char *argv[])
{
	uint64_t off;
	size_t len;

	off = cli_size("an offset", *argv++);
	if (off > a->length)
		return attach_no_room(a, "a text", 0, off);
	if (*argv == NULL)
		return write_stdin(a, off);
	len = strlen(*argv);
	if (!shmu_range_fits(off, len, a->length))
		return attach_no_room(a, "a text", len, off);
	return content_bytes(*argv, len, &a->view, a->text, off);
}

int
attach_fill(struct attach *a, char *argv[])
{
	unsigned char byte;
	uint64_t off, len;
	int status;

	byte = cli_byte(*argv++);
	status = attach_range(a, argv, &off, &len);
	return status != EXIT_YES ? status :
	    content_fill_view(&a->view, a->text, off, len, byte);
}
