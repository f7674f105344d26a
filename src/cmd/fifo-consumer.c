/* SPDX-License-Identifier: MIT */
/* fifo-consumer - write what comes through a ring in shared memory */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "fifo.h"
#include "stop.h"

static const char help[] =
    "usage: fifo-consumer [options] CHANNEL\n       fifo-consumer --plain "
    "--fifo PATH [-c N] CHANNEL\nWrite to standard output what fifo-producer "
    "CHANNEL sends.\n\n  -0, --null           lines and records end with NUL, "
    "not newline\n  -c, --count N        plain: end after N messages\n  -e, "
    "--existing       do not create the channel\n  -m, --mode MODE      "
    "permissions of a new channel (default 0600)\n  -s, --size SIZE      bytes "
    "of a new channel (default 4M)\n  -t, --timeout SECS   end with 124 when "
    "nothing comes for so long\n      --fifo PATH      plain: the FIFO that "
    "announces messages\n      --lines          write whole lines only\n      "
    "--plain          the textbook protocol: a text for each int in the FIFO\n "
    "     --progress       say once a second how far it is\n      --reconnect "
    "SECS wait so long for another producer if one is lost\n      --records    "
    "    write each record of libshmutil as a line\n      --resume         go "
    "on where a killed consumer stopped\n      --to FILE        write to FILE, "
    "each byte once even if resumed\n      --verify         check the checksum "
    "that the producer gives\n" CLI_HELP;

enum { TO = FIFO_OTHER };

static const struct option words[] = {
	{ "to",		required_argument,	NULL, TO },
	FIFO_LONG,
	CLI_LONG
};

/* Where it goes. */
struct output {
	const char	*to;	/* a file, or NULL */
	const char	*name;
	int		 fd;
};

static int
open_file(struct output *out, int flags)
{
	struct stat st;

	out->fd = open(out->to, O_RDWR | O_CLOEXEC | O_NONBLOCK | flags, 0666);
	if (out->fd == -1 && errno == ENOENT && flags == 0)
		return EXIT_YES;
	if (out->fd == -1 || fstat(out->fd, &st) == -1)
		return cli_fail(EXIT_CANNOT, out->to, "cannot be written: %s",
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cli_fail(EXIT_CANNOT, out->to,
		    "--to needs a regular file, which can be cut to what was "
		    "acknowledged; use >");
	return EXIT_YES;
}

/* A file is made, and cut, only when the channel is had. */
static int
open_output(struct output *out)
{
	out->fd = STDOUT_FILENO;
	out->name = out->to == NULL ? "standard output" : out->to;
	return out->to == NULL ? EXIT_YES : open_file(out, 0);
}

/* Whether --resume would cut a file that no stream here was written to. */
static int
overwrites(const struct fifo *f, const struct output *out)
{
	struct stat st;

	if ((f->spec.flags & SHMU_RING_RESUME) == 0 ||
	    fstat(out->fd, &st) == -1 || st.st_size == 0 ||
	    fifo_resumable(f, SHMU_RING_CONSUMER))
		return 0;
	cli_say(f->text,
	    "there is no stream to resume, and %s has %jd bytes; leave "
	    "--resume out to write it anew",
	    out->to, (intmax_t)st.st_size);
	return 1;
}

/* Feed what the file holds of the stream to the checksum. */
static int
read_back(struct fifo *f, const struct output *out)
{
	static char buf[64 << 10];
	uint64_t at;
	ssize_t n;

	for (at = 0; at < f->from; at += (uint64_t)n) {
		n = pread(out->fd, buf, f->from - at < sizeof buf ?
		    (size_t)(f->from - at) : sizeof buf, (off_t)at);
		if (n <= 0)
			return fifo_lost(f, out->name, n == 0 ? EIO : errno);
		fifo_account(f, buf, (size_t)n);
	}
	return 0;
}

/*
 * Bring the file to the byte that was acknowledged: what a killed consumer
 * wrote beyond it comes again.  Elsewhere that cannot be taken back.
 */
static int
settle(struct fifo *f, const struct output *out)
{
	uint64_t end = shmu_ring_intended(&f->ring);
	struct stat st;

	if (out->to == NULL) {
		if (end > f->from && !cli.quiet)
			cli_say(f->text, "bytes %" PRIu64 " to %" PRIu64 " may "
			    "come a second time", f->from, end);
		return 0;
	}
	if (fstat(out->fd, &st) == -1)
		return fifo_lost(f, out->name, errno);
	if ((uint64_t)st.st_size < f->from) {
		f->status = cli_fail(EXIT_CANNOT, out->to,
		    "has %jd bytes, and %" PRIu64
		    " were acknowledged; is it the same file?",
		    (intmax_t)st.st_size, f->from);
		return -1;
	}
	if (ftruncate(out->fd, (off_t)f->from) == -1 ||
	    lseek(out->fd, (off_t)f->from, SEEK_SET) == -1)
		return fifo_lost(f, out->name, errno);
	return f->verify ? read_back(f, out) : 0;
}

/* Write all of it: 0, or -1. */
static int
put(struct fifo *f, const struct output *out, const char *p, size_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w) {
		w = write(out->fd, p, n);
		if (w == -1 && errno == EINTR && stop_signal() == 0)
			w = 0;
		else if (w == -1 && errno == EINTR) {
			f->status = EXIT_CANNOT;
			return -1;
		} else if (w == -1 && errno == EAGAIN)
			w = fifo_ready(out->fd, POLLOUT);
		else if (w == -1)
			return fifo_lost(f, out->name, errno);
	}
	return 0;
}

