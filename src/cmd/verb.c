/* SPDX-License-Identifier: MIT */
/* verb.c - read a command of shm and do it; see verb.h */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "verb.h"

#define EVERY	(OPT_IN | OPT_ANY_OWNER | OPT_STATUS | OPT_QUIET |	\
		    OPT_EXPLAIN | OPT_HELP | OPT_VERSION)
#define MAKER	(EVERY | OPT_EXISTING)
#define WAITER	(MAKER | OPT_NOWAIT | OPT_WAIT)
#define CODED	(OPT_HEX | OPT_BASE64)
#define LISTED	(OPT_VAR | CODED | OPT_QUOTE | OPT_NULL)
#define SHOWN	(LISTED | OPT_RAW)
#define INTEGER	(MAKER | OPT_VAR | OPT_NULL | OPT_RAW)

static const struct verb verbs[] = {
	{ "ack",	verb_ack,	'T',	0,	0, 0,
	    EVERY | OPT_OWNER,	NULL },
	{ "acquire",	verb_sem,	'T',	VERB_COMMAND | VERB_WAITS, 0, 0,
	    WAITER | OPT_VAR | OPT_COUNT | OPT_RESIZE | OPT_OWNER,	NULL },
	{ "add",	verb_add,	'T',	VERB_DATA | VERB_INTEGER, 0, 1,
	    INTEGER | OPT_WRAP,	NULL },
	{ "all",	verb_all,	'S',	0,	0, 0,
	    EVERY | LISTED | OPT_JSON,	NULL },
	{ "barrier",	verb_barrier,	'T',	VERB_WAITS, 0, 0,
	    WAITER | OPT_VAR | OPT_COUNT | OPT_RESIZE,	NULL },
	{ "batch",	verb_batch,	'N',	0,	0, 0,
	    EVERY | OPT_NULL | OPT_JSON | OPT_EXISTING,	NULL },
	{ "cas",	verb_cas,	'T',	VERB_DATA | VERB_INTEGER, 2, 2,
	    INTEGER,	"which OLD and NEW?" },
	{ "close",	verb_close,	'T',	0,	0, 0,	MAKER,	NULL },
	{ "del",	verb_del,	'T',	VERB_EACH, 0, 0,	EVERY,	NULL },
	{ "dump",	verb_dump,	'S',	0,	0, 0,	EVERY,	NULL },
	{ "get",	verb_get,	'T',	0,	0, 0,
	    EVERY | SHOWN | OPT_LENGTH,	NULL },
	{ "keys",	verb_keys,	'S',	0,	0, 1,
	    EVERY | LISTED | OPT_JSON,	NULL },
	{ "len",	verb_len,	'T',	0,	0, 0,
	    EVERY | OPT_VAR,	NULL },
	{ "load",	verb_load,	'S',	0,	0, 0,	MAKER,	NULL },
	{ "lock",	verb_lock,	'T',	VERB_COMMAND | VERB_WAITS, 0, 0,
	    WAITER | OPT_VAR | OPT_SHARED | OPT_OWNER,	NULL },
	{ "ls",		verb_ls,	's',	0,	0, 0,
	    EVERY | OPT_LONG | OPT_JSON,	NULL },
	{ "max",	verb_max,	'T',	VERB_DATA | VERB_INTEGER, 1, 1,
	    INTEGER,	"which N?" },
	{ "min",	verb_min,	'T',	VERB_DATA | VERB_INTEGER, 1, 1,
	    INTEGER,	"which N?" },
	{ "new",	verb_new,	'S',	0,	0, 0,
	    MAKER | OPT_MODE | OPT_MAX | OPT_OWNER,	NULL },
	{ "pop",	verb_pop,	'T',	VERB_WAITS, 0, 0,
	    WAITER | SHOWN | OPT_LEASE | OPT_OWNER,	NULL },
	{ "push",	verb_push,	'T',	VERB_DATA | VERB_WAITS, 0, -1,
	    WAITER | CODED | OPT_STDIN | OPT_NULL | OPT_COUNT,	NULL },
	{ "put",	verb_put,	'T',	VERB_DATA, 0, 1,
	    MAKER | CODED | OPT_STDIN | OPT_LENGTH,	NULL },
	{ "release",	verb_unlock,	'T',	0,	0, 0,
	    EVERY | OPT_OWNER,	NULL },
	{ "rm",		verb_rm,	'S',	VERB_EACH, 0, 0,	EVERY,	NULL },
	{ "sem",	verb_sem,	'T',	VERB_COMMAND | VERB_WAITS, 0, 0,
	    WAITER | OPT_VAR | OPT_COUNT | OPT_RESIZE | OPT_OWNER,	NULL },
	{ "swap",	verb_swap,	'T',	VERB_DATA | VERB_INTEGER, 1, 1,
	    INTEGER,	"which N?" },
	{ "type",	verb_type,	'T',	0,	0, 0,
	    EVERY | OPT_VAR,	NULL },
	{ "unlock",	verb_unlock,	'T',	0,	0, 0,
	    EVERY | OPT_OWNER,	NULL },
	{ "wait",	verb_wait,	'T',	VERB_DATA | VERB_INTEGER | VERB_WAITS, 0, 2,
	    WAITER | OPT_VAR | OPT_NULL | OPT_RAW,	NULL },
};

