/* SPDX-License-Identifier: MIT */
/*
 * test-cell-step.c - locks, semaphores, barriers and queues, cut at every
 * instruction of every operation
 *
 * An operation is run instruction by instruction.  Whenever the segment has
 * changed, a copy of it is what a kill at that instant would have left: who
 * operates is made a dead one, another process attaches, and what it then finds
 * and gets must be what there was before the operation or after it.  When the
 * cell is deleted at last, the heap must have as many chunks as before it was
 * made.
 */
#include "config.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/check.h"
#include "cell-private.h"
#include "party.h"
#include "step.h"
#include "table-state.h"

#define KEY	"key", 3
#define ARENA	(STATE_ARENA / sizeof(uint64_t))

/* What is found in a cell, as a text. */
struct content {
	char	text[1024];
	size_t	len;
};

static struct shmu_table *table;
static uint64_t image[ARENA], last[ARENA], start[ARENA];
static pid_t friend;		/* a process that lives on */
static uint64_t chunks;		/* of the heap without the cell */
/* What a next process does with the cell, and says of it. */
static void (*use)(struct shmu_table *, struct content *);
static const struct timespec little = { 0, 1000000 };

struct cut {
	struct content	before, after, now;
	uint64_t	self;	/* word of the process that is stepped */
	const char	*also;	/* what else may be found on the way */
	unsigned long	states;
	int		bad;
};

#define say(c, ...)							\
	((c)->len += (size_t)snprintf((c)->text + (c)->len,		\
	    sizeof (c)->text - (c)->len, __VA_ARGS__))

static struct shmu_claim
claim_of(unsigned int flags, pid_t pid)
{
	return (struct shmu_claim){ .pid = pid, .flags = flags,
	    .limit = &little };
}

/* Records of who is what become those of one who is dead: of another time. */
static void
kill_records(uint64_t what)
{
	size_t i;

	for (i = SHMU_HEADER_SIZE / sizeof *image; i < ARENA; i++)
		if ((image[i] & CELL_WHO) == what)
			image[i] ^= UINT64_C(1) << 62;
}

static uint64_t
chunks_of(const struct shmu_table *t)
{
	struct shmu_heap *h = shmu_table_heap((struct shmu_table *)
	    (uintptr_t)t);
	struct shmu_heap_view *v;
	struct shmu_heap_stat s;

	assert_int_equal(shmu_heap_gc(h, NULL), 0);
	assert_int_equal(shmu_heap_view_mapped(&v, h->base, STATE_ARENA), 0);
	assert_int_equal(shmu_heap_view_stat(v, &s), 0);
	assert_int_equal(shmu_heap_view_check(v, NULL, NULL), 0);
	shmu_heap_view_close(v);
	return s.chunks;
}

/* Who of the living has it or waits. */
static void
tell_state(struct shmu_table *t, struct content *c)
{
	struct shmu_party p[16];
	struct shmu_cell_state st;
	uint32_t i;

	if (shmu_cell_state(t, KEY, &st, p, 16) == -1) {
		assert_int_equal(errno, ENOENT);
		return;
	}
	for (i = 0; i < st.parties && i < 16; i++)
		if (!p[i].dead)
			say(c, " %s%s%s", p[i].owner.pid == (uint32_t)friend ?
			    "friend" : "?", p[i].waits ? " waits" : "",
			    p[i].shared ? " shared" : "");
}

/* Lock, unless a living one has it. */
static void
use_lock(struct shmu_table *t, struct content *c)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT, 0);
	int r = shmu_lock_cell_take(t, KEY, &claim);

	say(c, ", lock %d", r);
	if (r == 0)
		assert_int_equal(shmu_lock_cell_give(t, KEY, 0), 0);
	while (shmu_lock_cell_give(t, KEY, friend) == 0)
		say(c, " given");
}

static void
use_semaphore(struct shmu_table *t, struct content *c)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT, 0);
	uint32_t places;
	int n = 0;

	for (places = 2; places < 4; places++) {
		while (shmu_semaphore_take(t, KEY, places, &claim) == 0)
			n++;
		say(c, ", %s", errno == ERANGE ? "not that" : "all");
	}
	say(c, ", %d were free", n);
	while (n-- > 0)
		assert_int_equal(shmu_semaphore_give(t, KEY, 0), 0);
	while (shmu_semaphore_give(t, KEY, friend) == 0)
		say(c, " given");
}

