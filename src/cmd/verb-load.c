/* SPDX-License-Identifier: MIT */
/* verb-load.c - the verb load: lines of JSON, as dump writes them, to cells */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "json-read.h"
#include "verb.h"

/* A line, as it was read. */
struct record {
	struct json_read	r;
	struct buffer		key, type, value, items;
	int has_key, has_value, has_integer, hex_key, hex_value;
	int64_t			integer, places;
	int			closed, count;
};

/* The next string as bytes: as text, or as hexadecimal digits. */
static int
text(struct record *rec, struct buffer *to, int hex)
{
	struct buffer digits = { NULL, 0, 0 };
	int ok;

	to->used = 0;
	ok = json_is_string(&rec->r, hex ? &digits : to);
	if (ok && hex && decode_hex(to, digits.bytes != NULL ? digits.bytes : "",
	    digits.used) == -1) {
		rec->r.error =
		    "what ends with _hex is pairs of hexadecimal digits";
		ok = 0;
	}
	buffer_free(&digits);
	return ok;
}

static int
is(const struct buffer *b, const char *word)
{
	return b->used == strlen(word) &&
	    (b->used == 0 || memcmp(b->bytes, word, b->used) == 0);
}

/* "text", or {"item": ..., "item_hex": "..."}; appended with its length. */
static int
one_item(struct record *rec)
{
	struct buffer item = { NULL, 0, 0 }, name = { NULL, 0, 0 };
	int ok = 1, hex = 0;
	size_t n;

	if (!json_is(&rec->r, '{'))
		ok = text(rec, &item, 0);
	else
		do {
			name.used = 0;
			ok = json_is_string(&rec->r, &name) &&
			    json_is(&rec->r, ':');
			if (ok && is(&name, "item_hex"))
				ok = hex = text(rec, &item, 1);
			else if (ok)
				ok = text(rec, hex ? &name : &item, 0);
		} while (ok && json_is(&rec->r, ','));
	if (ok && (hex || name.bytes != NULL))
		ok = json_is(&rec->r, '}');
	n = item.used;
	rec->count++;
	if (ok)
		ok = buffer_add(&rec->items, &n, sizeof n) == 0 &&
		    buffer_add(&rec->items, item.bytes, n) == 0;
	buffer_free(&item);
	buffer_free(&name);
	return ok;
}

static int
all_items(struct record *rec)
{
	if (!json_is(&rec->r, '['))
		return 0;
	if (json_is(&rec->r, ']'))
		return 1;
	do
		if (!one_item(rec))
			return 0;
	while (json_is(&rec->r, ','));
	return json_is(&rec->r, ']');
}

/* The value of one member.  What is in hexadecimal counts, wherever it is. */
static int
member(struct record *rec, const struct buffer *name)
{
	struct buffer unused = { NULL, 0, 0 };
	int ok;

	if (is(name, "key_hex"))
		return rec->hex_key = rec->has_key = text(rec, &rec->key, 1);
	if (is(name, "value_hex"))
		return rec->hex_value = rec->has_value =
		    text(rec, &rec->value, 1);
	if (is(name, "key") && !rec->hex_key)
		return rec->has_key = text(rec, &rec->key, 0);
	if (is(name, "value") && json_is_integer(&rec->r, &rec->integer))
		return rec->has_integer = 1;
	if (is(name, "value") && !rec->hex_value)
		return rec->has_value = text(rec, &rec->value, 0);
	if (is(name, "type"))
		return text(rec, &rec->type, 0);
	if (is(name, "places"))
		return json_is_integer(&rec->r, &rec->places);
	if (is(name, "closed"))
		return json_is_bool(&rec->r, &rec->closed);
	if (is(name, "items"))
		return all_items(rec);
	ok = (is(name, "key") || is(name, "value")) && text(rec, &unused, 0);
	buffer_free(&unused);
	return ok;
}

static const char *
members(struct record *rec)
{
	struct buffer name = { NULL, 0, 0 };
	int ok = json_is(&rec->r, '{');

	if (ok)
		do {
			name.used = 0;
			ok = json_is_string(&rec->r, &name) &&
			    json_is(&rec->r, ':') && member(rec, &name);
		} while (ok && json_is(&rec->r, ','));
	ok = ok && json_is(&rec->r, '}') && json_is_end(&rec->r);
	buffer_free(&name);
	return ok ? NULL : rec->r.error != NULL ? rec->r.error :
	    "this is no line of shm dump";
}

/* Whether the members make a cell. */
static const char *
complete(const struct record *rec)
{
	if (!rec->has_key || rec->key.used == 0 || rec->key.used > SHMU_KEY_MAX)
		return "a key of 1 to 255 bytes is missing";
	if (is(&rec->type, "bytes"))
		return rec->has_value ? NULL : "a value that is a string is missing";
	if (is(&rec->type, "integer"))
		return rec->has_integer ? NULL :
		    "a value that is an integer is missing";
	if (is(&rec->type, "lock"))
		return NULL;
	if (is(&rec->type, "queue"))
		return rec->places >= 1 && rec->places <= QUEUE_MOST &&
		    rec->places >= rec->count ? NULL :
		    "the number of places is missing, or cannot be right";
	if (is(&rec->type, "semaphore") || is(&rec->type, "barrier"))
		return rec->places >= 1 && rec->places <= SHMU_CELL_PLACES ? NULL :
		    "the number of places is missing, or cannot be right";
	return "there is no such type of cell";
}

