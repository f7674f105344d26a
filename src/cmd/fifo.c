/* SPDX-License-Identifier: MIT */
/* fifo.c - what fifo-producer and fifo-consumer share; see fifo.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "fifo.h"
#include "process.h"
#include "shmutil/parse.h"
#include "stop.h"

#define WIDE	(1 << 20)

static const char *const ends[] = { "producer", "consumer" };

void
fifo_option(struct fifo *f, int c)
{
	switch (c) {
	case '0':	f->delimiter = '\0'; break;
	case 'c':
		f->count = cli_number("a count", optarg, INT64_MAX);
		f->plain |= 2;
		break;
	case 'e':	f->spec.flags |= SHMU_RING_EXISTING; break;
	case 'm':	f->spec.mode = cli_mode(optarg); break;
	case 's':	f->spec.capacity = cli_size("a size", optarg); break;
	case 't':	f->timeout = cli_seconds("a time limit", optarg); break;
	case FIFO_FIFO:
		f->fifo = optarg;
		f->plain |= 2;
		break;
	case FIFO_LINES:	f->lines = 1; break;
	case FIFO_PLAIN:	f->plain |= 1; break;
	case FIFO_PROGRESS:	f->progress = 1; break;
	case FIFO_RECORDS:	f->spec.kind = SHMU_RING_RECORDS; break;
	case FIFO_RECONNECT:
		f->reconnect = cli_seconds("how long to wait for another",
		    optarg);
		/* FALLTHROUGH */
	case FIFO_RESUME:
		f->spec.flags |= c == FIFO_RESUME ? SHMU_RING_RESUME :
		    SHMU_RING_KEEP;
		break;
	case FIFO_VERIFY:	f->verify = 1; break;
	default:	break;
	}
}

static void
check_plain(const struct fifo *f)
{
	if (f->plain == 2)
		cli_usage(NULL, "--fifo, --text and --count go with --plain");
	if (f->fifo == NULL)
		cli_usage("--plain", "which FIFO? give --fifo PATH");
	if (f->lines || f->verify || f->progress || f->spec.capacity != 0 ||
	    f->spec.kind != SHMU_RING_BYTES || f->reconnect > 0 ||
	    (f->spec.flags & SHMU_RING_RESUME) != 0)
		cli_usage("--plain", "the textbook protocol has messages only; "
		    "leave the options of the stream out");
}

void
fifo_check(struct fifo *f, char *argv[])
{
	if (argv[0] == NULL)
		cli_usage(NULL, "which CHANNEL? try --help");
	if (argv[1] != NULL)
		cli_usage(argv[1], "this is one operand too many");
	f->text = argv[0];
	cli_operand_or_die(&f->op, f->text);
	if (f->op.kind != SHMU_POSIX && f->op.kind != SHMU_FILE)
		cli_usage(f->text,
		    "a channel is a POSIX object or a file; write /%s for the "
		    "object of that name",
		    f->text);
	cli_not_semaphore(&f->op, f->text);
	if (f->spec.capacity > (UINT64_C(1) << 40))
		cli_usage(f->text, "a channel has at most 1T");
	if (f->plain != 0)
		check_plain(f);
	if (f->lines && f->spec.kind == SHMU_RING_RECORDS)
		cli_usage("--records", "choose --lines or --records");
}

/* How the channel stands; whether that could be had. */
static int
look(const struct fifo *f, struct shmu_ring_status *st)
{
	struct shmu_segment seg;
	int known;

	if (shmu_segment_open(&seg, &f->op, SHMU_READ) == -1)
		return 0;
	known = shmu_ring_status(&seg, st) == 0;
	shmu_segment_close(&seg);
	return known;
}

int
fifo_resumable(const struct fifo *f, enum shmu_ring_role role)
{
	struct shmu_ring_status st;

	return look(f, &st) && st.state[role] != SHMU_RING_NOBODY;
}

