/* SPDX-License-Identifier: MIT */
/* shm-rm - remove segments by operand, or those that nobody uses */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "holders.h"
#include "names.h"
#include "shmutil/header.h"
#include "shmutil/ring.h"
#include "shmutil/sys.h"

static const char help[] =
    "usage: shm-rm [options] SEGMENT ...\n       shm-rm [options] --unused | "
    "--orphans\nRemove shared-memory segments.  Memory goes when its last user "
    "detaches; until\nthen a System V segment is said to be pending.  A "
    "SEGMENT - stands for one on\neach line of standard input.\n\n  -0, --null "
    "          read NUL-ended segments from standard input\n  -f, --force      "
    "    what is absent is no failure\n  -i, --interactive    ask before "
    "each\n  -n, --dry-run        say what would be removed, and remove "
    "nothing\n  -w, --wait SECONDS   wait so long for the last user to "
    "detach\n  -y, --yes            really remove what --unused or --orphans "
    "found\n      --older-than AGE only what was not used for AGE: 90s 30m 4h "
    "2d\n                       (orphans: 4h)\n      --orphans        what "
    "nobody uses, is old, and whose maker is proven dead\n                     "
    "  or not recorded\n      --owner USER     only USER's, of --unused or "
    "--orphans\n      --unused         what nobody has attached, mapped or "
    "open\n" CLI_HELP;

enum { OLDER = 256, ORPHANS, OWNER, UNUSED };

static const struct option words[] = {
	{ "null",	no_argument,		NULL, '0' },
	{ "force",	no_argument,		NULL, 'f' },
	{ "interactive", no_argument,		NULL, 'i' },
	{ "dry-run",	no_argument,		NULL, 'n' },
	{ "wait",	required_argument,	NULL, 'w' },
	{ "yes",	no_argument,		NULL, 'y' },
	{ "older-than",	required_argument,	NULL, OLDER },
	{ "orphans",	no_argument,		NULL, ORPHANS },
	{ "owner",	required_argument,	NULL, OWNER },
	{ "unused",	no_argument,		NULL, UNUSED },
	CLI_LONG
};

struct request {
	int	nul, force, ask, dry, yes, orphans, unused, has_age;
	double	age;		/* seconds */
	double	wait;		/* seconds */
	uid_t	owner;		/* (uid_t)-1: anybody */
};

static void
option(struct request *r, int c)
{
	switch (c) {
	case '0':	r->nul = 1; break;
	case 'f':	r->force = 1; break;
	case 'i':	r->ask = 1; break;
	case 'n':	r->dry = 1; break;
	case 'w':	r->wait = cli_seconds("a time limit", optarg); break;
	case 'y':	r->yes = 1; break;
	case OLDER:
		r->age = cli_age("an age", optarg);
		r->has_age = 1;
		break;
	case ORPHANS:	r->orphans = 1; break;
	case OWNER:	r->owner = names_uid(optarg); break;
	case UNUSED:	r->unused = 1; break;
	default:	break;
	}
}

static int
agreed(const char *text, const struct shmu_info *info)
{
	int first, c;

	fflush(stdout);
	fprintf(stderr, "%s: remove ", cli.program);
	cli_safe(stderr, text);
	fprintf(stderr, ", %" PRIu64 " bytes of %s? ", info->size,
	    names_user(info->uid));
	for (c = first = getchar(); c != '\n' && c != EOF;)
		c = getchar();
	return first == 'y' || first == 'Y';
}

static int
said(const char *text, const char *what)
{
	if (cli.quiet)
		return EXIT_YES;
	cli_safe(stdout, text);
	printf(": %s\n", what);
	return EXIT_YES;
}

/* The segment as it was before its removal, and by which to look at it after:
 * nothing else can, once an object has no name. */
struct victim {
	const char		*text;
	struct shmu_segment	 seg;
	struct shmu_info	 info;
};

/* Who still holds what was removed; System V is counted by the kernel.  who
 * gets their names, why what could not be seen, or NULL. */
static uint64_t
left(const struct victim *v, char *who, size_t size, const char **why)
{
	struct shmu_inventory_spec spec = SHMU_INVENTORY_SPEC_INIT;
	struct shmu_inventory *inv = NULL;
	const struct shmu_item *item;
	struct shmu_segment self = SHMU_SEGMENT_INIT;
	static char missing[96];
	size_t n = 0;
	uint64_t held = 0;

	who[0] = '\0';
	*why = NULL;
	spec.want = SHMU_INVENTORY_OTHERS;
	self.op = v->seg.op;
	if (v->seg.fd != -1) {
		/* Our own descriptor leads to it, name or not. */
		self.op.kind = SHMU_PIDFD;
		self.op.pid = getpid();
		self.op.fd = v->seg.fd;
	}
	inv = shmu_inventory_new(&spec);
	if (inv != NULL && shmu_inventory_add(inv, &self.op) == 0 &&
	    shmu_inventory_look(inv) == 0) {
		item = shmu_inventory_items(inv, &n);
		holders_text(item, who, size);
		held = item->kind == SHMU_ITEM_SYSV ? item->info.attached :
		    item->nholders;
		*why = shmu_inventory_missing(inv, missing, sizeof missing,
		    NULL);
	}
	shmu_inventory_free(inv);
	return held;
}

