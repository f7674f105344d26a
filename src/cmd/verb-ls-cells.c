/* SPDX-License-Identifier: MIT */
/* verb-ls-cells.c - ls of a store: its cells, who has them and who waits */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "process.h"
#include "table.h"
#include "verb.h"

#define PARTIES	256		/* of one cell; more are counted */

/* One cell, as it is listed. */
struct listed {
	struct shmu_cell	 cell;
	uint64_t		 length;
	struct shmu_cell_state	 state;		/* of what processes meet at */
	struct shmu_party	 parties[PARTIES];
	uint32_t		 n;
	int			 hidden;	/* the state */
};

static int
meets(enum shmu_cell_type type)
{
	return type >= SHMU_CELL_LOCK;
}

/* EXIT_NO: it went meanwhile. */
static int
look(struct call *c, struct listed *s)
{
	int status = verb_fetch(c, &s->cell);

	s->n = 0;
	s->hidden = 0;
	s->length = c->s->value.used;
	memset(&s->state, 0, sizeof s->state);
	if (status != EXIT_YES || !meets(s->cell.type))
		return status;
	status = session_sees(c);
	s->hidden = status == EXIT_NO;
	if (status != EXIT_YES)
		return s->hidden ? EXIT_YES : status;
	if (shmu_cell_state(c->t, c->key, c->key_length, &s->state, s->parties,
	    PARTIES) == -1)
		return errno == ENOENT || errno == EPROTOTYPE ? EXIT_NO :
		    verb_cause(c, errno);
	s->length = s->state.taken;
	s->n = s->state.parties < PARTIES ? s->state.parties : PARTIES;
	return EXIT_YES;
}

/* "812 sleep, 813 cat (shared)": those that wait, or those that do not. */
static void
parties(const struct listed *s, int waiting, char *buf, size_t size)
{
	char name[32];
	size_t used = 0;
	uint32_t i;
	int n;

	buf[0] = '\0';
	for (i = 0; i < s->n && used < size; i++) {
		const struct shmu_party *p = &s->parties[i];

		if ((p->waits != 0) != waiting)
			continue;
		n = snprintf(buf + used, size - used, "%s%" PRIu32 " %s%s",
		    used > 0 ? ", " : "", p->owner.pid, p->dead ? "(dead)" :
		    process_command((pid_t)p->owner.pid, name, sizeof name),
		    p->shared ? " (shared)" : "");
		used += n > 0 ? (size_t)n : 0;
	}
	/* Those that hold it come first. */
	if (s->state.parties > s->n && used < size &&
	    (waiting || s->parties[s->n - 1].waits == 0))
		snprintf(buf + used, size - used, "%s...",
		    used > 0 ? ", " : "");
}

/* A name has a NUL, which ends no text here. */
static void
add_name(struct table *t, const struct call *c)
{
	char text[4 * SHMU_KEY_MAX + 1];
	size_t i, n = 0;

	for (i = 0; i < c->key_length; i++)
		if (c->key[i] != 0)
			text[n++] = c->key[i];
		else {
			memcpy(text + n, "\\x00", 4);
			n += 4;
		}
	text[n] = 0;
	table_cell(t, text);
}

static void
add_row(struct table *t, const struct call *c, const struct listed *s)
{
	char text[PARTIES * 64];

	add_name(t, c);
	table_cell(t, shmu_cell_name(s->cell.type));
	if (s->hidden)
		strcpy(text, "?");
	else if (s->state.places > 0 && s->cell.type != SHMU_CELL_LOCK)
		snprintf(text, sizeof text, "%" PRIu64 "/%" PRIu32 "%s", s->length,
		    s->state.places, s->state.closed ? " closed" : "");
	else
		snprintf(text, sizeof text, "%" PRIu64, s->length);
	table_cell(t, text);
	if ((c->given & OPT_LONG) == 0)
		return;
	if (!s->hidden)
		parties(s, 0, text, sizeof text);
	table_cell(t, text);
	if (!s->hidden)
		parties(s, 1, text, sizeof text);
	table_cell(t, text);
}

static void
json_parties(struct json *j, const char *key, const struct listed *s,
    int waiting)
{
	char name[32];
	uint32_t i;

	json_open(j, key, '[');
	for (i = 0; i < s->n; i++) {
		const struct shmu_party *p = &s->parties[i];

		if ((p->waits != 0) != waiting)
			continue;
		json_open(j, NULL, '{');
		json_unsigned(j, "pid", p->owner.pid);
		json_string(j, "command", process_command((pid_t)p->owner.pid,
		    name, sizeof name));
		json_bool(j, "shared", p->shared);
		json_bool(j, "dead", p->dead);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
add_json(struct json *j, const struct call *c, const struct listed *s)
{
	enum shmu_cell_type type = s->cell.type;

	json_open(j, NULL, '{');
	json_bytes(j, "key", c->key, c->key_length);
	json_string(j, "type", shmu_cell_name(type));
	if (s->hidden)
		json_null(j, "length");
	else
		json_unsigned(j, "length", s->length);
	if (meets(type) && !s->hidden) {
		json_unsigned(j, "places", s->state.places);
		json_parties(j, "holders", s, 0);
		json_parties(j, "waiting", s, 1);
	}
	if (type == SHMU_CELL_QUEUE && !s->hidden)
		json_bool(j, "closed", s->state.closed != 0);
	if (type == SHMU_CELL_BARRIER && !s->hidden)
		json_unsigned(j, "generation", s->state.generation);
	json_close(j, '}');
}

static void
begin(struct table *t, struct json *j, const struct call *c)
{
	if ((c->given & OPT_JSON) != 0) {
		json_open(j, NULL, '{');
		json_string(j, "schema", "shmutils.ls.1");
		json_bytes(j, "store", c->store, c->store_length);
		json_open(j, "cells", '[');
		j->flat = 2;
		return;
	}
	table_column(t, "CELL", 0);
	table_column(t, "TYPE", 0);
	table_column(t, "LENGTH", 1);
	if ((c->given & OPT_LONG) == 0)
		return;
	table_column(t, "HELD BY", 0);
	table_column(t, "WAITING", 0);
}

static int
finish(struct table *t, struct json *j, struct call *c)
{
	static const struct table_style style = { 0, 0, 0, 0, 0, NULL };

	if ((c->given & OPT_JSON) != 0) {
		json_close(j, ']');
		json_close(j, '}');
		return EXIT_YES;
	}
	if (t->failed)
		return verb_fail(c, EXIT_CANNOT, "no memory");
	table_print(t, &style, c->s->carrier->out);
	return EXIT_YES;
}

int
ls_cells(struct call *c)
{
	struct json j = JSON_INIT(c->s->carrier->out);
	struct table t = TABLE_INIT;
	struct listed s;
	size_t n, i;
	int status = cells_list(c, NULL, &n);

	if (status != EXIT_YES)
		return status;
	begin(&t, &j, c);
	for (i = 0; i < n && status == EXIT_YES; i++) {
		cells_at(c, i);
		status = look(c, &s);
		if (status == EXIT_YES && (c->given & OPT_JSON) != 0)
			add_json(&j, c, &s);
		else if (status == EXIT_YES)
			add_row(&t, c, &s);
		else if (status == EXIT_NO)
			status = EXIT_YES;
	}
	if (status == EXIT_YES)
		status = finish(&t, &j, c);
	table_free(&t);
	return status;
}
