/* SPDX-License-Identifier: MIT */
/*
 * fifo-plain.c - the textbook protocol, both ends of it
 *
 * An object of 1 MiB with a NUL-terminated text at offset 0, and a FIFO through
 * which one native int of value 1 passes for each message.  A program that
 * knows only this is the other end.  Both open the FIFO for reading and
 * writing, so neither sees the other die.  Who made a name takes it away.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "fifo.h"
#include "shmutil/sys.h"
#include "stop.h"

#define SIZE	((size_t)1 << 20)
#define CLEARED	10
#define SHOWN	4096		/* bytes of a text that are printed */

struct plain {
	struct shmu_segment	seg;
	struct shmu_info	info;
	int			fifo;
	int			made_object, made_fifo;
};

static int
open_object(struct fifo *f, struct plain *p)
{
	struct shmu_spec spec = SHMU_SPEC_INIT;

	spec.size = SIZE;
	spec.mode = f->spec.mode;
	if ((f->spec.flags & SHMU_RING_EXISTING) == 0 &&
	    shmu_segment_create(&p->seg, &f->op, &spec) == 0)
		p->made_object = 1;
	else if ((f->spec.flags & SHMU_RING_EXISTING) == 0 && errno != EEXIST)
		return cause_create(f->text, &f->op, &spec, errno);
	else if (shmu_segment_open(&p->seg, &f->op, SHMU_WRITE) == -1)
		return cause_open(f->text, &f->op, errno);
	if (shmu_segment_stat(&p->seg, &p->info) == -1)
		return cause_open(f->text, &f->op, errno);
	if (p->info.size < SIZE)
		return cli_fail(EXIT_NO, f->text,
		    "has %" PRIu64 " bytes, and the textbook protocol needs "
		    "1M; choose another name",
		    p->info.size);
	if (shmu_segment_map(&p->seg, 0, SIZE, PROT_READ | PROT_WRITE) == -1)
		return cause_open(f->text, &f->op, errno);
	return EXIT_YES;
}

static int
open_fifo(struct fifo *f, struct plain *p)
{
	struct stat st;

	if ((f->spec.flags & SHMU_RING_EXISTING) == 0)
		p->made_fifo = shmu_sys_mkfifo(f->fifo, f->spec.mode) == 0;
	if ((f->spec.flags & SHMU_RING_EXISTING) == 0 && !p->made_fifo &&
	    errno != EEXIST)
		return cli_fail(EXIT_CANNOT, f->fifo, "this FIFO cannot be made: "
		    "%s", strerror(errno));
	p->fifo = shmu_sys_open(f->fifo, O_RDWR | O_NONBLOCK | O_NOFOLLOW |
	    O_CLOEXEC);
	if (p->fifo == -1)
		return cli_fail(errno == ENOENT ? EXIT_NO : EXIT_CANNOT, f->fifo,
		    errno == ELOOP ? "this is a symbolic link, which is not "
		    "followed" : "cannot be opened: %s", strerror(errno));
	if (shmu_sys_fstat(p->fifo, &st) == -1 || !S_ISFIFO(st.st_mode))
		return cli_fail(EXIT_CANNOT, f->fifo, "this is no FIFO; choose "
		    "another path");
	if (st.st_uid != geteuid())
		return cli_fail(EXIT_CANNOT, f->fifo, "this FIFO is another "
		    "user's");
	if (p->made_fifo && fchmod(p->fifo, f->spec.mode) == -1)
		return cli_fail(EXIT_CANNOT, f->fifo, "%s", strerror(errno));
	return EXIT_YES;
}

/* Undo what was made; the status to exit with. */
static int
end(struct fifo *f, struct plain *p, int status)
{
	if (p->made_fifo)
		shmu_sys_unlink(f->fifo);
	if (p->fifo != -1)
		close(p->fifo);
	shmu_segment_close(&p->seg);
	if (p->made_object)
		shmu_segment_remove(&f->op, &p->info);
	stop_die();
	return status;
}

static int
begin(struct fifo *f, struct plain *p)
{
	int status;

	stop_on_signals();
	status = open_object(f, p);
	if (status == EXIT_YES)
		status = open_fifo(f, p);
	return status;
}

