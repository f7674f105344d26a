/* SPDX-License-Identifier: MIT */
/* table-state.c - see table-state.h */
#include "config.h"

#include <unistd.h>

#include "../unit/finding.h"
#include "hash.h"
#include "table-state.h"

void
state_create_table(struct shmu_table **out)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_operand op;

	memset(&op, 0, sizeof op);
	op.kind = SHMU_PRIVATE;
	spec.maximum = STATE_ARENA;
	spec.slots = 4;
	assert_int_equal(shmu_table_create(out, &op, &spec), 0);
	op = *shmu_table_operand(*out);
	assert_int_equal(shmu_segment_remove(&op, NULL), 0);
}

struct shmu_table *
state_attach_table(bool rescue, const unsigned char *image)
{
	struct shmu_table *t;

	assert_int_equal(shmu_table_attach(&t, state_segment(rescue, image,
	    (ssize_t)STATE_ARENA), 0), 0);
	return t;
}

static int
add_cell(const struct shmu_cell *cell, const void *value, void *arg)
{
	struct table_content *c = arg;
	int n;

	assert_true(c->cells < STATE_CELLS);
	n = sprintf(c->cell[c->cells], "%s %llu %016llx ",
	    shmu_cell_name(cell->type), (unsigned long long)cell->length,
	    (unsigned long long)XXH3_64bits(value, cell->length));
	memcpy(c->cell[c->cells] + n, cell->key, cell->key_length < 16 ?
	    cell->key_length : 16);
	c->cells++;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof ((struct table_content *)NULL)->cell[0]);
}

static int
flaw(bool wrong, const char *what)
{
	if (wrong)
		print_error("# %s\n", what);
	return wrong;
}

/* Every chunk is a cell's, a bucket's, a piece's, or the control block. */
static int
audit(const struct shmu_table *t, const struct shmu_table_stat *s)
{
	struct shmu_heap_view *v;
	struct shmu_heap_stat h;
	uint64_t chunks = 1 + s->overflows + s->cells;
	int n;
	uint32_t i;

	for (i = 0; i < TABLE_PIECES; i++)
		chunks += t->c->piece[i] != 0;
	assert_int_equal(shmu_heap_view_mapped(&v, t->base, STATE_ARENA), 0);
	n = shmu_heap_view_check(v, print_finding, NULL);
	assert_int_equal(shmu_heap_view_stat(v, &h), 0);
	shmu_heap_view_close(v);
	if (h.chunks != chunks)
		print_error("# %llu chunks, not %llu\n",
		    (unsigned long long)h.chunks, (unsigned long long)chunks);
	return n + (h.chunks != chunks);
}

/* What is left of the dead, and whether each cell is found by its key. */
static int
look_for_traces(struct shmu_table *t)
{
	const struct heap_slot *s = slots(t->heap);
	int n = flaw(t->c->splitting != 0, "somebody splits") +
	    flaw(t->c->fresh != 0, "a bucket is fresh");
	uint64_t b;
	uint32_t i, j;

	for (i = 0; i < t->heap->l.slots; i++)
		for (j = 0; j < J_COUNT; j++)
			n += flaw(s[i].table[j] != 0 && j != J_SAVED &&
			    j != J_SAVED + 1 && j != J_LENGTH, "a journal");
	for (b = 0; b < t->c->buckets; b++)
		n += flaw((bucket_at(t, b)->word & WORD_LOCKED) != 0,
		    "a bucket is locked");
	return n;
}

static int
find_again(const struct shmu_cell *cell, const void *value, void *arg)
{
	struct shmu_table *t = arg;
	unsigned char buf[64];
	struct shmu_cell found;

	if (shmu_table_get(t, cell->key, cell->key_length, buf, sizeof buf,
	    &found) == -1 || found.length != cell->length ||
	    memcmp(buf, value, cell->length < sizeof buf ? cell->length :
	    sizeof buf) != 0)
		return 1;
	return 0;
}

static int
tell(struct shmu_table *t, struct table_content *out)
{
	struct shmu_table_stat s;
	int n = 0;

	memset(out, 0, sizeof *out);
	assert_int_equal(shmu_table_each(t, add_cell, out), 0);
	qsort(out->cell, (size_t)out->cells, sizeof out->cell[0], compare);
	assert_int_equal(shmu_table_stat(t, &s), 0);
	n += flaw(s.cells != (uint64_t)out->cells, "the number of cells");
	n += flaw(shmu_table_each(t, find_again, t) != 0,
	    "a cell that is not found");
	return n + look_for_traces(t) + audit(t, &s);
}

/*
 * It must also be of use still.  The key is in a bucket that no test fills: an
 * overflow made here would teach this process the number of its site, which
 * the next image of the same heap does not have.
 */
static int
use(struct shmu_table *t)
{
	uint64_t key = state_key(t, 5, TABLE_FIRST, 0);
	unsigned char value[40] = { 1 };
	int n = 0, i;

	for (i = 0; i < 3; i++) {
		n += flaw(shmu_table_put(t, &key, sizeof key, value,
		    i == 1 ? 40 : 3) == -1, "no put");
		n += flaw(shmu_table_get(t, &key, sizeof key, value, 40,
		    NULL) == -1, "no get");
	}
	return n + flaw(shmu_table_delete(t, &key, sizeof key) == -1,
	    "no delete");
}

int
state_recover_table(unsigned char *image, const struct shmu_table *like,
    struct table_content *out)
{
	static struct table_content again;
	struct shmu_table *t;
	int n;

	state_bury(image, like->heap);
	t = state_attach_table(false, image);
	assert_int_equal(shmu_heap_gc(t->heap, NULL), 0);
	n = tell(t, out);
	n += use(t);
	n += tell(t, &again);
	n += flaw(!state_same(out, &again), "use has changed what was there");
	assert_int_equal(shmu_table_detach(t), 0);
	return n;
}

bool
state_same(const struct table_content *a, const struct table_content *b)
{
	return a->cells == b->cells && memcmp(a->cell, b->cell,
	    sizeof a->cell) == 0;
}

uint64_t
state_key(const struct shmu_table *t, uint64_t b, uint64_t buckets, int nth)
{
	uint64_t key = UINT64_C(0x2020202020202020);

	for (;; key++)
		if (bucket_of(shmu_t_hash(t, &key, sizeof key), buckets) ==
		    b && nth-- == 0)
			return key;
}
