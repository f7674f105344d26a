/* SPDX-License-Identifier: MIT */
/* shm-heap - make, watch and check a heap in shared memory, from outside */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cause.h"
#include "heap.h"
#include "names.h"

static const char help[] =
    "usage: shm-heap [options] create SEGMENT SIZE\n       shm-heap [options] "
    "stat | show | processes | check | gc SEGMENT\n       shm-heap [options] "
    "walk | sites | trace SEGMENT\n       shm-heap [options] diff BEFORE AFTER "
    "| diff SEGMENT\n       shm-heap [options] alloc SEGMENT SIZE | free "
    "SEGMENT OFFSET\nMake a heap in shared memory, and see what programs do "
    "with it.\n\n  -c, --count N        trace: end after N events\n  -m, "
    "--mode MODE      create: permission bits (default 0600)\n      "
    "--any-owner      also work on the heap of another user\n      --debug     "
    "     create: guards, patterns, both sites of a fault\n      --fallback    "
    "   create: System V where there are no POSIX objects\n      --interval "
    "SECS  diff: so long between the two looks (default 10)\n      --json      "
    "     print JSON\n      --max SIZE       create: let it grow to SIZE; "
    "walk: chunks of at most SIZE\n      --min SIZE       walk: only chunks of "
    "at least SIZE\n      --owner U[:G]    create: give it to another user, "
    "group or both\n      --pool PID       look at the private pool of PID "
    "that SEGMENT tells of\n      --root NAME      alloc: publish as NAME; "
    "free: what NAME names\n      --site FILE:LINE walk: only what was "
    "allocated there\n      --slots N        create: threads at once (default "
    "64)\n      --sparse         create: allocate nothing in "
    "advance\n" CLI_HELP;

enum { ANY_OWNER = 256, DEBUG, FALLBACK, INTERVAL, JSON, MAX, MIN, OWNER, POOL,
    ROOT, SITE, SLOTS, SPARSE };

static const struct option words[] = {
	{ "count",	required_argument,	NULL, 'c' },
	{ "mode",	required_argument,	NULL, 'm' },
	{ "any-owner",	no_argument,		NULL, ANY_OWNER },
	{ "debug",	no_argument,		NULL, DEBUG },
	{ "fallback",	no_argument,		NULL, FALLBACK },
	{ "interval",	required_argument,	NULL, INTERVAL },
	{ "json",	no_argument,		NULL, JSON },
	{ "max",	required_argument,	NULL, MAX },
	{ "min",	required_argument,	NULL, MIN },
	{ "owner",	required_argument,	NULL, OWNER },
	{ "pool",	required_argument,	NULL, POOL },
	{ "root",	required_argument,	NULL, ROOT },
	{ "site",	required_argument,	NULL, SITE },
	{ "slots",	required_argument,	NULL, SLOTS },
	{ "sparse",	no_argument,		NULL, SPARSE },
	CLI_LONG
};

/* least and most: operands after the verb, SEGMENT included. */
static const struct verb {
	const char	*name;
	heap_verb	*run;
	int		 least, most;
	int		 json;
} verbs[] = {
	{ "alloc",	heap_alloc,	2, 2, 0 },
	{ "check",	heap_check,	1, 1, 1 },
	{ "create",	heap_create,	2, 2, 0 },
	{ "diff",	heap_diff,	1, 2, 1 },
	{ "free",	heap_free,	1, 2, 0 },
	{ "gc",		heap_gc,	1, 1, 1 },
	{ "processes",	heap_processes,	1, 1, 1 },
	{ "show",	heap_show,	1, 2, 0 },
	{ "sites",	heap_sites,	1, 1, 1 },
	{ "stat",	heap_stat,	1, 1, 1 },
	{ "trace",	heap_trace,	1, 1, 0 },
	{ "walk",	heap_walk,	1, 1, 1 },
	{ NULL,		NULL,		0, 0, 0 }
};

