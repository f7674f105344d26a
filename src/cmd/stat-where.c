/* SPDX-License-Identifier: MIT */
/* stat-where.c - which rows are asked for, and in which order */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"
#include "names.h"
#include "stat.h"

/* "+1M", "-4h", "7": the sign and the number of a column's kind. */
static void
amount(struct condition *c, const char *text)
{
	const char *digits = text + (*text == '+' || *text == '-');

	c->sign = digits > text ? *text : '\0';
	switch (c->column->type) {
	case SIZE:
		c->number = (int64_t)cli_size("a size", digits);
		break;
	case AGE:
	case DATE:
		c->number = (int64_t)cli_age("an age", digits);
		break;
	default:
		c->number = (int64_t)cli_number("it", digits, INT64_MAX);
	}
}

/* A pattern that can match nothing is more likely a slip than a question. */
static void
check_words(const char *text, const char *const words[], const char *what)
{
	size_t i;

	if (strpbrk(text, "*?[/") != NULL)
		return;
	for (i = 0; words[i] != NULL; i++)
		if (strcasecmp(text, words[i]) == 0)
			return;
	cli_usage(text, "there is no such %s; --columns "
	    "lists them", what);
}

static void
check_state(const char *text)
{
	const char *words[SHMU_STATES + 3];
	size_t i;

	for (i = 0; i < SHMU_STATES; i++)
		words[i] = shmu_state_word((enum shmu_state)i);
	words[i++] = "locked";
	words[i++] = "world-writable";
	words[i] = NULL;
	check_words(text, words, "state");
}

/* Words that a column does not show as they may be written. */
static const char *
word(const struct column *column, char *text)
{
	static const char *const kinds[] = {
		"sysv", "posix", "memfd", "anon", "file", NULL
	};

	if (strcmp(column->name, "STATE") == 0)
		check_state(text);
	if (strcmp(column->name, "KIND") == 0)
		check_words(text, kinds, "kind");
	if (strcmp(column->name, "OWNER") == 0) {
		if (strcmp(text, "me") == 0)
			return names_user(geteuid());
		if (strpbrk(text, "*?[/") == NULL)
			return names_user(names_uid(text));
	}
	return text;
}

void
where_parse(struct request *r, char *list)
{
	char *next = list, *item, *value;
	struct condition *c;

	while ((item = strsep(&next, ",")) != NULL) {
		value = strchr(item, '=');
		if (value == NULL)
			cli_usage(item, "a condition is "
			    "COLUMN=VALUE, as in state=orphan,size=+1M");
		*value++ = '\0';
		if (r->nwhere == MOST_CONDITIONS)
			cli_usage(item, "these are too many conditions");
		c = &r->where[r->nwhere++];
		c->column = column_find(item, strlen(item));
		if (c->column == NULL)
			cli_usage(item,
			    "there is no such column; --columns lists them");
		if (c->column->type == WORD)
			c->text = word(c->column, value);
		else
			amount(c, value);
		r->spec.want |= c->column->want;
		if (strcmp(c->column->name, "STATE") == 0)
			r->spec.want |= SHMU_INVENTORY_PROVE;
	}
}

void
sort_parse(struct request *r, const char *column)
{
	const char *name = column + (*column == '-' || *column == '+');

	r->descending = *column == '-';
	r->sort = column_find(name, strlen(name));
	if (r->sort == NULL)
		cli_usage(column,
		    "there is no such column; --columns lists them");
	r->spec.want |= r->sort->want;
}

/* Whether text, or one of the words it has with commas between, matches one of
 * the patterns. */
static int
matches(const char *patterns, const char *text)
{
	char pattern[256], part[COLUMN_TEXT];
	size_t len, n;
	const char *p, *t;

	for (p = patterns;; p += len + 1) {
		len = strcspn(p, "/");
		if (len < sizeof pattern) {
			memcpy(pattern, p, len);
			pattern[len] = '\0';
			if (fnmatch(pattern, text, FNM_CASEFOLD) == 0)
				return 1;
			for (t = text;; t += n + 1) {
				n = strcspn(t, ",");
				snprintf(part, sizeof part, "%.*s", (int)n, t);
				if (fnmatch(pattern, part + strspn(part, " "),
				    FNM_CASEFOLD) == 0)
					return 1;
				if (t[n] == '\0')
					break;
			}
		}
		if (p[len] == '\0')
			return 0;
	}
}

/* An operand has a slash, which is nothing to separate patterns there. */
static int
one_pattern(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0 || (text[0] == '/' &&
	    pattern[0] != '/' && fnmatch(pattern, text + 1, 0) == 0);
}

