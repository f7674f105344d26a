/* SPDX-License-Identifier: MIT */
/* content.c - bytes that go into a segment; see content.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "content.h"
#include "shmutil/sys.h"

#define PIECE	((size_t)256 << 10)

int
content_fault(const struct view *v, const char *text, uint64_t off, int err)
{
	if (err == ECANCELED)
		return EXIT_CANNOT;
	return err == EFAULT ? cause_fault(text, v->seg, v->size, off) :
	    cause_open(text, &v->seg->op, err);
}

/* Read what is no file into an unnamed one, to learn how much it is. */
static int
spool(struct content *c)
{
	char buf[64 << 10];
	ssize_t n = 0, w;
	int fd = shmu_sys_memfd_create("shm-create", MFD_CLOEXEC);

	if (fd == -1)
		return cli_fail(EXIT_CANNOT, c->name, "%s", strerror(errno));
	for (c->length = 0; (n = read(c->fd, buf, sizeof buf)) > 0;) {
		for (w = 0; w < n;) {
			ssize_t r = write(fd, buf + w, (size_t)(n - w));

			if (r == -1 && errno != EINTR)
				goto lost;
			w += r > 0 ? r : 0;
		}
		c->length += (uint64_t)n;
	}
	if (n == -1 || lseek(fd, 0, SEEK_SET) == -1)
		goto lost;
	if (c->fd != STDIN_FILENO)
		close(c->fd);
	c->fd = fd;
	return EXIT_YES;
lost:
	n = errno;
	close(fd);
	return cli_fail(EXIT_CANNOT, c->name, "%s", strerror((int)n));
}

static int
measure(struct content *c)
{
	struct stat st;
	off_t pos;

	c->length = UINT64_MAX;
	if (fstat(c->fd, &st) == -1)
		return cli_fail(EXIT_CANNOT, c->name, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return cli_fail(EXIT_CANNOT, c->name, "this is a directory");
	if (!S_ISREG(st.st_mode))
		return EXIT_YES;
	pos = lseek(c->fd, 0, SEEK_CUR);
	c->length = pos != -1 && pos < st.st_size ?
	    (uint64_t)(st.st_size - pos) : 0;
	return EXIT_YES;
}

int
content_open(struct content *c, const char *from, const char *text,
    uint64_t *size)
{
	int status;

	c->name = strcmp(from, "-") == 0 ? "standard input" : from;
	c->fd = strcmp(from, "-") == 0 ? STDIN_FILENO :
	    open(from, O_RDONLY | O_CLOEXEC);
	if (c->fd == -1)
		return cli_fail(EXIT_CANNOT, from, "cannot be read: %s",
		    strerror(errno));
	status = measure(c);
	if (status == EXIT_YES && *size == 0 && c->length == UINT64_MAX)
		status = spool(c);
	if (status != EXIT_YES)
		return status;
	if (*size == 0 && c->length == 0)
		return cli_fail(EXIT_NO, text,
		    "%s is empty, and a segment has at least one byte; give a "
		    "SIZE",
		    c->name);
	if (*size == 0)
		*size = c->length;
	if (c->length != UINT64_MAX && c->length > *size)
		return cli_fail(EXIT_NO, text,
		    "%s has %" PRIu64
		    " bytes and the segment would have %" PRIu64,
		    c->name, c->length, *size);
	return EXIT_YES;
}

void
content_close(struct content *c)
{
	if (c->fd > STDERR_FILENO)
		close(c->fd);
	c->fd = -1;
}

int
content_copy(struct content *c, struct shmu_segment *seg, const char *text,
    uint64_t size)
{
	uint64_t stored = 0;
	struct view v;
	int status;

	if (view_begin(&v, seg, PROT_READ | PROT_WRITE) == -1)
		return cause_open(text, &seg->op, errno);
	status = content_stream(c->fd, c->name, &v, text, 0, &stored);
	view_end(&v);
	if (status == EXIT_NO)
		cli_say(text, "so nothing was created; %" PRIu64 " bytes were "
		    "asked for", size);
	return status;
}

/* Whether input is left when the segment is full. */
static int
overflows(int fd, const char *name, const char *text, uint64_t stored)
{
	char c;

	if (read(fd, &c, 1) <= 0)
		return EXIT_YES;
	return cli_fail(EXIT_NO, text,
	    "%s has more than fits: %" PRIu64
	    " bytes were stored up to the end",
	    name, stored);
}

int
content_stream(int fd, const char *name, struct view *v, const char *text,
    uint64_t off, uint64_t *stored)
{
	for (; off < v->size;) {
		size_t len = PIECE;
		void *p = view_at(v, off, &len);
		ssize_t n;

		if (p == NULL)
			return content_fault(v, text, off, errno);
		n = read(fd, p, len);
		if (n == 0)
			return EXIT_YES;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EFAULT)
			return content_fault(v, text, off, errno);
		if (n == -1)
			return cli_fail(EXIT_CANNOT, name, "%s",
			    strerror(errno));
		off += (uint64_t)n;
		*stored += (uint64_t)n;
	}
	return overflows(fd, name, text, *stored);
}

int
content_bytes(const void *buf, size_t len, struct view *v, const char *text,
    uint64_t off)
{
	size_t done, n;

	for (done = 0; done < len; done += n) {
		void *p;

		n = len - done;
		p = view_at(v, off + done, &n);
		if (p == NULL || shmu_segment_copy(p,
		    (const char *)buf + done, n, NULL) == -1)
			return content_fault(v, text, off + done, errno);
	}
	return EXIT_YES;
}

int
content_fill_view(struct view *v, const char *text, uint64_t off, uint64_t len,
    unsigned char byte)
{
	static char buf[PIECE];
	int status = EXIT_YES;

	memset(buf, byte, sizeof buf);
	while (len > 0 && status == EXIT_YES) {
		size_t n = len < sizeof buf ? (size_t)len : sizeof buf;

		status = content_bytes(buf, n, v, text, off);
		off += n;
		len -= n;
	}
	return status;
}

int
content_fill(struct shmu_segment *seg, const char *text, uint64_t off,
    uint64_t len, unsigned char byte)
{
	struct view v;
	int status;

	if (view_begin(&v, seg, PROT_READ | PROT_WRITE) == -1)
		return cause_open(text, &seg->op, errno);
	status = content_fill_view(&v, text, off, len, byte);
	view_end(&v);
	return status;
}
