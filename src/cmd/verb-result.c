/* SPDX-License-Identifier: MIT */
/* verb-result.c - data of shm on its way in and out */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "text.h"
#include "verb.h"

static int
no_memory(struct call *c)
{
	return verb_fail(c, EXIT_CANNOT, "no memory");
}

static int
no_input(struct call *c)
{
	return verb_fail(c, EXIT_USAGE,
	    "standard input cannot be read from here");
}

int
verb_encode(struct call *c, const void **bytes, size_t *n, const char *also)
{
	struct buffer *b = &c->s->text;
	int r;

	b->used = 0;
	if ((c->given & OPT_HEX) != 0)
		r = encode_hex(b, *bytes, *n);
	else if ((c->given & OPT_BASE64) != 0)
		r = encode_base64(b, *bytes, *n);
	else if ((c->given & OPT_QUOTE) != 0)
		r = encode_quoted(b, *bytes, *n);
	else if (also != NULL)
		r = encode_escaped(b, *bytes, *n, also);
	else
		return EXIT_YES;
	if (r == -1)
		return no_memory(c);
	*bytes = b->bytes;
	*n = b->used;
	return EXIT_YES;
}

int
verb_decode(struct call *c, const char **bytes, size_t *n)
{
	struct buffer *b = &c->s->text;
	int hex = (c->given & OPT_HEX) != 0;

	if (!hex && (c->given & OPT_BASE64) == 0)
		return EXIT_YES;
	b->used = 0;
	if ((hex ? decode_hex(b, *bytes, *n) :
	    decode_base64(b, *bytes, *n)) == -1)
		return errno == ENOMEM ? no_memory(c) : verb_fail(c, EXIT_USAGE,
		    "the data is not %s", hex ? "pairs of hexadecimal digits" :
		    "base64");
	*bytes = b->bytes;
	*n = b->used;
	return EXIT_YES;
}

/* What a terminal would act on. */
static int
acts(const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	size_t i;

	for (i = 0; i < n; i++)
		if ((s[i] < ' ' && s[i] != '\n' && s[i] != '\t') ||
		    s[i] >= 0x7f)
			return 1;
	return 0;
}

static int
print(struct call *c, const void *bytes, size_t n)
{
	FILE *out = c->s->carrier->out;
	int end = (c->given & OPT_NULL) != 0 ? '\0' : '\n';

	fwrite(bytes, 1, n, out);
	if ((c->given & OPT_RAW) == 0)
		putc(end, out);
	return EXIT_YES;
}

int
verb_result(struct call *c, const void *bytes, size_t n)
{
	const struct carrier *carrier = c->s->carrier;
	int shown = (c->given & (OPT_RAW | OPT_NULL)) != 0 || c->var != NULL;
	int fd = shown ? -1 : fileno(carrier->out);
	const char *nul;
	int status;

	status = verb_encode(c, &bytes, &n, fd != -1 && acts(bytes, n) &&
	    isatty(fd) ? "" : NULL);
	if (status != EXIT_YES)
		return status;
	if (c->var == NULL)
		return print(c, bytes, n);
	nul = n > 0 ? memchr(bytes, '\0', n) : NULL;
	if (nul != NULL)
		return verb_fail(c, EXIT_CANNOT,
		    "value has a NUL byte at %zu; use --hex, --base64 or "
		    "stdout",
		    (size_t)(nul - (const char *)bytes));
	return carrier->set(carrier->arg, c->var, bytes, n);
}

int
verb_result_number(struct call *c, int64_t n)
{
	char text[TEXT_NUMBER];

	return verb_result(c, text, text_number(text, n));
}

uint64_t
verb_most(struct call *c)
{
	unsigned int coded = (c->given & (OPT_HEX | OPT_BASE64)) != 0 ? 4 : 1;
	struct shmu_table_stat st;

	return coded * (c->t != NULL && shmu_table_stat(c->t, &st) == 0 ?
	    st.maximum : SHMU_TABLE_MAXIMUM);
}

int
verb_stdin(struct call *c, uint64_t most)
{
	struct buffer *b = &c->s->value;
	size_t want;
	ssize_t n = 1;
	char *p;

	if (c->s->carrier->in == -1)
		return no_input(c);
	for (b->used = 0; n > 0 && b->used < most; b->used += (size_t)n) {
		want = most - b->used < 65536 ? (size_t)(most - b->used) : 65536;
		p = buffer_room(b, want);
		if (p == NULL)
			return no_memory(c);
		n = cli_read(c->s->carrier->in, p, want);
		if (n == -1)
			return verb_fail(c, EXIT_CANNOT, "standard input: %s",
			    strerror(errno));
	}
	return EXIT_YES;
}

/* Hand out the lines that are whole; at the end also one that is not.  What is
 * left is moved to the beginning.  None ends before from. */
static int
lines(struct call *c, char end, size_t from, int at_end, verb_line *each,
    void *arg)
{
	struct buffer *b = &c->s->value;
	int status = EXIT_YES;
	size_t at = 0, n;
	char *stop;

	while (at < b->used && status == EXIT_YES) {
		from = from > at ? from : at;
		stop = memchr(b->bytes + from, end, b->used - from);
		if (stop == NULL && !at_end)
			break;
		n = stop != NULL ? (size_t)(stop - b->bytes) - at : b->used - at;
		status = each(c, b->bytes + at, n, arg);
		at += n + (stop != NULL);
	}
	memmove(b->bytes, b->bytes + at, b->used - at);
	b->used -= at;
	return status;
}

int
verb_lines(struct call *c, char end, uint64_t most, verb_line *each, void *arg)
{
	struct buffer *b = &c->s->value;
	int status = EXIT_YES;
	ssize_t n = 1;
	size_t whole;

	if (c->s->carrier->in == -1)
		return no_input(c);
	for (b->used = 0; n != 0 && status == EXIT_YES;) {
		if (buffer_room(b, 65536) == NULL)
			return no_memory(c);
		/* Who asks may wait for the answer before asking on. */
		fflush(c->s->carrier->out);
		n = read(c->s->carrier->in, b->bytes + b->used, 65536);
		if (n == -1 && errno == EINTR)
			status = verb_interrupted(c);
		else if (n == -1)
			return verb_fail(c, EXIT_CANNOT, "standard input: %s",
			    strerror(errno));
		else {
			whole = b->used;
			b->used += (size_t)n;
			status = lines(c, end, whole, n == 0, each, arg);
		}
		if (status == EXIT_YES && b->used > most)
			return verb_fail(c, EXIT_CANNOT, "standard input has a "
			    "line of more than %" PRIu64 " bytes", most);
	}
	return status;
}