const struct verb *
verb_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* "VERB: TARGET", or as much of it as is known. */
const char *
verb_where(struct call *c)
{
	struct buffer *b = &c->s->where;
	const char *name = c->verb != NULL ? c->verb->name : "";

	b->used = 0;
	if (buffer_add(b, name, strlen(name)) == -1)
		return name;
	if (c->target != NULL && (buffer_add(b, ": ", 2) == -1 ||
	    (c->in != NULL && c->verb->form == 'T' && (buffer_add(b, c->in,
	    strlen(c->in)) == -1 || buffer_byte(b, ':') == -1)) ||
	    buffer_add(b, c->target, strlen(c->target)) == -1))
		return name;
	b->bytes[b->used] = '\0';
	return b->bytes;
}

int
verb_fail(struct call *c, int status, const char *fmt, ...)
{
	const char *where = verb_where(c);
	va_list ap;

	va_start(ap, fmt);
	cli_vsay(where[0] != '\0' ? where : NULL, fmt, ap);
	va_end(ap);
	return status;
}

int
verb_usage(struct call *c, const char *word, const char *fmt, ...)
{
	const char *before = c->target;
	const char *in = c->in;
	va_list ap;

	c->target = word[0] != '\0' ? word : "''";
	c->in = NULL;
	va_start(ap, fmt);
	if (c->verb == NULL)
		cli_vsay(c->target, fmt, ap);
	else
		cli_vsay(verb_where(c), fmt, ap);
	va_end(ap);
	c->target = before;
	c->in = in;
	return EXIT_USAGE;
}

int
verb_interrupted(struct call *c)
{
	const struct carrier *carrier = c->s->carrier;

	return carrier->interrupted == NULL ? EXIT_YES :
	    carrier->interrupted(carrier->arg);
}

/* What is asked for and can be told before anything is touched. */
static int
check(struct call *c)
{
	const struct verb *v = c->verb;
	const struct carrier *carrier = c->s->carrier;

	if (c->command != NULL && (c->given & OPT_OWNER) != 0)
		return verb_fail(c, EXIT_USAGE, "either -- COMMAND or --owner, "
		    "not both");
	if (c->command != NULL && carrier->run == NULL)
		return verb_fail(c, EXIT_USAGE,
		    "no command can be run from here");
	if (c->argc < v->least)
		return verb_fail(c, EXIT_USAGE, "%s shm -h tells", v->lacks);
	if (v->most >= 0 && c->argc > v->most)
		return verb_usage(c, c->argv[v->most], (v->flags &
		    VERB_COMMAND) != 0 ? "a command stands after --" :
		    v->run == verb_put ? "this is one operand too many; quote "
		    "the text" : "this is one operand too many; shm -h tells");
	if ((v->flags & VERB_WAITS) != 0 && carrier->before_wait != NULL)
		carrier->before_wait(carrier->arg);
	return EXIT_YES;
}

