/* SPDX-License-Identifier: MIT */
/* shm-stat - list every segment and its holders, or tell all of some */
#include "config.h"

#include <errno.h>
#include <locale.h>
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
"      --columns        list the columns\n"
"      --json           print JSON\n"
"      --noheadings     print no headings\n"
"      --raw            print columns separated by one blank\n"
CLI_HELP;

enum { COLUMNS = 256, JSON, NOHEADINGS, RAW };

static const struct option words[] = {
	{ "null",	no_argument,		NULL, '0' },
	{ "bytes",	no_argument,		NULL, 'b' },
	{ "output",	required_argument,	NULL, 'o' },
	{ "columns",	no_argument,		NULL, COLUMNS },
	{ "json",	no_argument,		NULL, JSON },
	{ "noheadings",	no_argument,		NULL, NOHEADINGS },
	{ "raw",	no_argument,		NULL, RAW },
	CLI_LONG
};

#define MOST	32

struct request {
	int			 nul, json, list;
	struct style		 style;
	const struct column	*cols[MOST];
	size_t			 n;
};

static void
choose(struct request *r, const char *list)
{
	size_t len;

	for (r->n = 0; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (r->n == MOST)
			cli_usage(list, "these are too many columns");
		r->cols[r->n] = column_find(list, len);
		if (r->cols[r->n++] == NULL)
			cli_usage(list, "there is no such column; --columns lists "
			    "them");
	}
	if (r->n == 0)
		cli_usage("''", "which columns? --columns lists them");
}

static int
print_columns(void)
{
	const struct column *c;

	for (c = columns; c->name != NULL; c++)
		printf("%-8s %s\n", c->name, c->meaning);
	return EXIT_YES;
}

static void
option(struct request *r, int c)
{
	switch (c) {
	case '0':		r->nul = 1; break;
	case 'b':		r->style.bytes = 1; break;
	case 'o':		choose(r, optarg); break;
	case COLUMNS:		r->list = 1; break;
	case JSON:		r->json = 1; break;
	case NOHEADINGS:	r->style.noheadings = 1; break;
	case RAW:		r->style.raw = 1; break;
	default:		break;
	}
}

static int
wants(const struct request *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->cols[i]->name, name) == 0)
			return 1;
	return r->json;
}

static void
warn_partial(const struct request *r, const struct inventory *inv)
{
	char why[96];

	if (inv->partial && !r->json && !cli.quiet)
		cli_say(NULL, "%s, so holders may be missing",
		    inventory_partial(inv, why, sizeof why));
}

static int
all(const struct request *r)
{
	struct inventory inv = INVENTORY_INIT;
	int status = EXIT_YES;

	if (inventory_sysv(&inv) == -1 || inventory_posix(&inv) == -1 ||
	    inventory_holders(&inv) == -1)
		status = cli_fail(EXIT_CANNOT, NULL, "segments cannot be listed: "
		    "%s", strerror(errno));
	if (status == EXIT_YES && (wants(r, "RSS") || wants(r, "SWAP")))
		inventory_resident(&inv);
	if (status == EXIT_YES && r->json)
		stat_json(&inv);
	else if (status == EXIT_YES)
		status = stat_table(&inv, r->cols, r->n, &r->style);
	warn_partial(r, &inv);
	inventory_free(&inv);
	return status;
}

static int
collect(const char *text, void *arg)
{
	struct shmu_operand op;
	int status = cli_operand(&op, text);

	if (status == EXIT_YES && inventory_one(arg, &op) == -1)
		status = cause_open(text, &op, errno);
	return status;
}

static int
some(const struct request *r, char *argv[])
{
	struct inventory inv = INVENTORY_INIT;
	int status = cli_each(argv, r->nul, collect, &inv);
	size_t i;

	if (inventory_holders(&inv) == -1)
		status = cli_fail(EXIT_CANNOT, NULL, "out of memory");
	inventory_resident(&inv);
	if (r->json)
		stat_json(&inv);
	else if (r->n > 0)
		status = cli_worst(status, stat_table(&inv, r->cols, r->n,
		    &r->style));
	else
		for (i = 0; i < inv.n; i++) {
			if (i > 0)
				putchar('\n');
			stat_detail(&inv, &inv.rows[i]);
		}
	if (r->n > 0)
		warn_partial(r, &inv);
	inventory_free(&inv);
	return status;
}

int
main(int argc, char *argv[])
{
	struct request r = { .nul = 0 };
	int c;

	cli_begin("shm-stat", help);
	setlocale(LC_CTYPE, "");
	while ((c = cli_option(argc, argv, "0bo:", words)) != -1)
		option(&r, c);
	argv += optind;
	if (r.list)
		return cli_done(print_columns());
	cli_check_each(argv);
	if (*argv != NULL || r.nul)
		return cli_done(some(&r, argv));
	if (r.n == 0)
		choose(&r, "KIND,OPERAND,KEY,OWNER,MODE,SIZE,RSS,NATTCH,STATE,"
		    "AGE,HOLDERS");
	return cli_done(all(&r));
}
