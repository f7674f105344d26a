/* SPDX-License-Identifier: MIT */
/* shm-set - change the mode, owner, size or lock of segments that exist */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cause.h"
#include "cli.h"
#include "holders.h"
#include "names.h"
#include "shmutil/parse.h"

static const char help[] =
    "usage: shm-set [options] SEGMENT ...\nChange shared-memory segments that "
    "exist.  A SEGMENT - stands for one on each\nline of standard input.\n\n  "
    "-0, --null           read NUL-ended segments from standard input\n  -f, "
    "--force          let a smaller --size take pages from who uses them\n  "
    "-m, --mode MODE      set the permission bits\n  -n, --dry-run        say "
    "what would be done, and do nothing\n  -s, --size SIZE      set the size "
    "(POSIX and files)\n      --lock           keep the pages from being "
    "swapped (System V)\n      --owner U[:G]    give to another user, group or "
    "both\n      --sparse         --size allocates nothing\n      --unlock     "
    "    undo --lock\n" CLI_HELP;

enum { LOCK = 256, OWNER, SPARSE, UNLOCK };

static const struct option words[] = {
	{ "null",	no_argument,		NULL, '0' },
	{ "force",	no_argument,		NULL, 'f' },
	{ "mode",	required_argument,	NULL, 'm' },
	{ "dry-run",	no_argument,		NULL, 'n' },
	{ "size",	required_argument,	NULL, 's' },
	{ "lock",	no_argument,		NULL, LOCK },
	{ "owner",	required_argument,	NULL, OWNER },
	{ "sparse",	no_argument,		NULL, SPARSE },
	{ "unlock",	no_argument,		NULL, UNLOCK },
	CLI_LONG
};

struct request {
	int		nul, force, dry, sparse;
	int		has_mode, has_owner, has_size;
	int		lock;		/* 1 lock, 0 unlock, -1 neither */
	mode_t		mode;
	uid_t		uid;
	gid_t		gid;
	uint64_t	size;
};

static void
option(struct request *r, int c)
{
	switch (c) {
	case '0':	r->nul = 1; break;
	case 'f':	r->force = 1; break;
	case 'm':	r->mode = cli_mode(optarg); r->has_mode = 1; break;
	case 'n':	r->dry = 1; break;
	case 's':
		r->size = cli_size("a size", optarg);
		r->has_size = 1;
		break;
	case LOCK:	r->lock = 1; break;
	case OWNER:
		names_owner(optarg, &r->uid, &r->gid);
		r->has_owner = 1;
		break;
	case SPARSE:	r->sparse = 1; break;
	case UNLOCK:	r->lock = 0; break;
	default:	break;
	}
}

/* Refuse to cut, naming who would get SIGBUS. */
static int
refuse_cut(const struct request *r, const char *text,
    const struct shmu_operand *op, uint64_t size)
{
	struct shmu_inventory_spec spec = SHMU_INVENTORY_SPEC_INIT;
	const struct shmu_item *item = NULL;
	struct shmu_inventory *inv;
	char who[256], buf[96];
	int seen = 0;
	size_t n = 0;

	spec.want = SHMU_INVENTORY_OTHERS;
	inv = shmu_inventory_new(&spec);
	if (inv != NULL && shmu_inventory_add(inv, op) == 0 &&
	    shmu_inventory_look(inv) == 0) {
		item = shmu_inventory_items(inv, &n);
		seen = shmu_inventory_missing(inv, buf, sizeof buf, NULL) ==
		       NULL;
	}
	if (item != NULL && item->nholders > 0)
		cli_say(text, "cutting %" PRIu64 " bytes to %" PRIu64 " loses "
		    "content, and these would get SIGBUS: %s; --force does it",
		    size, r->size, holders_text(item, who, sizeof who));
	else
		cli_say(text, "cutting %" PRIu64 " bytes to %" PRIu64 " loses "
		    "content%s; --force does it", size, r->size, seen ? "" :
		    ", and who uses it cannot be seen");
	shmu_inventory_free(inv);
	return EXIT_NO;
}

