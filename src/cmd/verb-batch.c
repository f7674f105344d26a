/* SPDX-License-Identifier: MIT */
/* verb-batch.c - the verb batch: a command a line, an answer a line */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "json.h"
#include "text.h"
#include "verb.h"

#define LINE_MOST	(UINT64_C(1) << 30)

/* A carrier whose results are answers. */
struct batch {
	struct call	*outer;
	struct carrier	 carrier;
	struct session	 session;
	char		*result;	/* of the command at hand */
	size_t		 size;		/* of that memory */
	size_t		 length;
	struct buffer	 message;	/* its last */
	struct buffer	 line, words, answer;
	struct buffer	 taken;		/* and to be given back: see held */
};

static void
say(void *arg, const char *line)
{
	struct batch *b = arg;

	if (b->message.used > 0)
		buffer_byte(&b->message, '\n');
	buffer_add(&b->message, line, strlen(line));
}

/* One of what the batch has taken: c->in or "", and the target, each with its
 * NUL, before which a byte says whether it is --any-owner. */
static size_t
record_size(const char *r)
{
	size_t in = strlen(r + 1) + 2;

	return in + strlen(r + in) + 1;
}

static void
forget(struct batch *b, char *r)
{
	size_t n = record_size(r);

	b->taken.used -= n;
	memmove(r, r + n, b->taken.used - (size_t)(r - b->taken.bytes));
}

/* What was taken with --owner stays, also when that is us. */
static void
held(void *arg, const struct call *c, int more)
{
	const char *in = c->in != NULL ? c->in : "";
	struct batch *b = arg;
	size_t at, n = b->taken.used;
	char *r;

	if (more && c->owner == 0) {
		if (buffer_byte(&b->taken,
		    (c->given & OPT_ANY_OWNER) != 0) == -1 ||
		    buffer_add(&b->taken, in, strlen(in) + 1) == -1 ||
		    buffer_add(&b->taken, c->target,
		    strlen(c->target) + 1) == -1)
			b->taken.used = n;
		return;
	}
	for (at = 0; !more && at < n; at += record_size(r)) {
		r = b->taken.bytes + at;
		if (strcmp(r + 1, in) == 0 &&
		    strcmp(r + 2 + strlen(in), c->target) == 0) {
			forget(b, r);
			return;
		}
	}
}

/* Whoever carries the batch lives on, and shall not have it. */
static void
give_back(struct batch *b)
{
	char quiet[] = "-q", any[] = "--any-owner", in[] = "--in",
	    unlock[] = "unlock", end[] = "--";
	char *argv[8], *r;
	int argc;

	while (b->taken.used > 0) {
		b->line.used = 0;
		argc = 0;
		if (buffer_add(&b->line, b->taken.bytes,
		    record_size(b->taken.bytes)) == -1)
			return;
		forget(b, b->taken.bytes);
		r = b->line.bytes;
		argv[argc++] = r[0] != 0 ? any : quiet;
		if (r[1] != '\0') {
			argv[argc++] = in;
			argv[argc++] = r + 1;
		}
		argv[argc++] = unlock;
		argv[argc++] = end;
		argv[argc++] = r + 2 + strlen(r + 1);
		argv[argc] = NULL;
		verb_run(&b->session, argc, argv);
	}
}

static void
before_wait(void *arg)
{
	const struct batch *b = arg;

	fflush(b->outer->s->carrier->out);
}

static int
interrupted(void *arg)
{
	const struct batch *b = arg;

	return verb_interrupted(b->outer);
}

/* One word in quotes from *from on, to *to. */
static const char *
quoted(char **from, char **to, char quote)
{
	char *p = *from, *q = *to;

	for (; *p != quote; p++) {
		if (*p == '\0')
			return "a quote is not closed";
		if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		*q++ = *p;
	}
	*from = p + 1;
	*to = q;
	return NULL;
}

/* The word at *from, in place; NULL, or what is wrong. */
static const char *
word(char **from, char **to)
{
	const char *why;
	char c;

	while ((c = **from) != '\0' && strchr(" \t\n", c) == NULL) {
		++*from;
		if (c == '\'' || c == '"') {
			why = quoted(from, to, c);
			if (why != NULL)
				return why;
			continue;
		}
		if (c == '\\') {
			c = *(*from)++;
			if (c == '\0')
				return "a backslash at the end";
		}
		*(*to)++ = c;
	}
	return NULL;
}

/* Split line into words, which a NULL follows. */
static const char *
split(struct batch *b, char *line, int *argc)
{
	char *from = line, *to, *none = NULL;
	const char *why = NULL;

	b->words.used = 0;
	for (*argc = 0; why == NULL; ++*argc) {
		from += strspn(from, " \t\n");
		if (*from == '\0')
			break;
		to = from;
		if (buffer_add(&b->words, &to, sizeof to) == -1)
			return "no memory";
		why = word(&from, &to);
		if (*from != '\0')
			from++;
		*to = '\0';
	}
	return why != NULL ? why : buffer_add(&b->words, &none,
	    sizeof none) == -1 ? "no memory" : NULL;
}

