/* SPDX-License-Identifier: MIT */
/* verb-lock.c - the verbs for locks, semaphores and barriers */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "verb.h"

int
claim_begin(struct call *c, struct shmu_claim *claim, int needs_owner)
{
	struct shmu_owner owner;

	memset(claim, 0, sizeof *claim);
	claim->pid = c->owner != 0 ? c->owner : c->s->carrier->holder;
	if (needs_owner && claim->pid == 0 && c->command == NULL)
		return verb_fail(c, EXIT_USAGE, (c->verb->flags &
		    VERB_COMMAND) != 0 ? "this command ends at once, and what it "
		    "holds with it: -- COMMAND holds it for a command, --owner "
		    "PID for a process" : "this command ends at once: --owner PID "
		    "says for which process it is");
	if (c->owner != 0 && c->owner != getpid() &&
	    shmu_owner_of(c->owner, &owner) == -1)
		return verb_cause(c, ESRCH);
	if ((c->given & OPT_NOWAIT) != 0)
		claim->flags |= SHMU_CLAIM_NOWAIT;
	if ((c->given & OPT_SHARED) != 0)
		claim->flags |= SHMU_CLAIM_SHARED;
	if ((c->given & OPT_RESIZE) != 0)
		claim->flags |= SHMU_CLAIM_RESIZE;
	if ((c->given & OPT_LEASE) != 0)
		claim->flags |= SHMU_CLAIM_LEASE;
	patience_begin(c);
	return EXIT_YES;
}

int
claim_take(struct call *c, struct shmu_claim *claim, claim_try *try, void *arg)
{
	int status;

	for (;;) {
		claim->limit = patience_left(c);
		if (try(c, claim, arg) == 0)
			return EXIT_YES;
		if (errno == EAGAIN)
			return EXIT_NO;
		if (errno == ETIMEDOUT && patience_over(c))
			return EXIT_TIMEOUT;
		if (errno != EINTR &&
		    !(errno == ETIMEDOUT && patience_polls(c)))
			return -1;
		status = verb_interrupted(c);
		if (status != EXIT_YES)
			return status;
	}
}

/* Who had it died, which is worth a word; and it is the result. */
static int
inherited(struct call *c, const struct shmu_claim *claim)
{
	uint32_t pid = claim->dead.pid;

	if (pid != 0 && !cli.quiet)
		verb_fail(c, EXIT_YES,
		    "process %" PRIu32
		    " had it and died; what it protects may be half done",
		    pid);
	if (c->var == NULL)
		return EXIT_YES;
	return pid != 0 ? verb_result_number(c, pid) : verb_result(c, "", 0);
}

static int
take_lock(struct call *c, struct shmu_claim *claim, void *arg)
{
	(void)arg;
	return shmu_lock_cell_take(c->t, c->key, c->key_length, claim);
}

static int
take_place(struct call *c, struct shmu_claim *claim, void *arg)
{
	(void)arg;
	return shmu_semaphore_take(c->t, c->key, c->key_length, c->count,
	    claim);
}

/* With another number of places than there are, it is not taken. */
static int
not_taken(struct call *c, int err)
{
	struct shmu_cell_state state;

	if (err != ERANGE ||
	    shmu_cell_state(c->t, c->key, c->key_length, &state, NULL, 0) == -1)
		return verb_cause(c, err);
	return verb_fail(c, EXIT_CANNOT,
	    "it has %" PRIu32 " places, not %" PRIu32 "; --resize changes that",
	    state.places, c->count);
}

/* What is held for a command, while it runs. */
typedef int give_fn(struct shmu_table *, const void *, size_t, pid_t);
struct held {
	struct call	*c;
	give_fn		*give;
};

static void
give_back(void *arg)
{
	const struct held *held = arg;
	struct call *c = held->c;

	if (held->give(c->t, c->key, c->key_length, 0) == -1)
		verb_fail(c, EXIT_YES, "it could not be given back: %s", errno ==
		    EPERM ? "somebody else did" : errno == ENOENT ?
		    "the cell was removed" : strerror(errno));
}

