/* SPDX-License-Identifier: MIT */
/* heap-work.h - what each peer of bench/heap provides */
#ifndef HEAP_WORK_H
#define HEAP_WORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A heap of arena bytes that forked children share, or each its own; 0, or -1
 * when this peer cannot have one. */
int peer_create(size_t arena);

/* In each child after fork; index from 0. */
void peer_child(int index);

/* Not to be inlined: every peer is called alike. */
void *peer_malloc(size_t size);
void peer_free(void *p);

/* Bytes that nobody else can have, metadata included; 0 where the peer does not
 * tell. */
uint64_t peer_real_used(void);

/* How many inconsistencies a full check finds; -1 where there is no check. */
int peer_check(void);

/* 1: what one process allocates another may free. */
extern const int peer_shared;

#ifdef __cplusplus
}
#endif

#endif
