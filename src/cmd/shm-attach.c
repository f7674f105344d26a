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

static void
option(struct attach *a, int c)
{
	switch (c) {
	case 'a':	a->all = 1; break;
	case 'c':
		a->count = cli_number("a count", optarg, INT64_MAX);
		break;
	case 'l':
		a->length = cli_size("a length", optarg);
		a->has_length = 1;
		break;
	case 'r':	a->readonly = 1; break;
	case 'w':	a->limit = cli_seconds("a time limit", optarg); break;
	case ADVISE:	a->asked.advice = mapping_advices(optarg); break;
	case INTERVAL:	a->interval = cli_seconds("an interval", optarg); break;
	case LOCK:	a->asked.lock = mapping_lock(optarg); break;
	case PROTECT:	a->asked.protect = mapping_protection(optarg); break;
	default:	break;
	}
}

static int
mapped(struct shmu_segment *seg, void *arg)
{
	const struct attach *a = arg;

	if (mapping_apply(&a->asked, a->text, seg->start, seg->span) ==
	    EXIT_YES)
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
	if (cause_semaphore(a->text, &a->op) != EXIT_YES)
		return EXIT_CANNOT;
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
	return mapping_apply(&a->asked, a->text, a->seg.start, a->seg.span);
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
	return cli_fail(EXIT_NO, a->text,
	    "%s of %" PRIu64 " bytes at offset %" PRIu64
	    " does not fit: there are %" PRIu64,
	    what, len, off, a->view.size);
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
	case 'S':
		cli_usage(verb->name, "which OTHER segment? try --help");
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
	struct attach a = {.asked = MAPPING_INIT, .limit = -1, .interval = 0.1};
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