/* What the friend will be told of the generation that it came to. */
static void
tell_end(struct shmu_table *t, struct content *c)
{
	struct cell_member *m;
	struct shmu_owner owner;
	struct cell cell;
	uint64_t room, i;

	assert_int_equal(shmu_owner_of(friend, &owner), 0);
	assert_int_equal(shmu_t_take(t, KEY, &cell), 0);
	m = shmu_t_array(&cell, &((struct cell_barrier *)cell.payload)->members,
	    sizeof *m, &room);
	for (i = 0; i < room; i++)
		if (m[i].who == shmu_party_word(&owner))
			say(c, ", friend's %s", (m[i].tag & 1) != 0 ?
			    "broken" : "good");
	shmu_t_leave(&cell, false);
}

/* The generation may be broken; the next is as good as new. */
static void
use_barrier(struct shmu_table *t, struct content *c)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_RESIZE, 0);
	uint64_t first = 0, number;
	int r = shmu_barrier_wait(t, KEY, 1, &claim, &first);

	if (r == -1)
		assert_int_equal(errno, EOWNERDEAD);
	say(c, ", %u%s", (unsigned int)first, r == -1 ? " broken" : "");
	assert_int_equal(shmu_barrier_wait(t, KEY, 1, &claim, &number), 0);
	assert_int_equal(number, first + 1);
	tell_end(t, c);
}

static void
pop_all(struct shmu_table *t, struct content *c)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT, 0);
	size_t length;
	void *item;

	while (shmu_queue_pop(t, KEY, &item, &length, &claim) == 0) {
		say(c, ", %.5s %zu", (char *)item, length);
		free(item);
	}
}

static void
use_queue(struct shmu_table *t, struct content *c)
{
	struct shmu_claim claim = claim_of(SHMU_CLAIM_NOWAIT, 0);

	pop_all(t, c);
	if (shmu_queue_push(t, KEY, 3, "new", 3, &claim) == -1)
		say(c, ", %s", errno == EPIPE ? "closed" : "?");
	pop_all(t, c);
	while (shmu_queue_ack(t, KEY, friend) == 0)
		say(c, ", ack");
}

/* All there is to know of the image; returns the number of chunks lost. */
static int
tell(struct content *c)
{
	const struct shmu_operand *op;
	struct shmu_table *t;
	uint64_t left;

	memset(c, 0, sizeof *c);
	state_bury((unsigned char *)image, shmu_table_heap(table));
	op = state_segment(false, (unsigned char *)image, STATE_ARENA);
	assert_int_equal(shmu_table_attach(&t, op, 0), 0);
	assert_int_equal(shmu_heap_gc(shmu_table_heap(t), NULL), 0);
	tell_state(t, c);
	use(t, c);
	if (shmu_table_delete(t, KEY) == -1)
		assert_int_equal(errno, ENOENT);
	left = chunks_of(t);
	assert_int_equal(shmu_table_detach(t), 0);
	return (int)(left - chunks);
}

static void
judge(struct cut *c, unsigned long step)
{
	int lost = tell(&c->now);

	if (lost == 0 && (strcmp(c->now.text, c->before.text) == 0 ||
	    strcmp(c->now.text, c->after.text) == 0 ||
	    strcmp(c->now.text, c->also) == 0))
		return;
	if (c->bad++ < 3)
		print_error("# step %lu: %d chunks lost\n# before %s\n"
		    "# after %s\n# now %s\n", step, lost, c->before.text,
		    c->after.text, c->now.text);
}

static void
copy_to_image(const struct cut *c, const void *from)
{
	memcpy(image, from, STATE_ARENA);
	kill_records(shmu_t_self(table));
	if (c->self != 0)
		kill_records(c->self);
}

static enum step_next
through(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	struct cut *c = ctx;
	struct shmu_owner owner;

	(void)n;
	(void)pc;
	assert_int_equal(shmu_owner_of(pid, &owner), 0);
	c->self = shmu_party_word(&owner);
	return STEP_FREE;
}

