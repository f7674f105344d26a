/* SPDX-License-Identifier: MIT */
/* json.h - a small streaming JSON writer: nothing is held back or looked up */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct json {
	FILE	*out;
	int	 depth;
	int	 empty[8];	/* nothing was written at this depth yet */
	int	 flat;		/* what is deeper than this stays on one line */
	size_t	 used;		/* of text, written when it is full and at the
				 * end */
	char	 text[4096];
};
#define JSON_FLAT	8
#define JSON_INIT(out)	{ out, 0, { 1 }, JSON_FLAT, 0, { 0 } }

/* key is NULL within an array, and for the outermost value. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_number(struct json *j, const char *key, int64_t n);
void json_unsigned(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, int yes);
void json_null(struct json *j, const char *key);

/* A string; bytes that are no valid UTF-8 become \xHH, and then a second
 * member, KEY_hex, has all of them in hex. */
void json_bytes(struct json *j, const char *key, const void *bytes, size_t n);

/* The same up to a NUL.  NULL is null. */
void json_string(struct json *j, const char *key, const char *s);

/* ISO 8601 in UTC; null when 0. */
void json_time(struct json *j, const char *key, time_t t);

#endif
