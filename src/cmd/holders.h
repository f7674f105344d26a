/* SPDX-License-Identifier: MIT */
/* holders.h - who holds an item, in words */
#ifndef HOLDERS_H
#define HOLDERS_H

#include "shmutil/inventory.h"

/* "812 sleep, 813 cat": what is no printable ASCII is "?"; cut at size. */
const char *holders_text(const struct shmu_item *item, char *buf, size_t size);

#endif
