/* SPDX-License-Identifier: MIT */
/* session.c - stores that stay attached from one command to the next */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cause.h"
#include "shmutil/sys.h"
#include "verb.h"

void
session_begin(struct session *s, const struct carrier *carrier, int many)
{
	memset(s, 0, sizeof *s);
	s->carrier = carrier;
	s->many = many;
	s->pid = getpid();
}

static void
detach(struct store *st)
{
	if (st->table != NULL)
		shmu_table_detach(st->table);
	free(st->text);
	memset(st, 0, sizeof *st);
}

/* Somebody has cut it short: to touch what is mapped, as in detaching from it,
 * would be the end of this process. */
static void
abandon(struct store *st)
{
	free(st->text);
	memset(st, 0, sizeof *st);
}

void
session_end(struct session *s)
{
	size_t i;

	/* Who only reads has nothing to give back but mappings. */
	for (i = 0; i < SESSION_STORES; i++)
		if (s->many || !s->stores[i].readonly)
			detach(&s->stores[i]);
	if (!s->many)
		return;
	buffer_free(&s->value);
	buffer_free(&s->text);
	buffer_free(&s->where);
	buffer_free(&s->list);
	buffer_free(&s->places);
}

/* What op means now; all zero when that is nothing, or cannot be told. */
static struct identity
identify(const struct shmu_operand *op)
{
	struct identity is = { 0, 0, 0 };
	char path[sizeof SHMU_POSIX_DIR + sizeof op->name];
	struct shmid_ds ds;
	struct stat st;
	int id = op->id;

	switch (op->kind) {
	case SHMU_POSIX:
		memcpy(path, SHMU_POSIX_DIR, sizeof SHMU_POSIX_DIR - 1);
		strcpy(path + sizeof SHMU_POSIX_DIR - 1, op->name);
		if (shmu_sys_lstat(path, &st) == 0)
			is = (struct identity){ st.st_dev, st.st_ino,
			    (uint64_t)st.st_size };
		break;
	case SHMU_FILE:
		if (stat(op->path, &st) == 0)
			is = (struct identity){ st.st_dev, st.st_ino,
			    (uint64_t)st.st_size };
		break;
	case SHMU_KEY:
		id = shmu_sys_shmget(op->key, 0, 0);
		/* FALLTHROUGH */
	case SHMU_ID:
		if (id != -1 && shmu_sys_shmctl(id, IPC_STAT, &ds) == 0)
			is = (struct identity){ UINT64_MAX, (uint64_t)id, 0 };
		break;
	default:
		break;
	}
	return is;
}

static int
same(struct identity a, struct identity b)
{
	return a.a == b.a && a.b == b.b && (a.a != 0 || a.b != 0);
}

static struct store *
find(const struct call *c)
{
	struct session *s = c->s;
	size_t i;

	for (i = 0; i < SESSION_STORES; i++) {
		struct store *st = &s->stores[i];

		if (st->table != NULL &&
		    strncmp(st->text, c->store, c->store_length) == 0 &&
		    st->text[c->store_length] == '\0' &&
		    st->any_owner == ((c->given & OPT_ANY_OWNER) != 0))
			return st;
	}
	return NULL;
}

/* Where the next one goes: a free place, or that of the one unused longest. */
static struct store *
place(struct session *s)
{
	struct store *oldest = &s->stores[0];
	size_t i;

	for (i = 0; i < SESSION_STORES; i++) {
		if (s->stores[i].table == NULL)
			return &s->stores[i];
		if (s->stores[i].used < oldest->used)
			oldest = &s->stores[i];
	}
	detach(oldest);
	return oldest;
}

/* Only existing stores: also by the environment. */
static int
strict(const struct call *c)
{
	const char *word = getenv("SHM_STRICT");

	return (c->given & OPT_EXISTING) != 0 ||
	    (word != NULL && word[0] != '\0' && strcmp(word, "0") != 0);
}

/* Say what a wait will be for: nobody else knows of this store yet. */
static void
made(struct call *c)
{
	if ((c->verb->run == verb_wait || c->verb->run == verb_pop) &&
	    !cli.quiet)
		verb_fail(c, EXIT_YES,
		    "the store was not there and is made now");
}

