/* SPDX-License-Identifier: MIT */
/* verb-value.c - the verbs for what a cell holds: get put del type len */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "text.h"
#include "verb.h"

/* The text of an integer, in place. */
static void
integer_text(struct buffer *b)
{
	int64_t n;

	memcpy(&n, b->bytes, sizeof n);
	b->used = text_number(b->bytes, n);
}

int
verb_fetch(struct call *c, struct shmu_cell *cell)
{
	struct buffer *b = &c->s->value;
	int repaired = 0;

	b->used = 0;
	if (buffer_room(b, 512) == NULL)
		return verb_fail(c, EXIT_CANNOT, "no memory");
	for (;;) {
		if (shmu_table_get(c->t, c->key, c->key_length, b->bytes,
		    b->room - 1, cell) == 0) {
			if (cell->length < b->room)
				break;
			/* It may have grown meanwhile, so look again. */
			if (buffer_room(b, (size_t)cell->length) == NULL)
				return verb_fail(c, EXIT_CANNOT, "no memory");
		} else if (errno != EOWNERDEAD || repaired++ > 0)
			return verb_cause(c, errno);
		else if (session_open(c, CHANGES) != EXIT_YES)
			return EXIT_CANNOT;
	}
	if (cell->type == SHMU_CELL_INTEGER)
		integer_text(b);
	else if (cell->type == SHMU_CELL_BYTES)
		b->used = (size_t)cell->length;
	return EXIT_YES;
}

/* What the cell of the command line holds. */
static int
fetch(struct call *c, struct shmu_cell *cell)
{
	int status = session_open(c, READS);

	return status == EXIT_YES ? verb_fetch(c, cell) : status;
}

int
verb_get(struct call *c)
{
	struct buffer *b = &c->s->value;
	struct shmu_cell cell;
	int status = fetch(c, &cell);

	if (status != EXIT_YES)
		return status;
	if (cell.type != SHMU_CELL_BYTES && cell.type != SHMU_CELL_INTEGER)
		return verb_fail(c, EXIT_CANNOT, "a %s has no value; shm ls -l shows "
		    "it%s", shmu_cell_name(cell.type), cell.type ==
		    SHMU_CELL_QUEUE ? ", shm pop takes from it" : "");
	if ((c->given & OPT_LENGTH) != 0 && c->length < b->used)
		b->used = (size_t)c->length;
	return verb_result(c, b->bytes, b->used);
}

/* All of standard input, or so many bytes; what cannot be stored is not read to
 * its end. */
static int
input(struct call *c)
{
	int limited = (c->given & OPT_LENGTH) != 0, status;
	const struct buffer *b = &c->s->value;
	uint64_t most;

	session_try(c, READS);
	most = verb_most(c);
	status = limited && c->length <= most ? verb_stdin(c, c->length) :
	    limited ? EXIT_YES : verb_stdin(c, most + 1);
	if (status != EXIT_YES)
		return status;
	if ((limited ? c->length : b->used) > most)
		return verb_fail(c, EXIT_CANNOT, "the data is more than the "
		    "store can have; nothing was stored");
	return !limited || b->used == c->length ? EXIT_YES :
	    verb_fail(c, EXIT_CANNOT, "standard input ended after %zu bytes; "
	    "nothing was stored", b->used);
}

/* The data, from where the command line says. */
static int
data(struct call *c, const char **bytes, size_t *n)
{
	struct buffer *b = &c->s->value;
	int status = EXIT_YES, given = (c->given & OPT_STDIN) != 0;

	if (given == (c->argc > 0))
		return verb_fail(c, EXIT_USAGE, given ? "either TEXT or -i, not "
		    "both" : "which TEXT? -i takes it from standard input");
	if (!given && (c->given & OPT_LENGTH) != 0)
		return verb_fail(c, EXIT_USAGE, "--length is for -i");
	if (given) {
		status = input(c);
		*bytes = b->used > 0 ? b->bytes : "";
		*n = b->used;
	} else {
		*bytes = c->argv[0];
		*n = strlen(c->argv[0]);
	}
	return status == EXIT_YES ? verb_decode(c, bytes, n) : status;
}

int
verb_put(struct call *c)
{
	const char *bytes;
	size_t n;
	int status = data(c, &bytes, &n);

	if (status == EXIT_YES)
		status = session_open(c, MAKES);
	if (status == EXIT_YES &&
	    shmu_table_put(c->t, c->key, c->key_length, bytes, n) == -1)
		status = verb_cause(c, errno);
	return status;
}

int
verb_del(struct call *c)
{
	int status = session_open(c, CHANGES);

	if (status == EXIT_YES &&
	    shmu_table_delete(c->t, c->key, c->key_length) == -1)
		status = verb_cause(c, errno);
	return status;
}

int
verb_type(struct call *c)
{
	struct shmu_cell cell;
	const char *name;
	int status = fetch(c, &cell);

	if (status != EXIT_YES)
		return status;
	name = shmu_cell_name(cell.type);
	return verb_result(c, name, strlen(name));
}

int
verb_len(struct call *c)
{
	struct shmu_cell_state state;
	struct shmu_cell cell;
	int status = fetch(c, &cell);

	if (status != EXIT_YES)
		return status;
	if (cell.type == SHMU_CELL_BYTES || cell.type == SHMU_CELL_INTEGER)
		return verb_result_number(c, (int64_t)c->s->value.used);
	/* To count those who wait takes the right to write. */
	status = session_open(c, CHANGES);
	if (status != EXIT_YES)
		return status;
	if (shmu_cell_state(c->t, c->key, c->key_length, &state, NULL, 0) == -1)
		return verb_cause(c, errno);
	return verb_result_number(c, state.taken);
}
