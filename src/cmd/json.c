/* SPDX-License-Identifier: MIT */
/* json.c - a small streaming JSON writer; see json.h */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "json.h"

static void
begin(struct json *j, const char *key)
{
	int i;

	if (!j->empty[j->depth])
		putc(',', j->out);
	if (j->depth > 0) {
		putc('\n', j->out);
		for (i = 0; i < j->depth; i++)
			fputs("  ", j->out);
	}
	j->empty[j->depth] = 0;
	if (key != NULL)
		fprintf(j->out, "\"%s\": ", key);
}

void
json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	putc(bracket, j->out);
	j->empty[++j->depth] = 1;
}

void
json_close(struct json *j, char bracket)
{
	int i, empty = j->empty[j->depth--];

	if (!empty) {
		putc('\n', j->out);
		for (i = 0; i < j->depth; i++)
			fputs("  ", j->out);
	}
	putc(bracket, j->out);
	if (j->depth == 0)
		putc('\n', j->out);
}

void
json_number(struct json *j, const char *key, int64_t n)
{
	begin(j, key);
	fprintf(j->out, "%" PRId64, n);
}

void
json_unsigned(struct json *j, const char *key, uint64_t n)
{
	begin(j, key);
	fprintf(j->out, "%" PRIu64, n);
}

void
json_bool(struct json *j, const char *key, int yes)
{
	begin(j, key);
	fputs(yes ? "true" : "false", j->out);
}

void
json_null(struct json *j, const char *key)
{
	begin(j, key);
	fputs("null", j->out);
}

/* The bytes of the UTF-8 sequence at s, 0 when it is none. */
static size_t
sequence(const unsigned char *s)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
	    s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0, i;

	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void
character(FILE *out, const unsigned char *s, size_t len)
{
	if (len == 0)
		fprintf(out, "\\\\x%02x", *s);
	else if (*s == '"' || *s == '\\')
		fprintf(out, "\\%c", *s);
	else if (*s < ' ' || *s == 0x7f)
		fprintf(out, "\\u%04x", *s);
	else
		fwrite(s, 1, len, out);
}

void
json_string(struct json *j, const char *key, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	int valid = 1;
	size_t len;

	if (text == NULL) {
		json_null(j, key);
		return;
	}
	begin(j, key);
	putc('"', j->out);
	for (; *s != '\0'; s += len > 0 ? len : 1) {
		len = sequence(s);
		valid &= len > 0;
		character(j->out, s, len);
	}
	putc('"', j->out);
	if (valid || key == NULL)
		return;
	fprintf(j->out, ",\n%*s\"%s_hex\": \"", 2 * j->depth, "", key);
	for (s = (const unsigned char *)text; *s != '\0'; s++)
		fprintf(j->out, "%02x", *s);
	putc('"', j->out);
}

void
json_time(struct json *j, const char *key, time_t t)
{
	char text[32];
	struct tm tm;

	if (t == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		json_null(j, key);
	else
		json_string(j, key, text);
}