/* What became of a removed segment: gone, or pending and whose. */
static int
outcome(const struct request *r, const struct victim *v)
{
	double end = cli_now() + r->wait;
	char who[512];
	const char *why;
	uint64_t n;

	while ((n = left(v, who, sizeof who, &why)) > 0 && cli_now() < end)
		cli_sleep(0.02);
	if (n == 0 && v->seg.fd != -1 && why != NULL && !cli.quiet)
		cli_say(v->text, "%s, so it may be held still", why);
	if (n == 0)
		return said(v->text, "removed");
	if (!cli.quiet) {
		cli_safe(stdout, v->text);
		printf(": pending, %" PRIu64 " attached%s%s\n", n,
		    who[0] != '\0' ? ": " : why != NULL ?
		    " by processes that cannot be seen" : "", who);
	}
	return r->wait > 0 ? EXIT_TIMEOUT : EXIT_NO;
}

/* To learn who has an object or file without a name takes a look at every
 * process, so that is done on request; System V tells by itself. */
static int
removed(const struct request *r, const struct victim *v)
{
	struct shmu_segment seg = v->seg;
	struct shmu_info now;

	if (v->info.kind == SHMU_ID ? shmu_segment_stat(&seg, &now) == -1 :
	    v->seg.fd == -1 || (r->wait == 0 && !cli.verbose))
		return said(v->text, "removed");
	return outcome(r, v);
}

static int
absent(int err)
{
	return err == ENOENT || err == EINVAL || err == EIDRM;
}

/* The bell of a stream, the FIFO beside it, which is nothing without. */
struct bell {
	char	path[sizeof SHMU_POSIX_DIR + SHMU_NAME_MAX + sizeof ".bell"];
	int	found;
};