static void
option(struct heap *h, int c)
{
	struct shmu_spec *spec = &h->spec.segment;

	switch (c) {
	case 'c':
		h->count = cli_number("a count", optarg, INT64_MAX);
		break;
	case 'm':	spec->mode = cli_mode(optarg); break;
	case ANY_OWNER:	h->spec.flags |= SHMU_HEAP_ANY_OWNER; break;
	case DEBUG:	h->spec.flags |= SHMU_HEAP_DEBUG; break;
	case FALLBACK:	h->spec.flags |= SHMU_HEAP_FALLBACK; break;
	case INTERVAL:	h->interval = cli_seconds("an interval", optarg); break;
	case JSON:	h->json = 1; break;
	case MAX:	h->most = cli_size("a size", optarg); break;
	case MIN:	h->least = cli_size("a size", optarg); break;
	case OWNER:	names_owner(optarg, &spec->uid, &spec->gid); break;
	case POOL:	h->pool = cli_number("a pid", optarg, INT32_MAX); break;
	case ROOT:	h->root = optarg; break;
	case SITE:	h->site = optarg; break;
	case SLOTS:
		h->spec.slots = (uint32_t)cli_number("slots", optarg, 4096);
		break;
	case SPARSE:	spec->flags |= SHMU_SPEC_SPARSE; break;
	default:	break;
	}
}

/* Who has the lock, and what he does, so that the message names him. */
static int
held(struct heap *h)
{
	struct shmu_heap_stat st;
	char state = 0;

	memset(&st, 0, sizeof st);
	if (heap_look(h, h->text) != EXIT_YES)
		return EXIT_CANNOT;
	if (shmu_heap_view_stat(h->view, &st) == 0)
		state = shmu_owner_state(&st.holder);
	heap_look_away(h);
	return cli_fail(EXIT_CANNOT, h->text, "process %u (state %c) has held "
	    "the lock of the heap for 5 seconds; continue it, or kill it",
	    st.holder.pid, state != 0 ? state : '?');
}

int
heap_cause(struct heap *h, int err)
{
	switch (err) {
	case EILSEQ:
		return cli_fail(EXIT_CANNOT, h->text,
		    "this is no heap; shm-heap create makes one");
	case EBADMSG:
		return cli_fail(EXIT_CANNOT, h->text,
		    "the heap is damaged: what describes it cannot be right; "
		    "make it anew");
	case EPROTOTYPE:
		return cli_fail(EXIT_CANNOT, h->text,
		    "this holds something else, or a heap of another version");
	case ENOEXEC:
		return cli_fail(EXIT_CANNOT, h->text, "the heap was made by a "
		    "program of another word size or byte order");
	case EINPROGRESS:
	case ESTALE:
		return cli_fail(EXIT_CANNOT, h->text, err == ESTALE ? "the heap is "
		    "unfinished, and who made it is dead; remove it" :
		    "the heap is being made; try again");
	case EXDEV:
		return cli_fail(EXIT_CANNOT, h->text,
		    "the heap belongs to another pid or time namespace; from "
		    "here it can only be looked at");
	case EUSERS:
		return cli_fail(EXIT_CANNOT, h->text,
		    "every slot is taken by a living thread; see shm-heap "
		    "processes");
	case ETIMEDOUT:
		return held(h);
	case EPERM:
		if (h->pool == 0 && (h->spec.flags & SHMU_HEAP_ANY_OWNER) == 0)
			return cli_fail(EXIT_CANNOT, h->text,
			    "the heap is another user's; --any-owner works on "
			    "it all the same");
		break;
	case EFAULT:
		return cli_fail(EXIT_CANNOT, h->text,
		    "it cannot be read: it was cut short, or its filesystem is "
		    "full");
	default:
		break;
	}
	return cause_open(h->text, &h->op, err);
}