static int
resize(const struct request *r, const char *text, struct shmu_segment *seg,
    const struct shmu_info *info)
{
	struct shmu_spec spec = SHMU_SPEC_INIT;

	if (info->kind == SHMU_ID)
		return cli_fail(EXIT_CANNOT, text,
		    "a System V segment keeps its size; create another");
	if (r->size < info->size && !r->force)
		return refuse_cut(r, text, &seg->op, info->size);
	if (r->dry)
		return EXIT_YES;
	if (shmu_segment_resize(seg, r->size, r->sparse) == 0)
		return EXIT_YES;
	spec.size = r->size > info->size ? r->size - info->size : 0;
	if (errno == EPERM)
		return cause_change(text, &seg->op, errno);
	return cause_create(text, &seg->op, &spec, errno);
}

static int
lock(const struct request *r, const char *text, struct shmu_segment *seg,
    const struct shmu_info *info)
{
	if (info->kind != SHMU_ID)
		return cli_fail(EXIT_CANNOT, text,
		    "--lock and --unlock are for System V; elsewhere use "
		    "shm-attach --lock hold");
	if (r->dry || shmu_segment_lock(seg, r->lock) == 0)
		return EXIT_YES;
	return errno == EPERM && !r->lock ? cause_change(text, &seg->op, errno) :
	    cause_lock(text, info->size, errno);
}

/* What can be refused comes first, so that a refusal leaves the rest undone. */
static int
change(const struct request *r, const char *text, struct shmu_segment *seg,
    const struct shmu_info *info)
{
	int status = EXIT_YES;

	if (r->has_size)
		status = resize(r, text, seg, info);
	if (status == EXIT_YES && r->lock != -1)
		status = lock(r, text, seg, info);
	if (status != EXIT_YES || r->dry)
		return status;
	if (r->has_owner &&
	    shmu_segment_set_owner(seg, r->uid, r->gid) == -1)
		return cause_change(text, &seg->op, errno);
	if (r->has_mode && shmu_segment_set_mode(seg, r->mode) == -1)
		return cause_change(text, &seg->op, errno);
	return EXIT_YES;
}

/* "OPERAND: would set mode 0640, owner nobody" */
static void
report(const struct request *r, const char *text)
{
	const char *separator = " ";

	cli_safe(stdout, text);
	printf(": %s", r->dry ? "would set" : "set");
	if (r->has_size) {
		printf("%ssize %" PRIu64, separator, r->size);
		separator = ", ";
	}
	if (r->lock != -1) {
		printf("%s%s", separator, r->lock ? "locked" : "unlocked");
		separator = ", ";
	}
	if (r->has_owner && r->uid != (uid_t)-1) {
		printf("%sowner %s", separator, names_user(r->uid));
		separator = ", ";
	}
	if (r->has_owner && r->gid != (gid_t)-1) {
		printf("%sgroup %s", separator, names_group(r->gid));
		separator = ", ";
	}
	if (r->has_mode)
		printf("%smode %04o", separator, (unsigned int)r->mode);
	putchar('\n');
}

static int
each(const char *text, void *arg)
{
	const struct request *r = arg;
	struct shmu_segment seg;
	struct shmu_operand op;
	struct shmu_info info;
	int status;

	status = cli_operand(&op, text);
	if (status == EXIT_YES)
		status = cause_semaphore(text, &op);
	if (status != EXIT_YES)
		return status;
	if (shmu_segment_open(&seg, &op, r->has_size ? SHMU_WRITE :
	    SHMU_LOOK) == -1)
		return cause_open(text, &op, errno);
	if (shmu_segment_stat(&seg, &info) == -1)
		status = cause_open(text, &op, errno);
	else
		status = change(r, text, &seg, &info);
	shmu_segment_close(&seg);
	if (status == EXIT_YES && (r->dry || cli.verbose))
		report(r, text);
	return status;
}

int
main(int argc, char *argv[])
{
	struct request r = { .lock = -1 };
	int c;

	cli_begin("shm-set", help);
	while ((c = cli_option(argc, argv, "0fm:ns:", words)) != -1)
		option(&r, c);
	argv += optind;
	if (*argv == NULL && !r.nul)
		cli_usage(NULL, "which SEGMENT? try --help");
	if (!r.has_mode && !r.has_owner && !r.has_size && r.lock == -1)
		cli_usage(*argv, "set what? try --help");
	if (r.has_size && r.lock != -1)
		cli_usage(*argv, "--size is never for System V, and --lock and "
		    "--unlock only; they exclude each other");
	if (r.has_size && r.size == 0)
		cli_usage(*argv, "a segment has at least one byte");
	cli_check_each(argv);
	return cli_done(cli_each(argv, r.nul, each, &r));
}