static int
attach(struct call *c, enum access how, struct shmu_table **out)
{
	static const struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	unsigned int flags = (c->given & OPT_ANY_OWNER) != 0 ?
	    SHMU_TABLE_ANY_OWNER : 0;
	int created = 0;

	if (how == READS || how == CHANGES || strict(c))
		return shmu_table_attach(out, &c->op, flags |
		    (how == READS ? SHMU_TABLE_READ : 0));
	if (shmu_table_open(out, &c->op, &spec, flags, &created) == -1)
		return -1;
	if (created)
		made(c);
	return 0;
}

/* In a child nothing of the parent's is ours. */
static void
after_fork(struct session *s)
{
	pid_t pid = s->carrier->holder != 0 ? s->carrier->holder : getpid();
	size_t i;

	if (s->pid == pid)
		return;
	s->pid = pid;
	s->held = 0;
	for (i = 0; i < SESSION_STORES; i++)
		detach(&s->stores[i]);
}

static int
remember(struct call *c, struct identity is, enum access how,
    struct shmu_table *table)
{
	struct store *st = place(c->s);

	st->fd = shmu_table_descriptor(table, c->s->carrier->descriptor);
	if (st->fd == -1)
		st->fd = shmu_table_descriptor(table, 0);
	st->text = malloc(c->store_length + 1);
	if (st->text == NULL) {
		shmu_table_detach(table);
		errno = ENOMEM;
		return -1;
	}
	memcpy(st->text, c->store, c->store_length);
	st->text[c->store_length] = '\0';
	st->table = table;
	st->is = is;
	st->readonly = how == READS;
	st->any_owner = (c->given & OPT_ANY_OWNER) != 0;
	st->used = c->s->clock;
	c->t = table;
	return 0;
}

/*
 * Whether the operand still means what is attached: 1, or 0.  -1: it does, but
 * it was cut short.  An object that lost its name has no link, which takes less
 * to see than what its name is now.
 */
static int
means(const struct shmu_operand *op, const struct store *st)
{
	struct identity is;
	struct stat now;

	if (op->kind != SHMU_POSIX || st->fd == -1)
		is = identify(op);
	else if (shmu_sys_fstat(st->fd, &now) == 0 && now.st_nlink > 0)
		is = (struct identity){ now.st_dev, now.st_ino,
		    (uint64_t)now.st_size };
	else
		return 0;
	return !same(is, st->is) ? 0 : is.size >= st->is.size ? 1 : -1;
}

/* What is attached for reading is let go of when there is better: who may not
 * write reads on. */
int
session_try(struct call *c, enum access how)
{
	struct session *s = c->s;
	struct identity is = { 0, 0, 0 };
	struct shmu_table *table;
	struct store *st;
	int found = 1;

	if (s->many)
		after_fork(s);
	st = find(c);
	if (st != NULL && s->many)
		found = means(&c->op, st);
	if (st != NULL && found == 1 && (how == READS || !st->readonly)) {
		st->used = s->clock;
		c->t = st->table;
		return 0;
	}
	if (st == NULL || found != 1)
		c->t = NULL;
	if (st != NULL && found == -1)
		abandon(st);
	else if (st != NULL && found == 0)
		detach(st);
	if (attach(c, how, &table) == -1)
		return -1;
	if (st != NULL && found == 1)
		detach(st);
	if (s->many)
		is = identify(&c->op);
	c->t = NULL;
	return remember(c, is, how, table);
}

int
session_open(struct call *c, enum access how)
{
	static const struct shmu_spec spec = SHMU_SPEC_INIT;

	if (session_try(c, how) == 0)
		return EXIT_YES;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ?
	    cause_create(verb_where(c), &c->op, &spec, errno) :
	    verb_cause_open(c, errno);
}

int
session_sees(struct call *c)
{
	if (session_try(c, CHANGES) == 0)
		return EXIT_YES;
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		return EXIT_NO;
	verb_cause_open(c, errno);
	return EXIT_CANNOT;
}

void
session_forget(struct call *c)
{
	struct store *st = find(c);

	if (st != NULL)
		detach(st);
	c->t = NULL;
}
