/* SPDX-License-Identifier: MIT */
/* uptime-srv - keep the time since its start in a shared-memory segment */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "names.h"
#include "process.h"
#include "uptime.h"

static const char help[] =
"usage: uptime-srv [options]\n"
"Write the time since the start of this command, HH:MM:SS, to a segment of\n"
"256 bytes once a second, until a signal ends it; then remove the segment.\n"
"\n"
"  -c, --count N        end after N seconds\n"
"  -k, --key KEY        the key of the System V segment (default 0x666)\n"
"  -m, --mode MODE      permission bits, whatever the umask (default 0600)\n"
"      --keep           do not remove the segment at the end\n"
"      --posix NAME     use a POSIX object instead\n"
CLI_HELP;

enum { KEEP = 256, POSIX };

static const struct option words[] = {
	{ "count",	required_argument,	NULL, 'c' },
	{ "key",	required_argument,	NULL, 'k' },
	{ "mode",	required_argument,	NULL, 'm' },
	{ "keep",	no_argument,		NULL, KEEP },
	{ "posix",	required_argument,	NULL, POSIX },
	CLI_LONG
};

/* What the options said, and what is served. */
struct server {
	const char		*key, *posix;
	const char		*text;		/* the segment as the user calls
						 * it */
	struct shmu_operand	 op;
	struct shmu_spec	 spec;
	int			 has_mode;
	int			 keep;
	uint64_t		 count;		/* 0: no end */
	struct shmu_segment	 seg;
	struct shmu_info	 info;
	struct uptime		*uptime;	/* where seg is mapped */
	struct shmu_owner	 self;
	uint64_t		 began;
};

/* Not an exit status: look again, since what was there has changed. */
#define AGAIN	(-1)

static void
option(struct server *s, int c)
{
	switch (c) {
	case 'c':
		s->count = cli_number("a count", optarg, UINT32_MAX);
		if (s->count == 0)
			cli_usage(optarg, "a count is at least 1");
		break;
	case 'k':	s->key = optarg; break;
	case 'm':
		s->spec.mode = cli_mode(optarg);
		s->has_mode = 1;
		break;
	case KEEP:	s->keep = 1; break;
	case POSIX:	s->posix = optarg; break;
	default:	break;
	}
}

static volatile sig_atomic_t caught;

static void
catch(int sig)
{
	caught = sig;
}

/* Catch what asks us to end, unless it is ignored, but only while we wait: old
 * is what is blocked then. */
static void
listen_to_signals(sigset_t *old)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGQUIT,
	    SIGTERM };
	struct sigaction was, act = { .sa_handler = catch };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		sigaddset(&set, signals[i]);
		if (sigaction(signals[i], NULL, &was) == 0 &&
		    was.sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, old);
	for (i = 0; i < sizeof signals / sizeof signals[0]; i++)
		sigdelset(old, signals[i]);
}

static int
cut(const struct server *s)
{
	return cli_fail(EXIT_CANNOT, s->text, "somebody made it shorter while "
	    "it was served; start again");
}

/* Map the segment and learn what it is. */
static int
map(struct server *s)
{
	if (shmu_segment_map(&s->seg, 0, UPTIME_SIZE, PROT_READ | PROT_WRITE) ==
	    -1 || shmu_segment_stat(&s->seg, &s->info) == -1)
		return -1;
	s->uptime = s->seg.base;
	return 0;
}

/* Write the first time. */
static int
begin(struct server *s)
{
	s->began = uptime_now();
	return uptime_begin(s->uptime, &s->self, s->began);
}

/* A new segment.  Who opens it before the claim is made finds one of a living
 * creator; who opens it after, one of ours. */
static int
create(struct server *s)
{
	int err;

	if (shmu_segment_begin(&s->seg, &s->op, &s->spec) == -1)
		return errno == EEXIST ? AGAIN :
		    cause_create(s->text, &s->op, &s->spec, errno);
	if (map(s) == -1 || uptime_claim(s->uptime, 0, &s->self) != 1 ||
	    begin(s) == -1) {
		err = errno;
		shmu_segment_abandon(&s->seg);
		return cause_open(s->text, &s->op, err);
	}
	if (shmu_segment_publish(&s->seg, &s->spec) == 0)
		return EXIT_YES;
	return errno == EEXIST ? AGAIN :
	    cause_create(s->text, &s->op, &s->spec, errno);
}

