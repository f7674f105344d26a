/* SPDX-License-Identifier: MIT */
/* shm-rm - remove segments by operand, or those that nobody uses */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cause.h"
#include "cli.h"
#include "inventory.h"
#include "names.h"

static const char help[] =
"usage: shm-rm [options] SEGMENT ...\n"
"       shm-rm [options] --unused | --orphans\n"
"Remove shared-memory segments.  Memory goes when its last user detaches; until\n"
"then a System V segment is said to be pending.  A SEGMENT - stands for one on\n"
"each line of standard input.\n"
"\n"
"  -0, --null           read NUL-ended segments from standard input\n"
"  -f, --force          what is absent is no failure\n"
"  -i, --interactive    ask before each\n"
"  -n, --dry-run        say what would be removed, and remove nothing\n"
"  -w, --wait SECONDS   wait so long for the last user to detach\n"
"  -y, --yes            really remove what --unused or --orphans found\n"
"      --older-than AGE only what was not used for AGE: 90s 30m 4h 2d\n"
"                       (orphans: 4h)\n"
"      --orphans        what nobody uses, is old, and (System V) whose creator\n"
"                       is proven dead\n"
"      --owner USER     only USER's, of --unused or --orphans\n"
"      --unused         what nobody has attached, mapped or open\n"
CLI_HELP;

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

/* "4h" in seconds. */
static double
age(const char *text)
{
	static const struct { char letter; double seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }
	};
	char number[32];
	size_t len = strlen(text), i;

	if (len > 0 && len < sizeof number)
		for (i = 0; i < sizeof units / sizeof units[0]; i++)
			if (text[len - 1] == units[i].letter) {
				memcpy(number, text, len - 1);
				number[len - 1] = '\0';
				return cli_seconds("an age", number) *
				    units[i].seconds;
			}
	return cli_seconds("an age", text);
}

static void
option(struct request *r, int c)
{
	gid_t ignored;

	switch (c) {
	case '0':	r->nul = 1; break;
	case 'f':	r->force = 1; break;
	case 'i':	r->ask = 1; break;
	case 'n':	r->dry = 1; break;
	case 'w':	r->wait = cli_seconds("a time limit", optarg); break;
	case 'y':	r->yes = 1; break;
	case OLDER:	r->age = age(optarg); r->has_age = 1; break;
	case ORPHANS:	r->orphans = 1; break;
	case OWNER:	names_owner(optarg, &r->owner, &ignored); break;
	case UNUSED:	r->unused = 1; break;
	default:	break;
	}
}

