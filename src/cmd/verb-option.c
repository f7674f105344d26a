/* SPDX-License-Identifier: MIT */
/* verb-option.c - the options of shm, read by hand: no state, no order */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "shmutil/parse.h"
#include "verb.h"

const char verb_help[] =
"usage: shm [options] VERB [options] STORE:CELL [DATA]\n"
"       shm [options] --in SEGMENT VERB [options] CELL [DATA]\n"
"Cells with names in shared memory: values, counters, locks, queues.\n"
"\n"
"  new STORE            make a store; other verbs that write do so as needed\n"
"  rm STORE ...         remove it\n"
"  ls [STORE]           list stores, or the cells of one and who has them\n"
"  get T                print what the cell T (STORE:CELL) holds\n"
"  put T TEXT           store it\n"
"  add T [N]            add N, or 1, to an integer; print what it is then\n"
"  max T N, min T N     raise or lower it to N\n"
"  swap T N             make it N; print what it was\n"
"  cas T OLD NEW        make it NEW if it is OLD\n"
"  del T ...            remove the cell\n"
"  type T, len T        print what kind of cell it is, and how much is in it\n"
"  keys STORE [GLOB]    list the cells\n"
"  all STORE            list KEY=VALUE\n"
"  wait T [-OP N]       wait until it changes, or is -eq -ne -lt -le -gt -ge N\n"
"  lock T [-- COMMAND]  hold a lock while COMMAND runs, or for --owner\n"
"  sem -c N T [-- ...]  the same, but N may hold it at once; also: acquire\n"
"  unlock T, release T  give it back before --owner ends\n"
"  barrier -c N T       wait until N processes have come here\n"
"  push T ITEM ...      append to a queue\n"
"  pop T                take and print the first item\n"
"  ack T                an item that was popped with --lease is done with\n"
"  close T              no more items: pop ends with 1 when the queue is empty\n"
"  dump STORE           write the cells as lines of JSON\n"
"  load STORE           read such lines from standard input\n"
"  batch                do what standard input says, a verb a line\n"
"\n"
"  -0, --null           end with a NUL, not a newline; read such items\n"
"  -c, --count N        places of a semaphore, barrier or new queue\n"
"  -E, --status N       N instead of the exit statuses 1 and 124\n"
"  -i, --stdin          the data comes from standard input\n"
"  -l, --long           ls: more of each\n"
"  -m, --mode MODE      new: permission bits (default 0600)\n"
"  -n, --no-wait        1 instead of waiting\n"
"  -v, --var VAR        store the result in VAR: see shmutil.sh\n"
"  -w, --wait SECONDS   124 when it took longer\n"
"      --any-owner      also use the store of another user\n"
"      --base64         data and results are in base64\n"
"      --existing       never make a store; new: it may be there already\n"
"      --hex            data and results are in hexadecimal\n"
"      --in SEGMENT     the store is any segment, as for the other commands\n"
"      --json           print JSON\n"
"      --lease          pop: the item returns when --owner ends without ack\n"
"      --length N       at most so many bytes\n"
"      --max SIZE       new: it may grow to this (default 64M)\n"
"      --owner PID      for this process; new: the store's end is its end\n"
"      --quote          print values as words that a shell reads\n"
"      --raw            print nothing behind a value\n"
"      --resize         sem, barrier: change the number of places\n"
"      --shared         lock: with others that share it\n"
"      --wrap           add: go round instead of refusing to overflow\n"
"  -h, --help           print this and exit\n"
"  -q, --quiet          print errors only\n"
"  -V, --version        print the version and exit\n"
"  -x, --explain        print each system call on stderr; -xx: waiting too\n";

