/* SPDX-License-Identifier: MIT */
/* uptime-cli - print the time that uptime-srv, or another server, keeps */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cause.h"
#include "cli.h"
#include "json.h"
#include "shmutil/sys.h"
#include "uptime.h"

static const char help[] =
"usage: uptime-cli [options]\n"
"Print the time that uptime-srv keeps in a segment, once a second.\n"
"\n"
"  -c, --count N        end after N readings\n"
"  -k, --key KEY        the key of the System V segment (default 0x666)\n"
"      --days           print days too: 1-00:00:03\n"
"      --json           print each reading as a JSON object\n"
"      --once           end after one reading\n"
"      --posix NAME     read a POSIX object instead\n"
"      --wait[=SECONDS] wait for a server, also after one has ended\n"
CLI_HELP;

enum { DAYS = 256, JSON, ONCE, POSIX, WAIT };

static const struct option words[] = {
	{ "count",	required_argument,	NULL, 'c' },
	{ "key",	required_argument,	NULL, 'k' },
	{ "days",	no_argument,		NULL, DAYS },
	{ "json",	no_argument,		NULL, JSON },
	{ "once",	no_argument,		NULL, ONCE },
	{ "posix",	required_argument,	NULL, POSIX },
	{ "wait",	optional_argument,	NULL, WAIT },
	CLI_LONG
};

#define MILLI	(UPTIME_SECOND / 1000)

/* How long we sleep at most before we look whether the server lives, how often
 * we look where nothing wakes us, and how soon a reading may follow another. */
#define SLICE	(250 * MILLI)
#define POLL	(20 * MILLI)

/* Not an exit status: the segment is gone, open it anew. */
#define REOPEN	(-1)

/* What the options said, and what we are reading. */
struct client {
	const char		*key, *posix;
	const char		*text;		/* the segment as the user calls
						 * it */
	struct shmu_operand	 op;
	uint64_t		 count;		/* 0: no end */
	int			 days, json, wait;
	double			 limit;		/* of waiting, negative: none */
	struct shmu_segment	 seg;
	struct shmu_info	 info;
	struct uptime_look	 look;		/* the last one */
	uint64_t		 changed;	/* when its text was first
						 * seen */
	uint64_t		 printed;	/* when a reading was last
						 * printed */
	uint64_t		 since;		/* what a limit is counted
						 * from */
	uint64_t		 readings;
	int			 told;		/* that the server is silent */
	int			 waiting;	/* for the next server */
};

static void
option(struct client *c, int letter)
{
	switch (letter) {
	case 'c':
		c->count = cli_number("a count", optarg, INT64_MAX);
		if (c->count == 0)
			cli_usage(optarg, "a count is at least 1");
		break;
	case 'k':	c->key = optarg; break;
	case DAYS:	c->days = 1; break;
	case JSON:	c->json = 1; break;
	case ONCE:	c->count = 1; break;
	case POSIX:	c->posix = optarg; break;
	case WAIT:
		c->wait = 1;
		if (optarg != NULL)
			c->limit = cli_seconds("a time limit", optarg);
		break;
	default:	break;
	}
}

static void
pause_for(uint64_t nanoseconds)
{
	cli_sleep((double)nanoseconds / (double)UPTIME_SECOND);
}

static int
too_late(const struct client *c)
{
	return c->limit >= 0 && (double)(uptime_now() - c->since) >=
	    c->limit * (double)UPTIME_SECOND;
}

static int
no_server(const struct client *c)
{
	return cli_fail(EXIT_TIMEOUT, c->text, "no server in %g seconds",
	    c->limit);
}

/* Open and map it for reading. */
static int
attach(struct client *c)
{
	size_t len;

	if (shmu_segment_open(&c->seg, &c->op, SHMU_READ) == -1 ||
	    shmu_segment_stat(&c->seg, &c->info) == -1)
		return -1;
	len = c->info.size < UPTIME_SIZE ? (size_t)c->info.size : UPTIME_SIZE;
	if (len <= sizeof(uint64_t)) {
		errno = EBADMSG;
		return -1;
	}
	return shmu_segment_map(&c->seg, 0, len, PROT_READ);
}

static int
cannot_attach(const struct client *c, int err)
{
	if (err == EBADMSG)
		return cli_fail(EXIT_CANNOT, c->text,
		    "has %" PRIu64
		    " bytes, and a time needs 9 or more; see shm-stat",
		    c->info.size);
	if (err == ENOENT && !c->wait)
		return cli_fail(EXIT_NO, c->text,
		    "there is no such segment; start uptime-srv, or --wait for "
		    "it");
	return cause_open(c->text, &c->op, err);
}

