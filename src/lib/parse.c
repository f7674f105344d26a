/* SPDX-License-Identifier: MIT */
/* parse.c - numbers, sizes and modes from text; see shmutil/parse.h */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shmutil/pages.h"
#include "shmutil/parse.h"

static int
fail(int err)
{
	errno = err;
	return -1;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Read digits of base from *text, leaving it behind the last one. */
static int
digits(const char **text, int base, uint64_t max, uint64_t *out)
{
	const char *p = *text;
	uint64_t n = 0;
	int over = 0;

	if (digit(*p) >= base)
		return fail(EINVAL);
	for (; digit(*p) < base; p++) {
		uint64_t d = (uint64_t)digit(*p);

		if (d > max || n > (max - d) / (uint64_t)base)
			over = 1;
		else
			n = n * (uint64_t)base + d;
	}
	*text = p;
	*out = n;
	return over ? fail(ERANGE) : 0;
}

static int
number(const char **text, uint64_t max, uint64_t *out)
{
	if ((*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X')) {
		*text += 2;
		return digits(text, 16, max, out);
	}
	return digits(text, 10, max, out);
}

int
shmu_parse_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t n;
	int r = number(&text, max, &n);

	if (r == -1 && errno == EINVAL)
		return -1;
	if (*text != '\0')
		return fail(EINVAL);
	if (r == 0)
		*out = n;
	return r;
}

static uint64_t
unit(const char *suffix)
{
	static const struct { const char *name; uint64_t bytes; } units[] = {
		{ "", 1 },
		{ "k", UINT64_C(1) << 10 }, { "K", UINT64_C(1) << 10 },
		{ "KiB", UINT64_C(1) << 10 }, { "KB", 1000 },
		{ "M", UINT64_C(1) << 20 }, { "MiB", UINT64_C(1) << 20 },
		{ "MB", 1000000 },
		{ "G", UINT64_C(1) << 30 }, { "GiB", UINT64_C(1) << 30 },
		{ "GB", 1000000000 },
		{ "T", UINT64_C(1) << 40 }, { "TiB", UINT64_C(1) << 40 },
		{ "TB", UINT64_C(1000000000000) },
	};
	size_t i;

	if (strcmp(suffix, "p") == 0)
		return shmu_pages_size();
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(suffix, units[i].name) == 0)
			return units[i].bytes;
	return 0;
}

int
shmu_parse_size(const char *text, uint64_t *out)
{
	uint64_t n = 0, bytes;
	int r = number(&text, UINT64_MAX, &n);

	if (r == -1 && errno == EINVAL)
		return -1;
	bytes = unit(text);
	if (bytes == 0)
		return fail(EINVAL);
	if (r == -1 || n > UINT64_MAX / bytes)
		return fail(ERANGE);
	*out = n * bytes;
	return 0;
}

int
shmu_parse_mode(const char *text, mode_t *out)
{
	uint64_t n;
	size_t len = strlen(text);

	if (len == 0 || len > 4 || strspn(text, "01234567") != len)
		return fail(EINVAL);
	if (digits(&text, 8, 0777, &n) == -1)
		return -1;
	*out = (mode_t)n;
	return 0;
}

/* A number below 1024; where it ends. */
static char *
small(char *p, unsigned int n)
{
	unsigned int unit = 1000;

	while (unit > n && unit > 1)
		unit /= 10;
	for (; unit > 0; unit /= 10)
		*p++ = (char)('0' + n / unit % 10);
	*p = '\0';
	return p;
}

const char *
shmu_size_text(char buf[SHMU_SIZE_TEXT], uint64_t size)
{
	static const char letters[] = "KMGTPE";
	uint64_t whole = size, rest = 0;
	size_t i = 0;
	char *p;

	while (whole >= 1024) {
		rest = whole % 1024;
		whole /= 1024;
		i++;
	}
	p = small(buf, (unsigned int)whole);
	if (i == 0)
		return buf;
	if (rest * 10 / 1024 != 0 && whole < 100) {
		*p++ = '.';
		p = small(p, (unsigned int)(rest * 10 / 1024));
	}
	*p++ = letters[i - 1];
	*p = '\0';
	return buf;
}