static void
bell_find(struct bell *bell, const struct shmu_operand *op, uid_t uid)
{
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct shmu_ring_status status;
	struct stat st;

	bell->found = op->kind == SHMU_POSIX &&
	    shmu_ring_bell(op, bell->path, sizeof bell->path) == 0 &&
	    shmu_sys_lstat(bell->path, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    st.st_uid == uid && shmu_segment_open(&seg, op, SHMU_READ) == 0 &&
	    shmu_ring_status(&seg, &status) == 0;
	shmu_segment_close(&seg);
}

static void
bell_remove(const struct bell *bell)
{
	if (bell->found)
		shmu_sys_unlink(bell->path);
}

static int
remove_one(const struct request *r, const struct victim *v,
    const struct shmu_operand *op)
{
	struct bell bell;

	if (r->ask && !agreed(v->text, &v->info))
		return EXIT_NO;
	if (r->dry)
		return said(v->text, "would be removed");
	bell_find(&bell, op, v->info.uid);
	if (shmu_segment_remove(op, NULL) == -1) {
		if (r->force && absent(errno))
			return EXIT_YES;
		return cause_change(v->text, op, errno);
	}
	bell_remove(&bell);
	return removed(r, v);
}

static int
refuse_kind(const char *text, const struct shmu_operand *op)
{
	if (op->kind == SHMU_PIDFD)
		return cli_fail(EXIT_USAGE, text, "a descriptor of a process "
		    "cannot be removed; remove what it is open on by its name");
	return cause_semaphore(text, op);
}

static int
each(const char *text, void *arg)
{
	const struct request *r = arg;
	struct victim v = { text, SHMU_SEGMENT_INIT, { 0 } };
	struct shmu_operand op;
	int status = cli_operand(&op, text), err;

	if (status == EXIT_YES)
		status = refuse_kind(text, &op);
	if (status != EXIT_YES)
		return status;
	if (shmu_segment_open(&v.seg, &op, SHMU_LOOK) == -1 ||
	    shmu_segment_stat(&v.seg, &v.info) == -1) {
		err = errno;
		shmu_segment_close(&v.seg);
		v.info.kind = op.kind;
		if (err == EMLINK)	/* taking a second name away is right */
			return remove_one(r, &v, &op);
		if (r->force && op.kind != SHMU_PRIVATE && absent(err))
			return EXIT_YES;
		return cause_open(text, &op, err);
	}
	/* The id found by key is removed, not whatever has the key by then. */
	if (v.seg.op.kind == SHMU_ID)
		op = v.seg.op;
	status = remove_one(r, &v, &op);
	shmu_segment_close(&v.seg);
	return status;
}

/* Of what was not named, only what the caller has the right to remove. */
static int
ours(const struct shmu_item *item)
{
	uid_t me = geteuid();

	return me == 0 || item->info.uid == me ||
	    (item->kind == SHMU_ITEM_SYSV && item->info.cuid == me);
}

static int
chosen(const struct request *r, const struct shmu_item *item)
{
	double idle = difftime(time(NULL), shmu_item_used(item));

	if (item->via_fd != -1 || !ours(item) || (r->owner != (uid_t)-1 &&
	    item->info.uid != r->owner))
		return 0;
	if (r->orphans)
		return item->state == SHMU_STATE_ORPHAN;
	return (item->state == SHMU_STATE_UNUSED ||
	    item->state == SHMU_STATE_ORPHAN) && idle >= r->age;
}

/* What was found is removed only if it still is that, and still unused. */
static int
reclaim(const struct request *r, const struct shmu_inventory *inv,
    const struct shmu_item *item)
{
	char text[SHMU_OPERAND_TEXT];
	struct victim v = { text, SHMU_SEGMENT_INIT, item->info };
	struct shmu_reason why[SHMU_REASONS];
	struct shmu_operand op;
	struct bell bell;
	size_t n, i;

	shmu_item_operand(item, &op);
	v.seg.op = op;
	shmu_operand_text(&op, text, sizeof text);
	n = cli.verbose ? shmu_inventory_why(inv, item, why) : 0;
	for (i = 0; i < n; i++)
		cli_say(text, "%s", why[i].text);
	if (r->ask && !agreed(text, &item->info))
		return EXIT_NO;
	if (r->dry || !r->yes)
		return said(text, "would be removed");
	bell_find(&bell, &op, item->info.uid);
	if (shmu_item_remove(item, 0) == 0) {
		bell_remove(&bell);
		return removed(r, &v);
	}
	if (absent(errno))		/* somebody else was quicker */
		return EXIT_YES;
	if (errno == EBUSY)
		return cli_fail(EXIT_NO, text, "kept: it is in use, or what it "
		    "holds is kept for somebody");
	return cause_change(text, &op, errno);
}

/* Say what was not looked at for want of permission, if it was any. */
static void
warn(const struct shmu_inventory *inv, const struct shmu_item *items, size_t n)
{
	size_t i, unknown = 0;
	char buf[96];

	for (i = 0; i < n; i++)
		unknown += items[i].state == SHMU_STATE_UNKNOWN;
	if (unknown > 0 && !cli.quiet)
		cli_say(NULL, "%s, so %zu object%s that nobody seen holds %s left "
		    "alone", shmu_inventory_missing(inv, buf, sizeof buf, NULL),
		    unknown, unknown == 1 ? "" : "s", unknown == 1 ? "is" :
		    "are");
}

static int
bulk(const struct request *r)
{
	struct shmu_inventory_spec spec = SHMU_INVENTORY_SPEC_INIT;
	const struct shmu_item *items;
	struct shmu_inventory *inv;
	int status = EXIT_YES;
	size_t i, n = 0;

	spec.want = SHMU_INVENTORY_PROVE | SHMU_INVENTORY_OTHERS |
	    SHMU_INVENTORY_FORMAT;
	if (r->has_age)
		spec.age = r->age;
	inv = shmu_inventory_new(&spec);
	if (inv == NULL || shmu_inventory_all(inv) == -1 ||
	    shmu_inventory_look(inv) == -1) {
		status = cli_fail(EXIT_CANNOT, NULL,
		    "segments cannot be listed: %s", strerror(errno));
		shmu_inventory_free(inv);
		return status;
	}
	items = shmu_inventory_items(inv, &n);
	for (i = 0; i < n; i++)
		if (chosen(r, &items[i]))
			status = cli_worst(status, reclaim(r, inv, &items[i]));
	warn(inv, items, n);
	if (!r->yes && !r->dry && !cli.quiet)
		cli_say(NULL, "this was a dry run; --yes removes");
	shmu_inventory_free(inv);
	return status;
}

static void
check(const struct request *r, char *argv[])
{
	int is_bulk = r->orphans || r->unused;

	if (is_bulk && (*argv != NULL || r->nul))
		cli_usage(*argv, "--unused and --orphans take no SEGMENT");
	if (r->orphans && r->unused)
		cli_usage(NULL, "--unused and --orphans exclude each other");
	if (!is_bulk && (r->has_age || r->owner != (uid_t)-1 || r->yes))
		cli_usage(NULL, "--older-than, --owner and --yes go with "
		    "--unused or --orphans");
	if (!is_bulk && *argv == NULL && !r->nul && !r->force)
		cli_usage(NULL, "which SEGMENT? try --help");
	cli_check_each(argv);
}

int
main(int argc, char *argv[])
{
	struct request r = { .owner = (uid_t)-1 };
	int c;

	cli_begin("shm-rm", help);
	while ((c = cli_option(argc, argv, "0finw:y", words)) != -1)
		option(&r, c);
	argv += optind;
	check(&r, argv);
	return cli_done(r.orphans || r.unused ? bulk(&r) :
	    cli_each(argv, r.nul, each, &r));
}
