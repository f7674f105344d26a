/* SPDX-License-Identifier: MIT */
/* shm-attach - read, write and hold the content of a segment */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "attach.h"
#include "cause.h"
#include "cli.h"
#include "content.h"
#include "shmutil/pages.h"
#include "shmutil/range.h"

static const char help[] =
"usage: shm-attach [options] read SEGMENT [OFF [LEN]]\n"
"       shm-attach [options] write SEGMENT OFF [TEXT]\n"
"       shm-attach [options] fill SEGMENT BYTE [OFF [LEN]]\n"
"       shm-attach [options] dump SEGMENT [OFF [LEN]]\n"
"       shm-attach [options] diff SEGMENT OTHER\n"
"       shm-attach [options] watch SEGMENT [OFF [LEN]]\n"
"       shm-attach [options] hold SEGMENT [SECONDS]\n"
"       shm-attach [options] run SEGMENT COMMAND [ARGUMENT ...]\n"
"Attach to a shared-memory segment and work on its content.\n"
"\n"
"  -a, --all            dump: print holes and repeated lines too\n"
"  -c, --count N        watch: end after N changes\n"
"  -l, --length LEN     use only the first LEN bytes\n"
"  -r, --read-only      attach without the right to write\n"
"  -w, --wait SECONDS   watch: end with 124 after so long\n"
"      --advise WORDS   advise the kernel, as madvise(2): willneed,random\n"
"      --interval SECS  watch: look so often (default 0.1)\n"
"      --lock[=onfault] lock the pages in RAM, now or when first touched\n"
"      --protect PROT   protect the mapping: none or letters of rwx\n"
CLI_HELP;

enum { ADVISE = 256, INTERVAL, LOCK, PROTECT };

static const struct option words[] = {
	{ "all",	no_argument,		NULL, 'a' },
	{ "count",	required_argument,	NULL, 'c' },
	{ "length",	required_argument,	NULL, 'l' },
	{ "read-only",	no_argument,		NULL, 'r' },
	{ "wait",	required_argument,	NULL, 'w' },
	{ "advise",	required_argument,	NULL, ADVISE },
	{ "interval",	required_argument,	NULL, INTERVAL },
	{ "lock",	optional_argument,	NULL, LOCK },
	{ "protect",	required_argument,	NULL, PROTECT },
	CLI_LONG
};

/* The operands after SEGMENT: offset, length, text, byte, seconds, segment,
 * command; a capital is required. */
static const struct verb {
	const char	*name;
	const char	*form;
	attach_verb	*run;
	int		 prot;
} verbs[] = {
	{ "read",	"ol",	attach_read,	PROT_READ },
	{ "write",	"Ot",	attach_write,	PROT_READ | PROT_WRITE },
	{ "fill",	"Bol",	attach_fill,	PROT_READ | PROT_WRITE },
	{ "dump",	"ol",	attach_dump,	PROT_READ },
	{ "diff",	"S",	attach_diff,	PROT_READ },
	{ "watch",	"ol",	attach_watch,	PROT_READ },
	{ "hold",	"s",	attach_hold,	PROT_READ | PROT_WRITE },
	{ "run",	"C",	attach_run,	PROT_READ | PROT_WRITE },
};

static int
protection(const char *text)
{
	int prot = PROT_NONE;

	if (strcmp(text, "none") == 0)
		return prot;
	if (*text == '\0' || strspn(text, "rwx") != strlen(text))
		cli_usage(text, "a protection is none, or letters of rwx");
	for (; *text != '\0'; text++)
		prot |= *text == 'r' ? PROT_READ : *text == 'w' ? PROT_WRITE :
		    PROT_EXEC;
	return prot;
}

/* "willneed,random" as a list ended by -1. */
static const int *
advices(char *text)
{
	static int list[32];
	const struct shmu_advice *a;
	size_t n = 0;
	char *word;

	for (word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
		a = shmu_pages_advice(word);
		if (a == NULL)
			cli_usage(word, "the kernel knows no such advice; "
			    "shm-attach(1) lists them");
		if (n == sizeof list / sizeof list[0] - 1)
			cli_usage(word, "this is too much advice");
		list[n++] = a->value;
	}
	list[n] = -1;
	return list;
}

static void
option(struct attach *a, int c)
{
	switch (c) {
	case 'a':	a->all = 1; break;
	case 'c':	a->count = cli_number("a count", optarg, INT64_MAX); break;
	case 'l':
		a->length = cli_size("a length", optarg);
		a->has_length = 1;
		break;
	case 'r':	a->readonly = 1; break;
	case 'w':	a->limit = cli_seconds("a time limit", optarg); break;
	case ADVISE:	a->advice = advices(optarg); break;
	case INTERVAL:	a->interval = cli_seconds("an interval", optarg); break;
	case LOCK:
		if (optarg != NULL && strcmp(optarg, "onfault") != 0)
			cli_usage(optarg, "--lock or --lock=onfault");
		a->lock = optarg != NULL ? LOCK_ONFAULT : LOCK_NOW;
		break;
	case PROTECT:	a->protect = protection(optarg); break;
	default:	break;
	}
}