/* The same, waiting for it to be there if we shall.  A new segment may deny us
 * for a moment, until it gets its mode. */
static int
open_segment(struct client *c)
{
	int denied = 0, err;

	while (attach(c) == -1) {
		err = errno;
		shmu_segment_close(&c->seg);
		denied = err == EACCES ? denied + 1 : 0;
		if (!c->wait ||
		    (err != ENOENT && err != EIDRM && err != EINVAL &&
			err != EBADMSG && (denied == 0 || denied > 10)))
			return cannot_attach(c, err);
		if (too_late(c))
			return no_server(c);
		pause_for(5 * POLL);
	}
	c->waiting = c->told = 0;
	return EXIT_YES;
}

/* Whether what was read is a reading of a server of ours, live or dead. */
static int
served(const struct uptime_look *l)
{
	return l->settled && l->claim != 0;
}

static void
print_json(const struct client *c)
{
	const struct uptime_look *l = &c->look;
	struct json j = JSON_INIT(stdout);

	json_open(&j, NULL, '{');
	json_string(&j, "schema", "shmutils.uptime.1");
	json_string(&j, "segment", c->text);
	json_string(&j, "text", l->text);
	if (served(l)) {
		json_unsigned(&j, "seconds", l->elapsed / UPTIME_SECOND);
		json_unsigned(&j, "nanoseconds", l->elapsed);
		json_number(&j, "server", uptime_pid(l->claim));
	} else {
		json_null(&j, "seconds");
		json_null(&j, "nanoseconds");
		json_null(&j, "server");
	}
	json_close(&j, '}');
}

static int
print(struct client *c)
{
	if (c->json)
		print_json(c);
	else {
		fputs("Timer is : [", stdout);
		if (c->days && served(&c->look))
			printf("%" PRIu64 "-", c->look.elapsed / UPTIME_SECOND /
			    86400);
		cli_safe(stdout, c->look.text);
		puts("]");
	}
	c->printed = uptime_now();
	c->readings++;
	return cli_done(EXIT_YES);
}

static int
cut(const struct client *c)
{
	return cli_fail(EXIT_CANNOT, c->text,
	    "somebody made it shorter while it was read");
}

/* Sleep until there may be something new, no longer than a slice. */
static void
nap(const struct client *c)
{
	const struct timespec slice = uptime_timespec(SLICE);
	const struct uptime *u = c->seg.base;
	uint64_t now = uptime_now(), due = c->changed + UPTIME_SECOND - POLL;

	/* Whatever is written, we do not print a flood. */
	if (now < c->printed + SLICE)
		pause_for(c->printed + SLICE - now);
	else if (served(&c->look))
		shmu_sys_futex_wait(&u->sequence, c->look.sequence, &slice);
	/* Nothing wakes us: look shortly before the next second begins. */
	else if (now < due)
		pause_for(due - now < SLICE ? due - now : SLICE);
	else
		pause_for(POLL);
}

/* Read the same text twice: a server of another make may write it byte by
 * byte, and we may come in the middle of that. */
static int
read_time(const struct client *c, const struct uptime_look *last,
    struct uptime_look *l)
{
	const struct uptime *u = c->seg.base;
	struct uptime_look again;
	int i;

	if (uptime_look(u, c->seg.length, l) == -1)
		return -1;
	for (i = 0; i < 20 && !served(l) && strcmp(l->text, last->text) != 0;
	    i++) {
		pause_for(MILLI);
		if (uptime_look(u, c->seg.length, &again) == -1)
			return -1;
		if (strcmp(again.text, l->text) == 0)
			break;
		*l = again;
	}
	return 0;
}

/* Why nobody writes any more, or NULL when somebody may. */
static const char *
why_dead(struct client *c)
{
	static char text[80];
	int removed = shmu_segment_stat(&c->seg, &c->info) == -1 ||
	    c->info.removed;

	if (c->look.record && c->look.claim != 0) {
		if (!uptime_dead(&c->look) && !uptime_alone(&c->info))
			return NULL;
		snprintf(text, sizeof text, "its server, process %d, is dead",
		    (int)uptime_pid(c->look.claim));
		return text;
	}
	if (c->look.record)
		return "its server has ended";
	if (removed)
		return "it was removed, and nobody writes to it";
	if (uptime_creator_dead(&c->info))
		return "its server is dead";
	return uptime_alone(&c->info) ? "its server has let go of it" : NULL;
}

