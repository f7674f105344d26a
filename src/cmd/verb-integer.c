/* SPDX-License-Identifier: MIT */
/* verb-integer.c - the verbs for integers: add swap cas max min */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "shmutil/parse.h"
#include "verb.h"

int
integer_parse(const char *text, int64_t *out)
{
	int minus = text[0] == '-';
	uint64_t n;

	if (shmu_parse_number(text + minus, (uint64_t)INT64_MAX +
	    (uint64_t)minus, &n) == -1)
		return -1;
	*out = minus && n > 0 ? -(int64_t)(n - 1) - 1 : (int64_t)n;
	return 0;
}

int
verb_integer(struct call *c, const char *text, int64_t *out)
{
	if (integer_parse(text, out) == 0)
		return EXIT_YES;
	return verb_usage(c, text, errno == ERANGE ? "an integer has 64 bits: it is "
	    "from -9223372036854775808 to 9223372036854775807" :
	    "an integer is decimal or 0x hexadecimal, with or without a -");
}

/* The one change there is, with operands a and b; what it is then, printed. */
static int
change(struct call *c, enum shmu_integer op, int64_t a, int64_t b)
{
	int status = session_open(c, MAKES), printed, r;
	int64_t result = 0;

	if (status != EXIT_YES)
		return status;
	r = shmu_table_integer(c->t, c->key, c->key_length, op, a, b, &result);
	if (r == -1 && errno == EAGAIN && op == SHMU_CAS)
		status = EXIT_NO;
	else if (r == -1)
		return verb_cause(c, errno);
	printed = verb_result_number(c, result);
	return printed != EXIT_YES ? printed : status;
}

/* Of what takes one integer. */
static int
with(struct call *c, enum shmu_integer op)
{
	int64_t n = 1;
	int status = c->argc > 0 ? verb_integer(c, c->argv[0], &n) : EXIT_YES;

	return status == EXIT_YES ? change(c, op, n, 0) : status;
}

int
verb_add(struct call *c)
{
	return with(c, (c->given & OPT_WRAP) != 0 ? SHMU_ADD_WRAP : SHMU_ADD);
}

int
verb_swap(struct call *c)
{
	return with(c, SHMU_SWAP);
}

int
verb_max(struct call *c)
{
	return with(c, SHMU_MAX);
}

int
verb_min(struct call *c)
{
	return with(c, SHMU_MIN);
}

int
verb_cas(struct call *c)
{
	int64_t old = 0, new = 0;
	int status = verb_integer(c, c->argv[0], &old);

	if (status == EXIT_YES)
		status = verb_integer(c, c->argv[1], &new);
	return status == EXIT_YES ? change(c, SHMU_CAS, old, new) : status;
}