static const struct word {
	const char	*name;
	unsigned int	 bit;
	char		 letter;
	int		 argument;
} words[] = {
	{ "any-owner",	OPT_ANY_OWNER,	0,	0 },
	{ "base64",	OPT_BASE64,	0,	0 },
	{ "count",	OPT_COUNT,	'c',	1 },
	{ "existing",	OPT_EXISTING,	0,	0 },
	{ "explain",	OPT_EXPLAIN,	'x',	0 },
	{ "help",	OPT_HELP,	'h',	0 },
	{ "hex",	OPT_HEX,	0,	0 },
	{ "in",		OPT_IN,		0,	1 },
	{ "json",	OPT_JSON,	0,	0 },
	{ "lease",	OPT_LEASE,	0,	0 },
	{ "length",	OPT_LENGTH,	0,	1 },
	{ "long",	OPT_LONG,	'l',	0 },
	{ "max",	OPT_MAX,	0,	1 },
	{ "mode",	OPT_MODE,	'm',	1 },
	{ "no-wait",	OPT_NOWAIT,	'n',	0 },
	{ "null",	OPT_NULL,	'0',	0 },
	{ "owner",	OPT_OWNER,	0,	1 },
	{ "quiet",	OPT_QUIET,	'q',	0 },
	{ "quote",	OPT_QUOTE,	0,	0 },
	{ "raw",	OPT_RAW,	0,	0 },
	{ "resize",	OPT_RESIZE,	0,	0 },
	{ "shared",	OPT_SHARED,	0,	0 },
	{ "status",	OPT_STATUS,	'E',	1 },
	{ "stdin",	OPT_STDIN,	'i',	0 },
	{ "var",	OPT_VAR,	'v',	1 },
	{ "version",	OPT_VERSION,	'V',	0 },
	{ "wait",	OPT_WAIT,	'w',	1 },
	{ "wrap",	OPT_WRAP,	0,	0 },
};
#define WORDS	(sizeof words / sizeof words[0])

/* Where reading is. */
struct reading {
	int	 argc, at;
	char	**argv;
	int	 kept;		/* words that are no options, at the
				 * beginning */
};

/* A number up to most, or a message. */
static int
number(struct call *c, const char *what, const char *text, uint64_t least,
    uint64_t most, uint64_t *out)
{
	if (shmu_parse_number(text, most, out) == 0 && *out >= least)
		return EXIT_YES;
	return verb_usage(c, text, "%s is a number from %u to %" PRIu64, what,
	    (unsigned int)least, most);
}

static int
size(struct call *c, const char *text, uint64_t *out)
{
	if (shmu_parse_size(text, out) == 0)
		return EXIT_YES;
	return verb_usage(c, text,
	    "a size is bytes, or a number with k K KiB M G T (1024), KB MB GB "
	    "TB (1000) or p (pages)");
}

static int
variable(struct call *c, const char *var)
{
	const struct carrier *carrier = c->s->carrier;
	int status = EXIT_USAGE;
	const char *why = carrier->unfit == NULL ?
	    "there are no variables here" :
	    carrier->unfit(carrier->arg, var, &status);

	if (why == NULL)
		return EXIT_YES;
	verb_usage(c, var, "%s", why);
	return status;
}

static int
argument(struct call *c, unsigned int bit, const char *text)
{
	uint64_t n = 0;
	int status = EXIT_YES;

	switch (bit) {
	case OPT_COUNT:
		status = number(c, "a count", text, 1, UINT32_MAX, &n);
		c->count = (uint32_t)n;
		break;
	case OPT_OWNER:
		status = number(c, "a process", text, 1, INT32_MAX, &n);
		c->owner = (pid_t)n;
		break;
	case OPT_STATUS:
		status = number(c, "a status", text, 0, 255, &n);
		c->status = (int)n;
		break;
	case OPT_IN:	c->in = text; break;
	case OPT_VAR:
		c->var = text;
		status = variable(c, text);
		break;
	case OPT_LENGTH: status = size(c, text, &c->length); break;
	case OPT_MAX:
		status = size(c, text, &c->max);
		if (status == EXIT_YES && c->max == 0)
			status = verb_usage(c, text, "a store has at least one "
			    "byte");
		break;
	case OPT_MODE:
		if (shmu_parse_mode(text, &c->mode) == -1)
			status = verb_usage(c, text,
			    "a mode is octal permission bits, 0 to 0777");
		break;
	case OPT_WAIT:
		if (cli_parse_seconds(text, &c->seconds) == -1)
			status = verb_usage(c, text,
			    "a time limit is a number of seconds");
		break;
	default:
		break;
	}
	return status;
}

static int
option(struct call *c, const struct word *w, const char *text)
{
	c->given |= w->bit;
	if (w->bit == OPT_EXPLAIN)
		cli_explain(cli.explain + 1);
	else if (w->bit == OPT_QUIET)
		cli.quiet = 1;
	return w->argument ? argument(c, w->bit, text) : EXIT_YES;
}

