/* SPDX-License-Identifier: MIT */
/* json.c - a small streaming JSON writer; see json.h */
#include "config.h"

#include <string.h>

#include "json.h"
#include "text.h"

static void
flush(struct json *j)
{
	fwrite(j->text, 1, j->used, j->out);
	j->used = 0;
}

/* Room for n bytes more, n being less than there is in all. */
static char *
room(struct json *j, size_t n)
{
	if (n > sizeof j->text - j->used)
		flush(j);
	return j->text + j->used;
}

/* A piece of text, which is short, or cut into pieces that are. */
static void
put(struct json *j, const char *s)
{
	char *begin = room(j, 256), *end = begin + 255, *p = begin;

	while (*s != '\0') {
		if (p == end) {
			j->used += (size_t)(p - begin);
			p = begin = room(j, 256);
			end = begin + 255;
		}
		*p++ = *s++;
	}
	j->used += (size_t)(p - begin);
}

static void
put_char(struct json *j, char c)
{
	*room(j, 1) = c;
	j->used++;
}

static void
indent(struct json *j)
{
	int i;

	if (j->depth > j->flat)
		return;
	put_char(j, '\n');
	for (i = 0; i < j->depth; i++)
		put(j, "  ");
}

/* A key is a word of ours, far shorter than the room that is asked for. */
static void
begin(struct json *j, const char *key)
{
	char *p;

	if (!j->empty[j->depth])
		put_char(j, ',');
	if (j->depth > 0)
		indent(j);
	j->empty[j->depth] = 0;
	if (key == NULL)
		return;
	p = room(j, 128);
	*p++ = '"';
	p = text_copy(p, key);
	*p++ = '"';
	*p++ = ':';
	if (j->depth <= j->flat)
		*p++ = ' ';
	j->used = (size_t)(p - j->text);
}

void
json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	put_char(j, bracket);
	j->empty[++j->depth] = 1;
}

void
json_close(struct json *j, char bracket)
{
	int flat = j->depth > j->flat;

	if (!j->empty[j->depth--] && !flat)
		indent(j);
	put_char(j, bracket);
	if (j->depth > 0)
		return;
	put_char(j, '\n');
	flush(j);
	j->empty[0] = 1;
}

void
json_number(struct json *j, const char *key, int64_t n)
{
	begin(j, key);
	j->used += text_number(room(j, TEXT_NUMBER), n);
}

void
json_unsigned(struct json *j, const char *key, uint64_t n)
{
	begin(j, key);
	j->used += text_unsigned(room(j, TEXT_NUMBER), n);
}

void
json_bool(struct json *j, const char *key, int yes)
{
	begin(j, key);
	put(j, yes ? "true" : "false");
}

void
json_null(struct json *j, const char *key)
{
	begin(j, key);
	put(j, "null");
}

static void
hex(struct json *j, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	put_char(j, digits[c >> 4]);
	put_char(j, digits[c & 15]);
}

/* One character, of len bytes; 0 when it is none. */
static void
character(struct json *j, const unsigned char *s, size_t len)
{
	size_t i;

	if (len == 0) {
		put(j, "\\\\x");
		hex(j, *s);
	} else if (*s < ' ' || *s == 0x7f) {
		put(j, "\\u00");
		hex(j, *s);
	} else {
		if (*s == '"' || *s == '\\')
			put_char(j, '\\');
		for (i = 0; i < len; i++)
			put_char(j, (char)s[i]);
	}
}

void
json_bytes(struct json *j, const char *key, const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	int valid = 1;
	size_t len, i;

	begin(j, key);
	put_char(j, '"');
	for (i = 0; i < n; i += len > 0 ? len : 1) {
		len = text_utf8(s + i, n - i);
		valid &= len > 0;
		character(j, s + i, len);
	}
	put_char(j, '"');
	if (valid || key == NULL)
		return;
	put_char(j, ',');
	indent(j);
	put(j, "\"");
	put(j, key);
	put(j, "_hex\": \"");
	for (i = 0; i < n; i++)
		hex(j, s[i]);
	put_char(j, '"');
}

void
json_string(struct json *j, const char *key, const char *s)
{
	if (s == NULL)
		json_null(j, key);
	else
		json_bytes(j, key, s, strlen(s));
}

void
json_time(struct json *j, const char *key, time_t t)
{
	char *p;
	size_t n;

	begin(j, key);
	p = room(j, TEXT_TIME + 2);
	n = t == 0 ? 0 : text_utc(p + 1, t);
	if (n == 0) {
		put(j, "null");
		return;
	}
	p[0] = p[n + 1] = '"';
	j->used += n + 2;
}