/* A queue that is there was deleted before. */
static int
store_queue(struct call *c, const struct record *rec)
{
	struct shmu_claim claim = { .flags = SHMU_CLAIM_NOWAIT };
	uint32_t places = (uint32_t)rec->places;
	size_t at, n;

	if (shmu_queue_make(c->t, c->key, c->key_length, places) == -1)
		return -1;
	for (at = 0; at < rec->items.used; at += sizeof n + n) {
		memcpy(&n, rec->items.bytes + at, sizeof n);
		if (shmu_queue_push(c->t, c->key, c->key_length, places,
		    rec->items.bytes + at + sizeof n, n, &claim) == -1)
			return -1;
	}
	return rec->closed ? shmu_queue_close(c->t, c->key, c->key_length) : 0;
}

static int
store(struct call *c, const struct record *rec)
{
	struct shmu_claim claim = { .flags = SHMU_CLAIM_NOWAIT };
	uint32_t places = (uint32_t)rec->places;
	int r;

	if (is(&rec->type, "bytes"))
		return shmu_table_put(c->t, c->key, c->key_length,
		    rec->value.bytes != NULL ? rec->value.bytes : "",
		    rec->value.used);
	if (is(&rec->type, "integer"))
		return shmu_table_integer(c->t, c->key, c->key_length,
		    SHMU_SWAP, rec->integer, 0, NULL);
	if (is(&rec->type, "queue"))
		return store_queue(c, rec);
	if (is(&rec->type, "barrier"))
		return shmu_barrier_wait(c->t, c->key, c->key_length, places,
		    &claim, NULL) == 0 || errno == EAGAIN ? 0 : -1;
	if (is(&rec->type, "lock")) {
		r = shmu_lock_cell_take(c->t, c->key, c->key_length, &claim);
		if (r == 0)
			r = shmu_lock_cell_give(c->t, c->key, c->key_length, 0);
	} else {
		r = shmu_semaphore_take(c->t, c->key, c->key_length, places,
		    &claim);
		if (r == 0)
			r = shmu_semaphore_give(c->t, c->key, c->key_length, 0);
	}
	/* Somebody has it, so it is there. */
	return r == 0 || errno == EAGAIN ? 0 : -1;
}

/* What is there under the name must go when it is of another kind. */
static int
make_room(struct call *c, const struct record *rec)
{
	struct shmu_cell cell;
	int plain = is(&rec->type, "bytes") || is(&rec->type, "integer");

	if (shmu_table_get(c->t, c->key, c->key_length, NULL, 0, &cell) == -1)
		return errno == ENOENT ? 0 : -1;
	if (plain && (cell.type == SHMU_CELL_BYTES ||
	    cell.type == SHMU_CELL_INTEGER))
		return is(&rec->type, "integer") &&
		    cell.type == SHMU_CELL_BYTES ? shmu_table_put(c->t, c->key,
		    c->key_length, "0", 1) : 0;
	return shmu_table_delete(c->t, c->key, c->key_length);
}

/* What was read, if it is a cell. */
static int
store_record(struct call *c, const struct record *rec, const char *why)
{
	if (why != NULL)
		return verb_fail(c, EXIT_CANNOT,
		    "%s; what is before it is loaded", why);
	c->key = rec->key.bytes;
	c->key_length = rec->key.used;
	if (make_room(c, rec) == 0 && store(c, rec) == 0)
		return EXIT_YES;
	return cli_worst(EXIT_CANNOT, verb_cause(c, errno));
}

static int
load_line(struct call *c, const char *line, size_t n, void *arg)
{
	static const struct record empty;
	const char *target = c->target, *why;
	struct record rec = empty;
	uintmax_t *number = arg;
	int status = EXIT_YES;
	char where[4200];

	++*number;
	rec.r.at = line;
	rec.r.end = line + n;
	if (json_is_end(&rec.r))
		return EXIT_YES;
	why = members(&rec);
	if (why == NULL)
		why = complete(&rec);
	snprintf(where, sizeof where, "%s: line %ju", target, *number);
	c->target = where;
	status = store_record(c, &rec, why);
	c->target = target;
	buffer_free(&rec.key);
	buffer_free(&rec.type);
	buffer_free(&rec.value);
	buffer_free(&rec.items);
	return status;
}

int
verb_load(struct call *c)
{
	uintmax_t number = 0;
	int status = session_open(c, MAKES);

	/* A byte takes eight in JSON where it is no UTF-8. */
	return status == EXIT_YES ? verb_lines(c, '\n', 16 * verb_most(c),
	    load_line, &number) : status;
}