/* Who has the end that we want. */
static int
taken(const struct fifo *f, enum shmu_ring_role role)
{
	struct shmu_ring_status st;
	char command[32];

	if (!look(f, &st) || st.state[role] != SHMU_RING_ATTACHED)
		return cli_fail(EXIT_NO, f->text, "another %s has the channel; "
		    "one at a time", ends[role]);
	return cli_fail(EXIT_NO, f->text, "%s pid %" PRIu32 " (%s) has the "
	    "channel; one at a time", ends[role], st.owner[role].pid,
	    process_command((pid_t)st.owner[role].pid, command,
	    sizeof command));
}

/* The stream has begun, and ours is not the process that began it. */
static int
midway(const struct fifo *f, enum shmu_ring_role role)
{
	struct shmu_ring_status st;

	if (!look(f, &st))
		return cli_fail(EXIT_NO, f->text,
		    "its stream has begun; --resume goes on with it");
	return cli_fail(EXIT_NO, f->text, "its stream is at byte %" PRIu64 ", where "
	    "%s pid %" PRIu32 " left it; --resume goes on there",
	    role == SHMU_RING_PRODUCER ? st.published : st.acknowledged,
	    ends[role], st.owner[role].pid);
}

/* Why the channel could not be had. */
static int
cause(const struct fifo *f, enum shmu_ring_role role, int err)
{
	struct shmu_spec spec = SHMU_SPEC_INIT;

	spec.size = f->spec.capacity != 0 ? f->spec.capacity :
	    SHMU_RING_CAPACITY;
	switch (err) {
	case EBUSY:
		return taken(f, role);
	case EALREADY:
		return midway(f, role);
	case EEXIST:
		return cli_fail(EXIT_NO, f->text, "the channel carries %s; start "
		    "both sides alike", f->spec.kind == SHMU_RING_BYTES ?
		    "records (--records)" : "bytes, no records");
	case EPERM:
		return cli_fail(EXIT_CANNOT, f->text, "the channel is another "
		    "user's");
	case ENXIO:
		return cli_fail(EXIT_CANNOT, f->text,
		    "its bell, the FIFO of the name with .bell behind it, is "
		    "not there or not its owner's; remove both names");
	case EILSEQ:
		return cli_fail(EXIT_CANNOT, f->text, "there is something else "
		    "of this name, no channel; choose another name");
	case EBADMSG:
		return cli_fail(EXIT_CANNOT, f->text, "the channel is damaged; "
		    "remove it with shm-rm");
	case ENOEXEC:
		return cli_fail(EXIT_CANNOT, f->text, "the channel was made on "
		    "a machine of another word size or byte order");
	case EPROTOTYPE:
		return cli_fail(EXIT_CANNOT, f->text,
		    "there is another structure of this name, no channel; "
		    "shm-stat tells which");
	case ENAMETOOLONG:
		return cli_fail(EXIT_CANNOT, f->text,
		    "the name is too long: .bell must fit behind it");
	case ETIMEDOUT:
		return cli_fail(EXIT_CANNOT, f->text,
		    "another process has been joining it for 5 s; is it "
		    "stopped?");
	case ENOSPC:
	case EDQUOT:
	case EOPNOTSUPP:
	case ERANGE:
	case EFBIG:
		return cause_create(f->text, &f->op, &spec, err);
	default:
		return cause_open(f->text, &f->op, err);
	}
}

static const char *channel;	/* for a signal handler */

/* Who truncates a channel takes the memory from under us. */
static void
truncated(int sig)
{
	static const char line[] = ": the channel was cut short by somebody "
	    "else\n";

	(void)sig;
	if (write(STDERR_FILENO, cli.program, strlen(cli.program)) < 0 ||
	    write(STDERR_FILENO, ": ", 2) < 0 ||
	    write(STDERR_FILENO, channel, strlen(channel)) < 0 ||
	    write(STDERR_FILENO, line, sizeof line - 1) < 0)
		_exit(EXIT_CANNOT);
	_exit(EXIT_CANNOT);
}