/* Open what has the name already, if it is one to serve in. */
static int
open_existing(struct server *s)
{
	if (shmu_segment_open(&s->seg, &s->op, SHMU_WRITE) == -1)
		return errno == ENOENT ? AGAIN :
		    cause_open(s->text, &s->op, errno);
	if (shmu_segment_stat(&s->seg, &s->info) == -1)
		return errno == EINVAL || errno == EIDRM ? AGAIN :
		    cause_open(s->text, &s->op, errno);
	if (s->info.uid != geteuid())
		return cli_fail(EXIT_CANNOT, s->text, "exists and is %s's; choose "
		    "another with %s", names_user(s->info.uid),
		    s->posix != NULL ? "--posix" : "-k");
	if (s->info.size != UPTIME_SIZE)
		return cli_fail(EXIT_NO, s->text, "exists with %" PRIu64 " bytes, "
		    "not the %u of a time; remove it with shm-rm, or choose "
		    "another with %s", s->info.size, UPTIME_SIZE,
		    s->posix != NULL ? "--posix" : "-k");
	return EXIT_YES;
}

/* Say whose it is; here: pid is an id of this namespace. */
static int
refuse(const struct server *s, const char *how, pid_t pid, int here)
{
	char command[64] = "of another namespace";

	return cli_fail(EXIT_NO, s->text, "%s process %d (%s); end it, or choose "
	    "another with %s", how, (int)pid, here ? process_command(pid, command,
	    sizeof command) : command, s->posix != NULL ? "--posix" : "-k");
}

/* Whether somebody writes to it all the same: watch for longer than a second,
 * unless nobody else is attached. */
static int
written(const struct server *s, const struct uptime_look *before)
{
	uint64_t end = uptime_now() + UPTIME_LATE;
	struct uptime_look l;

	if (uptime_alone(&s->info))
		return 0;
	while (uptime_now() < end) {
		cli_sleep(0.05);
		if (uptime_look(s->uptime, UPTIME_SIZE, &l) == -1 ||
		    strcmp(l.text, before->text) != 0)
			return 1;
	}
	return 0;
}

/* Who writes to it without a claim; or a rival was quicker to make one. */
static int
has_writer(const struct server *s, const struct uptime_look *before)
{
	struct uptime_look l;

	if (uptime_look(s->uptime, UPTIME_SIZE, &l) == -1)
		return cut(s);
	if (l.claim != before->claim)
		return AGAIN;
	return cli_fail(EXIT_NO, s->text, "its server is dead, but another "
	    "program writes to it; end that first");
}

/* A claim from another pid namespace may be about to get its record. */
static int
settle(const struct server *s, struct uptime_look *l)
{
	int i;

	for (i = 0; i < 50; i++) {
		if (uptime_look(s->uptime, UPTIME_SIZE, l) == -1)
			return -1;
		if (l->claim == 0 || uptime_here(l->claim) || (l->settled &&
		    uptime_claim_of(&l->server) == l->claim))
			break;
		cli_sleep(0.01);
	}
	return 0;
}

/* EXIT_YES when nobody serves it, with what was found in l. */
static int
judge(const struct server *s, struct uptime_look *l)
{
	if (settle(s, l) == -1)
		return cut(s);
	/* Without a record it is a claim only when it names somebody. */
	if (l->claim != 0 && (l->record || uptime_here(l->claim)) &&
	    !uptime_dead(l) && !uptime_alone(&s->info))
		return refuse(s, "is served by", uptime_pid(l->claim),
		    uptime_here(l->claim));
	if (l->record || uptime_creator_dead(&s->info))
		return EXIT_YES;
	if (s->info.kind == SHMU_ID)
		return refuse(s, "belongs to", s->info.cpid, s->info.cpid != 0);
	return cli_fail(EXIT_NO, s->text, "exists, and whether another program "
	    "serves it cannot be told; remove it with shm-rm");
}

/* Make what a dead server left ours; who is attached to it goes on. */
static int
take_over(struct server *s)
{
	struct uptime_look l;
	int status = open_existing(s), won;

	if (status != EXIT_YES)
		return status;
	if (map(s) == -1)
		return errno == EINVAL || errno == EIDRM ? AGAIN :
		    cause_open(s->text, &s->op, errno);
	status = judge(s, &l);
	if (status != EXIT_YES)
		return status;
	if (written(s, &l))
		return has_writer(s, &l);
	won = uptime_claim(s->uptime, l.claim, &s->self);
	if (won != 1)
		return won == 0 ? AGAIN : cut(s);
	/* The last server removes it before it gives up its claim. */
	if (shmu_segment_stat(&s->seg, &s->info) == -1 || s->info.removed)
		return AGAIN;
	if (s->has_mode && s->info.mode != s->spec.mode &&
	    shmu_segment_set_mode(&s->seg, s->spec.mode) == -1)
		return cause_change(s->text, &s->op, errno);
	if (begin(s) == -1)
		return cut(s);
	if (!cli.quiet && l.record && l.claim != 0)
		cli_say(s->text, "took over from process %d, which is dead",
		    (int)uptime_pid(l.claim));
	return EXIT_YES;
}