static int
holds(const struct condition *c, const struct shmu_item *item,
    const struct style *style)
{
	const char *name = c->column->name;
	struct style named = *style;
	char text[COLUMN_TEXT];
	int64_t n;

	if (c->column->type == WORD) {
		named.numeric = 0;
		column_text(c->column, item, &named, text, sizeof text);
		return strcmp(name, "OPERAND") == 0 || strcmp(name, "NAME") == 0 ?
		    one_pattern(c->text, text) : matches(c->text, text);
	}
	n = c->column->value(item, style);
	if (n == UNKNOWN)
		return 0;
	/* A date is how long ago it is. */
	if (c->column->type == DATE)
		n = (int64_t)style->now - n;
	return c->sign == '+' ? n > c->number : c->sign == '-' ? n < c->number :
	    n == c->number;
}

static int
wanted(const struct request *r, const struct shmu_item *item)
{
	size_t i;

	for (i = 0; i < r->nwhere; i++)
		if (!holds(&r->where[i], item, &r->style))
			return 0;
	return 1;
}

/* What a row is sorted by, found once for each. */
struct key {
	const struct shmu_item	*item;
	int64_t			 number;
	char			*text;
	size_t			 was;	/* what is equal keeps its order */
	int			 descending;
};

static int
compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int r = x->text != NULL && y->text != NULL ?
	    strcasecmp(x->text, y->text) :
	    (x->number > y->number) - (x->number < y->number);

	if (r == 0)
		return x->was < y->was ? -1 : 1;
	return x->descending ? -r : r;
}

static int
sort(struct rows *rows, const struct request *r)
{
	struct key *keys = calloc(rows->n + 1, sizeof *keys);
	char text[COLUMN_TEXT];
	size_t i;
	int failed = keys == NULL;

	for (i = 0; !failed && i < rows->n; i++) {
		keys[i].item = rows->item[i];
		keys[i].was = i;
		keys[i].descending = r->descending;
		if (r->sort->type != WORD) {
			keys[i].number = r->sort->value(rows->item[i],
			    &r->style);
			continue;
		}
		column_text(r->sort, rows->item[i], &r->style, text,
		    sizeof text);
		keys[i].text = strdup(text);
		failed = keys[i].text == NULL;
	}
	if (!failed) {
		qsort(keys, rows->n, sizeof *keys, compare);
		for (i = 0; i < rows->n; i++)
			rows->item[i] = keys[i].item;
	}
	for (i = 0; keys != NULL && i < rows->n; i++)
		free(keys[i].text);
	free(keys);
	return failed ? cli_fail(EXIT_CANNOT, NULL, "out of memory") : EXIT_YES;
}

int
rows_choose(struct rows *rows, const struct request *r)
{
	const struct shmu_item *items;
	size_t n, i;

	items = shmu_inventory_items(rows->inv, &n);
	rows->item = calloc(n + 1, sizeof *rows->item);
	if (rows->item == NULL)
		return cli_fail(EXIT_CANNOT, NULL, "out of memory");
	for (rows->n = i = 0; i < n; i++)
		if (wanted(r, &items[i]))
			rows->item[rows->n++] = &items[i];
	return r->sort != NULL ? sort(rows, r) : EXIT_YES;
}

static int
failed(const struct request *r)
{
	if (r->spec.ns == 0)
		return cli_fail(EXIT_CANNOT, NULL, "segments cannot be listed: "
		    "%s", strerror(errno));
	if (errno == ESRCH)
		return cli_fail(EXIT_NO, NULL, "there is no process %d",
		    (int)r->spec.ns);
	return cli_fail(EXIT_CANNOT, NULL, "the namespaces of process %d cannot "
	    "be listed: %s", (int)r->spec.ns, errno == EACCES ?
	    "that takes CAP_SYS_PTRACE" : errno == EPERM ?
	    "that takes CAP_SYS_ADMIN" : strerror(errno));
}

int
rows_take(struct rows *rows, const struct request *r)
{
	rows->item = NULL;
	rows->n = 0;
	rows->inv = shmu_inventory_new(&r->spec);
	if (rows->inv == NULL || shmu_inventory_all(rows->inv) == -1 ||
	    shmu_inventory_look(rows->inv) == -1)
		return failed(r);
	return rows_choose(rows, r);
}

void
rows_free(struct rows *rows)
{
	free(rows->item);
	shmu_inventory_free(rows->inv);
	rows->item = NULL;
	rows->inv = NULL;
	rows->n = 0;
}