/* The private pool that the heap's slots tell of. */
static int
look_into_pool(struct heap *h)
{
	struct shmu_heap_view *pool;
	struct shmu_heap_thread t;
	uint32_t i;
	int r;

	for (i = 0; (r = shmu_heap_view_thread(h->view, i, &t)) != -1; i++)
		if (r == 1 && t.owner.pid == h->pool && t.pool_base != 0)
			break;
	if (r == -1)
		return cli_fail(EXIT_NO, h->text, "process %d has published no "
		    "private pool here; see shm-heap processes", (int)h->pool);
	if (shmu_heap_view_process(&pool, (pid_t)h->pool, t.pool_base,
	    t.pool_size) == -1)
		return errno == EPERM ? cli_fail(EXIT_CANNOT, h->text, "reading the "
		    "memory of process %d needs its user, or CAP_SYS_PTRACE",
		    (int)h->pool) : heap_cause(h, errno);
	shmu_heap_view_close(h->view);
	h->view = pool;
	return EXIT_YES;
}

static int
look(struct heap *h)
{
	if (shmu_segment_open(&h->seg, &h->op, SHMU_READ) == -1)
		return cause_open(h->text, &h->op, errno);
	if (shmu_heap_view_segment(&h->view, &h->seg) == -1)
		return heap_cause(h, errno);
	return h->pool == 0 ? EXIT_YES : look_into_pool(h);
}

int
heap_look(struct heap *h, const char *text)
{
	static const struct shmu_segment closed = SHMU_SEGMENT_INIT;
	int status;

	h->seg = closed;
	h->view = NULL;
	h->text = text;
	status = cli_operand(&h->op, text);
	if (status == EXIT_YES)
		status = look(h);
	if (status != EXIT_YES)
		heap_look_away(h);
	return status;
}

void
heap_look_away(struct heap *h)
{
	shmu_heap_view_close(h->view);
	h->view = NULL;
	shmu_segment_close(&h->seg);
}

int
heap_attach(struct heap *h, struct shmu_heap **out)
{
	h->text = h->argv[0];
	if (cli_operand(&h->op, h->text) != EXIT_YES)
		return EXIT_USAGE;
	if (shmu_heap_attach(out, &h->op, h->spec.flags &
	    (SHMU_HEAP_ANY_OWNER | SHMU_HEAP_FALLBACK)) == 0)
		return EXIT_YES;
	return heap_cause(h, errno);
}

const char *
heap_site_text(const struct shmu_heap_view *view, uint32_t id,
    char buf[HEAP_SITE_TEXT])
{
	char file[SHMU_HEAP_FILE], *p = buf;
	uint32_t line;
	size_t i;

	if (shmu_heap_view_site(view, id, file, &line) == -1)
		return strcpy(buf, "?");
	for (i = 0; file[i] != '\0'; i++)
		p += snprintf(p, 5, file[i] > ' ' && file[i] <= '~' ? "%c" :
		    "\\x%02x", (unsigned char)file[i]);
	snprintf(p, 16, ":%u", line);
	return buf;
}

static const struct verb *
verb(const char *name)
{
	const struct verb *v = verbs;

	if (name == NULL)
		cli_usage(NULL, "which verb? try --help");
	while (v->name != NULL && strcmp(v->name, name) != 0)
		v++;
	if (v->name == NULL)
		cli_usage(name, "there is no such verb; try --help");
	return v;
}

int
main(int argc, char *argv[])
{
	struct heap h = { .most = UINT64_MAX, .interval = 10,
	    .spec = SHMU_HEAP_SPEC_INIT };
	const struct verb *v;
	int c, n;

	cli_begin("shm-heap", help);
	while ((c = cli_option(argc, argv, "c:m:", words)) != -1)
		option(&h, c);
	v = verb(argv[optind]);
	h.argv = argv + optind + 1;
	n = argc - optind - 1;
	if (n < v->least)
		cli_usage(v->name, n == 0 ? "which SEGMENT? try --help" :
		    "an operand is missing; try --help");
	if (n > v->most)
		cli_usage(h.argv[v->most], "this is one operand too many");
	if (h.json && !v->json)
		cli_usage(v->name, "this has no --json");
	h.text = h.argv[0];
	return cli_done(v->run(&h));
}
