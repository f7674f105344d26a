/* SPDX-License-Identifier: MIT */
/* fifo-producer - send standard input through a ring in shared memory */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "fifo.h"
#include "stop.h"

static const char help[] =
"usage: fifo-producer [options] CHANNEL\n"
"       fifo-producer --plain --fifo PATH [-c N] [--text TEXT] CHANNEL\n"
"Send standard input through shared memory to fifo-consumer CHANNEL.\n"
"\n"
"  -0, --null           lines and records end with NUL, not newline\n"
"  -c, --count N        plain: end after N messages\n"
"  -e, --existing       do not create the channel\n"
"  -m, --mode MODE      permissions of a new channel (default 0600)\n"
"  -s, --size SIZE      bytes of a new channel (default 4M)\n"
"  -t, --timeout SECS   end with 124 when nothing moves for so long\n"
"      --fifo PATH      plain: the FIFO that announces messages\n"
"      --lines          let the consumer have whole lines only\n"
"      --plain          the textbook protocol: a text and an int each second\n"
"      --progress       say once a second how far it is\n"
"      --reconnect SECS wait so long for another consumer if one is lost\n"
"      --records        each line is a record of libshmutil\n"
"      --resume         go on where a killed producer of this input stopped\n"
"      --text TEXT      plain: the message (default 'Hello ')\n"
"      --verify         give a checksum at the end\n"
CLI_HELP;

enum { TEXT = FIFO_OTHER };

static const struct option words[] = {
	{ "text",	required_argument,	NULL, TEXT },
	FIFO_LONG,
	CLI_LONG
};

/*
 * Wait for input, but not longer than the consumer is there: 0, or -1 when it
 * was lost.  The bell shouts when nobody reads it, also before anybody came; so
 * until then it is not listened to, and now and then looked whether one is.
 */
static int
await_input(struct fifo *f)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
	    { .fd = shmu_ring_fd(&f->ring) } };
	int came;

	for (;;) {
		came = shmu_ring_peer(&f->ring, NULL) == SHMU_RING_ATTACHED;
		if (poll(p, came ? 2 : 1, came ? -1 : 250) == -1 ||
		    p[0].revents != 0)
			return 0;
		if (fifo_peer_lost(f))
			return -1;
		cli_sleep(0.001);
	}
}

/* Read at most n bytes of input to p.  The bytes, 0 at the end, or -1. */
static ssize_t
take_input(struct fifo *f, void *p, size_t n)
{
	ssize_t got;

	if (f->waits && await_input(f) == -1)
		return -1;
	do {
		if (stop_signal() != 0) {
			f->status = EXIT_CANNOT;
			return -1;
		}
		got = read(STDIN_FILENO, p, n);
	} while (got == -1 && (errno == EINTR || (errno == EAGAIN &&
	    fifo_ready(STDIN_FILENO, POLLIN) == 0)));
	if (got == -1)
		fifo_lost(f, "standard input", errno);
	return got;
}

/* The input up to where the killed producer had published it was sent. */
static int
skip(struct fifo *f)
{
	static char buf[64 << 10];
	uint64_t left = f->from;
	ssize_t n;

	if (left > 0 && !f->verify &&
	    lseek(STDIN_FILENO, 0, SEEK_CUR) != -1) {
		off_t end = lseek(STDIN_FILENO, 0, SEEK_END);

		if (end >= 0 && (uint64_t)end >= left) {
			lseek(STDIN_FILENO, (off_t)left, SEEK_SET);
			return 0;
		}
		lseek(STDIN_FILENO, 0, SEEK_SET);
	}
	for (; left > 0; left -= (uint64_t)n) {
		n = take_input(f, buf, left < sizeof buf ? (size_t)left :
		    sizeof buf);
		if (n == -1)
			return -1;
		if (n == 0) {
			f->status = cli_fail(EXIT_CANNOT, f->text,
			    "%" PRIu64 " bytes were sent already, more than "
			    "the input has; is it the same input?",
			    f->from);
			return -1;
		}
		fifo_account(f, buf, (size_t)n);
	}
	return 0;
}

/* Publish n more bytes, which lie at p. */
static void
publish(struct fifo *f, const void *p, size_t n)
{
	fifo_account(f, p, n);
	shmu_ring_stage(&f->ring, n);
	shmu_ring_publish(&f->ring);
}

/* Room for one byte more than part: where, and how much.  0, or -1. */
static size_t
room(struct fifo *f, size_t part, unsigned char **at)
{
	size_t n = shmu_ring_room(&f->ring, part + 1, (void **)at);

	if (n > part)
		return n;
	if (part == shmu_ring_capacity(&f->ring)) {
		f->status = cli_fail(EXIT_NO, f->text, "a line at byte %" PRIu64
		    " is longer than the channel's %" PRIu64 " bytes; give "
		    "both sides a larger --size", shmu_ring_position(&f->ring),
		    shmu_ring_capacity(&f->ring));
		return 0;
	}
	if (fifo_wait(f, part + 1) == -1)
		return 0;
	return shmu_ring_room(&f->ring, part + 1, (void **)at);
}

