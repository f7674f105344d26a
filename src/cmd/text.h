/* SPDX-License-Identifier: MIT */
/*
 * text.h - numbers and times as text, fast; and what is text at all
 *
 * A long list is mostly these, and printf(3) takes longer for it than the
 * kernel for making the list.  Each returns the length; a NUL follows it.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Room that is enough. */
#define TEXT_NUMBER	24
#define TEXT_TIME	40

size_t text_unsigned(char *buf, uint64_t n);
size_t text_number(char *buf, int64_t n);

/* n in base 8 or 16 with at least width digits. */
size_t text_digits(char *buf, uint32_t n, unsigned int base,
    size_t width);

/* "2026-11-21T06:34:40Z"; 0 when the year has not four digits. */
size_t text_utc(char *buf, time_t t);

/* The bytes of the UTF-8 sequence that the n bytes at s begin with, n being at
 * least 1; 0 when it is none. */
size_t text_utf8(const unsigned char *s, size_t n);

/* Copy s; the end of the copy.  For what is short: a call of memcpy(3) takes
 * longer than these few bytes. */
static inline char *
text_copy(char *to, const char *s)
{
	while ((*to = *s++) != '\0')
		to++;
	return to;
}

#endif