/* What a new channel takes the place of, if anybody could miss it. */
static void
note_leftover(const struct fifo *f)
{
	struct shmu_ring_status st;

	if (cli.quiet || (f->spec.flags & SHMU_RING_RESUME) != 0 ||
	    !look(f, &st) || st.state[0] == SHMU_RING_ATTACHED ||
	    st.state[1] == SHMU_RING_ATTACHED ||
	    st.published == st.acknowledged)
		return;
	cli_say(f->text,
	    "beginning anew; %" PRIu64
	    " bytes of an earlier stream, which --resume would have gone on "
	    "with, are dropped",
	    st.published - st.acknowledged);
}

/* Who of the two comes first is chance, and only he can say how large it is. */
static int
take_as_it_is(struct fifo *f, enum shmu_ring_role role)
{
	struct shmu_ring_spec any = f->spec;
	struct shmu_ring_status st;

	any.capacity = 0;
	any.flags |= SHMU_RING_EXISTING;
	if (shmu_ring_open(&f->ring, role, &f->op, &any) == -1)
		return -1;
	if (!cli.quiet && look(f, &st))
		cli_say(f->text,
		    "the other side made it with %" PRIu64
		    " bytes, so --size does nothing",
		    st.capacity);
	return 0;
}

/* Who follows a process that was just killed may come before it is gone. */
static int
take(struct fifo *f, enum shmu_ring_role role)
{
	int tries = (f->spec.flags & SHMU_RING_RESUME) != 0 ? 100 : 1;

	while (shmu_ring_open(&f->ring, role, &f->op, &f->spec) == -1) {
		if (errno == EEXIST) {
			if (take_as_it_is(f, role) == 0)
				break;
			if (errno == ENOENT)	/* it has just gone */
				continue;
		}
		if (errno != EBUSY || --tries == 0)
			return -1;
		cli_sleep(0.01);
	}
	return 0;
}

int
fifo_open(struct fifo *f, enum shmu_ring_role role)
{
	struct sigaction act = { .sa_handler = truncated };

	channel = f->text;
	stop_on_signals();
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGBUS, &act, NULL);
	note_leftover(f);
	if (take(f, role) == -1)
		return cause(f, role, errno);
	f->from = shmu_ring_position(&f->ring);
	f->began = f->shown = cli_now();
	if (f->verify)
		XXH3_64bits_reset(&f->sum);
	return EXIT_YES;
}

/* How far it is, and how fast it was up to here. */
static void
report(struct fifo *f, const char *end)
{
	uint64_t n = shmu_ring_position(&f->ring) - f->from;
	char size[SHMU_SIZE_TEXT];
	double s = cli_now() - f->began;

	fprintf(stderr, "%s%s: %" PRIu64 " bytes (%s), %.0f MB/s%s",
	    isatty(STDERR_FILENO) ? "\r" : "", cli.program, n,
	    shmu_size_text(size, n), s > 0 ? (double)n / s / 1e6 : 0.0, end);
	f->shown = cli_now();
}

int
fifo_close(struct fifo *f)
{
	if (f->progress || cli.verbose)
		report(f, "\n");
	shmu_ring_close(&f->ring);
	stop_die();
	return f->status;
}

void
fifo_account(struct fifo *f, const void *p, size_t n)
{
	if (f->verify)
		XXH3_64bits_update(&f->sum, p, n);
	if (f->progress && cli_now() - f->shown >= 1)
		report(f, isatty(STDERR_FILENO) ? "" : "\n");
}

int
fifo_ready(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	poll(&p, 1, -1);
	return 0;
}

int
fifo_lost(struct fifo *f, const char *what, int err)
{
	if (err != EFAULT) {
		f->status = cli_fail(EXIT_CANNOT, what, "%s", strerror(err));
		return -1;
	}
	f->status = cli_fail(EXIT_CANNOT, f->text,
	    "the channel was cut short by somebody else");
	shmu_ring_drop(&f->ring);
	return -1;
}