/* What ends a value is not of it. */
static size_t
trimmed(const struct batch *b)
{
	return b->length > 0 && b->result[b->length - 1] == b->session.end ?
	    b->length - 1 : b->length;
}

static void
answer_json(struct batch *b, int status)
{
	struct json j = JSON_INIT(b->outer->s->carrier->out);
	size_t n = trimmed(b);

	j.flat = 0;
	json_open(&j, NULL, '{');
	json_number(&j, "status", status);
	if (n > 0 || b->length > 0)
		json_bytes(&j, "value", b->result, n);
	if (b->message.used > 0)
		json_bytes(&j, "message", b->message.bytes, b->message.used);
	json_close(&j, '}');
}

/* "STATUS VALUE", where a failure has its message in the place of the value. */
static void
answer(struct batch *b, int status)
{
	int raw = (b->outer->given & OPT_NULL) != 0;
	const char *bytes = b->result;
	char number[TEXT_NUMBER];
	size_t n = trimmed(b);
	FILE *out = b->outer->s->carrier->out;

	if ((b->outer->given & OPT_JSON) != 0) {
		answer_json(b, status);
		return;
	}
	if (status != EXIT_YES && n == 0) {
		bytes = b->message.bytes;
		n = b->message.used;
	} else if (b->message.used > 0)
		fprintf(stderr, "%.*s\n", (int)b->message.used,
		    b->message.bytes);
	b->answer.used = 0;
	if (buffer_add(&b->answer, number, text_number(number, status)) == -1 ||
	    (n > 0 && buffer_byte(&b->answer, ' ') == -1) || (n > 0 &&
	    (raw ? buffer_add(&b->answer, bytes, n) :
	    encode_escaped(&b->answer, bytes, n, "")) == -1) ||
	    buffer_byte(&b->answer, raw ? '\0' : '\n') == -1)
		return;
	fwrite(b->answer.bytes, 1, b->answer.used, out);
}

static int
nested(int argc, char *argv[])
{
	int i;

	for (i = 0; i < argc && argv[i][0] == '-'; i++)
		;
	return i < argc && strcmp(argv[i], "batch") == 0;
}

static int
line(struct call *c, const char *text, size_t n, void *arg)
{
	struct batch *b = arg;
	const char *why;
	int argc, status = EXIT_USAGE;
	char **argv;

	(void)c;
	rewind(b->carrier.out);
	b->message.used = b->line.used = 0;
	if (memchr(text, '\0', n) != NULL)
		why = "a command has no NUL byte";
	else if (buffer_add(&b->line, text, n) == -1)
		why = "no memory";
	else {
		b->line.bytes[n] = '\0';
		why = split(b, b->line.bytes, &argc);
	}
	argv = (char **)(void *)b->words.bytes;
	if (why == NULL && argc == 0)
		return EXIT_YES;
	if (why == NULL && nested(argc, argv))
		why = "this is a batch already";
	if (why == NULL)
		status = verb_run(&b->session, argc, argv);
	fflush(b->carrier.out);
	b->length = (size_t)ftello(b->carrier.out);
	if (why != NULL) {
		say(b, "shm: batch: ");
		buffer_add(&b->message, why, strlen(why));
	}
	answer(b, status);
	return EXIT_YES;
}

static int
prepare(struct batch *b, struct call *c)
{
	b->outer = c;
	b->carrier.in = -1;
	b->carrier.holder = b->carrier.giver = getpid();
	b->carrier.arg = b;
	b->carrier.interrupted = interrupted;
	b->carrier.before_wait = before_wait;
	b->carrier.held = held;
	b->carrier.say = say;
	b->carrier.out = open_memstream(&b->result, &b->size);
	if (b->carrier.out == NULL)
		return verb_fail(c, EXIT_CANNOT, "no memory");
	session_begin(&b->session, &b->carrier, 1);
	b->session.quiet = cli.quiet;
	b->session.explain = cli.explain;
	b->session.given = c->given & (OPT_ANY_OWNER | OPT_EXISTING);
	return EXIT_YES;
}

int
verb_batch(struct call *c)
{
	struct batch *b = calloc(1, sizeof *b);
	int status = b == NULL ? verb_fail(c, EXIT_CANNOT, "no memory") :
	    prepare(b, c);

	if (status == EXIT_YES) {
		status = verb_lines(c, (c->given & OPT_NULL) != 0 ? '\0' : '\n',
		    LINE_MOST, line, b);
		give_back(b);
		c->s->held += b->session.held;
		if (c->s->held < 0)
			c->s->held = 0;
		session_end(&b->session);
		fclose(b->carrier.out);
	}
	if (b != NULL) {
		free(b->result);
		buffer_free(&b->message);
		buffer_free(&b->line);
		buffer_free(&b->words);
		buffer_free(&b->answer);
		buffer_free(&b->taken);
	}
	free(b);
	return status;
}
