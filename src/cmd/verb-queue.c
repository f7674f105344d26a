/* SPDX-License-Identifier: MIT */
/* verb-queue.c - the verbs for queues: push pop ack close */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "verb.h"

struct item {
	const void	*bytes;
	size_t		 length;
};

static int
try_push(struct call *c, struct shmu_claim *claim, void *arg)
{
	const struct item *item = arg;

	return shmu_queue_push(c->t, c->key, c->key_length, c->count,
	    item->bytes, item->length, claim);
}

struct pushing {
	struct shmu_claim	claim;
	uintmax_t		stored;		/* so far */
};

/* There was no room for it, after there was for others. */
static int
part(struct call *c, const struct pushing *p, int status)
{
	if (p->stored > 0 && !cli.quiet &&
	    (status == EXIT_NO || status == EXIT_TIMEOUT))
		verb_fail(c, status, "there was room for %ju of the items; the "
		    "others were not stored", p->stored);
	return status;
}

static int
push(struct call *c, struct pushing *p, const char *bytes, size_t n)
{
	struct item item;
	int status = verb_decode(c, &bytes, &n);

	if (status != EXIT_YES)
		return status;
	item.bytes = bytes;
	item.length = n;
	status = claim_take(c, &p->claim, try_push, &item);
	p->stored += status == EXIT_YES;
	if (status != -1)
		return part(c, p, status);
	if (errno != EPIPE)
		return verb_cause(c, errno);
	if (!cli.quiet)
		verb_fail(c, EXIT_NO,
		    "the queue is closed; nothing more is taken");
	return EXIT_NO;
}

static int
push_line(struct call *c, const char *line, size_t n, void *p)
{
	return push(c, p, line, n);
}

int
verb_push(struct call *c)
{
	int input = (c->given & OPT_STDIN) != 0, status, i;
	struct pushing p;

	if (input == (c->argc > 0))
		return verb_fail(c, EXIT_USAGE, input ? "either ITEM or -i, not "
		    "both" : "which ITEM? -i takes them from standard input");
	if (c->count > QUEUE_MOST)
		return verb_fail(c, EXIT_USAGE, "-c is at most %u",
		    QUEUE_MOST);
	p.stored = 0;
	status = claim_begin(c, &p.claim, 0);
	if (status == EXIT_YES)
		status = session_open(c, MAKES);
	if (status == EXIT_YES && input)
		return verb_lines(c, (c->given & OPT_NULL) != 0 ? '\0' : '\n',
		    verb_most(c), push_line, &p);
	for (i = 0; i < c->argc && status == EXIT_YES; i++)
		status = push(c, &p, c->argv[i], strlen(c->argv[i]));
	return status;
}

struct popped {
	void	*bytes;
	size_t	 length;
};

static int
try_pop(struct call *c, struct shmu_claim *claim, void *arg)
{
	struct popped *item = arg;

	return shmu_queue_pop(c->t, c->key, c->key_length, &item->bytes,
	    &item->length, claim);
}

/* It is out of the queue, so a variable that cannot hold it must not lose
 * it. */
static int
unfit(struct call *c, const struct popped *item)
{
	struct buffer *b = &c->s->text;
	const char *nul = item->length > 0 ?
	    memchr(item->bytes, '\0', item->length) : NULL;

	if (c->var == NULL || nul == NULL ||
	    (c->given & (OPT_HEX | OPT_BASE64 | OPT_QUOTE)) != 0)
		return EXIT_YES;
	b->used = 0;
	if (encode_base64(b, item->bytes, item->length) == -1)
		return verb_fail(c, EXIT_CANNOT, "no memory");
	return verb_fail(c, EXIT_CANNOT,
	    "item has a NUL byte at %zu; use --hex, --base64 or stdout; it "
	    "was, in base64, %.*s",
	    (size_t)(nul - (const char *)item->bytes), (int)b->used, b->bytes);
}

int
verb_pop(struct call *c)
{
	struct popped item = { NULL, 0 };
	struct shmu_claim claim;
	int status;

	if ((c->given & (OPT_LEASE | OPT_OWNER)) == OPT_OWNER)
		return verb_fail(c, EXIT_USAGE, "--owner is for --lease");
	status = claim_begin(c, &claim, (c->given & OPT_LEASE) != 0);
	if (status == EXIT_YES)
		status = session_open(c, MAKES);
	if (status == EXIT_YES)
		status = claim_take(c, &claim, try_pop, &item);
	if (status == -1)
		return errno == EPIPE ? EXIT_NO : verb_cause(c, errno);
	if (status != EXIT_YES)
		return status;
	if (claim.dead.pid != 0 && !cli.quiet)
		verb_fail(c, EXIT_YES,
		    "process %" PRIu32
		    " had this item and died; it may be half done",
		    claim.dead.pid);
	status = unfit(c, &item);
	if (status == EXIT_YES)
		status = verb_result(c, item.bytes, item.length);
	free(item.bytes);
	return status;
}

int
verb_ack(struct call *c)
{
	pid_t pid = c->owner != 0 ? c->owner : c->s->carrier->giver;
	int status = session_open(c, CHANGES);

	if (status != EXIT_YES || shmu_queue_ack(c->t, c->key, c->key_length,
	    pid) == 0)
		return status;
	if (errno != ENOENT && errno != ESRCH)
		return verb_cause(c, errno);
	return verb_fail(c, EXIT_NO,
	    "process %d has no item on lease; --owner PID says for whom",
	    (int)pid);
}

int
verb_close(struct call *c)
{
	int status = session_open(c, MAKES);

	if (status == EXIT_YES &&
	    shmu_queue_close(c->t, c->key, c->key_length) == -1)
		status = verb_cause(c, errno);
	return status;
}