/* One after the other; the worst is the status. */
static int
each(struct call *c)
{
	int i, n = c->argc, status = EXIT_YES, one;
	char **argv = c->argv;

	c->argc = 0;
	for (i = 0; i < n; i++) {
		one = verb_target(c, argv[i]);
		if (one != EXIT_YES)
			return one;
	}
	for (i = 0; i < n; i++) {
		one = verb_target(c, argv[i]);
		status = cli_worst(status, one == EXIT_YES ? c->verb->run(c) : one);
	}
	return status;
}

/* Read the target, or those there are, and do it. */
static int
run(struct call *c)
{
	const struct verb *v = c->verb;
	int status = EXIT_YES;

	if (c->in != NULL && (v->form == 'S' || v->form == 's'))
		status = verb_target(c, NULL);
	else if (v->form != 'N' && v->form != 's' && c->argc == 0)
		return verb_fail(c, EXIT_USAGE, v->form == 'S' ?
		    "which STORE? shm -h tells" :
		    "which STORE:CELL? shm -h tells");
	else if ((v->flags & VERB_EACH) != 0)
		return each(c);
	else if (v->form != 'N' && c->argc > 0) {
		status = verb_target(c, c->argv[0]);
		c->argv++;
		c->argc--;
	}
	if (status == EXIT_YES)
		status = check(c);
	return status == EXIT_YES ? v->run(c) : status;
}

/* The status as -E wants it; that of a command is left alone. */
static int
renamed(const struct call *c, int status)
{
	return (c->given & OPT_STATUS) != 0 && !c->foreign &&
	    (status == EXIT_NO || status == EXIT_TIMEOUT) ? c->status : status;
}

/* What is asked for without a verb, too. */
static int
help(struct call *c)
{
	if ((c->given & OPT_HELP) != 0)
		fputs(verb_help, c->s->carrier->out);
	else
		fprintf(c->s->carrier->out, "shm (%s)\n", PACKAGE_STRING);
	return EXIT_YES;
}

static int
command(struct call *c, int argc, char *argv[])
{
	int status = verb_options(c, argc, argv);

	if (status != EXIT_YES)
		return status;
	if ((c->given & (OPT_HELP | OPT_VERSION)) != 0)
		return help(c);
	if (c->argc == 0)
		return verb_fail(c, EXIT_USAGE, "which verb? shm -h tells");
	c->verb = verb_named(c->argv[0]);
	if (c->verb == NULL)
		return verb_usage(c, c->argv[0],
		    "there is no such verb; shm -h tells");
	status = verb_options(c, c->argc - 1, c->argv + 1);
	if (status != EXIT_YES)
		return status;
	return (c->given & (OPT_HELP | OPT_VERSION)) != 0 ? help(c) :
	    renamed(c, run(c));
}

/* As the session was told to; whoever left a verb early may have left it
 * otherwise. */
static void
settle(struct session *s)
{
	cli.program = "shm";
	cli.say = s->carrier->say;
	cli.say_arg = s->carrier->arg;
	cli.quiet = s->quiet;
	if (cli.explain != s->explain)
		cli_explain(s->explain);
}

int
verb_run(struct session *s, int argc, char *argv[])
{
	static const struct call none;
	struct call c = none;
	int status;

	c.s = s;
	c.given = s->given;
	s->clock++;
	settle(s);
	status = command(&c, argc, argv);
	s->end = (c.given & OPT_RAW) != 0 ? -1 : (c.given & OPT_NULL) != 0 &&
	    (c.given & OPT_JSON) == 0 ? '\0' : '\n';
	settle(s);
	return status;
}
