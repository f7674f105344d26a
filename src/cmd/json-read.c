/* SPDX-License-Identifier: MIT */
/* json-read.c - read JSON a piece at a time; see json-read.h */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "json-read.h"
#include "text.h"
#include "verb.h"

static int
wrong(struct json_read *r, const char *why)
{
	if (r->error == NULL)
		r->error = why;
	r->at = r->end;
	return 0;
}

static void
skip(struct json_read *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' ||
	    *r->at == '\r' || *r->at == '\n'))
		r->at++;
}

int
json_is(struct json_read *r, char c)
{
	skip(r);
	if (r->error != NULL || r->at == r->end || *r->at != c)
		return 0;
	r->at++;
	return 1;
}

int
json_is_end(struct json_read *r)
{
	skip(r);
	return r->error == NULL && r->at == r->end;
}

/* Four hexadecimal digits. */
static int
unit(struct json_read *r, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *d;
	int i;

	*out = 0;
	for (i = 0; i < 4; i++) {
		d = r->at < r->end && *r->at != '\0' ? strchr(digits, *r->at) :
		    NULL;
		if (d == NULL)
			return wrong(r, "\\u takes four hexadecimal digits");
		*out = *out << 4 | (uint32_t)((d - digits) & 15);
		r->at++;
	}
	return 1;
}

static int
add_utf8(struct buffer *out, uint32_t c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;

	if (n == 1)
		return buffer_byte(out, (char)c);
	for (i = n; i-- > 1; c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3f));
	s[0] = (char)((0xf00 >> n & 0xff) | c);
	return buffer_add(out, s, n);
}

/* After "\u". */
static int
universal(struct json_read *r, struct buffer *out)
{
	uint32_t c, low;

	if (!unit(r, &c))
		return 0;
	if (c >= 0xd800 && c < 0xe000) {
		if (c >= 0xdc00 || r->end - r->at < 2 || r->at[0] != '\\' ||
		    r->at[1] != 'u')
			return wrong(r, "half of a character in \\u");
		r->at += 2;
		if (!unit(r, &low))
			return 0;
		if (low < 0xdc00 || low >= 0xe000)
			return wrong(r, "half of a character in \\u");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return add_utf8(out, c) == 0 ? 1 : wrong(r, "no memory");
}

/* After a backslash. */
static int
escape(struct json_read *r, struct buffer *out)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *p;

	if (r->at == r->end || *r->at == '\0')
		return wrong(r, "the text ends in a string");
	if (*r->at == 'u') {
		r->at++;
		return universal(r, out);
	}
	p = strchr(letters, *r->at++);
	if (p == NULL)
		return wrong(r, "there is no such escape in JSON");
	return buffer_byte(out, bytes[p - letters]) == 0 ? 1 :
	    wrong(r, "no memory");
}

int
json_is_string(struct json_read *r, struct buffer *out)
{
	size_t len;

	if (!json_is(r, '"'))
		return 0;
	while (r->at < r->end && *r->at != '"') {
		if (*r->at == '\\') {
			r->at++;
			if (!escape(r, out))
				return 0;
			continue;
		}
		len = text_utf8((const unsigned char *)r->at,
		    (size_t)(r->end - r->at));
		if (len == 0)
			return wrong(r, "a string is no UTF-8");
		if ((unsigned char)*r->at < ' ')
			return wrong(r, "a control byte in a string");
		if (buffer_add(out, r->at, len) == -1)
			return wrong(r, "no memory");
		r->at += len;
	}
	if (r->at == r->end)
		return wrong(r, "the text ends in a string");
	r->at++;
	return 1;
}

int
json_is_integer(struct json_read *r, int64_t *out)
{
	char text[32];
	size_t n = 0;

	skip(r);
	while (r->error == NULL && n < sizeof text - 1 && r->at + n < r->end &&
	    r->at[n] != '\0' && strchr("+-.0123456789eE", r->at[n]) != NULL) {
		text[n] = r->at[n];
		n++;
	}
	if (n == 0)
		return 0;
	text[n] = '\0';
	if (integer_parse(text, out) == -1)
		return wrong(r, "a number that is no integer of 64 bits");
	r->at += n;
	return 1;
}

int
json_is_bool(struct json_read *r, int *out)
{
	skip(r);
	for (*out = 0; *out < 2; ++*out) {
		const char *word = *out ? "true" : "false";
		size_t n = strlen(word);

		if (r->error == NULL && (size_t)(r->end - r->at) >= n &&
		    memcmp(r->at, word, n) == 0) {
			r->at += n;
			return 1;
		}
	}
	return 0;
}
