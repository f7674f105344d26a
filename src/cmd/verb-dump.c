/* SPDX-License-Identifier: MIT */
/* verb-dump.c - the verb dump: a store as lines of JSON */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"
#include "verb.h"

void
json_value(struct json *j, struct call *c, const struct shmu_cell *cell)
{
	const struct buffer *b = &c->s->value;
	int64_t n = 0;

	if (cell->type != SHMU_CELL_INTEGER) {
		json_bytes(j, "value", b->bytes, b->used);
		return;
	}
	b->bytes[b->used] = '\0';
	integer_parse(b->bytes, &n);
	json_number(j, "value", n);
}

static int
utf8(const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	size_t i, len;

	for (i = 0; i < n; i += len)
		if ((len = text_utf8(s + i, n - i)) == 0)
			return 0;
	return 1;
}

/* An item: a string, or what it is in hexadecimal. */
static void
item(struct json *j, const void *bytes, size_t n)
{
	if (utf8(bytes, n)) {
		json_bytes(j, NULL, bytes, n);
		return;
	}
	json_open(j, NULL, '{');
	json_bytes(j, "item", bytes, n);
	json_close(j, '}');
}

/* No more than there are at first, so that one that is filled all the time
 * comes to an end. */
static int
items(struct call *c, struct json *j, uint32_t most)
{
	uint64_t position = 0;
	size_t length;
	void *bytes;

	json_open(j, "items", '[');
	for (; most > 0; most--) {
		if (shmu_queue_item(c->t, c->key, c->key_length, &position,
		    &bytes, &length) == -1)
			break;
		item(j, bytes, length);
		free(bytes);
	}
	json_close(j, ']');
	return most == 0 || errno == ENOENT ? EXIT_YES : verb_cause(c, errno);
}

/* What a cell that processes meet at is like without them. */
static int
meeting_place(struct call *c, struct json *j, enum shmu_cell_type type,
    const struct shmu_cell_state *state)
{
	if (type == SHMU_CELL_LOCK)
		return EXIT_YES;
	json_unsigned(j, "places", state->places);
	if (type != SHMU_CELL_QUEUE)
		return EXIT_YES;
	json_bool(j, "closed", state->closed != 0);
	return items(c, j, state->taken + state->leases);
}

/* Of a lock there is nothing to be known.  EXIT_NO: it went meanwhile. */
static int
look(struct call *c, enum shmu_cell_type type, struct shmu_cell_state *state)
{
	int status;

	if (type <= SHMU_CELL_LOCK)
		return EXIT_YES;
	status = session_sees(c);
	if (status == EXIT_NO)
		return verb_fail(c, EXIT_CANNOT, "the store has a %s, of which "
		    "only who may write can see what it is like",
		    shmu_cell_name(type));
	if (status != EXIT_YES)
		return status;
	return shmu_cell_state(c->t, c->key, c->key_length, state, NULL,
	    0) == 0 ? EXIT_YES : errno == ENOENT ? EXIT_NO :
	    verb_cause(c, errno);
}

static int
line(struct call *c, size_t i)
{
	struct json j = JSON_INIT(c->s->carrier->out);
	struct shmu_cell_state state;
	struct shmu_cell cell;
	int status;

	cells_at(c, i);
	status = verb_fetch(c, &cell);
	if (status == EXIT_YES)
		status = look(c, cell.type, &state);
	if (status != EXIT_YES)
		return status;
	j.flat = 0;
	json_open(&j, NULL, '{');
	json_bytes(&j, "key", c->key, c->key_length);
	json_string(&j, "type", shmu_cell_name(cell.type));
	if (cell.type == SHMU_CELL_BYTES || cell.type == SHMU_CELL_INTEGER)
		json_value(&j, c, &cell);
	else
		status = meeting_place(c, &j, cell.type, &state);
	json_close(&j, '}');
	return status;
}

/* A cell that goes meanwhile is left out. */
int
verb_dump(struct call *c)
{
	size_t n, i;
	int status = cells_list(c, NULL, &n);

	if (status != EXIT_YES)
		return status;
	for (i = 0; i < n && status == EXIT_YES; i++) {
		status = line(c, i);
		if (status == EXIT_NO)
			status = EXIT_YES;
	}
	return status;
}
