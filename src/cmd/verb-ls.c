/* SPDX-License-Identifier: MIT */
/* verb-ls.c - the verb ls: the stores that are there */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "json.h"
#include "names.h"
#include "process.h"
#include "shmutil/header.h"
#include "shmutil/parse.h"
#include "table.h"
#include "verb.h"

/* A store, as it is listed. */
struct listed {
	const char		*name;
	struct shmu_info	 info;
	struct shmu_owner	 owner;
	struct shmu_table_stat	 stat;
	int			 readable;
};

struct listing {
	struct call	*c;
	struct table	 t;
	struct json	 j;
	int		 json, more;
};

/* 1: it is a store; its header says so, whoever may read the rest. */
static int
is_store(const struct shmu_operand *op, struct listed *s)
{
	static const struct shmu_segment closed = SHMU_SEGMENT_INIT;
	struct shmu_segment seg = closed;
	struct shmu_header h;
	int yes = shmu_segment_open(&seg, op, SHMU_READ) == 0 &&
	    shmu_segment_stat(&seg, &s->info) == 0 &&
	    s->info.size >= SHMU_HEADER_SIZE && shmu_segment_map(&seg, 0,
	    SHMU_HEADER_SIZE, PROT_READ) == 0 && shmu_header_check(seg.base,
	    s->info.size, SHMU_FORMAT_TABLE, 0, &h) == 0;

	if (yes)
		s->owner = h.owner;
	shmu_segment_close(&seg);
	return yes;
}

static int
look(const struct shmu_operand *op, struct listed *s)
{
	struct shmu_table *t;

	memset(&s->stat, 0, sizeof s->stat);
	if (!is_store(op, s))
		return 0;
	s->readable = shmu_table_attach(&t, op, SHMU_TABLE_READ |
	    SHMU_TABLE_ANY_OWNER) == 0;
	if (s->readable) {
		s->readable = shmu_table_stat(t, &s->stat) == 0;
		shmu_table_detach(t);
	}
	return 1;
}

static void
add_json(struct listing *l, const struct listed *s)
{
	struct json *j = &l->j;
	char mode[8];

	json_open(j, NULL, '{');
	json_string(j, "store", s->name);
	if (s->readable) {
		json_unsigned(j, "cells", s->stat.cells);
		json_unsigned(j, "size", s->stat.size);
		json_unsigned(j, "maximum", s->stat.maximum);
	} else
		json_null(j, "cells");
	json_string(j, "owner", names_user(s->info.uid));
	snprintf(mode, sizeof mode, "%04o", (unsigned int)s->info.mode);
	json_string(j, "mode", mode);
	if (s->owner.pid != 0) {
		json_unsigned(j, "process", s->owner.pid);
		json_bool(j, "dead", shmu_owner_dead(&s->owner));
	} else
		json_null(j, "process");
	json_close(j, '}');
}

static void
add_row(struct listing *l, const struct listed *s)
{
	char text[64], name[32];

	table_cell(&l->t, s->name);
	snprintf(text, sizeof text, "%" PRIu64, s->stat.cells);
	table_cell(&l->t, s->readable ? text : "?");
	table_cell(&l->t, s->readable ? shmu_size_text(text, s->stat.size) : "?");
	table_cell(&l->t, s->readable ? shmu_size_text(text, s->stat.maximum) :
	    "?");
	table_cell(&l->t, names_user(s->info.uid));
	if (!l->more)
		return;
	snprintf(text, sizeof text, "%04o", (unsigned int)s->info.mode);
	table_cell(&l->t, text);
	if (s->owner.pid == 0)
		text[0] = '\0';
	else if (shmu_owner_dead(&s->owner))
		snprintf(text, sizeof text, "%" PRIu32 ", dead", s->owner.pid);
	else
		snprintf(text, sizeof text, "%" PRIu32 " %s", s->owner.pid,
		    process_command((pid_t)s->owner.pid, name, sizeof name));
	table_cell(&l->t, text);
}

static int
each(struct listing *l, struct dirent **entries, int n)
{
	struct shmu_operand op;
	struct listed s;
	int i;

	for (i = 0; i < n; i++) {
		s.name = entries[i]->d_name;
		if (verb_is_store(s.name) &&
		    shmu_operand_name(&op, s.name) == 0 && look(&op, &s)) {
			if (l->json)
				add_json(l, &s);
			else
				add_row(l, &s);
		}
		free(entries[i]);
	}
	free(entries);
	return EXIT_YES;
}

static void
headings(struct listing *l)
{
	table_column(&l->t, "STORE", 0);
	table_column(&l->t, "CELLS", 1);
	table_column(&l->t, "SIZE", 1);
	table_column(&l->t, "MAXIMUM", 1);
	table_column(&l->t, "OWNER", 0);
	if (!l->more)
		return;
	table_column(&l->t, "MODE", 0);
	table_column(&l->t, "PROCESS", 0);
}

static int
stores(struct call *c)
{
	static const struct table_style style = { 0, 0, 0, 0, 0, NULL };
	FILE *out = c->s->carrier->out;
	struct listing l = { c, TABLE_INIT, JSON_INIT(out),
	    (c->given & OPT_JSON) != 0, (c->given & OPT_LONG) != 0 };
	struct dirent **entries;
	int n = scandir(SHMU_POSIX_DIR, &entries, NULL, alphasort), failed;

	if (n == -1)
		return verb_fail(c, EXIT_CANNOT, "%s: %s", SHMU_POSIX_DIR,
		    strerror(errno));
	if (l.json) {
		json_open(&l.j, NULL, '{');
		json_string(&l.j, "schema", "shmutils.ls.1");
		json_open(&l.j, "stores", '[');
	} else
		headings(&l);
	each(&l, entries, n);
	failed = l.t.failed;
	if (l.json) {
		json_close(&l.j, ']');
		json_close(&l.j, '}');
	} else if (!failed)
		table_print(&l.t, &style, out);
	table_free(&l.t);
	return failed ? verb_fail(c, EXIT_CANNOT, "no memory") : EXIT_YES;
}

int
verb_ls(struct call *c)
{
	return c->store == NULL ? stores(c) : ls_cells(c);
}
