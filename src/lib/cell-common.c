/* SPDX-License-Identifier: MIT */
/* cell-common.c - who processes are to a table, and the payloads of cells */
#include "config.h"

#include <time.h>
#include <unistd.h>

#include "cell-private.h"
#include "table-layout.h"
#include "party.h"

static void
places_of(const struct shmu_table *t, struct shmu_owner *out)
{
	if (!t->heap->reading)
		*out = t->heap->locker.self;
	else
		shmu_owner_self(out);
}

uint64_t
shmu_t_self(const struct shmu_table *t)
{
	struct shmu_owner self;

	places_of(t, &self);
	return shmu_party_word(&self);
}

/* The handle's thread need not be the first of its process.  Of oneself the id
 * will do where there is no /proc. */
static uint64_t
own_party(const struct shmu_table *t)
{
	struct shmu_owner owner;
	pid_t pid = getpid();

	places_of(t, &owner);
	if ((pid_t)owner.pid != pid &&
	    shmu_owner_start(pid, &owner.start) == -1)
		owner.start = 0;
	owner.pid = (uint32_t)pid;
	return shmu_party_word(&owner);
}

int
shmu_t_party(struct shmu_table *t, pid_t pid, uint64_t *out)
{
	struct shmu_owner owner;

	if (t->party == 0)
		t->party = own_party(t);
	*out = t->party;
	if (pid == 0 || pid == (pid_t)(t->party & CELL_WHO & UINT32_MAX))
		return 0;
	if (shmu_owner_start(pid, &owner.start) == -1)
		return -1;
	owner.pid = (uint32_t)pid;
	*out = shmu_party_word(&owner);
	return 0;
}

void
shmu_t_party_owner(const struct shmu_table *t, uint64_t party,
    struct shmu_owner *out)
{
	struct shmu_owner places;

	places_of(t, &places);
	party &= CELL_WHO;
	shmu_party_owner(&places, (uint32_t)party, party, out);
}

enum shmu_fate
shmu_t_party_fate(const struct shmu_table *t, uint64_t party)
{
	struct shmu_owner here;

	places_of(t, &here);
	return shmu_party_fate(&here, (uint32_t)(party & CELL_WHO), party);
}

bool
shmu_t_party_dead(const struct shmu_table *t, uint64_t party)
{
	return shmu_t_party_fate(t, party) == SHMU_DEAD;
}

void *
shmu_t_payload(const struct cell *c, enum shmu_cell_type type, size_t size)
{
	if (c->type == SHMU_CELL_NONE)
		errno = ENOENT;
	else if (c->type != type)
		errno = EPROTOTYPE;
	else if (c->length < size)
		errno = EBADMSG;
	else
		return c->payload;
	return NULL;
}

void *
shmu_t_open(struct cell *c, enum shmu_cell_type type, size_t size)
{
	if (c->type == SHMU_CELL_NONE &&
	    shmu_t_make(c, type, size, NULL, NULL) == -1)
		return NULL;
	return shmu_t_payload(c, type, size);
}

/* 0 where it is not known. */
static uint64_t
boot_of(const struct shmu_table *t)
{
	struct shmu_owner self;

	places_of(t, &self);
	return self.boot[0] ^ self.boot[1];
}

bool
shmu_t_stale(const struct cell *c, const struct cell_head *head)
{
	uint64_t boot = boot_of(c->t);

	return boot != 0 && LOAD(&head->boot) != boot;
}

void
shmu_t_fresh(const struct cell *c, struct cell_head *head)
{
	RELEASE(&head->boot, boot_of(c->t));
}

uint64_t
shmu_t_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
