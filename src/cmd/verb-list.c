/* SPDX-License-Identifier: MIT */
/* verb-list.c - the verbs for all cells of a store: keys all */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "json.h"
#include "verb.h"

/* A cell in the list; they lie behind each other, and places tells where. */
struct row {
	uint32_t	type;
	uint32_t	length;
	char		key[];
};

struct collect {
	struct session	*s;
	const char	*glob;
};

static int
collect(const struct shmu_cell *cell, const void *value, void *arg)
{
	struct collect *to = arg;
	struct buffer *list = &to->s->list;
	size_t at = list->used, pad = (0 - cell->key_length) % 8;
	struct row row = { cell->type, cell->key_length };

	(void)value;
	if (to->glob != NULL &&
	    fnmatch(to->glob, (const char *)cell->key, 0) != 0)
		return 0;
	return buffer_add(list, &row, sizeof row) == -1 ||
	    buffer_add(list, cell->key, cell->key_length) == -1 ||
	    buffer_add(list, "\0\0\0\0\0\0\0", pad) == -1 ||
	    buffer_add(&to->s->places, &at, sizeof at) == -1;
}

static const struct row *
row_at(const struct session *s, size_t i)
{
	const size_t *places = (const size_t *)(const void *)s->places.bytes;

	return (const struct row *)(const void *)(s->list.bytes + places[i]);
}

static int
by_key(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	uint32_t least = (*x)->length < (*y)->length ? (*x)->length :
	    (*y)->length;
	int order = memcmp((*x)->key, (*y)->key, least);

	return order != 0 ? order : (*x)->length < (*y)->length ? -1 :
	    (*x)->length > (*y)->length;
}

/* By pointers, which are places again afterwards. */
static void
sort(struct session *s, size_t n)
{
	size_t *places = (size_t *)(void *)s->places.bytes, i;
	const struct row **rows = (const struct row **)(void *)s->places.bytes;

	for (i = 0; i < n; i++)
		rows[i] = row_at(s, i);
	qsort(rows, n, sizeof *rows, by_key);
	for (i = 0; i < n; i++)
		places[i] = (size_t)((const char *)rows[i] - s->list.bytes);
}

int
cells_list(struct call *c, const char *glob, size_t *n)
{
	struct session *s = c->s;
	struct collect to = { s, glob };
	int r, status = session_open(c, READS);

	if (status != EXIT_YES)
		return status;
	s->list.used = s->places.used = 0;
	r = shmu_table_each(c->t, collect, &to);
	if (r == -1 && errno == EOWNERDEAD) {
		if (session_open(c, CHANGES) != EXIT_YES)
			return EXIT_CANNOT;
		s->list.used = s->places.used = 0;
		r = shmu_table_each(c->t, collect, &to);
	}
	if (r == -1)
		return verb_cause(c, errno);
	if (r == 1)
		return verb_fail(c, EXIT_CANNOT, "no memory");
	*n = s->places.used / sizeof(size_t);
	if (*n > 0)
		sort(s, *n);
	return EXIT_YES;
}

enum shmu_cell_type
cells_at(struct call *c, size_t i)
{
	const struct row *row = row_at(c->s, i);

	c->key = row->key;
	c->key_length = row->length;
	return (enum shmu_cell_type)row->type;
}

static int
nul_in_name(struct call *c)
{
	return verb_fail(c, EXIT_CANNOT,
	    "the name of a cell has a NUL byte, which a variable cannot hold; "
	    "use stdout");
}

static int
nul_in_value(struct call *c)
{
	char name[SHMU_KEY_MAX + 1];
	const char *target = c->target;
	int status;

	memcpy(name, c->key, c->key_length);
	name[c->key_length] = '\0';
	c->target = name;
	status = verb_fail(c, EXIT_CANNOT, "value has a NUL byte; use --hex, "
	    "--base64 or stdout");
	c->target = target;
	return status;
}

static int
keys_in_variable(struct call *c, size_t n)
{
	const struct carrier *carrier = c->s->carrier;
	const void *bytes;
	size_t i, length;
	int status;

	for (i = 0; i < n; i++) {
		cells_at(c, i);
		if ((c->given & (OPT_HEX | OPT_BASE64 | OPT_QUOTE)) == 0 &&
		    memchr(c->key, '\0', c->key_length) != NULL)
			return nul_in_name(c);
	}
	status = carrier->clear(carrier->arg, c->var, 0);
	for (i = 0; i < n && status == EXIT_YES; i++) {
		cells_at(c, i);
		bytes = c->key;
		length = c->key_length;
		status = verb_encode(c, &bytes, &length, NULL);
		if (status == EXIT_YES)
			status = carrier->add(carrier->arg, c->var, NULL, bytes,
			    length);
	}
	return status;
}

