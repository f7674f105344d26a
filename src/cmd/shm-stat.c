/* SPDX-License-Identifier: MIT */
/* shm-stat - list every segment and its holders, or tell all of some */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cause.h"
#include "cli.h"
#include "stat.h"

static const char help[] =
"usage: shm-stat [options] [SEGMENT ...]\n"
"List shared-memory segments of every kind with who holds them, or tell all\n"
"there is to know of each SEGMENT; - stands for one on each line of standard\n"
"input.\n"
"\n"
"  -0, --null           read NUL-ended segments from standard input\n"
"  -b, --bytes          print sizes in bytes, ages in seconds\n"
"  -o, --output LIST    print these columns, such as OPERAND,SIZE,HOLDERS\n"
"  -u, --usage          print limits and what is used of them\n"
"      --all            list anonymous shared memory too\n"
"      --audit          list what others may read or write; 1 if anything\n"
"      --check          list orphans and other trouble; 1 if there is any\n"
"      --columns        list the columns\n"
"      --follow[=SECONDS]\n"
"                       print a line for each change, looking so often (1)\n"
"      --json           print JSON\n"
"      --noheadings     print no headings\n"
"      --ns PID         list the namespaces of this process\n"
"      --older-than AGE what is an orphan was not used for AGE (4h)\n"
"      --raw            print columns separated by one blank\n"
"      --sort [-]COLUMN sort by it; - is the greatest first\n"
"      --watch[=SECONDS]\n"
"                       show the table on the screen, anew so often (2)\n"
"      --where LIST     only these, as in state=orphan,age=+4h,size=-1M\n"
"      --why            say for what reasons the state is what it is\n"
CLI_HELP;

enum {
	ALL = 256, AUDIT, CHECK, COLUMNS, FOLLOW, JSON, NOHEADINGS, NS, OLDER,
	RAW, SORT, WATCH, WHERE, WHY
};

static const struct option words[] = {
	{ "null",	no_argument,		NULL, '0' },
	{ "bytes",	no_argument,		NULL, 'b' },
	{ "output",	required_argument,	NULL, 'o' },
	{ "usage",	no_argument,		NULL, 'u' },
	{ "all",	no_argument,		NULL, ALL },
	{ "audit",	no_argument,		NULL, AUDIT },
	{ "check",	no_argument,		NULL, CHECK },
	{ "columns",	no_argument,		NULL, COLUMNS },
	{ "follow",	optional_argument,	NULL, FOLLOW },
	{ "json",	no_argument,		NULL, JSON },
	{ "noheadings",	no_argument,		NULL, NOHEADINGS },
	{ "ns",		required_argument,	NULL, NS },
	{ "older-than",	required_argument,	NULL, OLDER },
	{ "raw",	no_argument,		NULL, RAW },
	{ "sort",	required_argument,	NULL, SORT },
	{ "watch",	optional_argument,	NULL, WATCH },
	{ "where",	required_argument,	NULL, WHERE },
	{ "why",	no_argument,		NULL, WHY },
	CLI_LONG
};

static void
choose(struct request *r, char *list)
{
	size_t len;

	for (r->ncols = 0; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (r->ncols == MOST_COLUMNS)
			cli_usage(list, "these are too many columns");
		r->cols[r->ncols] = column_find(list, len);
		if (r->cols[r->ncols] == NULL) {
			list[len] = '\0';
			cli_usage(list,
			    "there is no such column; --columns lists them");
		}
		r->spec.want |= r->cols[r->ncols++]->want;
	}
	if (r->ncols == 0)
		cli_usage(list, "which columns? --columns lists them");
}

static int
print_columns(void)
{
	const struct column *c;

	for (c = columns; c->name != NULL; c++)
		printf("%-8s %s\n", c->name, c->meaning);
	return EXIT_YES;
}

/* What is to be done but the plain list. */
static void
mode(int *has, int c)
{
	if (*has != 0 && *has != c)
		cli_usage(NULL, "of --audit, --check, --columns, --follow, "
		    "--usage and --watch only one can be had");
	*has = c;
}

static void
interval(struct request *r, double otherwise)
{
	r->every = optarg == NULL ? otherwise :
	    cli_seconds("the time between two looks", optarg);
	if (r->every < 0.05)
		cli_usage(optarg,
		    "the time between two looks is at least 0.05");
}

