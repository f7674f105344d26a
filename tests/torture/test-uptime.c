/* SPDX-License-Identifier: MIT */
/*
 * test-uptime.c - readers of the time, stopped at each of their instructions
 * while a server writes the next one, and servers killed at each of theirs
 */
#include "config.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/uptime.h"
#include "step.h"
#include "unit/check.h"

/* What reader, writer and judge share. */
static struct shared {
	struct uptime		 u;
	char			 out[2 * UPTIME_SIZE];
	struct uptime_look	 look;
	struct shmu_owner	 server;	/* the one that is stepped */
	uint64_t		 seconds;	/* what is written next */
	int			 result;
} *sh;

#define BEGAN	(5 * UPTIME_SECOND)

static struct shmu_owner self;

static void
put(uint64_t seconds)
{
	assert_int_equal(uptime_tick(&sh->u, BEGAN, BEGAN + seconds *
	    UPTIME_SECOND), 0);
}

/* Our server's write, and that of a textbook. */
static void
our_write(void *arg)
{
	(void)arg;
	put(sh->seconds);
}

static void
textbook_write(void *arg)
{
	char *p = (char *)&sh->u;
	unsigned int s = (unsigned int)(sh->seconds % 86400);

	(void)arg;
	sprintf(p, "%02u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
}

/* What textbook clients do with the address that shmat gave them. */
static void
by_word(void *arg)
{
	uint64_t word = *(volatile uint64_t *)&sh->u;

	(void)arg;
	memcpy(sh->out, &word, sizeof word);
}

/* Into the buffer of a stream, which is sh->out. */
#define LINE	"Timer is : ["

static void
by_printf(void *arg)
{
	const char *p = (const char *)&sh->u;

	fprintf(arg, LINE "%s]\n", p);
}

static void
by_copy_of_all(void *arg)
{
	(void)arg;
	memcpy(sh->out, &sh->u, UPTIME_SIZE);
}

static void
by_byte(void *arg)
{
	const volatile char *p = (const volatile char *)&sh->u;
	size_t i;

	(void)arg;
	for (i = 0; i < 8; i++)
		sh->out[i] = p[i];
}

/* Ours. */
static void
by_look(void *arg)
{
	(void)arg;
	sh->result = uptime_look(&sh->u, sizeof sh->u, &sh->look);
	strcpy(sh->out, sh->look.text);
}

/* From 23:59:59 to 00:00:00: every digit is another one, so what is put
 * together of both is neither. */
#define OLD	UINT64_C(86399)
#define NEW	UINT64_C(86400)

/* Whether out is the text of s seconds, and what our own reader says fits. */
static int
reads(void (*reader)(void *), uint64_t s)
{
	size_t at = reader == by_printf ? strlen(LINE) : 0;
	uint64_t word = uptime_text(s);

	if (memcmp(sh->out + at, &word, sizeof word) != 0)
		return 0;
	return reader != by_look || (sh->result == 0 && sh->look.settled &&
	    sh->look.elapsed == s * UPTIME_SECOND);
}

/* How far it is from one instruction that is tried to the next: one; or ever
 * more of them, where a sanitizer has made a hundred of each. */
static unsigned long
stride(unsigned long at)
{
	return getenv("SHMU_SLOW") != NULL ? 1 + at / 8 : 1;
}

/* The number of torn readings, over the instructions of reader. */
static unsigned long
torn(void (*reader)(void *), void *arg, void (*writer)(void *),
    unsigned long *points)
{
	unsigned long count = 0;
	int r;

	sh->seconds = NEW;
	for (*points = 0;; *points += stride(*points)) {
		put(OLD);
		memset(sh->out, 0, sizeof sh->out);
		r = step_between(reader, arg, *points, writer, NULL);
		if (r == -1 && (errno == EPERM || errno == ENOTSUP))
			skip(0);
		assert_int_not_equal(r, -1);
		if (r == 0)
			return count;
		count += !reads(reader, OLD) && !reads(reader, NEW);
	}
}

static void
never_torn(void (*reader)(void *), void *arg)
{
	unsigned long points;

	assert_int_equal(torn(reader, arg, our_write, &points), 0);
	assert_true(points > 5);
}

static void
a_load_is_never_torn(void **state)
{
	(void)state;
	never_torn(by_word, NULL);
}

static void
printf_is_never_torn(void **state)
{
	FILE *f = fopen("/dev/null", "we");

	(void)state;
	assert_non_null(f);
	assert_int_equal(setvbuf(f, sh->out, _IOFBF, sizeof sh->out), 0);
	never_torn(by_printf, f);
	fclose(f);
}

static void
a_copy_is_never_torn(void **state)
{
	(void)state;
	never_torn(by_copy_of_all, NULL);
}

static void
our_reading_is_one_write(void **state)
{
	(void)state;
	never_torn(by_look, NULL);
}

/* The test can see a torn reading: that of a reader that takes byte by byte,
 * which no writer can help. */
static void
bytes_are_torn(void **state)
{
	unsigned long points;

	(void)state;
	assert_true(torn(by_byte, NULL, our_write, &points) > 0);
}

/* A write by hand is torn wherever it is cut off; ours is not. */
static enum step_next
compare(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	unsigned long *bad = ctx;

	(void)pid;
	(void)n;
	(void)pc;
	by_word(NULL);
	*bad += !reads(by_word, OLD) && !reads(by_word, NEW);
	return STEP_ON;
}

static unsigned long
torn_writes(void (*writer)(void *))
{
	struct step_end end;
	unsigned long bad = 0;

	put(OLD);
	sh->seconds = NEW;
	memset(sh->out, 0, sizeof sh->out);
	if (step_run(writer, NULL, compare, &bad, &end) == -1)
		skip(0);
	assert_true(end.finished && end.steps > 5);
	return bad;
}

static void
our_write_is_never_seen_in_part(void **state)
{
	(void)state;
	assert_int_equal(torn_writes(our_write), 0);
	assert_true(torn_writes(textbook_write) > 0);
}

/* A server's life: claim, begin, tick. */
static void
life(void *arg)
{
	(void)arg;
	if (uptime_claim(&sh->u, 0, &sh->server) == 1 &&
	    uptime_begin(&sh->u, &sh->server, BEGAN) == 0)
		uptime_tick(&sh->u, BEGAN, BEGAN + UPTIME_SECOND);
}

/* Kill it when n of the states that it makes of the segment were seen. */
struct states {
	struct uptime	last;
	unsigned long	n, seen;
};

static enum step_next
kill_at_state(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	struct states *s = ctx;

	(void)pc;
	if (n == 0)
		shmu_owner_of(pid, &sh->server);
	if (memcmp(&s->last, &sh->u, sizeof s->last) == 0)
		return STEP_ON;
	s->last = sh->u;
	return ++s->seen == s->n ? STEP_KILL : STEP_ON;
}

/* Whatever state a killed server leaves, it is proven dead, and the next one
 * claims it and is read. */
static void
the_next_server_carries_on(void **state)
{
	struct step_end end = { 0, 0, 0 };
	struct states s;
	unsigned long n;

	(void)state;
	for (n = 1; !end.finished; n++) {
		memset(&sh->u, 0, sizeof sh->u);
		s = (struct states){ .n = n };
		if (step_run(life, NULL, kill_at_state, &s, &end) == -1)
			skip();
		assert_int_equal(uptime_look(&sh->u, sizeof sh->u, &sh->look),
		    0);
		assert_int_not_equal(sh->look.claim, 0);
		assert_true(uptime_here(sh->look.claim));
		assert_int_equal(uptime_dead(&sh->look), 1);
		assert_int_equal(uptime_claim(&sh->u, sh->look.claim, &self),
		    1);
		assert_int_equal(uptime_begin(&sh->u, &self, BEGAN), 0);
		assert_int_equal(uptime_look(&sh->u, sizeof sh->u, &sh->look),
		    0);
		assert_true(sh->look.settled);
		assert_string_equal(sh->look.text, "00:00:00");
		assert_int_equal(uptime_dead(&sh->look), 0);
	}
	assert_true(n > 10);
}

/* Two that found the same dead claim: one is stopped at each instruction of
 * its attempt while the other makes its own. */
static void
attempt(void *arg)
{
	const uint64_t *old = arg;
	struct shmu_owner me = self;

	me.pid++;
	sh->result = uptime_claim(&sh->u, *old, &me);
}

static void
rival(void *arg)
{
	sh->look.settled = uptime_claim(&sh->u, *(const uint64_t *)arg, &self);
}

static void
of_two_claimants_one_wins(void **state)
{
	uint64_t old = 12345;
	unsigned long n, first = 0;
	int r;

	(void)state;
	for (n = 0;; n += stride(n)) {
		memset(sh, 0, sizeof *sh);
		sh->u.claim = old;
		r = step_between(attempt, &old, n, rival, &old);
		if (r == -1)
			skip();
		if (r == 0)
			break;
		assert_int_equal(sh->result + sh->look.settled, 1);
		first += (unsigned long)sh->result;
	}
	assert_true(first > 0 && first < n);
}

static int
prepare(void **state)
{
	(void)state;
	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return sh == MAP_FAILED || shmu_owner_self(&self) != 0;
}

static int
fill(void **state)
{
	(void)state;
	memset(sh, 0, sizeof *sh);
	return uptime_claim(&sh->u, 0, &self) != 1 ||
	    uptime_begin(&sh->u, &self, BEGAN) != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_load_is_never_torn, fill),
		cmocka_unit_test_setup(printf_is_never_torn, fill),
		cmocka_unit_test_setup(a_copy_is_never_torn, fill),
		cmocka_unit_test_setup(our_reading_is_one_write, fill),
		cmocka_unit_test_setup(bytes_are_torn, fill),
		cmocka_unit_test_setup(our_write_is_never_seen_in_part, fill),
		cmocka_unit_test(the_next_server_carries_on),
		cmocka_unit_test(of_two_claimants_one_wins),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
