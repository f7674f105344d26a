/* SPDX-License-Identifier: MIT */
/* table-work.h - what each peer of bench/table provides */
#ifndef TABLE_WORK_H
#define TABLE_WORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEY_BYTES	31U
#define VALUE_BYTES	16U

/* A table in arena bytes that forked children share; 0, or -1. */
int peer_create(size_t arena);

/* In each child after fork. */
void peer_child(void);

/* Not to be inlined: every peer is called alike.  0, or -1. */
int peer_set(const char *key, const void *value);
int peer_get(const char *key, void *value);
int peer_delete(const char *key);

#ifdef __cplusplus
}
#endif

#endif