static void
option(struct request *r, int *has, int c)
{
	switch (c) {
	case '0':		r->nul = 1; break;
	case 'b':		r->style.bytes = 1; break;
	case 'o':		choose(r, optarg); break;
	case ALL:		r->spec.want |= SHMU_INVENTORY_ANON; break;
	case AUDIT:
		r->spec.want |= SHMU_INVENTORY_FORMAT;	/* tells bells of
							 * streams */
		mode(has, c);
		break;
	case CHECK:
	case COLUMNS:
	case 'u':		mode(has, c); break;
	case FOLLOW:		mode(has, c); interval(r, 1); break;
	case WATCH:		mode(has, c); interval(r, 2); break;
	case JSON:		r->json = 1; break;
	case NOHEADINGS:	r->table.noheadings = 1; break;
	case NS:
		r->spec.ns = (pid_t)cli_number("a process", optarg, INT32_MAX);
		if (r->spec.ns == 0)
			cli_usage(optarg, "a process is a number from 1");
		r->style.ns = r->spec.ns;
		r->style.numeric = 1;
		break;
	case OLDER:		r->spec.age = cli_age("an age", optarg); break;
	case RAW:		r->table.raw = 1; break;
	case SORT:		sort_parse(r, optarg); break;
	case WHERE:		where_parse(r, optarg); break;
	case WHY:		r->why = 1; break;
	default:		break;
	}
}

/* Print what was chosen; where nothing was, the answer to --where is no. */
static int
print(const struct rows *rows, const struct request *r, int blocks)
{
	int status = EXIT_YES;

	if (r->json)
		stat_json(rows, r);
	else if (r->why)
		stat_why(rows, r);
	else if (blocks)
		stat_detail(rows, r);
	else
		status = stat_table(rows, r);
	return status == EXIT_YES && r->nwhere > 0 && rows->n == 0 ? EXIT_NO :
	    status;
}

static int
all(struct request *r)
{
	struct rows rows = ROWS_INIT;
	int status;

	if (r->json)
		r->spec.want |= SHMU_INVENTORY_RESIDENT;
	if (r->why)
		r->spec.want |= SHMU_INVENTORY_PROVE;
	status = rows_take(&rows, r);
	if (status == EXIT_YES) {
		status = print(&rows, r, 0);
		if (!r->json)
			stat_warn(&rows);
	}
	rows_free(&rows);
	return status;
}

static int
collect(const char *text, void *arg)
{
	struct shmu_operand op;
	int status = cli_operand(&op, text);

	if (status == EXIT_YES && shmu_inventory_add(arg, &op) == -1)
		status = cause_open(text, &op, errno);
	return status;
}

static int
some(struct request *r, char *argv[])
{
	struct rows rows = ROWS_INIT;
	int status, chosen;

	r->spec.want |= SHMU_INVENTORY_RESIDENT | SHMU_INVENTORY_FORMAT |
	    SHMU_INVENTORY_PROVE;
	r->why |= r->json;
	rows.inv = shmu_inventory_new(&r->spec);
	if (rows.inv == NULL)
		return cli_fail(EXIT_CANNOT, NULL, "out of memory");
	status = cli_each(argv, r->nul, collect, rows.inv);
	if (shmu_inventory_look(rows.inv) == -1)
		status = cli_fail(EXIT_CANNOT, NULL, "out of memory");
	chosen = rows_choose(&rows, r);
	status = cli_worst(status, chosen == EXIT_YES ?
	    print(&rows, r, r->ncols == 0) : chosen);
	if (r->ncols > 0 && !r->json)
		stat_warn(&rows);
	rows_free(&rows);
	return status;
}

static void
check(const struct request *r, int has, char *argv[])
{
	int operands = *argv != NULL || r->nul;

	if (operands && has != 0)
		cli_usage(*argv,
		    "this lists all segments and takes none; --where chooses");
	if (operands && r->spec.ns != 0)
		cli_usage(*argv,
		    "--ns lists all segments and takes none; --where chooses");
	if (r->json && has == WATCH)
		cli_usage("--json", "this is for the screen; --follow --json "
		    "prints a line for each change");
	cli_check_each(argv);
}

static int
run(struct request *r, int has, char *argv[])
{
	char usual[] = "KIND,OPERAND,KEY,OWNER,MODE,SIZE,ALLOC,NATTCH,STATE,"
	    "AGE,HOLDERS";

	if (*argv != NULL || r->nul)
		return some(r, argv);
	if (r->ncols == 0)
		choose(r, usual);
	switch (has) {
	case AUDIT:	return stat_audit(r);
	case CHECK:	return stat_check(r);
	case COLUMNS:	return print_columns();
	case FOLLOW:	return stat_follow(r);
	case WATCH:	return stat_watch(r);
	case 'u':	return stat_limits(r);
	default:	return all(r);
	}
}

int
main(int argc, char *argv[])
{
	struct request r = { .spec = SHMU_INVENTORY_SPEC_INIT };
	int c, has = 0;

	r.style.now = time(NULL);
	r.spec.want = SHMU_INVENTORY_OTHERS;
	cli_begin("shm-stat", help);
	while ((c = cli_option(argc, argv, "0bo:u", words)) != -1)
		option(&r, &has, c);
	argv += optind;
	check(&r, has, argv);
	return cli_done(run(&r, has, argv));
}
