/* SPDX-License-Identifier: MIT */
/* verb-wait.c - waiting, with a limit and signals; the verb wait */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "verb.h"

static const struct timespec over = { 0, 0 };
static const struct timespec turn = { 0, 250000000 };

void
patience_begin(struct call *c)
{
	clock_gettime(CLOCK_MONOTONIC, &c->end);
	c->end.tv_sec += (time_t)c->seconds;
	c->end.tv_nsec += (long)((c->seconds - (double)(time_t)c->seconds) *
				 1e9);
	if (c->end.tv_nsec >= 1000000000) {
		c->end.tv_nsec -= 1000000000;
		c->end.tv_sec++;
	}
}

const struct timespec *
patience_left(struct call *c)
{
	int limited = (c->given & OPT_WAIT) != 0;
	int polled = c->s->carrier->polled;
	struct timespec now;

	if ((c->given & OPT_NOWAIT) != 0)
		return &over;
	if (!limited && !polled)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &now);
	c->asked = now.tv_sec;
	c->left.tv_sec = c->end.tv_sec - now.tv_sec;
	c->left.tv_nsec = c->end.tv_nsec - now.tv_nsec;
	if (c->left.tv_nsec < 0) {
		c->left.tv_nsec += 1000000000;
		c->left.tv_sec--;
	}
	if (limited && c->left.tv_sec < 0)
		c->left = over;
	else if (polled && (!limited || c->left.tv_sec > 0 ||
	    c->left.tv_nsec > turn.tv_nsec))
		c->left = turn;
	return &c->left;
}

int
patience_polls(struct call *c)
{
	struct shmu_owner owner;
	struct timespec now;

	/* A limit of the library's own is much longer, and names who it is. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return c->s->carrier->polled && (now.tv_sec - c->asked < 4 ||
	    shmu_table_holder(c->t, &owner) != 1);
}

int
patience_over(struct call *c)
{
	const struct timespec *left = patience_left(c);

	return left != NULL && left->tv_sec == 0 && left->tv_nsec == 0;
}

/* What is waited for. */
enum compare { CHANGED, EQ, NE, LT, LE, GT, GE };
struct until {
	enum compare	 compare;
	int64_t		 with;
	int		 seen;		/* CHANGED: looked at once */
	int		 there;		/* then */
	uint32_t	 changes;
	int64_t		 value;		/* what it was last */
};
#define WAIT_DONE	1
#define WAIT_OTHER	2		/* it can never be: no integer */

static int
holds(enum compare compare, int64_t a, int64_t b)
{
	switch (compare) {
	case EQ:	return a == b;
	case NE:	return a != b;
	case LT:	return a < b;
	case LE:	return a <= b;
	case GT:	return a > b;
	case GE:	return a >= b;
	default:	return 0;
	}
}

/* The integer that a cell holds, as the verbs for integers see it. */
static int
integer(const struct shmu_cell *cell, const void *value, int64_t *out)
{
	char text[32];

	*out = 0;
	if (cell == NULL)
		return 0;
	if (cell->type == SHMU_CELL_INTEGER) {
		memcpy(out, value, sizeof *out);
		return 0;
	}
	if (cell->type != SHMU_CELL_BYTES || cell->length >= sizeof text)
		return -1;
	memcpy(text, value, (size_t)cell->length);
	text[cell->length] = '\0';
	return strlen(text) == cell->length ? integer_parse(text, out) : -1;
}

static int
until(const struct shmu_cell *cell, const void *value, void *arg)
{
	struct until *u = arg;
	int there = cell != NULL;
	uint32_t changes = there ? cell->changes : 0;

	if (u->compare != CHANGED) {
		if (integer(cell, value, &u->value) == -1)
			return WAIT_OTHER;
		return holds(u->compare, u->value, u->with) ? WAIT_DONE : 0;
	}
	if (u->seen && (u->there != there || u->changes != changes))
		return WAIT_DONE;
	u->seen = 1;
	u->there = there;
	u->changes = changes;
	return 0;
}

/* "-ge 5", or nothing. */
static int
condition(struct call *c, struct until *u)
{
	static const char *const words[] = { "-eq", "-ne", "-lt", "-le", "-gt",
	    "-ge" };
	size_t i;

	if (c->argc == 0)
		return EXIT_YES;
	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(c->argv[0], words[i]) == 0)
			break;
	if (i == sizeof words / sizeof words[0])
		return verb_usage(c, c->argv[0],
		    "what follows is one of -eq -ne -lt -le -gt -ge and an "
		    "integer");
	if (c->argc == 1)
		return verb_usage(c, c->argv[0], "which integer is it compared "
		    "with?");
	u->compare = (enum compare)(i + EQ);
	return verb_integer(c, c->argv[1], &u->with);
}

static int
wait_for(struct call *c, struct until *u)
{
	const struct timespec *left;
	int r, status;

	patience_begin(c);
	for (;;) {
		left = patience_left(c);
		r = shmu_table_wait(c->t, c->key, c->key_length, until, u,
		    left);
		if (r == WAIT_DONE)
			return EXIT_YES;
		if (r == WAIT_OTHER)
			return verb_cause(c, EPROTOTYPE);
		if (errno == ETIMEDOUT && patience_over(c))
			return (c->given & OPT_NOWAIT) != 0 ? EXIT_NO :
			    EXIT_TIMEOUT;
		if (errno != EINTR &&
		    !(errno == ETIMEDOUT && patience_polls(c)))
			return verb_cause(c, errno);
		status = verb_interrupted(c);
		if (status != EXIT_YES)
			return status;
	}
}

int
verb_wait(struct call *c)
{
	struct until u = { .compare = CHANGED };
	int status = condition(c, &u);

	if (status == EXIT_YES)
		status = session_open(c, MAKES);
	if (status == EXIT_YES)
		status = wait_for(c, &u);
	if (status == EXIT_YES && c->var != NULL && u.compare != CHANGED)
		status = verb_result_number(c, u.value);
	return status;
}