static enum step_next
look(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	struct cut *c = ctx;

	if (n == 0)
		through(ctx, pid, n, pc);
	if (memcmp(last, shmu_table_heap(table)->base, STATE_ARENA) == 0)
		return STEP_ON;
	memcpy(last, shmu_table_heap(table)->base, STATE_ARENA);
	copy_to_image(c, last);
	judge(c, n);
	c->states++;
	return STEP_ON;
}

/* A process that lives on, stopped; fn is what it does before. */
static pid_t
stopped(void (*fn)(void))
{
	struct shmu_table *own;
	int fd[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (shmu_table_join(&own, table) == -1)
			_exit(1);
		table = own;
		if (write(fd[1], "", 1) != 1)
			_exit(1);
		fn();
		for (;;)
			pause();
	}
	assert_int_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	return pid;
}

static void
nothing(void)
{
}

static void
wait_at_barrier(void)
{
	struct shmu_claim claim = { 0 };

	shmu_barrier_wait(table, KEY, 3, &claim, NULL);
}

static char
state_of(pid_t pid)
{
	struct shmu_owner owner;

	return shmu_owner_of(pid, &owner) == -1 ? 0 : shmu_owner_state(&owner);
}

static uint32_t
parties(void)
{
	struct shmu_cell_state st;

	return shmu_cell_state(table, KEY, &st, NULL, 0) == -1 ? 0 :
	    st.parties;
}

static void
until(bool (*done)(pid_t), pid_t pid)
{
	const struct timespec moment = { 0, 1000000 };
	int i;

	for (i = 0; i < 20000 && !done(pid); i++)
		nanosleep(&moment, NULL);
	assert_true(i < 20000);
}

static bool
asleep(pid_t pid)
{
	return state_of(pid) == 'S';
}

static bool
at_rest(pid_t pid)
{
	return state_of(pid) == 'T';
}

static bool
one_there(pid_t pid)
{
	(void)pid;
	return parties() == 1;
}

static bool
two_there(pid_t pid)
{
	(void)pid;
	return parties() == 2;
}

static void
begin_with(void (*friends)(void), bool (*ready)(pid_t))
{
	state_create_table(&table);
	chunks = chunks_of(table);
	friend = stopped(friends);
	until(ready, friend);
	kill(friend, SIGSTOP);
	until(at_rest, friend);
}

static void
end_all(void)
{
	kill(friend, SIGKILL);
	waitpid(friend, NULL, 0);
	assert_int_equal(shmu_table_detach(table), 0);
}

/* Step op, after prepare, and see every state between before and after. */
static void
step_all(void (*user)(struct shmu_table *, struct content *),
    void (*prepare)(void), void (*op)(void *), const char *also)
{
	static struct cut c;
	struct step_end end;

	memset(&c, 0, sizeof c);
	c.also = also;
	use = user;
	prepare();
	state_keep(shmu_table_heap(table));
	memcpy(start, shmu_table_heap(table)->base, STATE_ARENA);
	copy_to_image(&c, start);
	assert_int_equal(tell(&c.before), 0);
	if (step_run(op, NULL, through, &c, &end) == -1) {
		end_all();
		skip();
	}
	assert_true(end.finished);
	copy_to_image(&c, shmu_table_heap(table)->base);
	assert_int_equal(tell(&c.after), 0);
	memcpy(shmu_table_heap(table)->base, start, STATE_ARENA);
	memcpy(last, start, STATE_ARENA);
	assert_int_equal(step_run(op, NULL, look, &c, &end), 0);
	assert_true(end.finished);
	print_message("# %lu instructions, %lu states:%s | %s\n", end.steps,
	    c.states, c.before.text, c.after.text);
	end_all();
	assert_int_equal(c.bad, 0);
	assert_true(c.states > 2);
}

/* What a cell is before; friends have what they are given. */
static void
absent(void)
{
	begin_with(nothing, asleep);
}

static int
lock(unsigned int flags, pid_t pid)
{
	struct shmu_claim claim = claim_of(flags, pid);

	return shmu_lock_cell_take(table, KEY, &claim);
}

