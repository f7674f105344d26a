/* SPDX-License-Identifier: MIT */
/*
 * json-read.h - read JSON a piece at a time, from memory
 *
 * Each function skips blanks, reads one thing and stands behind it: 1, or 0
 * when something else is there, and then nothing was read.  What is damaged
 * sets error, after which nothing is read any more.
 */
#ifndef JSON_READ_H
#define JSON_READ_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

struct json_read {
	const char	*at, *end;
	const char	*error;		/* NULL: none so far */
};

int json_is(struct json_read *r, char c);	/* one of {}[]:, */
int json_is_end(struct json_read *r);

/* A string, appended to out, in UTF-8. */
int json_is_string(struct json_read *r, struct buffer *out);

/* A whole number of 64 bits; others are errors. */
int json_is_integer(struct json_read *r, int64_t *out);
int json_is_bool(struct json_read *r, int *out);

#endif