/* Do what the options ask of a new mapping; an exit status. */
static int
prepare(const struct attach *a, const struct shmu_segment *seg)
{
	const int *advice;

	for (advice = a->advice; advice != NULL && *advice != -1; advice++)
		if (shmu_pages_advise(seg->start, seg->span, *advice) == -1)
			return cli_fail(EXIT_CANNOT, a->text, "the kernel does not "
			    "take this advice here: %s", strerror(errno));
	if (a->lock != LOCK_NO && (a->lock == LOCK_NOW ? shmu_pages_lock :
	    shmu_pages_lock_onfault)(seg->start, seg->span) == -1)
		return cause_lock(a->text, seg->span, errno);
	if (a->protect != -1 && shmu_pages_protect(seg->start, seg->span,
	    a->protect) == -1)
		return cli_fail(EXIT_CANNOT, a->text, "cannot be protected so: %s",
		    strerror(errno));
	return EXIT_YES;
}

static int
mapped(struct shmu_segment *seg, void *arg)
{
	if (prepare(arg, seg) == EXIT_YES)
		return 0;
	errno = ECANCELED;
	return -1;
}

int
attach_open(struct attach *a, int prot)
{
	if (a->readonly)
		prot &= ~PROT_WRITE;
	a->seg.fd = -1;
	if (shmu_segment_open(&a->seg, &a->op, (prot & PROT_WRITE) != 0 ?
	    SHMU_WRITE : SHMU_READ) == -1)
		return cause_open(a->text, &a->op, errno);
	if (view_begin(&a->view, &a->seg, prot) == -1)
		return cause_open(a->text, &a->op, errno);
	a->view.mapped = mapped;
	a->view.arg = a;
	if (a->has_length && a->length > a->view.size)
		return attach_no_room(a, "--length", a->length, 0);
	if (!a->has_length)
		a->length = a->view.size;
	a->view.size = a->length;
	return EXIT_YES;
}

int
attach_map(struct attach *a)
{
	if (a->length == 0)
		return EXIT_YES;
	if (shmu_segment_map(&a->seg, 0, (size_t)a->length, a->view.prot) == -1)
		return cause_open(a->text, &a->op, errno);
	return prepare(a, &a->seg);
}

int
attach_touch(struct attach *a, uint64_t off, uint64_t len)
{
	size_t n = 1;

	return len == 0 || view_at(&a->view, off, &n) != NULL ? EXIT_YES :
	    content_fault(&a->view, a->text, off, errno);
}

int
attach_no_room(const struct attach *a, const char *what, uint64_t len,
    uint64_t off)
{
	return cli_fail(EXIT_NO, a->text, "%s of %" PRIu64 " bytes at offset %"
	    PRIu64 " does not fit: there are %" PRIu64, what, len, off, a->view.size);
}

int
attach_range(struct attach *a, char *argv[], uint64_t *off, uint64_t *len)
{
	*off = *argv != NULL ? cli_size("an offset", *argv++) : 0;
	*len = *argv != NULL ? cli_size("a length", *argv) :
	    *off <= a->length ? a->length - *off : 0;
	return shmu_range_fits(*off, *len, a->length) ? EXIT_YES :
	    attach_no_room(a, "a range", *len, *off);
}

/* Whether the operands have the form of the verb, before anything is opened. */
static void
check(const struct verb *verb, char *argv[])
{
	struct shmu_operand op;
	const char *form;

	for (form = verb->form; *form != '\0' && *argv != NULL; form++, argv++)
		switch (*form) {
		case 'O':
		case 'o':	cli_size("an offset", *argv); break;
		case 'l':	cli_size("a length", *argv); break;
		case 'B':	cli_byte(*argv); break;
		case 's':	cli_seconds("how long", *argv); break;
		case 'S':	cli_operand_or_die(&op, *argv); break;
		case 'C':	return;
		default:	break;
		}
	if (*argv != NULL)
		cli_usage(*argv, "this is one operand too many");
	switch (*form) {
	case 'O':	cli_usage(verb->name, "at which OFFSET? try --help");
	case 'B':	cli_usage(verb->name, "with which BYTE? try --help");
	case 'S':	cli_usage(verb->name, "which OTHER segment? try --help");
	case 'C':	cli_usage(verb->name, "which COMMAND? try --help");
	default:	break;
	}
}

static const struct verb *
verb_or_die(const char *name)
{
	size_t i;

	if (name == NULL)
		cli_usage(NULL, "which verb? try --help");
	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	cli_usage(name, "there is no such verb; try --help");
}

int
main(int argc, char *argv[])
{
	struct attach a = { .protect = -1, .limit = -1, .interval = 0.1 };
	const struct verb *verb;
	int c, status;

	cli_begin("shm-attach", help);
	while ((c = cli_option(argc, argv, "+ac:l:rw:", words)) != -1)
		option(&a, c);
	argv += optind;
	verb = verb_or_die(*argv++ == NULL ? NULL : argv[-1]);
	if (*argv == NULL)
		cli_usage(verb->name, "of which SEGMENT? try --help");
	a.text = *argv++;
	cli_operand_or_die(&a.op, a.text);
	check(verb, argv);

	status = attach_open(&a, verb->prot);
	if (status == EXIT_YES)
		status = verb->run(&a, argv);
	shmu_segment_close(&a.seg);
	return cli_done(status);
}
