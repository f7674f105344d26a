/* SPDX-License-Identifier: MIT */
/* shm-create - create a shared-memory segment, exclusively and completely */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "content.h"
#include "memcg.h"
#include "names.h"
#include "shmutil/pages.h"
#include "shmutil/segment.h"

static const char help[] =
"usage: shm-create [options] SEGMENT SIZE\n"
"       shm-create [options] --from FILE SEGMENT [SIZE]\n"
"       shm-create [options] --ftok PATH:ID SIZE\n"
"Create a shared-memory segment and print how other commands call it.\n"
"SEGMENT: /NAME (POSIX), 0xKEY or key:N or private (System V), file:PATH.\n"
"\n"
"  -e, --existing       open what exists instead, if it is large enough\n"
"  -m, --mode MODE      permission bits, whatever the umask (default 0600)\n"
"      --fill BYTE      fill with BYTE, 0 to 255, instead of zeros\n"
"      --from FILE      copy the content of FILE, - for standard input\n"
"      --ftok PATH:ID   the System V key that ftok(3) makes\n"
"      --huge[=SIZE]    use huge pages (System V)\n"
"      --lock           keep it from being swapped (System V)\n"
"      --owner U[:G]    give it to another user, group or both\n"
"      --populate       bring the pages of a System V segment into RAM now\n"
"      --replace        take the name over from what has it\n"
"      --sparse         allocate nothing in advance\n"
CLI_HELP;

enum { FILL = 256, FROM, FTOK, HUGE, LOCK, OWNER, POPULATE, REPLACE, SPARSE };

static const struct option words[] = {
	{ "existing",	no_argument,		NULL, 'e' },
	{ "mode",	required_argument,	NULL, 'm' },
	{ "fill",	required_argument,	NULL, FILL },
	{ "from",	required_argument,	NULL, FROM },
	{ "ftok",	required_argument,	NULL, FTOK },
	{ "huge",	optional_argument,	NULL, HUGE },
	{ "lock",	no_argument,		NULL, LOCK },
	{ "owner",	required_argument,	NULL, OWNER },
	{ "populate",	no_argument,		NULL, POPULATE },
	{ "replace",	no_argument,		NULL, REPLACE },
	{ "sparse",	no_argument,		NULL, SPARSE },
	CLI_LONG
};

/* What the command line asks for. */
struct request {
	const char		*text;		/* the operand as typed */
	struct shmu_operand	 op;
	struct shmu_spec	 spec;
	const char		*from;
	const char		*ftok;
	int			 fill;		/* a byte, or -1 */
	int			 has_mode;
	int			 existing;
	int			 lock;
	int			 populate;
};

/* log2 of a huge page size. */
static unsigned int
huge_shift(const char *text)
{
	uint64_t size = cli_size("a page size", text);
	unsigned int shift = 0;

	while (shift < 63 && UINT64_C(1) << shift < size)
		shift++;
	if (size == 0 || UINT64_C(1) << shift != size)
		cli_usage(text, "a page size is a power of two, such as 2M");
	return shift;
}

static void
ftok_operand(struct request *r)
{
	char path[4096];
	const char *colon = strrchr(r->ftok, ':');
	key_t key;

	if (colon == NULL || colon == r->ftok ||
	    (size_t)(colon - r->ftok) >= sizeof path)
		cli_usage(r->ftok, "this is written PATH:ID");
	snprintf(path, sizeof path, "%.*s", (int)(colon - r->ftok), r->ftok);
	key = ftok(path, (int)cli_number("the ID of ftok", colon + 1, 255));
	if (key == -1)
		cli_usage(r->ftok, "the path is not there: %s",
		    strerror(errno));
	r->op.kind = key == IPC_PRIVATE ? SHMU_PRIVATE : SHMU_KEY;
	r->op.key = key;
	r->text = r->ftok;
	if (!cli.quiet)
		cli_say(r->ftok,
		    "the key is %#x; ftok uses 16 bits of the inode, so "
		    "another file may have the same",
		    (unsigned int)key);
}

static void
option(struct request *r, int c)
{
	switch (c) {
	case 'e':	r->existing = 1; break;
	case 'm':
		r->spec.mode = cli_mode(optarg);
		r->has_mode = 1;
		break;
	case FILL:	r->fill = cli_byte(optarg); break;
	case FROM:	r->from = optarg; break;
	case FTOK:	r->ftok = optarg; break;
	case HUGE:
		r->spec.flags |= SHMU_SPEC_HUGE;
		r->spec.huge = optarg != NULL ? huge_shift(optarg) : 0;
		break;
	case LOCK:	r->lock = 1; break;
	case OWNER:	names_owner(optarg, &r->spec.uid, &r->spec.gid); break;
	case POPULATE:	r->populate = 1; break;
	case REPLACE:	r->spec.flags |= SHMU_SPEC_REPLACE; break;
	case SPARSE:	r->spec.flags |= SHMU_SPEC_SPARSE; break;
	default:	break;
	}
}

