/* SPDX-License-Identifier: MIT */
/* race - two that count at once, and three cures */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lesson.h"
#include "victim.h"

enum { TIMES = 100000, SECONDS = 2 };

/* show count */
/* Two processes do this at once. */
static void
count(volatile long *n, long times)
{
	while (times-- > 0)
		*n = *n + 1;	/* load, add, store */
}

static void
count_atomically(long *n, long times)
{
	while (times-- > 0)
		__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}
/* end */

/* show seqlock */
/* Numbers of one moment; seq is odd in a change. */
struct record { unsigned int seq; long field[4]; };

static void
begin_change(struct record *r)
{
	__atomic_add_fetch(&r->seq, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void
end_change(struct record *r)
{
	__atomic_add_fetch(&r->seq, 1, __ATOMIC_RELEASE);
}

/* 1 if the copy is of one moment. */
static int
read_record(const struct record *r, long copy[4])
{
	unsigned int seq, then;

	seq = __atomic_load_n(&r->seq, __ATOMIC_ACQUIRE);
	for (int i = 0; i < 4; i++)
		copy[i] = __atomic_load_n(&r->field[i],
		    __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	then = __atomic_load_n(&r->seq, __ATOMIC_RELAXED);
	return seq % 2 == 0 && seq == then;
}
/* end */

enum { FIELDS = 4, READS = 20000 };

/* What they share. */
struct shared {
	struct record	record;
	long		number;
	int		go;
	pthread_mutex_t	mutex;
};

/* By turns: A loads, B does all of it, A stores. */
static long
scripted(struct shared *s)
{
	struct turns t;
	pid_t pid;
	long mine;

	turns_open(&t);
	s->number = 0;
	pid = lesson_fork();
	if (pid == 0) {
		turns_await(&t, 1);
		count(&s->number, 1);
		turns_give(&t, 2);
		_exit(0);
	}
	mine = s->number;
	turns_give(&t, 1);
	turns_await(&t, 2);
	s->number = mine + 1;
	lesson_wait(pid);
	return s->number;
}

static void
write_fields(struct record *r, int from, int to, long value)
{
	for (; from < to; from++)
		__atomic_store_n(&r->field[from], value, __ATOMIC_RELAXED);
}

static int
is_torn(const long copy[FIELDS])
{
	return copy[0] != copy[FIELDS - 1];
}

/* How copies of the record turned out. */
struct copies {
	int	torn, refused, whole;		/* by turns: 1 each */
	long	in_the_wild, accepted, wrong;
};

/* By turns: the writer is half way when it is read, and then at the end. */
static void
scripted_copy(struct shared *s, struct copies *c)
{
	long copy[FIELDS];
	struct turns t;
	pid_t pid;

	turns_open(&t);
	memset(&s->record, 0, sizeof s->record);
	pid = lesson_fork();
	if (pid == 0) {
		begin_change(&s->record);
		write_fields(&s->record, 0, FIELDS / 2, 1);
		turns_give(&t, 1);
		turns_await(&t, 2);
		write_fields(&s->record, FIELDS / 2, FIELDS, 1);
		end_change(&s->record);
		_exit(0);
	}
	turns_await(&t, 1);
	c->refused = !read_record(&s->record, copy);
	c->torn = is_torn(copy);
	turns_give(&t, 2);
	lesson_wait(pid);
	c->whole = read_record(&s->record, copy) && !is_torn(copy);
}

/* A writer that rests between two changes: a reader would starve beside one
 * that never does. */
static void __attribute__((noreturn))
change_for_ever(struct record *r)
{
	long value;

	for (value = 1;; value++) {
		begin_change(r);
		write_fields(r, 0, FIELDS / 2, value);
		if (value % 100 == 0)
			sched_yield();
		write_fields(r, FIELDS / 2, FIELDS, value);
		end_change(r);
		sched_yield();
	}
}

static void
wild_copies(struct shared *s, struct copies *c)
{
	time_t end = time(NULL) + SECONDS;
	pid_t pid = lesson_fork();
	long copy[FIELDS], i;
	int good;

	if (pid == 0)
		change_for_ever(&s->record);
	for (i = 0; i < READS && time(NULL) <= end; i++) {
		good = read_record(&s->record, copy);
		c->in_the_wild += is_torn(copy);
		c->accepted += good;
		c->wrong += good && is_torn(copy);
		if (i % 100 == 0)
			sched_yield();
	}
	kill(pid, SIGKILL);
	lesson_wait(pid);
}

static void
draw_copies(const struct copies *c)
{
	tour_step("What takes more than one store: a torn record");
	tour_line("%-28s %s", "writer", "reader");
	tour_line("%-28s", "1 1 . .  half way");
	tour_line("%-28s %s", "", c->torn ? "copies 1 1 0 0: torn" : "?");
	tour_line("%-28s", "1 1 1 1");
	tour_line("%-28s %s", "", c->whole ? "copies 1 1 1 1" : "?");
	tour_text("In the wild %ld of %d copies were torn.", c->in_the_wild,
	    READS);
	tour_step("A number that is odd during a change");
	tour_code("seqlock");
	tour_line("%-38s %s", "the torn copy, by turns", c->refused ?
	    "is refused" : "?");
	tour_line("%-38s %ld", "in the wild, accepted", c->accepted);
	tour_line("%-38s %ld", "    and torn", c->wrong);
	tour_text("The reader writes nothing and locks nobody out; it tries "
	    "again. Beside a writer that never rests it would starve.");
	tour_check(c->torn && c->refused && c->whole,
	    "a torn copy is refused by its number, a whole one not");
	tour_check(c->wrong == 0, "no accepted copy was torn");
}

/* On one processor nobody is interrupted within an addition but by chance;
 * so it gives way there from time to time. */
static void
count_wildly(volatile long *n, long times)
{
	long i, was;

	for (i = 0; i < times; i++) {
		was = *n;
		if (i % 1000 == 0)
			sched_yield();
		*n = was + 1;
	}
}

static long
both(struct shared *s, void (*fn)(struct shared *))
{
	pid_t pid[2];
	int i;

	s->number = 0;
	s->go = 0;
	for (i = 0; i < 2; i++) {
		pid[i] = lesson_fork();
		if (pid[i] == 0) {
			while (!__atomic_load_n(&s->go, __ATOMIC_ACQUIRE))
				sched_yield();
			fn(s);
			_exit(0);
		}
	}
	__atomic_store_n(&s->go, 1, __ATOMIC_RELEASE);
	lesson_wait(pid[0]);
	lesson_wait(pid[1]);
	return s->number;
}

static void
wild(struct shared *s)
{
	count_wildly(&s->number, TIMES);
}

static void
atomically(struct shared *s)
{
	count_atomically(&s->number, TIMES);
}

static void
in_turns(struct shared *s)
{
	long i;

	for (i = 0; i < TIMES / 10; i++) {
		pthread_mutex_lock(&s->mutex);
		count(&s->number, 1);
		pthread_mutex_unlock(&s->mutex);
	}
}

/* Until something is lost, or two seconds. */
static long
hunt(struct shared *s, int *rounds)
{
	time_t end = time(NULL) + SECONDS;
	long n;

	*rounds = 0;
	do {
		n = both(s, wild);
		++*rounds;
	} while (n == 2 * TIMES && time(NULL) < end);
	return n;
}

static void
make_mutex(pthread_mutex_t *m)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(m, &a);
}

/* A child takes the lock and is killed; what does the next one get? */
static int
after_death(pthread_mutex_t *m)
{
	pid_t pid = lesson_fork();
	int err;

	if (pid == 0) {
		pthread_mutex_lock(m);
		kill(getpid(), SIGKILL);
	}
	lesson_wait(pid);
	err = pthread_mutex_lock(m);
	if (err == EOWNERDEAD)
		pthread_mutex_consistent(m);
	pthread_mutex_unlock(m);
	return err;
}

static void
measure(void)
{
	struct shared *s = lesson_shared(sizeof *s);
	long by_script, lost, exact, locked;
	struct copies copies = { 0, 0, 0, 0, 0, 0 };
	int rounds, dead, then;

	scripted_copy(s, &copies);
	wild_copies(s, &copies);
	make_mutex(&s->mutex);
	by_script = scripted(s);
	lost = 2 * TIMES - hunt(s, &rounds);
	exact = both(s, atomically);
	locked = both(s, in_turns);
	dead = after_death(&s->mutex);
	then = pthread_mutex_lock(&s->mutex);
	pthread_mutex_unlock(&s->mutex);

	tour_step("The loss, in slow motion");
	tour_line("%-28s %s", "A", "B");
	tour_line("%-28s", "loads 0");
	tour_line("%-28s %s", "", "loads 0, adds, stores 1");
	tour_line("%-28s", "adds, stores 1");
	tour_text("Two additions, and the number is %ld. It is so each time, "
	    "when they meet like this.", by_script);
	tour_step("In the wild");
	tour_code("count");
	tour_text("Two processes, %d times each: %ld of %d were lost, in "
	    "round %d.", TIMES, lost, 2 * TIMES, rounds);
	tour_bar("n = n + 1", (uint64_t)(2 * TIMES - lost), 2 * TIMES, "");
	tour_bar("atomic", (uint64_t)exact, 2 * TIMES, "");
	draw_copies(&copies);
	tour_step("A lock, and the death of who holds it");
	tour_line("%-38s %ld of %d", "with a mutex between two processes",
	    locked, TIMES / 10 * 2);
	tour_line("%-38s %s", "its holder is killed; who locks next gets",
	    dead == EOWNERDEAD ? "EOWNERDEAD" : "?");
	tour_line("%-38s %s", "and after that", then == 0 ? "works" : "?");
	tour_text("A robust mutex tells the next one that what it protects "
	    "may be half done. Any other would block for ever.");
	tour_value("scripted", by_script);
	tour_value("atomic", exact);
	tour_value("locked", locked);
	if (lost == 0)
		tour_lacks("the wild loss: the two never met in %d s", SECONDS);
	tour_check(by_script == 1, "in turns: two additions made 1");
	tour_check(exact == 2 * TIMES, "atomic: none is lost");
	tour_check(locked == TIMES / 10 * 2, "with a lock: none is lost");
	tour_check(dead == EOWNERDEAD && then == 0,
	    "a killed holder is told, and the lock goes on");
}

const struct lesson lesson_race = {
	.name = "race",
	.title = "two that count at once",
	.track = "sharing",
	.minutes = 4,
	.question = "Two processes add 1 to a number in shared memory, 100000 "
	    "times each, by n = n + 1. What can it be in the end?",
	.choices = { "200000, always", "200000 or less",
	    "200000 or more" },
	.answer = 2,
	.hint = "n = n + 1 is three steps. What if the other does all its "
	    "three between two of yours?",
	.why = "A store that is based on an old load undoes what came between. "
	    "An atomic addition cannot be parted; a lock keeps the other out "
	    "of what takes longer. That it mostly works is the worst of it: "
	    "a race is found by thinking, not by trying.",
	.next = "run the lesson pinned: taskset -c 0 mem-tour run race.",
	.pages = "pthread_mutexattr_setrobust(3) futex(2) sched_yield(2)",
	.measure = measure
};
