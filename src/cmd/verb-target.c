/* SPDX-License-Identifier: MIT */
/* verb-target.c - which store and which cell a word means */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "verb.h"

#define STORE_MAX	30

/* Words that mean, or shall mean, something else before a colon. */
static int
reserved(const char *name, size_t len)
{
	static const char *const words[] = { "name", "key", "id", "file", "pid",
	    "private", "sem", "redis", "rediss" };
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i]) == len && memcmp(words[i], name, len) == 0)
			return 1;
	return len > 4 && memcmp(name, "sem.", 4) == 0;
}

static int
grammatical(const char *name, size_t len)
{
	size_t i;
	char c;

	if (len == 0 || len > STORE_MAX)
		return 0;
	for (i = 0; i < len; i++) {
		c = name[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '_' ||
		    (i > 0 && (c == '.' || c == '-'))))
			return 0;
	}
	return 1;
}

int
verb_is_store(const char *name)
{
	size_t len = strlen(name);

	return grammatical(name, len) && !reserved(name, len);
}

/* A store by its own name, len bytes of word. */
static int
store(struct call *c, const char *word, size_t len)
{
	char name[STORE_MAX + 1];

	if (!grammatical(word, len))
		return verb_usage(c, word,
		    "a store has 1 to 30 letters, digits, '.', '_', '-', the "
		    "first no '.' or '-'; for other segments there is --in");
	if (reserved(word, len))
		return verb_usage(c, word, "a store cannot be called %.*s; for "
		    "other segments there is --in", (int)len, word);
	memcpy(name, word, len);
	name[len] = '\0';
	shmu_operand_name(&c->op, name);
	c->store = word;
	c->store_length = len;
	return EXIT_YES;
}

static int
segment(struct call *c)
{
	const char *why;

	if (shmu_operand_parse(&c->op, c->in, &why) == -1)
		return verb_usage(c, c->in, "%s", why);
	c->store = c->in;
	c->store_length = strlen(c->in);
	return EXIT_YES;
}

static int
named(struct call *c, const char *word)
{
	int cell = c->verb->form == 'T';
	const char *colon = strchr(word, ':');

	if (cell && colon == NULL)
		return verb_usage(c, word, "a target is STORE:CELL");
	if (!cell && colon != NULL)
		return verb_usage(c, word, "this verb is for a whole store, "
		    "without a cell");
	c->key = cell ? colon + 1 : word;
	return store(c, word, colon != NULL ? (size_t)(colon - word) :
	    strlen(word));
}

int
verb_target(struct call *c, const char *word)
{
	int status;

	c->key = word;
	status = c->in != NULL ? segment(c) : named(c, word);
	c->target = word != NULL ? word : c->in;
	if (status != EXIT_YES || c->verb->form != 'T')
		return status;
	c->key_length = strlen(c->key);
	if (c->key_length > 0 && c->key_length <= SHMU_KEY_MAX)
		return EXIT_YES;
	return verb_usage(c, word, "a cell has a name of 1 to %u bytes",
	    SHMU_KEY_MAX);
}
