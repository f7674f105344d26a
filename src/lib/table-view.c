/* SPDX-License-Identifier: MIT */
/* table-view.c - what a view of a heap shows of the table on it */
#include "config.h"

#include "heap-view.h"
#include "table-layout.h"

static bool
has_table(const struct shmu_heap_view *v)
{
	char name[SHMU_HEAP_NAME + 1];
	uint64_t off;
	uint32_t i;

	for (i = 0; shmu_heap_view_root(v, i, name, &off) == 1; i++)
		if (strcmp(name, TABLE_ROOT) == 0)
			return off != 0;
	return false;
}

int
shmu_table_view_cells(const struct shmu_heap_view *v, uint64_t *cells)
{
	uint32_t i;

	if (!has_table(v)) {
		errno = ENOENT;
		return -1;
	}
	*cells = 0;
	for (i = 0; i < v->l.slots; i++)
		*cells += TABLE(v, slots_off, struct heap_slot)[i].
		    table[J_COUNT];
	return 0;
}