/* Send bytes as they come; with --lines only whole lines, so part of one may
 * lie in the ring unpublished. */
static int
send_bytes(struct fifo *f)
{
	size_t n, part = 0, whole;
	unsigned char *at, *end;
	ssize_t got;

	for (;;) {
		n = room(f, part, &at);
		if (n == 0)
			return -1;
		n -= part;
		got = take_input(f, at + part, n < FIFO_BATCH ? n : FIFO_BATCH);
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		whole = part + (size_t)got;
		if (f->lines) {
			end = memrchr(at + part, f->delimiter, (size_t)got);
			whole = end == NULL ? 0 : (size_t)(end - at) + 1;
		}
		part = part + (size_t)got - whole;
		if (whole > 0)
			publish(f, at, whole);
	}
	if (part > 0)
		publish(f, at, part);
	return 0;
}

static int
send_record(struct fifo *f, const char *p, size_t n)
{
	if (n > shmu_ring_capacity(&f->ring) - 8 || n > UINT32_MAX) {
		f->status = cli_fail(EXIT_NO, f->text,
		    "a record of %zu bytes is more than the channel's %" PRIu64
		    "; give both sides a larger --size",
		    n, shmu_ring_capacity(&f->ring) - 8);
		return -1;
	}
	while (shmu_ring_put(&f->ring, p, (uint32_t)n) == -1)
		if (fifo_wait(f, (size_t)shmu_ring_record_size((uint32_t)n)) ==
		    -1)
			return -1;
	fifo_account(f, p, n);
	return 0;
}

/* Each piece of the input up to a delimiter is a record. */
static int
send_records(struct fifo *f)
{
	size_t size = FIFO_BATCH, used = 0;
	char *buf = malloc(size), *from, *end;
	int done = buf == NULL ? fifo_lost(f, f->text, errno) : 0;
	ssize_t got;

	while (done == 0) {
		if (used == size) {
			char *more = realloc(buf, 2 * size);

			if (more == NULL) {
				done = fifo_lost(f, f->text, errno);
				break;
			}
			buf = more;
			size *= 2;
		}
		got = take_input(f, buf + used, size - used);
		if (got <= 0) {
			done = got == -1 ? -1 : 1;
			break;
		}
		used += (size_t)got;
		for (from = buf; done == 0 && (end = memchr(from, f->delimiter,
		    (size_t)(buf + used - from))) != NULL; from = end + 1)
			done = send_record(f, from, (size_t)(end - from));
		used -= (size_t)(from - buf);
		memmove(buf, from, used);
		shmu_ring_publish(&f->ring);
	}
	if (done == 1)
		done = used > 0 ? send_record(f, buf, used) : 0;
	free(buf);
	return done;
}

/* The killed producer had sent all of it: nothing may come behind. */
static int
nothing_left(struct fifo *f)
{
	char c;
	ssize_t n = take_input(f, &c, 1);

	if (n <= 0)
		return (int)n;
	f->status = cli_fail(EXIT_CANNOT, f->text, "its stream ended at byte %"
	    PRIu64 ", and the input goes on; is it the same input?", f->from);
	shmu_ring_drop(&f->ring);	/* as it was, for who has the input */
	return -1;
}

static int
send_input(struct fifo *f)
{
	if (shmu_ring_finished(&f->ring))
		return nothing_left(f);
	return f->spec.kind == SHMU_RING_RECORDS ? send_records(f) :
	    send_bytes(f);
}

/* Say that it was all, and wait until the consumer has it. */
static int
finish(struct fifo *f)
{
	uint64_t sum = f->verify ? XXH3_64bits_digest(&f->sum) : 0;

	shmu_ring_finish(&f->ring, f->verify ? &sum : NULL);
	return fifo_wait(f, (size_t)shmu_ring_capacity(&f->ring)) == 1 ? 0 : -1;
}

static int
produce(struct fifo *f)
{
	int status = fifo_open(f, SHMU_RING_PRODUCER);
	struct stat st;

	if (status != EXIT_YES)
		return status;
	f->waits = fstat(STDIN_FILENO, &st) == 0 && !S_ISREG(st.st_mode);
	fifo_widen(STDIN_FILENO);
	if (skip(f) == 0 && send_input(f) == 0)
		finish(f);
	return fifo_close(f);
}

int
main(int argc, char *argv[])
{
	struct fifo f = FIFO_INIT;
	int c;

	cli_begin("fifo-producer", help);
	while ((c = cli_option(argc, argv, FIFO_SHORT, words)) != -1)
		if (c == TEXT) {
			f.message = optarg;
			f.plain |= 2;
		} else
			fifo_option(&f, c);
	fifo_check(&f, argv + optind);
	if (f.spec.kind == SHMU_RING_RECORDS &&
	    ((f.spec.flags & SHMU_RING_RESUME) != 0 || f.verify))
		cli_usage("--records",
		    "a stream of records can be neither resumed by its "
		    "producer nor verified; use --lines");
	return cli_done(f.plain ? fifo_plain_produce(&f) : produce(&f));
}