/* Create or take over; which of them may change while we try. */
static int
obtain(struct server *s)
{
	int status = AGAIN, i;

	for (i = 0; status == AGAIN && i < 100; i++) {
		shmu_segment_close(&s->seg);
		status = create(s);
		if (status != AGAIN)
			break;
		shmu_segment_close(&s->seg);
		status = take_over(s);
	}
	return status != AGAIN ? status : cli_fail(EXIT_CANNOT, s->text,
	    "others create and remove it all the time; try again");
}

/* Whether what we serve is still there for others to find, and ours. */
static int
check(struct server *s)
{
	struct shmu_info now;
	struct uptime_look l;

	if (shmu_segment_stat(&s->seg, &now) == -1 || now.removed)
		return cli_fail(EXIT_CANNOT, s->text,
		    "somebody else removed it; see RemoveIPC in logind.conf(5) "
		    "if that was at a logout");
	if (now.size < UPTIME_SIZE ||
	    uptime_look(s->uptime, UPTIME_SIZE, &l) == -1)
		return cut(s);
	if (l.claim != uptime_claim_of(&s->self))
		return cli_fail(EXIT_CANNOT, s->text,
		    "process %d has put itself in our place",
		    (int)uptime_pid(l.claim));
	return EXIT_YES;
}

/* Sleep until the next second is over, or a signal was caught. */
static int
sleep_until(int timer, uint64_t deadline, const sigset_t *mask)
{
	const struct itimerspec at = { .it_value = uptime_timespec(deadline) };
	struct pollfd p = { timer, POLLIN, 0 };

	if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) == -1)
		return -1;
	while (caught == 0 && uptime_now() < deadline)
		if (ppoll(&p, 1, NULL, mask) == -1 && errno != EINTR)
			return -1;
	return 0;
}

static int
serve(struct server *s, const sigset_t *mask)
{
	int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	int status = EXIT_YES;
	uint64_t now = s->began;

	while (timer != -1 && status == EXIT_YES) {
		if (sleep_until(timer, uptime_deadline(s->began, now), mask) ==
		    -1)
			break;
		if (caught != 0)
			return EXIT_YES;
		now = uptime_now();
		if (s->count != 0 &&
		    (now - s->began) / UPTIME_SECOND >= s->count)
			return EXIT_YES;
		status = check(s);
		if (status == EXIT_YES &&
		    uptime_tick(s->uptime, s->began, now) == -1)
			status = cut(s);
	}
	return status != EXIT_YES ? status : cli_fail(EXIT_CANNOT, NULL,
	    "no timer: %s", strerror(errno));
}

/* Remove, and only then tell that nobody serves: who takes it over in between
 * must not lose it. */
static int
finish(struct server *s, int status)
{
	struct uptime_look l;
	struct shmu_info now;

	if (uptime_look(s->uptime, UPTIME_SIZE, &l) == 0 &&
	    l.claim != uptime_claim_of(&s->self))
		return status;
	if (!s->keep && shmu_segment_stat(&s->seg, &now) == 0 && !now.removed &&
	    shmu_segment_remove(s->info.kind == SHMU_ID ? &s->seg.op : &s->op,
	    &now) == -1 && errno != ESTALE && errno != ENOENT)
		status = cli_worst(status, cause_change(s->text, &s->op, errno));
	uptime_end(s->uptime);
	return status;
}

int
main(int argc, char *argv[])
{
	struct server s = { .spec = SHMU_SPEC_INIT, .seg = SHMU_SEGMENT_INIT };
	sigset_t mask;
	int c, status;

	cli_begin("uptime-srv", help);
	while ((c = cli_option(argc, argv, "c:k:m:", words)) != -1)
		option(&s, c);
	if (argv[optind] != NULL)
		cli_usage(argv[optind], "there are no operands; try --help");
	s.text = uptime_operand(&s.op, s.key, s.posix);
	s.spec.size = UPTIME_SIZE;

	listen_to_signals(&mask);
	shmu_owner_self(&s.self);
	status = obtain(&s);
	if (status == EXIT_YES) {
		if (cli.verbose)
			cli_say(s.text, "served by process %d", (int)getpid());
		status = finish(&s, serve(&s, &mask));
	}
	shmu_segment_close(&s.seg);
	if (caught != 0) {
		signal(caught, SIG_DFL);
		raise(caught);
		sigprocmask(SIG_SETMASK, &mask, NULL);
	}
	return cli_done(status);
}