/* Refuse what goes against itself before anything is touched. */
static void
check(const struct request *r)
{
	int sysv = r->op.kind == SHMU_KEY || r->op.kind == SHMU_PRIVATE;
	int sparse = (r->spec.flags & SHMU_SPEC_SPARSE) != 0;

	if (r->op.kind == SHMU_ID)
		cli_usage(r->text, "an id cannot be chosen; write key:%d for a "
		    "System V key or /%d for a POSIX name", r->op.id, r->op.id);
	if (r->op.kind == SHMU_PIDFD)
		cli_usage(r->text,
		    "a descriptor of a process cannot be created");
	cli_not_semaphore(&r->op, r->text);
	if (!sysv && (r->spec.flags & SHMU_SPEC_HUGE) != 0)
		cli_usage(r->text,
		    "--huge is for System V; for a POSIX object use shm-attach "
		    "--advise hugepage, for a file hugetlbfs");
	if (!sysv && r->lock)
		cli_usage(r->text, "--lock is for System V; elsewhere use "
		    "shm-attach --lock hold");
	if (r->existing && (r->spec.flags & SHMU_SPEC_REPLACE) != 0)
		cli_usage(r->text,
		    "--existing and --replace exclude each other");
	if (r->existing &&
	    (r->from != NULL || r->fill != -1 || r->lock || r->populate ||
		r->has_mode || r->spec.flags != 0))
		cli_usage(r->text,
		    "--existing changes nothing, so it goes only with --owner; "
		    "see shm-set and shm-attach");
	if (r->from != NULL && r->fill != -1)
		cli_usage(r->text, "--from and --fill exclude each other");
	if (sparse && (r->populate || r->fill != -1))
		cli_usage(r->text, "--sparse goes with neither --populate nor "
		    "--fill");
	if (r->existing && r->op.kind == SHMU_PRIVATE)
		cli_usage(r->text, "a private segment is always new");
}

static void
operands(struct request *r, char *argv[])
{
	if (r->ftok != NULL)
		ftok_operand(r);
	else if (*argv == NULL)
		cli_usage(NULL, "which SEGMENT? try --help");
	else {
		r->text = *argv++;
		cli_operand_or_die(&r->op, r->text);
	}
	if (*argv != NULL) {
		r->spec.size = cli_size("a size", *argv);
		if (r->spec.size == 0)
			cli_usage(*argv, "a segment has at least one byte");
		argv++;
	} else if (r->from == NULL && !r->existing)
		cli_usage(r->text, "of which SIZE? try --help");
	if (*argv != NULL)
		cli_usage(*argv, "this is one operand too many");
	check(r);
}

/* Print how others call the segment. */
static int
print(const struct shmu_segment *seg)
{
	char text[SHMU_OPERAND_TEXT + 4096];

	shmu_operand_text(&seg->op, text, sizeof text);
	/* A path has no escapes, so only a terminal gets them. */
	if (isatty(STDOUT_FILENO))
		cli_safe(stdout, text);
	else
		fputs(text, stdout);
	putchar('\n');
	return cli_done(EXIT_YES);
}

static int
use_existing(const struct request *r, struct shmu_segment *seg)
{
	struct shmu_info info;
	uid_t owner = r->spec.uid != (uid_t)-1 ? r->spec.uid : geteuid();

	if (shmu_segment_open(seg, &r->op, SHMU_LOOK) == -1 ||
	    shmu_segment_stat(seg, &info) == -1)
		return cause_open(r->text, &r->op, errno);
	if (r->op.kind != SHMU_FILE && info.uid != owner)
		return cli_fail(EXIT_CANNOT, r->text, "exists and is %s's, not "
		    "%s's; --owner says whose is expected",
		    names_user(info.uid), names_user(owner));
	if (info.size < r->spec.size)
		return cli_fail(EXIT_NO, r->text, "exists with %" PRIu64 " bytes, "
		    "%" PRIu64 " asked; %s", info.size, r->spec.size,
		    r->op.kind == SHMU_KEY ? "choose another key" :
		    "shm-set --size changes that");
	return print(seg);
}