/* Wait for the FIFO; EXIT_YES when it can be read or written. */
static int
await(const struct fifo *f, const struct plain *p, short events)
{
	struct pollfd fd = { .fd = p->fifo, .events = events };
	int limit = f->timeout < 0 || f->timeout > 2e6 ? -1 :
	    (int)(f->timeout * 1000), n;

	do
		n = poll(&fd, 1, limit);
	while (n == -1 && errno == EINTR && stop_signal() == 0);
	if (n == 0)
		return cli_fail(EXIT_TIMEOUT, f->text, events == POLLIN ?
		    "no message came for %g s" : "nobody took a message for %g s",
		    f->timeout);
	return n > 0 ? EXIT_YES : EXIT_CANNOT;
}

static int
announce(const struct fifo *f, const struct plain *p)
{
	const int one = 1;
	int status;

	for (;;) {
		if (write(p->fifo, &one, sizeof one) == (ssize_t)sizeof one)
			return EXIT_YES;
		if (errno != EAGAIN && errno != EINTR)
			return cli_fail(EXIT_CANNOT, f->fifo, "%s",
			    strerror(errno));
		status = await(f, p, POLLOUT);
		if (status != EXIT_YES)
			return status;
	}
}

static int
cut_short(const struct fifo *f)
{
	return cli_fail(EXIT_CANNOT, f->text, "the object was cut short by "
	    "somebody else");
}

static int
send_messages(struct fifo *f, struct plain *p)
{
	size_t n = strlen(f->message) + 1;
	uint64_t i;
	int status;

	if (n > SIZE)
		return cli_fail(EXIT_NO, f->text, "the text has more than the "
		    "object's 1M");
	for (i = 0; f->count == 0 || i < f->count; i++) {
		if (i > 0)
			cli_sleep(1);
		if (stop_signal() != 0)
			return EXIT_CANNOT;
		if (shmu_segment_copy(p->seg.base, f->message, n, NULL) == -1)
			return cut_short(f);
		status = announce(f, p);
		if (status != EXIT_YES)
			return status;
	}
	return EXIT_YES;
}

/* The next int of the FIFO. */
static int
next(const struct fifo *f, const struct plain *p, int *value)
{
	size_t got = 0;
	ssize_t n;
	int status;

	while (got < sizeof *value) {
		n = read(p->fifo, (char *)value + got, sizeof *value - got);
		if (n > 0) {
			got += (size_t)n;
			continue;
		}
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return cli_fail(EXIT_CANNOT, f->fifo, "%s",
			    strerror(errno));
		status = await(f, p, POLLIN);
		if (status != EXIT_YES)
			return status;
	}
	return EXIT_YES;
}

/* Print the text, and clear its beginning as the textbooks do. */
static int
show(const struct fifo *f, const struct plain *p)
{
	static const char zeros[CLEARED];
	char text[SHOWN + 1];

	if (shmu_segment_copy(text, p->seg.base, SHOWN, NULL) == -1)
		return cut_short(f);
	text[SHOWN] = '\0';
	fputs("data from prod: ", stdout);
	cli_safe(stdout, text);
	putchar('\n');
	fflush(stdout);
	return shmu_segment_copy(p->seg.base, zeros, CLEARED, NULL) == -1 ?
	    cut_short(f) : EXIT_YES;
}

static int
take_messages(struct fifo *f, struct plain *p)
{
	uint64_t i;
	int status, value;

	for (i = 0; f->count == 0 || i < f->count;) {
		status = next(f, p, &value);
		if (status != EXIT_YES)
			return status;
		if (value != 1) {
			cli_say(f->fifo, "%d came, where 1 announces a message",
			    value);
			continue;
		}
		status = show(f, p);
		if (status != EXIT_YES || ferror(stdout))
			return status;
		i++;
	}
	return EXIT_YES;
}

int
fifo_plain_produce(struct fifo *f)
{
	struct plain p = { .seg = SHMU_SEGMENT_INIT, .fifo = -1 };
	int status = begin(f, &p);

	return end(f, &p, status == EXIT_YES ? send_messages(f, &p) : status);
}

int
fifo_plain_consume(struct fifo *f)
{
	struct plain p = { .seg = SHMU_SEGMENT_INIT, .fifo = -1 };
	int status = begin(f, &p);

	return end(f, &p, status == EXIT_YES ? take_messages(f, &p) : status);
}
