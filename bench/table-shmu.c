/* SPDX-License-Identifier: MIT */
/* table-shmu.c - libshmutil's table, as a peer of bench/table */
#include <stdio.h>
#include <unistd.h>

#include "shmutil/table.h"
#include "table-work.h"

static struct shmu_table *table;

int
peer_create(size_t arena)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_operand op = { .kind = SHMU_POSIX };
	int r;

	snprintf(op.name, sizeof op.name, "/bench-table-%d", (int)getpid());
	spec.maximum = arena;
	r = shmu_table_create(&table, &op, &spec);
	if (r == 0)
		shmu_segment_remove(&op, NULL);
	return r;
}

void
peer_child(void)
{
	struct shmu_table *parent = table;

	if (shmu_table_join(&table, parent) == -1) {
		perror("shmu_table_join");
		_exit(1);
	}
}

__attribute__((noinline)) int
peer_set(const char *key, const void *value)
{
	return shmu_table_put(table, key, KEY_BYTES, value, VALUE_BYTES);
}

__attribute__((noinline)) int
peer_get(const char *key, void *value)
{
	return shmu_table_get(table, key, KEY_BYTES, value, VALUE_BYTES, NULL);
}

__attribute__((noinline)) int
peer_delete(const char *key)
{
	return shmu_table_delete(table, key, KEY_BYTES);
}