static int
acquire(uint32_t places, unsigned int flags, pid_t pid)
{
	struct shmu_claim claim = claim_of(flags, pid);

	return shmu_semaphore_take(table, KEY, places, &claim);
}

static int
meet(uint32_t count, unsigned int flags)
{
	struct shmu_claim claim = claim_of(flags, 0);

	return shmu_barrier_wait(table, KEY, count, &claim, NULL);
}

static int
push(const char *text, size_t length)
{
	struct shmu_claim claim = claim_of(0, 0);

	return shmu_queue_push(table, KEY, 3, text, length, &claim);
}

static int
pop(unsigned int flags, pid_t pid)
{
	struct shmu_claim claim = claim_of(flags, pid);
	size_t length;
	void *item;

	if (shmu_queue_pop(table, KEY, &item, &length, &claim) == -1)
		return -1;
	free(item);
	return 0;
}

static void
locked(void)
{
	absent();
	assert_int_equal(lock(0, friend), 0);
}

static void
unlocked(void)
{
	locked();
	assert_int_equal(shmu_lock_cell_give(table, KEY, friend), 0);
}

/* What this process has is a dead one's as soon as another looks at an image
 * of it; but the stepped one sees it live. */
static void
locked_by_a_dead_one(void)
{
	pid_t pid;

	absent();
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	assert_int_equal(lock(0, pid), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* All records of holders there is room for are taken. */
static void
shared_by_two(void)
{
	absent();
	assert_int_equal(lock(SHMU_CLAIM_SHARED, friend), 0);
	assert_int_equal(lock(SHMU_CLAIM_SHARED, 0), 0);
}

static void
two_places(void)
{
	absent();
	assert_int_equal(acquire(2, 0, friend), 0);
}

static void
two_places_taken(void)
{
	two_places();
	assert_int_equal(acquire(2, 0, friend), 0);
}

static void
friend_waits(void)
{
	begin_with(wait_at_barrier, one_there);
}

static void
friend_and_a_dead_one_wait(void)
{
	pid_t pid;

	friend_waits();
	pid = stopped(wait_at_barrier);
	until(two_there, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
some_items(void)
{
	absent();
	assert_int_equal(push("one", 3), 0);
	assert_int_equal(push("two", 3), 0);
}

static void
full_queue(void)
{
	some_items();
	assert_int_equal(pop(0, 0), 0);
	assert_int_equal(push("three", 5), 0);
	assert_int_equal(push("four", 4), 0);
}

static void
closed(void)
{
	some_items();
	assert_int_equal(shmu_queue_close(table, KEY), 0);
}

static void
on_lease(void)
{
	some_items();
	assert_int_equal(pop(SHMU_CLAIM_LEASE, friend), 0);
}

static void
on_lease_to_a_dead_one(void)
{
	pid_t pid;

	some_items();
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	assert_int_equal(pop(SHMU_CLAIM_LEASE, pid), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
all_leases_taken(void)
{
	int i;

	absent();
	for (i = 0; i < 8; i++) {
		assert_int_equal(push("item", 4), 0);
		assert_int_equal(pop(SHMU_CLAIM_LEASE, friend), 0);
	}
	assert_int_equal(push("last", 4), 0);
}

static char large[20000] = "large";

#define CASE(name, user, prepare, also, ...)				\
	static void							\
	do_##name(void *arg)						\
	{								\
		(void)arg;						\
		__VA_ARGS__;						\
	}								\
	static void							\
	name(void **state)						\
	{								\
		(void)state;						\
		step_all(use_##user, prepare, do_##name, also);		\
	}
CASE(take_an_absent_lock, lock, absent, "", lock(0, friend))
CASE(take_a_lock, lock, unlocked, "", lock(0, friend))
CASE(take_a_lock_and_die, lock, unlocked, "", lock(0, 0))
CASE(take_a_lock_of_a_dead_one, lock, locked_by_a_dead_one, "",
    lock(SHMU_CLAIM_NOWAIT, friend))
CASE(share_a_lock_that_two_share, lock, shared_by_two, "",
    lock(SHMU_CLAIM_SHARED, 0))
CASE(give_a_lock, lock, locked, "",
    shmu_lock_cell_give(table, KEY, friend))
CASE(wait_for_a_lock, lock, locked, "", lock(0, 0))
CASE(delete_a_lock, lock, unlocked, "", shmu_table_delete(table, KEY))
CASE(take_a_place, semaphore, two_places, "", acquire(2, 0, friend))
CASE(give_a_place, semaphore, two_places_taken, "",
    shmu_semaphore_give(table, KEY, friend))
CASE(resize_a_semaphore, semaphore, two_places_taken,
    " friend friend, not that, all, 1 were free given given",
    acquire(3, SHMU_CLAIM_RESIZE, friend))
CASE(come_to_an_absent_barrier, barrier, absent, ", 1 broken", meet(3, 0))
CASE(come_last, barrier, friend_waits,
    " friend waits, 1 broken, friend's broken", meet(2, SHMU_CLAIM_RESIZE))
CASE(come_where_one_has_died, barrier, friend_and_a_dead_one_wait,
    " friend waits, 2, friend's broken", meet(3, 0))
CASE(push_to_an_absent_queue, queue, absent, "", push("item", 4))
CASE(push_an_item, queue, some_items, "", push("item", 4))
CASE(push_a_large_item, queue, some_items, "", push(large, sizeof large))
CASE(wait_for_room, queue, full_queue, "", push("item", 4))
CASE(pop_an_item, queue, full_queue, "", pop(0, 0))
CASE(lease_an_item, queue, full_queue, "", pop(SHMU_CLAIM_LEASE, friend))
CASE(lease_an_item_and_die, queue, full_queue, "", pop(SHMU_CLAIM_LEASE, 0))
CASE(lease_one_more, queue, all_leases_taken, "",
    pop(SHMU_CLAIM_LEASE, friend))
CASE(pop_what_a_dead_one_had, queue, on_lease_to_a_dead_one, "", pop(0, 0))
CASE(lease_what_a_dead_one_had, queue, on_lease_to_a_dead_one, "",
    pop(SHMU_CLAIM_LEASE, friend))
CASE(acknowledge_an_item, queue, on_lease, "",
    shmu_queue_ack(table, KEY, friend))
CASE(close_a_queue, queue, some_items, "", shmu_queue_close(table, KEY))
CASE(close_an_absent_queue, queue, absent, "", shmu_queue_close(table, KEY))
CASE(delete_a_queue, queue, some_items, "", shmu_table_delete(table, KEY))
CASE(delete_a_closed_queue, queue, closed, "", shmu_table_delete(table, KEY))

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_an_absent_lock),
		cmocka_unit_test(take_a_lock),
		cmocka_unit_test(take_a_lock_and_die),
		cmocka_unit_test(take_a_lock_of_a_dead_one),
		cmocka_unit_test(share_a_lock_that_two_share),
		cmocka_unit_test(give_a_lock),
		cmocka_unit_test(wait_for_a_lock),
		cmocka_unit_test(delete_a_lock),
		cmocka_unit_test(take_a_place),
		cmocka_unit_test(give_a_place),
		cmocka_unit_test(resize_a_semaphore),
		cmocka_unit_test(come_to_an_absent_barrier),
		cmocka_unit_test(come_last),
		cmocka_unit_test(come_where_one_has_died),
		cmocka_unit_test(push_to_an_absent_queue),
		cmocka_unit_test(push_an_item),
		cmocka_unit_test(push_a_large_item),
		cmocka_unit_test(wait_for_room),
		cmocka_unit_test(pop_an_item),
		cmocka_unit_test(lease_an_item),
		cmocka_unit_test(lease_an_item_and_die),
		cmocka_unit_test(lease_one_more),
		cmocka_unit_test(pop_what_a_dead_one_had),
		cmocka_unit_test(lease_what_a_dead_one_had),
		cmocka_unit_test(acknowledge_an_item),
		cmocka_unit_test(close_a_queue),
		cmocka_unit_test(close_an_absent_queue),
		cmocka_unit_test(delete_a_queue),
		cmocka_unit_test(delete_a_closed_queue),
	};

	return cmocka_run_group_tests_name("cells, cut", tests, state_begin,
	    state_end);
}