static int
run_held(struct call *c, give_fn *give)
{
	const struct carrier *carrier = c->s->carrier;
	struct held held = { c, give };
	int status = carrier->run(carrier->arg, c->command, give_back, &held);

	c->foreign = 1;
	give_back(&held);
	return status;
}

/* What the carrier itself has, said or not, counts: more, or less by one. */
static void
count_held(struct call *c, int more)
{
	const struct carrier *carrier = c->s->carrier;

	if (c->owner != 0 && c->owner != carrier->holder)
		return;
	if (more)
		c->s->held++;
	else if (c->s->held > 0 || carrier->held != NULL)
		c->s->held--;
	if (carrier->held != NULL)
		carrier->held(carrier->arg, c, more);
}

static int
hold(struct call *c, claim_try *take, give_fn *give)
{
	struct shmu_claim claim;
	int status = claim_begin(c, &claim, 1);

	if (status == EXIT_YES)
		status = session_open(c, MAKES);
	if (c->command != NULL)
		claim.pid = 0;
	if (status == EXIT_YES)
		status = claim_take(c, &claim, take, NULL);
	if (status == -1)
		return not_taken(c, errno);
	if (status == EXIT_YES) {
		if (c->command == NULL)
			count_held(c, 1);
		status = inherited(c, &claim);
	}
	return status == EXIT_YES && c->command != NULL ? run_held(c, give) :
	    status;
}

int
verb_lock(struct call *c)
{
	return hold(c, take_lock, shmu_lock_cell_give);
}

static int
counted(struct call *c)
{
	if ((c->given & OPT_COUNT) == 0)
		return verb_fail(c, EXIT_USAGE, "how many? -c N says it");
	if (c->count > SHMU_CELL_PLACES)
		return verb_fail(c, EXIT_USAGE, "-c is at most %u",
		    SHMU_CELL_PLACES);
	return EXIT_YES;
}

int
verb_sem(struct call *c)
{
	int status = counted(c);

	return status == EXIT_YES ? hold(c, take_place, shmu_semaphore_give) :
	    status;
}

/* Of a lock or a semaphore, whichever it is. */
int
verb_unlock(struct call *c)
{
	pid_t pid = c->owner != 0 ? c->owner : c->s->carrier->giver;
	int status = session_open(c, CHANGES), r;

	if (status != EXIT_YES)
		return status;
	r = shmu_lock_cell_give(c->t, c->key, c->key_length, pid);
	if (r == -1 && errno == EPROTOTYPE)
		r = shmu_semaphore_give(c->t, c->key, c->key_length, pid);
	if (r == 0) {
		count_held(c, 0);
		return EXIT_YES;
	}
	if (errno != EPERM && errno != ESRCH)
		return verb_cause(c, errno);
	return verb_fail(c, EXIT_NO,
	    "process %d does not have it; shm ls -l tells who does, --owner "
	    "PID says for whom",
	    (int)pid);
}

static int
meet(struct call *c, struct shmu_claim *claim, void *generation)
{
	return shmu_barrier_wait(c->t, c->key, c->key_length, c->count, claim,
	    generation);
}

int
verb_barrier(struct call *c)
{
	struct shmu_claim claim;
	uint64_t generation = 0;
	int status = counted(c);

	if (status == EXIT_YES)
		status = claim_begin(c, &claim, 0);
	if (status == EXIT_YES)
		status = session_open(c, MAKES);
	if (status == EXIT_YES)
		status = claim_take(c, &claim, meet, &generation);
	if (status == -1 && errno == EOWNERDEAD)
		return verb_fail(c, EXIT_CANNOT,
		    "process %" PRIu32
		    " waited here and died, so this meeting is broken for all",
		    claim.dead.pid);
	if (status == -1)
		return not_taken(c, errno);
	return status == EXIT_YES ? verb_result_number(c, (int64_t)generation) :
	    status;
}