static int
agreed(const char *text, const struct shmu_info *info)
{
	char answer[16];

	fflush(stdout);
	fprintf(stderr, "%s: remove ", cli.program);
	cli_safe(stderr, text);
	fprintf(stderr, ", %" PRIu64 " bytes of %s? ", info->size,
	    names_user(info->uid));
	return fgets(answer, sizeof answer, stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y');
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

/* Who still holds what was removed; attached counts when it is System V. */
static uint64_t
left(struct inventory *inv)
{
	struct row *r = &inv->rows[0];
	struct shmu_segment seg = SHMU_SEGMENT_INIT;

	free(r->holders);
	r->holders = NULL;
	r->nholders = 0;
	if (r->info.kind == SHMU_ID) {
		seg.op.kind = SHMU_ID;
		seg.op.id = r->info.id;
		if (shmu_segment_stat(&seg, &r->info) == -1)
			return 0;
	}
	if (inventory_holders(inv) == -1)
		return 0;
	return r->info.kind == SHMU_ID ? r->info.attached : r->nholders;
}

/* What became of a removed segment: gone, or pending and whose. */
static int
outcome(const struct request *r, const char *text, struct inventory *inv)
{
	double waited = 0;
	char who[512];
	uint64_t n;

	while ((n = left(inv)) > 0 && waited < r->wait) {
		cli_sleep(0.02);
		waited += 0.02;
	}
	if (n == 0 && inv->partial && !cli.quiet)
		cli_say(text, "%s, so it may be held still",
		    inventory_partial(inv, who, sizeof who));
	if (n == 0)
		return said(text, "removed");
	if (!cli.quiet) {
		inventory_who(&inv->rows[0], who, sizeof who);
		cli_safe(stdout, text);
		printf(": pending, %" PRIu64 " attached%s%s\n", n,
		    who[0] != '\0' ? ": " : inv->partial ?
		    " by processes that cannot be seen" : "", who);
	}
	return r->wait > 0 ? EXIT_TIMEOUT : EXIT_NO;
}

/* The memory of a POSIX object or file that was removed is waited for only on
 * request: nothing but a look at every process can tell. */
static int
removed(const struct request *r, const char *text, const struct shmu_info *info)
{
	struct inventory inv = INVENTORY_INIT;
	struct row row = { .info = *info };
	int status;

	if (info->kind == SHMU_ID ? info->attached == 0 :
	    r->wait == 0)
		return said(text, "removed");
	inv.rows = malloc(sizeof row);
	if (inv.rows == NULL)
		return said(text, "removed");
	inv.rows[0] = row;
	inv.n = inv.room = 1;
	status = outcome(r, text, &inv);
	inventory_free(&inv);
	return status;
}

static int
remove_one(const struct request *r, const char *text,
    const struct shmu_operand *op, const struct shmu_info *info, int recheck)
{
	if (r->ask && !agreed(text, info))
		return EXIT_NO;
	if (r->dry)
		return said(text, "would be removed");
	if (shmu_segment_remove(op, recheck ? info : NULL) == -1) {
		if (r->force && (errno == ENOENT || errno == EINVAL ||
		    errno == EIDRM))
			return EXIT_YES;
		return cause_change(text, op, errno);
	}
	return removed(r, text, info);
}

static int
refuse_kind(const char *text, const struct shmu_operand *op)
{
	if (op->kind == SHMU_PIDFD)
		return cli_fail(EXIT_USAGE, text, "a descriptor of a process "
		    "cannot be removed; remove what it is open on by its name");
	if (op->kind == SHMU_POSIX && strncmp(op->name, "/sem.", 5) == 0)
		return cli_fail(EXIT_CANNOT, text, "this is a named semaphore, "
		    "not shared memory; it belongs to sem_unlink(3)");
	return EXIT_YES;
}

static int
each(const char *text, void *arg)
{
	const struct request *r = arg;
	struct shmu_segment seg;
	struct shmu_operand op;
	struct shmu_info info;
	int status = cli_operand(&op, text), err;

	if (status == EXIT_YES)
		status = refuse_kind(text, &op);
	if (status != EXIT_YES)
		return status;
	if (shmu_segment_open(&seg, &op, SHMU_LOOK) == -1 ||
	    shmu_segment_stat(&seg, &info) == -1) {
		err = errno;
		shmu_segment_close(&seg);
		if (err == EMLINK)	/* taking a second name away is right */
			return remove_one(r, text, &op, &(struct shmu_info){
			    .kind = op.kind, .attached = 0 }, 0);
		if (r->force && op.kind != SHMU_PRIVATE && (err == ENOENT ||
		    err == EINVAL || err == EIDRM))
			return EXIT_YES;
		return cause_open(text, &op, err);
	}
	/* The id found by key is removed, not whatever has the key by then. */
	if (seg.op.kind == SHMU_ID)
		op = seg.op;
	shmu_segment_close(&seg);
	return remove_one(r, text, &op, &info, 0);
}

static int
chosen(const struct request *r, const struct row *row)
{
	double idle = difftime(time(NULL), inventory_last_use(&row->info));

	if (r->owner != (uid_t)-1 && row->info.uid != r->owner)
		return 0;
	if (r->orphans)
		return row->state == STATE_ORPHAN;
	return (row->state == STATE_UNUSED || row->state == STATE_ORPHAN) &&
	    idle >= r->age;
}

static int
bulk(const struct request *r)
{
	struct inventory inv = INVENTORY_INIT;
	char text[SHMU_OPERAND_TEXT], why[160];
	struct request dry = *r;
	struct shmu_operand op;
	int status = EXIT_YES;
	size_t i;

	dry.dry |= !r->yes;
	if (r->has_age)
		inv.age = r->age;
	if (inventory_sysv(&inv) == -1 || inventory_posix(&inv) == -1 ||
	    inventory_holders(&inv) == -1)
		status = cli_fail(EXIT_CANNOT, NULL, "segments cannot be listed: "
		    "%s", strerror(errno));
	for (i = 0; status != EXIT_CANNOT && i < inv.n; i++) {
		if (!chosen(r, &inv.rows[i]))
			continue;
		inventory_operand(&inv.rows[i], &op);
		shmu_operand_text(&op, text, sizeof text);
		if (cli.verbose)
			cli_say(text, "%s", inventory_why(&inv, &inv.rows[i], why,
			    sizeof why));
		status = cli_worst(status, remove_one(&dry, text, &op,
		    &inv.rows[i].info, 1));
	}
	if (inv.partial && !cli.quiet)
		cli_say(NULL, "%s, so POSIX objects that nobody seen holds are left "
		    "alone", inventory_partial(&inv, why, sizeof why));
	if (!r->yes && !r->dry && !cli.quiet)
		cli_say(NULL, "this was a dry run; --yes removes");
	inventory_free(&inv);
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
		cli_usage(NULL, "--older-than, --owner and --yes go with --unused "
		    "or --orphans");
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
