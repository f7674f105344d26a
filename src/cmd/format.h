/* SPDX-License-Identifier: MIT */
/*
 * format.h - what the structures of this toolkit say of themselves
 *
 * One line for each kind; a kind that is added gets its function in format.c
 * and a row of the table there.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>

#include "shmutil/inventory.h"

/* "table 1": the format and its layout; "" for none of ours. */
void format_word(const struct shmu_item *item, char *buf, size_t size);

/*
 * A line about what item holds, such as "heap, layout 1, 64K of 1G, tied to
 * process 812, alive"; "" for none of ours or what cannot be read.  Opens the
 * segment; System V is attached only where somebody is already, since to attach
 * changes its times.
 */
void format_line(const struct shmu_item *item, char *buf, size_t size);

#endif