/* A living server that does not write, such as a stopped one, is said once. */
static void
tell_silence(struct client *c)
{
	char state = c->look.settled ? shmu_owner_state(&c->look.server) : 0;

	if (c->told || cli.quiet)
		return;
	c->told = 1;
	if (c->look.record)
		cli_say(c->text, "its server, process %d, lives%s but writes "
		    "nothing; waiting", (int)uptime_pid(c->look.claim),
		    state == 'T' || state == 't' ? ", is stopped" : "");
	else
		cli_say(c->text, "nobody writes to it; waiting");
}

/* Nothing was written for longer than a second, or the claim was given up. */
static int
examine(struct client *c)
{
	const char *why = why_dead(c);

	if (why == NULL) {
		if (uptime_now() - c->changed >= UPTIME_SILENT)
			tell_silence(c);
		return EXIT_YES;
	}
	if (!c->wait)
		return cli_fail(EXIT_CANNOT, c->text,
		    "%s; start uptime-srv, or --wait for it", why);
	if (!c->waiting && !cli.quiet)
		cli_say(c->text, "%s; waiting for the next", why);
	if (!c->waiting)
		c->since = uptime_now();
	c->waiting = 1;
	if (too_late(c))
		return no_server(c);
	return c->info.removed ? REOPEN : EXIT_YES;
}

/* Whether what is there at first may be printed: not what a dead one left. */
static int
fresh(struct client *c)
{
	if (c->look.text[0] == '\0' || (c->look.record && !served(&c->look)))
		return 0;
	return why_dead(c) == NULL;
}

/* What is in look is new. */
static int
reading(struct client *c)
{
	c->changed = c->since = uptime_now();
	c->told = c->waiting = 0;
	if (c->days && c->readings == 0 && !served(&c->look) && !cli.quiet)
		cli_say(c->text, "its server keeps no days");
	return print(c);
}

/* Look again. */
static int
next(struct client *c)
{
	struct uptime_look last = c->look;
	int differs;

	if (read_time(c, &last, &c->look) == -1)
		return cut(c);
	/* Its writer is stopped or dead in the middle of a change. */
	if (c->look.record && c->look.claim != 0 && !c->look.settled)
		memcpy(c->look.text, last.text, sizeof last.text);
	differs = strcmp(c->look.text, last.text) != 0;
	if (served(&last) && served(&c->look) && last.claim != c->look.claim &&
	    !cli.quiet)
		cli_say(c->text, "process %d serves it now",
		    (int)uptime_pid(c->look.claim));
	if (differs)
		return reading(c);
	if ((last.claim != 0 && c->look.claim == 0) ||
	    uptime_now() - c->changed >= UPTIME_LATE)
		return examine(c);
	return EXIT_YES;
}

/* Print what is written until there is an end to it. */
static int
follow(struct client *c)
{
	const struct uptime_look nothing = { .text = "" };
	int status = EXIT_YES;

	c->changed = uptime_now();
	if (read_time(c, &nothing, &c->look) == -1)
		return cut(c);
	if (cli.verbose && served(&c->look))
		cli_say(c->text, "served by process %d",
		    (int)uptime_pid(c->look.claim));
	else if (cli.verbose)
		cli_say(c->text, "its server keeps no record");
	if (fresh(c))
		status = reading(c);
	while (status == EXIT_YES &&
	    (c->count == 0 || c->readings < c->count)) {
		nap(c);
		status = next(c);
	}
	return status;
}

int
main(int argc, char *argv[])
{
	struct client c = { .seg = SHMU_SEGMENT_INIT, .limit = -1 };
	int letter, status;

	cli_begin("uptime-cli", help);
	while ((letter = cli_option(argc, argv, "c:k:", words)) != -1)
		option(&c, letter);
	if (argv[optind] != NULL)
		cli_usage(argv[optind], "there are no operands; try --help");
	c.text = uptime_operand(&c.op, c.key, c.posix);

	c.since = uptime_now();
	do {
		status = open_segment(&c);
		if (status == EXIT_YES)
			status = follow(&c);
		shmu_segment_close(&c.seg);
	} while (status == REOPEN);
	return cli_done(status);
}
