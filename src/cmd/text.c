/* SPDX-License-Identifier: MIT */
/* text.c - numbers and times as text; see text.h */
#include "config.h"

#include "text.h"

size_t
text_unsigned(char *buf, uint64_t n)
{
	char local[TEXT_NUMBER], *p = local + sizeof local - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return (size_t)(text_copy(buf, p) - buf);
}

size_t
text_number(char *buf, int64_t n)
{
	if (n >= 0)
		return text_unsigned(buf, (uint64_t)n);
	buf[0] = '-';
	return 1 + text_unsigned(buf + 1, -(uint64_t)n);
}

size_t
text_digits(char *buf, uint32_t n, unsigned int base, size_t width)
{
	static const char digits[] = "0123456789abcdef";
	char rev[TEXT_NUMBER];
	size_t len = 0, i;

	do {
		rev[len++] = digits[n % base];
		n /= base;
	} while (n > 0 || len < width);
	for (i = 0; i < len; i++)
		buf[i] = rev[len - 1 - i];
	buf[len] = '\0';
	return len;
}

static void
two(char *to, int n)
{
	to[0] = (char)('0' + n / 10 % 10);
	to[1] = (char)('0' + n % 10);
}

/* Days to a date of the Gregorian calendar, whose years begin in March. */
static void
date(char *buf, time_t days)
{
	int era, day, year, of_year, month;

	days += 719468;			/* since March 1 of the year 0 */
	era = (int)(days / 146097);	/* of 400 years */
	day = (int)(days % 146097);
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	of_year = day - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;
	day = of_year - (153 * month + 2) / 5 + 1;
	month += month < 10 ? 3 : -9;
	year += era * 400 + (month <= 2);
	two(buf, year / 100);
	two(buf + 2, year);
	two(buf + 5, month);
	two(buf + 8, day);
}

/* gmtime(3) knows more calendar than a list of 4000 segments has time for. */
size_t
text_utc(char *buf, time_t t)
{
	int rest = (int)(t % 86400);

	if (t < 0 || t >= (time_t)253402300800)
		return 0;
	date(buf, t / 86400);
	two(buf + 11, rest / 3600);
	two(buf + 14, rest / 60 % 60);
	two(buf + 17, rest % 60);
	buf[4] = buf[7] = '-';
	buf[10] = 'T';
	buf[13] = buf[16] = ':';
	text_copy(buf + 19, "Z");
	return 20;
}

size_t
text_utf8(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
	    s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0, i;

	if (len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}