/* Bring the pages in, by mapping and touching them. */
static int
populate(struct shmu_segment *seg, uint64_t size)
{
	volatile char *p;
	uint64_t i;

	if (seg->op.kind != SHMU_ID)
		return 0;
	if (shmu_segment_map(seg, 0, (size_t)size, PROT_READ | PROT_WRITE) ==
	    -1)
		return -1;
	if (shmu_pages_advise(seg->base, seg->length,
	    shmu_pages_advice("populate_write")->value) == -1) {
		if (errno != EINVAL)
			return -1;
		for (p = seg->base, i = 0; i < size; i += shmu_pages_size())
			p[i] = p[i];
	}
	shmu_segment_unmap(seg);
	return 0;
}

/* What stands between beginning and publishing. */
static int
complete(const struct request *r, struct shmu_segment *seg,
    struct content *content)
{
	int status = EXIT_YES;

	if (r->from != NULL)
		status = content_copy(content, seg, r->text, r->spec.size);
	else if (r->fill > 0)
		status = content_fill(seg, r->text, 0, r->spec.size,
		    (unsigned char)r->fill);
	if (status != EXIT_YES)
		return status;
	if (r->populate && populate(seg, r->spec.size) == -1)
		return cli_fail(EXIT_CANNOT, r->text, "cannot be populated: %s",
		    strerror(errno));
	if (r->lock && shmu_segment_lock(seg, 1) == -1)
		return cause_lock(r->text, r->spec.size, errno);
	return EXIT_YES;
}

/* A System V segment that exists and is not complete, or -1. */
static volatile sig_atomic_t unfinished = -1;

static void
give_up(int sig)
{
	if (unfinished != -1)
		shmctl(unfinished, IPC_RMID, NULL);
	raise(sig);	/* by default, when we return */
}

/* Clean up on a signal that ends us, unless it is ignored. */
static void
guard(sigset_t *set)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction old, act = { .sa_handler = give_up,
	    .sa_flags = (int)SA_RESETHAND };
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		sigaddset(set, signals[i]);
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
	}
}

static int
begin(struct request *r, struct shmu_segment *seg)
{
	sigset_t set;
	int result, err;

	guard(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	result = shmu_segment_begin(seg, &r->op, &r->spec);
	err = errno;
	if (result == 0 && seg->op.kind == SHMU_ID)
		unfinished = seg->op.id;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	errno = err;
	return result;
}

static int
create(struct request *r, struct shmu_segment *seg, struct content *content)
{
	struct shmu_info info;
	int status;

	if (!cli.quiet)
		memcg_warn(r->text, r->spec.size, r->spec.flags);
	if (!cli.quiet && r->op.kind == SHMU_KEY &&
	    (r->spec.flags & SHMU_SPEC_REPLACE) != 0)
		cli_say(r->text, "a System V segment is not replaced in one "
		    "step: for a moment there is none");
	if (begin(r, seg) == -1)
		return cause_create(r->text, &r->op, &r->spec, errno);
	status = complete(r, seg, content);
	if (status != EXIT_YES) {
		shmu_segment_abandon(seg);
		return status;
	}
	if (shmu_segment_publish(seg, &r->spec) == -1)
		return cause_create(r->text, &r->op, &r->spec, errno);
	unfinished = -1;
	if (cli.verbose && shmu_segment_stat(seg, &info) == 0)
		cli_say(r->text, "%" PRIu64 " bytes, mode %04o, owner %s",
		    info.size, (unsigned int)info.mode, names_user(info.uid));
	status = print(seg);
	/* What nobody was told of would never be removed. */
	if (status != EXIT_YES)
		shmu_segment_remove(&seg->op, NULL);
	return status;
}

int
main(int argc, char *argv[])
{
	struct request r = { NULL, { SHMU_POSIX, 0, 0, 0, 0, NULL, { 0 } },
	    SHMU_SPEC_INIT, NULL, NULL, -1, 0, 0, 0, 0 };
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct content content = CONTENT_INIT;
	int c, status;

	cli_begin("shm-create", help);
	while ((c = cli_option(argc, argv, "em:", words)) != -1)
		option(&r, c);
	operands(&r, argv + optind);

	if (r.existing)
		status = use_existing(&r, &seg);
	else {
		status = r.from == NULL ? EXIT_YES : content_open(&content,
		    r.from, r.text, &r.spec.size);
		if (status == EXIT_YES)
			status = create(&r, &seg, &content);
		content_close(&content);
	}
	shmu_segment_close(&seg);
	return status;
}