/* "--wait=3", "--wait 3". */
static int
long_option(struct call *c, struct reading *r)
{
	const char *word = r->argv[r->at], *name = word + 2;
	size_t len = strcspn(name, "="), i;
	const char *text = name[len] == '=' ? name + len + 1 : NULL;

	for (i = 0; i < WORDS; i++)
		if (strncmp(words[i].name, name, len) == 0 &&
		    words[i].name[len] == '\0')
			break;
	if (i == WORDS)
		return verb_usage(c, word,
		    "there is no such option; shm -h tells");
	if (text != NULL && !words[i].argument)
		return verb_usage(c, word, "this option takes no argument");
	if (text == NULL && words[i].argument) {
		if (++r->at == r->argc)
			return verb_usage(c, word,
			    "this option needs an argument");
		text = r->argv[r->at];
	}
	return option(c, &words[i], text);
}

/* "-nq", "-w3", "-w 3". */
static int
letters(struct call *c, struct reading *r)
{
	const char *p = r->argv[r->at] + 1, *text;
	int status = EXIT_YES;
	char word[3] = "-";
	size_t i;

	for (; *p != '\0' && status == EXIT_YES; p++) {
		word[1] = *p;
		for (i = 0; i < WORDS; i++)
			if (words[i].letter == *p)
				break;
		if (i == WORDS)
			return verb_usage(c, word,
			    "there is no such option; shm -h tells");
		text = p + 1;
		if (words[i].argument && *text == '\0') {
			if (++r->at == r->argc)
				return verb_usage(c, word,
				    "this option needs an argument");
			text = r->argv[r->at];
		}
		status = option(c, &words[i], text);
		if (words[i].argument)
			break;
	}
	return status;
}

/* Those that this verb has no use for. */
static int
suits(struct call *c)
{
	unsigned int more = c->given & ~c->verb->options & ~c->s->given;
	size_t i;

	for (i = 0; i < WORDS; i++)
		if ((more & words[i].bit) != 0)
			return verb_fail(c, EXIT_USAGE, "--%s is no option of "
			    "this verb; shm -h tells", words[i].name);
	if ((c->given & OPT_WAIT) != 0 && c->seconds == 0)
		c->given |= OPT_NOWAIT;
	if ((c->given & OPT_HEX) != 0 && (c->given & OPT_BASE64) != 0)
		return verb_fail(c, EXIT_USAGE, "either --hex or --base64");
	if ((c->given & OPT_NULL) != 0 && (c->given & OPT_RAW) != 0)
		return verb_fail(c, EXIT_USAGE, "either --null or --raw");
	return EXIT_YES;
}

/* The rest is no option, whatever it looks like. */
static void
keep_rest(struct reading *r)
{
	while (r->at < r->argc)
		r->argv[r->kept++] = r->argv[r->at++];
}

int
verb_options(struct call *c, int argc, char *argv[])
{
	struct reading r = { argc, 0, argv, 0 };
	const struct verb *v = c->verb;
	int status = EXIT_YES;

	for (; r.at < argc && status == EXIT_YES; r.at++) {
		char *word = argv[r.at];

		if (strcmp(word, "--") == 0 && r.kept == 0) {
			/* The next word is the target, and only that. */
			if (r.at + 1 < argc && v != NULL)
				argv[r.kept++] = argv[++r.at];
		} else if (strcmp(word, "--") == 0) {
			if ((v->flags & VERB_COMMAND) != 0)
				c->command = argv + r.at + 1;
			else {
				r.at++;
				keep_rest(&r);
			}
			break;
		} else if (word[0] != '-' || word[1] == '\0') {
			argv[r.kept++] = word;
		} else
			status = word[1] == '-' ? long_option(c, &r) :
			    letters(c, &r);
		if (r.kept > 0 && (v == NULL || (v->flags & VERB_DATA) != 0)) {
			r.at++;
			keep_rest(&r);
			break;
		}
	}
	c->argv = argv;
	c->argc = r.kept;
	if (c->command != NULL && c->command[0] == NULL && status == EXIT_YES)
		status = verb_fail(c, EXIT_USAGE, "which command, after --?");
	return status == EXIT_YES && v != NULL ? suits(c) : status;
}