/* The other end is gone before the stream is at its end. */
static int
peer_gone(struct fifo *f)
{
	struct shmu_owner who;
	enum shmu_ring_state how = shmu_ring_peer(&f->ring, &who);
	enum shmu_ring_role other = f->ring.role == SHMU_RING_PRODUCER ?
	    SHMU_RING_CONSUMER : SHMU_RING_PRODUCER;
	uint64_t at = shmu_ring_peer_position(&f->ring);

	f->status = cli_fail(EXIT_CANNOT, f->text, "%s pid %" PRIu32 " %s before "
	    "the end, %s byte %" PRIu64 "%s", ends[other], who.pid,
	    how == SHMU_RING_LEFT ? "left" : "died",
	    other == SHMU_RING_CONSUMER ? "having taken up to" : "at", at,
	    shmu_ring_kept(&f->ring) ? "; --resume goes on there" : "");
	return -1;
}

static struct timespec
as_timespec(double seconds)
{
	struct timespec t;

	t.tv_sec = (time_t)seconds;
	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	return t;
}

/* Nothing happened for as long as the user allows. */
static int
too_late(struct fifo *f)
{
	enum shmu_ring_role other = f->ring.role == SHMU_RING_PRODUCER ?
	    SHMU_RING_CONSUMER : SHMU_RING_PRODUCER;
	struct shmu_owner who;
	char state;

	f->status = EXIT_TIMEOUT;
	if (shmu_ring_peer(&f->ring, &who) != SHMU_RING_ATTACHED) {
		cli_say(f->text, "no %s came within %g s", ends[other],
		    f->timeout);
		return -1;
	}
	state = shmu_owner_state(&who);
	cli_say(f->text, "%s pid %" PRIu32 " did nothing for %g s%s", ends[other],
	    who.pid, f->timeout, state == 'T' || state == 't' ?
	    "; it is stopped" : "");
	return -1;
}

/* The peer was lost: wait for another as long as that is wanted.  1 or 0 as
 * shmu_ring_wait; -1: none came. */
static int
reconnect(struct fifo *f, size_t want)
{
	struct timespec limit = as_timespec(f->reconnect);
	int done;

	if (f->reconnect <= 0)
		return peer_gone(f);
	if (!cli.quiet)
		cli_say(f->text, "the %s is gone; waiting %g s for another",
		    ends[!f->ring.role], f->reconnect);
	done = shmu_ring_wait(&f->ring, want, &limit);
	if (done != -1)
		return done;
	if (errno == ETIMEDOUT &&
	    shmu_ring_peer(&f->ring, NULL) != SHMU_RING_ATTACHED)
		return peer_gone(f);
	if (errno == ETIMEDOUT)
		errno = EINTR;	/* it came, and has its own time now */
	return -1;
}

int
fifo_peer_lost(struct fifo *f)
{
	enum shmu_ring_state how = shmu_ring_peer(&f->ring, NULL);

	if (f->reconnect > 0 ||
	    (how != SHMU_RING_LEFT && how != SHMU_RING_DIED))
		return 0;
	peer_gone(f);
	return 1;
}

int
fifo_wait(struct fifo *f, size_t want)
{
	struct timespec limit = as_timespec(f->timeout < 0 ? 0 : f->timeout);
	int done;

	for (;;) {
		done = shmu_ring_wait(&f->ring, want,
		    f->timeout < 0 ? NULL : &limit);
		if (done == -1 && errno == EPIPE)
			done = reconnect(f, want);
		if (done != -1)
			return done;
		if (f->status != EXIT_YES)
			return -1;
		if (stop_signal() != 0) {
			f->status = EXIT_CANNOT;
			return -1;
		}
		switch (errno) {
		case EINTR:
			break;
		case ETIMEDOUT:
			if (f->timeout >= 0)
				return too_late(f);
			break;
		case EBADMSG:
			f->status = cli_fail(EXIT_CANNOT, f->text,
			    "the channel is damaged; remove it with shm-rm");
			return -1;
		case EPIPE:
			break;
		default:
			return fifo_lost(f, f->text, errno);
		}
	}
}

void
fifo_widen(int fd)
{
	fcntl(fd, F_SETPIPE_SZ, WIDE);
}