/* How many of n bytes at p are handed on at once: no part of a line. */
static size_t
batch(const struct fifo *f, const char *p, size_t n)
{
	size_t limit = n < FIFO_BATCH ? n : FIFO_BATCH;
	const char *end;

	if (!f->lines)
		return limit;
	end = memrchr(p, f->delimiter, limit);
	if (end == NULL)
		end = memchr(p + limit, f->delimiter, n - limit);
	return end == NULL ? n : (size_t)(end - p) + 1;
}

static int
receive_bytes(struct fifo *f, const struct output *out)
{
	const void *at;
	size_t n;
	int more;

	for (;;) {
		n = shmu_ring_data(&f->ring, 1, &at);
		if (n == 0) {
			more = fifo_wait(f, 1);
			if (more != 1)
				return more;
			continue;
		}
		n = batch(f, at, n);
		shmu_ring_intend(&f->ring, n);
		if (put(f, out, at, n) == -1)
			return -1;
		fifo_account(f, at, n);
		shmu_ring_take(&f->ring, n);
		shmu_ring_release(&f->ring);
	}
}

/* Lines of records, gathered to be written at once. */
struct lines {
	char	buf[64 << 10];
	size_t	used;
};

static int
write_out(struct fifo *f, const struct output *out, struct lines *l)
{
	size_t n = l->used;

	l->used = 0;
	return put(f, out, l->buf, n);
}

/* Add a record and its delimiter. */
static int
add(struct fifo *f, const struct output *out, struct lines *l,
    const void *record, size_t n)
{
	if (n >= sizeof l->buf - l->used && write_out(f, out, l) == -1)
		return -1;
	if (n < sizeof l->buf) {
		memcpy(l->buf + l->used, record, n);
		l->used += n;
	} else if (put(f, out, record, n) == -1)
		return -1;
	l->buf[l->used++] = (char)f->delimiter;
	return 0;
}

/*
 * Records are acknowledged once they are written: so what is taken must never
 * gather to what the ring itself acknowledges.
 */
static int
receive_records(struct fifo *f, const struct output *out)
{
	static struct lines l;
	const void *record;
	uint32_t n;
	int more;

	for (;;) {
		more = shmu_ring_gathered(&f->ring) >=
		    shmu_ring_capacity(&f->ring) / 16 ? 0 :
		    shmu_ring_get(&f->ring, &record, &n);
		if (more == -1)
			return fifo_lost(f, f->text, errno);
		if (more == 1) {
			if (add(f, out, &l, record, n) == -1)
				return -1;
			fifo_account(f, record, n);
			continue;
		}
		shmu_ring_intend(&f->ring, 0);
		if (write_out(f, out, &l) == -1)
			return -1;
		shmu_ring_release(&f->ring);
		more = fifo_wait(f, 1);
		if (more != 1)
			return more;
	}
}

/* The end: what was promised of it. */
static int
check_sum(struct fifo *f)
{
	uint64_t want;

	if (!f->verify)
		return EXIT_YES;
	if (shmu_ring_checksum(&f->ring, &want) == 0)
		return cli_fail(EXIT_CANNOT, f->text, "the producer gave no "
		    "checksum; start it with --verify too");
	if (want != XXH3_64bits_digest(&f->sum))
		return cli_fail(EXIT_CANNOT, f->text, "the checksum is wrong: %"
		    PRIx64 " came, %" PRIx64 " was sent",
		    (uint64_t)XXH3_64bits_digest(&f->sum), want);
	return EXIT_YES;
}

static int
consume(struct fifo *f, struct output *out)
{
	int status = open_output(out), done;

	if (status != EXIT_YES)
		return status;
	if (out->to != NULL && f->spec.kind == SHMU_RING_BYTES)
		f->spec.flags |= SHMU_RING_KEEP;
	if (out->fd > STDERR_FILENO && overwrites(f, out))
		return EXIT_NO;
	status = fifo_open(f, SHMU_RING_CONSUMER);
	if (status != EXIT_YES)
		return status;
	if (out->fd == -1)
		f->status = open_file(out, O_CREAT);
	done = f->status == EXIT_YES ? settle(f, out) : -1;
	fifo_widen(out->fd);
	if (done == 0)
		done = f->spec.kind == SHMU_RING_RECORDS ?
		    receive_records(f, out) : receive_bytes(f, out);
	if (done == 0)
		f->status = check_sum(f);
	return fifo_close(f);
}

int
main(int argc, char *argv[])
{
	struct fifo f = FIFO_INIT;
	struct output out = { NULL, NULL, -1 };
	int c;

	cli_begin("fifo-consumer", help);
	while ((c = cli_option(argc, argv, FIFO_SHORT, words)) != -1)
		if (c == TO)
			out.to = optarg;
		else
			fifo_option(&f, c);
	fifo_check(&f, argv + optind);
	if (f.plain && out.to != NULL)
		cli_usage("--to",
		    "the textbook protocol has messages only; use >");
	if (out.to != NULL && f.spec.kind == SHMU_RING_RECORDS &&
	    (f.spec.flags & SHMU_RING_RESUME) != 0)
		cli_usage("--records",
		    "lines of records cannot be resumed into a file; use "
		    "--lines on both sides");
	if (f.verify && f.spec.kind == SHMU_RING_RECORDS)
		cli_usage("--verify", "a stream of records has no checksum; "
		    "each record carries its place in it");
	if (f.verify && out.to == NULL &&
	    (f.spec.flags & SHMU_RING_RESUME) != 0)
		cli_usage("--verify", "what went before cannot be read again; "
		    "resume with --to FILE, or without --verify");
	return cli_done(f.plain ? fifo_plain_consume(&f) : consume(&f, &out));
}
