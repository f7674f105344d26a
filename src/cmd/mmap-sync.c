/* SPDX-License-Identifier: MIT */
/* mmap-sync - map files, write to them, and bring that to the disk */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "sync.h"

static const char help[] =
    "usage: mmap-sync [options] FILE ...\nMap files, write to them, and bring "
    "what was written to the disk.\n\n  -f, --force          let --size cut a "
    "file, and --advise discard content\n  -n, --dry-run        say what would "
    "be done, and do nothing\n  -s, --size SIZE      create the file, or make "
    "it larger\n      --advise WORDS   advise the kernel, as madvise(2): "
    "willneed,random\n      --async          start the writing back, and do "
    "not wait for it\n      --evict          drop the pages from RAM, once "
    "they are synced\n      --invalidate     sync with MS_INVALIDATE too\n     "
    " --json           print what was done as JSON\n      --lock[=onfault] "
    "lock the pages in RAM, now or when first touched\n      --offset OFF     "
    "where the --write of the same number goes\n      --populate       bring "
    "the pages into RAM\n      --protect PROT   protect the mapping: none or "
    "letters of rwx\n      --range OFF:LEN  only this part; may be given "
    "several times\n      --residency      show what of the file is in RAM\n   "
    "   --sparse         --size allocates nothing\n      --sync           sync "
    "and wait: done anyway if something was written\n      --updates FROM   "
    "write the lines \"OFF TEXT\" or \"OFF:LEN BYTES\" of FROM\n      --via "
    "WAY        write by pwrite or mmap\n      --write TEXT     write TEXT, or "
    "with - standard input, at --offset\n" CLI_HELP;

enum {
	ADVISE = 256, ASYNC, EVICT, INVALIDATE, JSON, LOCK, OFFSET, POPULATE,
	PROTECT, RANGE, RESIDENCY, SPARSE, SYNC, UPDATES, VIA, WRITE
};

static const struct option words[] = {
	{ "force",	no_argument,		NULL, 'f' },
	{ "dry-run",	no_argument,		NULL, 'n' },
	{ "size",	required_argument,	NULL, 's' },
	{ "advise",	required_argument,	NULL, ADVISE },
	{ "async",	no_argument,		NULL, ASYNC },
	{ "evict",	no_argument,		NULL, EVICT },
	{ "invalidate",	no_argument,		NULL, INVALIDATE },
	{ "json",	no_argument,		NULL, JSON },
	{ "lock",	optional_argument,	NULL, LOCK },
	{ "offset",	required_argument,	NULL, OFFSET },
	{ "populate",	no_argument,		NULL, POPULATE },
	{ "protect",	required_argument,	NULL, PROTECT },
	{ "range",	required_argument,	NULL, RANGE },
	{ "residency",	no_argument,		NULL, RESIDENCY },
	{ "sparse",	no_argument,		NULL, SPARSE },
	{ "sync",	no_argument,		NULL, SYNC },
	{ "updates",	required_argument,	NULL, UPDATES },
	{ "via",	required_argument,	NULL, VIA },
	{ "write",	required_argument,	NULL, WRITE },
	CLI_LONG
};

static enum via
way(const char *text)
{
	if (strcmp(text, "pwrite") == 0)
		return VIA_PWRITE;
	if (strcmp(text, "mmap") != 0)
		cli_usage(text, "--via pwrite or --via mmap");
	return VIA_MMAP;
}

static void
option(struct request *r, int c)
{
	switch (c) {
	case 'f':	r->force = 1; break;
	case 'n':	r->dry = 1; break;
	case 's':
		r->size = cli_size("a size", optarg);
		r->has_size = 1;
		break;
	case ADVISE:	r->asked.advice = mapping_advices(optarg); break;
	case ASYNC:	r->async = 1; break;
	case EVICT:	r->evict = 1; break;
	case INVALIDATE: r->invalidate = 1; break;
	case JSON:	r->json = 1; break;
	case LOCK:	r->asked.lock = mapping_lock(optarg); break;
	case OFFSET:
		updates_offset(&r->updates, cli_size("an offset", optarg));
		break;
	case POPULATE:	r->populate = 1; break;
	case PROTECT:	r->asked.protect = mapping_protection(optarg); break;
	case RANGE:	range_add(r, optarg); break;
	case RESIDENCY:	r->residency = 1; break;
	case SPARSE:	r->sparse = 1; break;
	case SYNC:	r->sync = 1; break;
	case UPDATES:	updates_from(&r->updates, optarg); break;
	case VIA:	r->via = way(optarg); break;
	case WRITE:	updates_text(&r->updates, optarg); break;
	default:	break;
	}
}

/* Advice of a shared mapping that is no hint: the file loses its content. */
static void
check_advice(const struct request *r)
{
	const struct shmu_advice *a;
	const int *value;

	for (value = r->asked.advice; value != NULL && *value != -1; value++)
		for (a = shmu_pages_advices(); a->name != NULL; a++)
			if (a->value == *value && a->discards && a->outlives &&
			    !r->force)
				cli_usage(a->name, "this discards what the "
				    "file has; --force does it");
}

static void
check(struct request *r, char *argv[], int files)
{
	int i;

	if (files == 0)
		cli_usage(NULL, "which FILE? try --help");
	for (i = 0; i < files; i++)
		if (argv[i][0] == '\0')
			cli_usage(argv[i], "a FILE has a name");
	if (r->has_size && r->size == 0)
		cli_usage(NULL, "--size is at least one byte: nothing can be "
		    "mapped of an empty file");
	if (r->sync && r->async)
		cli_usage(NULL,
		    "--sync waits and --async does not; choose one");
	if (r->evict && (r->async || r->asked.lock != LOCK_NO))
		cli_usage(NULL, "--evict needs pages that are synced and not "
		    "locked: no --async and no --lock");
	if (r->via == VIA_PWRITE && request_asks_mapping(r))
		cli_usage(NULL, "--advise, --lock and --protect are about the "
		    "mapping; use --via mmap");
	if (r->sparse && !r->has_size)
		cli_usage(NULL, "--sparse is about --size; give it");
	if (r->dry && r->json)
		cli_usage(NULL,
		    "--dry-run does nothing that --json could tell");
	check_advice(r);
	updates_ready(&r->updates, files);
	/* Syncing is what is done when nothing else was asked for. */
	if (request_changes(r) || r->evict || r->invalidate || r->async ||
	    !(r->residency || r->populate || request_asks_mapping(r)))
		r->sync = 1;
}

int
main(int argc, char *argv[])
{
	struct request r = { .asked = MAPPING_INIT };
	struct json o = JSON_INIT(stdout);
	int c, status = EXIT_YES;

	cli_begin("mmap-sync", help);
	while ((c = cli_option(argc, argv, "fns:", words)) != -1)
		option(&r, c);
	argv += optind;
	check(&r, argv, argc - optind);
	signal(SIGXFSZ, SIG_IGN);	/* EFBIG says it */
	if (r.json) {
		json_open(&o, NULL, '{');
		json_string(&o, "schema", "shmutils.mmap-sync.1");
		json_open(&o, "files", '[');
	}
	for (; *argv != NULL; argv++)
		status = cli_worst(status, job_run(&r, *argv, &o));
	if (r.json) {
		json_close(&o, ']');
		json_close(&o, '}');
	}
	updates_free(&r.updates);
	free(r.ranges);
	return cli_done(status);
}
