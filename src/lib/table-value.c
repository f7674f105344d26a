/* SPDX-License-Identifier: MIT */
/* table-value.c - cells that hold bytes or an integer: put, delete, integer */
#include "config.h"

#include <string.h>

#include "table-layout.h"

/* Everything that fits into what the journal can keep is replaced in place. */
static bool
in_place(const struct cell *c, uint64_t length)
{
	const struct entry *e = c->entry;

	return c->type == SHMU_CELL_BYTES && length <= TABLE_IN_PLACE &&
	    e->room >= TABLE_IN_PLACE / 16 && within(c->t->heap,
	    offset(c->t->heap, c->payload), TABLE_IN_PLACE);
}

/* Until the journal's first word is 0 again a death undoes it. */
static void
replace_in_place(struct cell *c, const void *value, uint64_t length)
{
	uint64_t *j = journal(c->t), *to = c->payload, word[2];
	struct entry *e = c->entry;

	memcpy(word, to, sizeof word);
	RELEASE(&j[J_SAVED], word[0]);
	RELEASE(&j[J_SAVED + 1], word[1]);
	RELEASE(&j[J_LENGTH], e->length);
	shmu_t_count(c);
	RELEASE(&j[J_WHAT], offset(c->t->heap, e));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (length > 0)
		memcpy(word, value, length);
	RELEASE(&to[0], word[0]);
	RELEASE(&to[1], word[1]);
	RELEASE(&e->length, length);
	RELEASE(&j[J_WHAT], 0);			/* the commit */
}

static bool
is_value(enum shmu_cell_type type)
{
	return type == SHMU_CELL_BYTES || type == SHMU_CELL_INTEGER;
}

/* An entry with the value, which shmu_t_publish then makes the cell. */
static struct entry *
filled(struct shmu_table *t, const void *key, size_t key_length,
    const void *value, uint64_t length)
{
	struct entry *e = shmu_t_entry_new(t, key, key_length,
	    SHMU_CELL_BYTES, length);

	if (e != NULL && length > 0)
		memcpy(entry_payload(e, key_length), value, length);
	return e;
}

static int
put(struct cell *c, struct entry *e, const void *value, uint64_t length)
{
	if (c->type != SHMU_CELL_NONE && !is_value(c->type)) {
		errno = EPROTOTYPE;
		return -1;
	}
	if (e == NULL && in_place(c, length)) {
		replace_in_place(c, value, length);
		return 0;
	}
	if (e == NULL)
		e = filled(c->t, c->key, c->key_length, value, length);
	return e == NULL ? -1 : shmu_t_publish(c, e);
}

/* What is too long for the journal is copied before the bucket is taken. */
int
shmu_table_put(struct shmu_table *t, const void *key, size_t key_length,
    const void *value, size_t length)
{
	struct entry *e = NULL;
	struct cell c;
	int r, err;

	if (!shmu_t_writable(t, key_length) || shmu_t_tidy(t) == -1)
		return -1;
	if (length > TABLE_IN_PLACE) {
		e = filled(t, key, key_length, value, length);
		if (e == NULL)
			return -1;
	}
	if (shmu_t_take_for(t, key, key_length, &c) == -1) {
		err = errno;
		shmu_t_tidy(t);
		errno = err;
		return -1;
	}
	r = put(&c, e, value, length);
	shmu_t_leave(&c, r == 0);
	return r;
}

int
shmu_table_delete(struct shmu_table *t, const void *key, size_t key_length)
{
	struct cell c;
	int r = 0;

	if (shmu_t_take(t, key, key_length, &c) == -1)
		return -1;
	if (c.type == SHMU_CELL_NONE) {
		errno = ENOENT;
		r = -1;
	} else if (!is_value(c.type)) {
		r = shmu_t_cell_busy(&c);
		if (r == 0)
			shmu_t_cell_empty(&c);
	}
	if (r == 0)
		shmu_t_remove(&c);
	shmu_t_leave(&c, r == 0);
	return r;
}

/* "-17", and nothing else besides. */
static bool
decimal(const unsigned char *p, uint64_t length, int64_t *out)
{
	bool minus = length > 0 && p[0] == '-';
	int64_t n = 0;
	uint64_t i;

	for (i = minus; i < length; i++)
		if (p[i] < '0' || p[i] > '9' ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, p[i] - '0', &n))
			return false;
	if (i == (uint64_t)minus || (!minus && n == INT64_MIN))
		return false;
	*out = minus ? n : -n;
	return true;
}

static int
value_of(const struct cell *c, int64_t *out)
{
	*out = 0;
	if (c->type == SHMU_CELL_NONE)
		return 0;
	if (c->type == SHMU_CELL_INTEGER && c->length == sizeof *out) {
		memcpy(out, c->payload, sizeof *out);
		return 0;
	}
	if (c->type == SHMU_CELL_BYTES && decimal(c->payload, c->length, out))
		return 0;
	errno = EPROTOTYPE;
	return -1;
}

/* What the integer shall be and what the caller is told.  -1 with errno. */
static int
compute(enum shmu_integer op, int64_t a, int64_t b, int64_t old, int64_t *new,
    int64_t *result)
{
	int r = 0;

	*new = old;
	switch (op) {
	case SHMU_ADD:
		if (__builtin_add_overflow(old, a, new)) {
			errno = ERANGE;
			return -1;
		}
		break;
	case SHMU_ADD_WRAP:
		*new = (int64_t)((uint64_t)old + (uint64_t)a);
		break;
	case SHMU_SWAP:
		*new = a;
		break;
	case SHMU_CAS:
		*new = old == a ? b : old;
		if (old == a)
			break;
		errno = EAGAIN;
		r = -1;
		break;
	case SHMU_MAX:
		*new = a > old ? a : old;
		break;
	case SHMU_MIN:
		*new = a < old ? a : old;
		break;
	default:
		errno = EINVAL;
		return -1;
	}
	if (result != NULL)
		*result = op == SHMU_SWAP ? old : *new;
	return r;
}

static void
init_integer(void *payload, void *arg)
{
	memcpy(payload, arg, sizeof(int64_t));
}

/* 1: it was changed. */
static int
set_integer(struct cell *c, int64_t old, int64_t new, enum shmu_integer op)
{
	if (c->type != SHMU_CELL_INTEGER)
		return shmu_t_make(c, SHMU_CELL_INTEGER, sizeof new,
		    init_integer, &new) == -1 ? -1 : 1;
	if (new == old && (op == SHMU_MAX || op == SHMU_MIN))
		return 0;
	shmu_t_count(c);
	RELEASE((uint64_t *)c->payload, (uint64_t)new);	/* the commit */
	return 1;
}

int
shmu_table_integer(struct shmu_table *t, const void *key, size_t key_length,
    enum shmu_integer op, int64_t a, int64_t b, int64_t *result)
{
	int64_t old, new;
	struct cell c;
	int r;

	if (shmu_t_take(t, key, key_length, &c) == -1)
		return -1;
	r = value_of(&c, &old);
	if (r == 0)
		r = compute(op, a, b, old, &new, result);
	if (r == 0)
		r = set_integer(&c, old, new, op);
	shmu_t_leave(&c, r == 1);
	return r == -1 ? -1 : 0;
}
