/* SPDX-License-Identifier: MIT */
/* encode.c - bytes as text, and back; see encode.h */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "encode.h"
#include "text.h"

static const char hex[] = "0123456789abcdef";
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";

int
encode_hex(struct buffer *to, const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	char *p = buffer_room(to, n * 2);
	size_t i;

	if (p == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		*p++ = hex[s[i] >> 4];
		*p++ = hex[s[i] & 15];
	}
	to->used += n * 2;
	return 0;
}

int
encode_base64(struct buffer *to, const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	char *p = buffer_room(to, n / 3 * 4 + 4);
	unsigned int three;
	size_t i, j, part;

	if (p == NULL)
		return -1;
	for (i = 0; i < n; i += 3) {
		part = n - i < 3 ? n - i : 3;
		three = (unsigned int)s[i] << 16;
		for (j = 1; j < part; j++)
			three |= (unsigned int)s[i + j] << (16 - 8 * j);
		for (j = 0; j < 4; j++)
			*p++ = j > part ? '=' :
			    base64[three >> (18 - 6 * j) & 63];
	}
	to->used += (n + 2) / 3 * 4;
	return 0;
}

static int
blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int
wrong(struct buffer *to, size_t used)
{
	to->used = used;
	errno = EINVAL;
	return -1;
}

int
decode_hex(struct buffer *to, const char *text, size_t n)
{
	size_t i, used = to->used;
	int digits = 0, byte = 0;
	const char *d;
	char *p = buffer_room(to, n / 2 + 1);

	if (p == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		if (blank(text[i]))
			continue;
		d = text[i] == '\0' ? NULL : strchr(hex, text[i] >= 'A' &&
		    text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
		if (d == NULL)
			return wrong(to, used);
		byte = byte << 4 | (int)(d - hex);
		if (digits++ % 2 == 0)
			continue;
		*p++ = (char)byte;
		to->used++;
		byte = 0;
	}
	return digits % 2 == 0 ? 0 : wrong(to, used);
}

int
decode_base64(struct buffer *to, const char *text, size_t n)
{
	size_t i, used = to->used, have = 0, pad = 0;
	unsigned int four = 0;
	const char *d;
	char *p = buffer_room(to, n / 4 * 3 + 3);

	if (p == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		if (blank(text[i]))
			continue;
		d = text[i] == '\0' ? NULL : strchr(base64, text[i]);
		if (text[i] == '=' && have % 4 >= 2) {
			pad++;
			four <<= 6;
		} else if (d == NULL || pad > 0)
			return wrong(to, used);
		else
			four = four << 6 | (unsigned int)(d - base64);
		if (++have % 4 != 0)
			continue;
		p[0] = (char)(four >> 16);
		p[1] = (char)(four >> 8);
		p[2] = (char)four;
		p += 3 - pad;
		to->used += 3 - pad;
		four = 0;
		if (pad > 0)
			have = 4;
	}
	return have % 4 == 0 ? 0 : wrong(to, used);
}

/* The bytes of the printable character at s, 0 when it is none: a control
 * character, also of those behind 0x7f, or no UTF-8. */
static size_t
printable(const unsigned char *s, size_t n)
{
	size_t len = text_utf8(s, n);

	return *s < ' ' || *s == 0x7f || (*s == 0xc2 && len == 2 &&
	    s[1] < 0xa0) ? 0 : len;
}

static int
add_hex(struct buffer *to, unsigned char c)
{
	char text[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

	return buffer_add(to, text, sizeof text);
}

/* Three digits, for of hexadecimal ones some shells take all that follow. */
static int
add_octal(struct buffer *to, unsigned char c)
{
	char text[4] = { '\\', hex[c >> 6], hex[c >> 3 & 7], hex[c & 7] };

	return buffer_add(to, text, sizeof text);
}

static int
escaped(struct buffer *to, const void *bytes, size_t n, const char *also,
    int (*add)(struct buffer *, unsigned char))
{
	const unsigned char *s = bytes;
	size_t i, len, used = to->used;
	int r = 0;

	for (i = 0; i < n && r == 0; i += len > 0 ? len : 1) {
		len = printable(s + i, n - i);
		if (len == 1 && (s[i] == '\\' || strchr(also, s[i]) != NULL))
			len = 0;
		r = len == 0 ? add(to, s[i]) : buffer_add(to, s + i, len);
	}
	if (r == -1)
		to->used = used;
	return r;
}

int
encode_escaped(struct buffer *to, const void *bytes, size_t n,
    const char *also)
{
	return escaped(to, bytes, n, also, add_hex);
}

static int
quote_plain(struct buffer *to, const char *s, size_t n)
{
	size_t i;
	int r = buffer_byte(to, '\'');

	for (i = 0; i < n && r == 0; i++)
		r = s[i] == '\'' ? buffer_add(to, "'\\''", 4) :
		    buffer_byte(to, s[i]);
	return r == -1 ? -1 : buffer_byte(to, '\'');
}

int
encode_quoted(struct buffer *to, const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	size_t i, len, used = to->used;
	int r;

	for (i = 0; i < n; i += len)
		if ((len = printable(s + i, n - i)) == 0)
			break;
	if (i >= n) {
		r = quote_plain(to, bytes, n);
	} else {
		r = buffer_add(to, "$'", 2);
		if (r == 0)
			r = escaped(to, bytes, n, "'", add_octal);
		if (r == 0)
			r = buffer_byte(to, '\'');
	}
	if (r == -1)
		to->used = used;
	return r;
}