static int
keys_in_json(struct call *c, size_t n)
{
	struct json j = JSON_INIT(c->s->carrier->out);
	size_t i;

	json_open(&j, NULL, '{');
	json_string(&j, "schema", "shmutils.keys.1");
	json_open(&j, "cells", '[');
	j.flat = 2;
	for (i = 0; i < n; i++) {
		enum shmu_cell_type type = cells_at(c, i);

		json_open(&j, NULL, '{');
		json_bytes(&j, "key", c->key, c->key_length);
		json_string(&j, "type", shmu_cell_name(type));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return EXIT_YES;
}

int
verb_keys(struct call *c)
{
	FILE *out = c->s->carrier->out;
	const void *bytes;
	size_t n, i, length;
	int status = cells_list(c, c->argc > 0 ? c->argv[0] : NULL, &n);

	if (status != EXIT_YES)
		return status;
	if (c->var != NULL)
		return keys_in_variable(c, n);
	if ((c->given & OPT_JSON) != 0)
		return keys_in_json(c, n);
	for (i = 0; i < n && status == EXIT_YES; i++) {
		cells_at(c, i);
		bytes = c->key;
		length = c->key_length;
		status = verb_encode(c, &bytes, &length,
		    (c->given & OPT_NULL) != 0 ? NULL : "");
		fwrite(bytes, 1, length, out);
		putc((c->given & OPT_NULL) != 0 ? '\0' : '\n', out);
	}
	return status;
}

/* The value of the cell i; 0 when it has none, or is gone. */
static int
valued(struct call *c, size_t i, struct shmu_cell *cell, int *status)
{
	enum shmu_cell_type type = cells_at(c, i);

	if (type != SHMU_CELL_BYTES && type != SHMU_CELL_INTEGER)
		return 0;
	*status = verb_fetch(c, cell);
	if (*status == EXIT_NO) {
		*status = EXIT_YES;
		return 0;
	}
	return *status == EXIT_YES && (cell->type == SHMU_CELL_BYTES ||
	    cell->type == SHMU_CELL_INTEGER);
}

/* KEY NUL VALUE NUL for each, so that a variable is changed only when all of it
 * can be. */
static int
gather(struct call *c, size_t n, struct buffer *pairs)
{
	struct shmu_cell cell;
	int status = EXIT_YES, coded = (c->given & (OPT_HEX | OPT_BASE64 |
	    OPT_QUOTE)) != 0;
	const void *bytes;
	size_t i, length;

	for (i = 0; i < n && status == EXIT_YES; i++) {
		if (!valued(c, i, &cell, &status))
			continue;
		bytes = c->s->value.bytes;
		length = c->s->value.used;
		if (memchr(c->key, '\0', c->key_length) != NULL)
			return nul_in_name(c);
		if (!coded && memchr(bytes, '\0', length) != NULL)
			return nul_in_value(c);
		status = verb_encode(c, &bytes, &length, NULL);
		if (status == EXIT_YES && (buffer_add(pairs, c->key,
		    c->key_length) == -1 || buffer_byte(pairs, '\0') == -1 ||
		    buffer_add(pairs, bytes, length) == -1 ||
		    buffer_byte(pairs, '\0') == -1))
			status = verb_fail(c, EXIT_CANNOT, "no memory");
	}
	return status;
}

static int
all_in_variable(struct call *c, size_t n)
{
	const struct carrier *carrier = c->s->carrier;
	struct buffer pairs = { NULL, 0, 0 };
	const char *p, *value;
	int status = gather(c, n, &pairs);

	if (status == EXIT_YES)
		status = carrier->clear(carrier->arg, c->var, 1);
	for (p = pairs.bytes; status == EXIT_YES && pairs.used > 0 &&
	    p < pairs.bytes + pairs.used; p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		status = carrier->add(carrier->arg, c->var, p, value,
		    strlen(value));
	}
	buffer_free(&pairs);
	return status;
}

static int
all_in_json(struct call *c, size_t n)
{
	struct json j = JSON_INIT(c->s->carrier->out);
	struct shmu_cell cell;
	int status = EXIT_YES;
	size_t i;

	json_open(&j, NULL, '{');
	json_string(&j, "schema", "shmutils.all.1");
	json_open(&j, "cells", '[');
	j.flat = 2;
	for (i = 0; i < n && status == EXIT_YES; i++) {
		if (!valued(c, i, &cell, &status))
			continue;
		json_open(&j, NULL, '{');
		json_bytes(&j, "key", c->key, c->key_length);
		json_value(&j, c, &cell);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return status;
}

/* One line, or what ends with a NUL. */
static int
pair(struct call *c)
{
	FILE *out = c->s->carrier->out;
	int nul = (c->given & OPT_NULL) != 0, status;
	unsigned int coding = c->given & (OPT_HEX | OPT_BASE64 | OPT_QUOTE);
	const void *bytes = c->key;
	size_t length = c->key_length;

	c->given &= ~coding;
	status = verb_encode(c, &bytes, &length, nul ? NULL : "=");
	c->given |= coding;
	if (status != EXIT_YES)
		return status;
	fwrite(bytes, 1, length, out);
	putc('=', out);
	bytes = c->s->value.bytes;
	length = c->s->value.used;
	status = verb_encode(c, &bytes, &length, nul ? NULL : "");
	if (status != EXIT_YES)
		return status;
	fwrite(bytes, 1, length, out);
	putc(nul ? '\0' : '\n', out);
	return EXIT_YES;
}

int
verb_all(struct call *c)
{
	struct shmu_cell cell;
	size_t n, i;
	int status = cells_list(c, NULL, &n);

	if (status != EXIT_YES)
		return status;
	if (c->var != NULL)
		return all_in_variable(c, n);
	if ((c->given & OPT_JSON) != 0)
		return all_in_json(c, n);
	for (i = 0; i < n && status == EXIT_YES; i++)
		if (valued(c, i, &cell, &status))
			status = pair(c);
	return status;
}
