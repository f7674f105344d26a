/* SPDX-License-Identifier: MIT */
/*
 * encode.h - bytes as text, and back
 *
 * Each appends to a buffer: 0, or -1 with ENOMEM, or with EINVAL for text that
 * is not of the form; what was appended then is undone.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include "buffer.h"

int encode_hex(struct buffer *to, const void *bytes, size_t n);
int encode_base64(struct buffer *to, const void *bytes, size_t n);

/* Blanks and ends of lines between digits count for nothing. */
int decode_hex(struct buffer *to, const char *text, size_t n);
int decode_base64(struct buffer *to, const char *text, size_t n);

/* A word that a shell reads as these bytes: 'it'\''s', or $'\x01' (bash, zsh,
 * ksh) where there are control bytes or what is no UTF-8. */
int encode_quoted(struct buffer *to, const void *bytes, size_t n);

/* Control bytes, what is no UTF-8, the bytes of also, and backslashes become
 * \xHH, which printf(1) reads with %b. */
int encode_escaped(struct buffer *to, const void *bytes, size_t n,
    const char *also);

#endif
