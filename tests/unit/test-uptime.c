/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "cmd/uptime.h"

static const char *
text(uint64_t seconds)
{
	static char buf[9];
	uint64_t word = uptime_text(seconds);

	memcpy(buf, &word, sizeof word);
	return buf;
}

static void
the_text_of_a_time(void **state)
{
	(void)state;
	assert_string_equal(text(0), "00:00:00");
	assert_string_equal(text(3), "00:00:03");
	assert_string_equal(text(59), "00:00:59");
	assert_string_equal(text(60), "00:01:00");
	assert_string_equal(text(3599), "00:59:59");
	assert_string_equal(text(86399), "23:59:59");
	assert_string_equal(text(86400), "00:00:00");
	assert_string_equal(text(UINT64_C(1) << 40), "00:36:16");
}

/* An hour in which every wake is late by up to 0.9 s, and some by seconds, as
 * those of a server that was stopped: each wait ends at a whole second of the
 * server's own time, and only seconds that lateness has swallowed are
 * missing. */
static void
lateness_is_not_handed_on(void **state)
{
	const uint64_t began = 7 * UPTIME_SECOND + 123456789;
	uint64_t now = began, deadline, swallowed = 0, wakes = 0;
	unsigned int random = 1;

	(void)state;
	while (now < began + 3600 * UPTIME_SECOND) {
		deadline = uptime_deadline(began, now);
		assert_true(deadline > now && deadline - now <= UPTIME_SECOND);
		assert_int_equal((deadline - began) % UPTIME_SECOND, 0);
		random = random * 1103515245U + 12345U;
		now = deadline + random % 900000000U;
		if ((random >> 16) % 100 == 0)
			now += 3 * UPTIME_SECOND;
		swallowed += (now - deadline) / UPTIME_SECOND;
		wakes++;
	}
	assert_true(swallowed > 0 && wakes > 3000);
	assert_int_equal((now - began) / UPTIME_SECOND, wakes + swallowed);
}

static struct uptime *
fresh(const struct shmu_owner *self)
{
	struct uptime *u = mmap(NULL, sizeof *u, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(uptime_claim(u, 0, self), 1);
	assert_int_equal(uptime_begin(u, self, UPTIME_SECOND), 0);
	return u;
}

static void
what_is_written_is_read(void **state)
{
	struct uptime_look look;
	struct shmu_owner self;
	struct uptime *u;

	(void)state;
	assert_int_equal(shmu_owner_self(&self), 0);
	u = fresh(&self);
	assert_int_equal(uptime_tick(u, UPTIME_SECOND, 90001 * UPTIME_SECOND),
	    0);
	assert_int_equal(uptime_look(u, sizeof *u, &look), 0);
	assert_true(look.record && look.settled);
	assert_string_equal(look.text, "01:00:00");
	assert_int_equal(look.elapsed, 90000 * UPTIME_SECOND);
	assert_int_equal(uptime_pid(look.claim), getpid());
	assert_true(shmu_owner_same(&look.server, &self));
	assert_int_equal(uptime_dead(&look), 0);

	assert_int_equal(uptime_end(u), 0);
	assert_int_equal(uptime_look(u, sizeof *u, &look), 0);
	assert_true(look.record && look.claim == 0);
	munmap(u, sizeof *u);
}

/* A claim is right in every part: id, start time and place. */
static void
a_claim_names_one_process(void **state)
{
	struct shmu_owner self, other;
	struct uptime_look look = { .record = 1 };

	(void)state;
	assert_int_equal(shmu_owner_self(&self), 0);
	look.claim = uptime_claim_of(&self);
	assert_int_equal(uptime_dead(&look), 0);

	other = self;
	other.start++;
	look.claim = uptime_claim_of(&other);
	assert_int_equal(uptime_dead(&look), 1);

	other = self;
	other.pidns++;
	look.claim = uptime_claim_of(&other);
	assert_false(uptime_here(look.claim));
	assert_int_equal(uptime_dead(&look), 0);

	other = self;
	other.pid = 4194303;	/* the last there can be */
	look.claim = uptime_claim_of(&other);
	assert_int_equal(uptime_pid(look.claim), 4194303);
	assert_int_equal(uptime_dead(&look), kill(4194303, 0) == -1);
}

/* Text of others: longer, without an end, cut off, and a record that is
 * none. */
static void
a_strange_segment_is_bounded(void **state)
{
	struct uptime_look look;
	char *p = mmap(NULL, UPTIME_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	strcpy(p, "1:02");
	assert_int_equal(uptime_look((void *)p, UPTIME_SIZE, &look), 0);
	assert_string_equal(look.text, "1:02");
	assert_false(look.record || look.settled);
	strcpy(p, "12 days 00:00:03");
	assert_int_equal(uptime_look((void *)p, UPTIME_SIZE, &look), 0);
	assert_string_equal(look.text, "12 days 00:00:03");
	memset(p, 0xff, UPTIME_SIZE);
	assert_int_equal(uptime_look((void *)p, UPTIME_SIZE, &look), 0);
	assert_int_equal(strlen(look.text), 255);
	assert_false(look.record || look.settled);
	assert_int_equal(uptime_look((void *)p, 20, &look), 0);
	assert_int_equal(strlen(look.text), 20);
	munmap(p, UPTIME_SIZE);
}

/* A writer that is dead in mid-change is not waited for. */
static void
an_open_change_ends(void **state)
{
	struct uptime_look look;
	struct shmu_owner self;
	struct uptime *u;

	(void)state;
	assert_int_equal(shmu_owner_self(&self), 0);
	u = fresh(&self);
	u->sequence++;
	assert_int_equal(uptime_look(u, sizeof *u, &look), 0);
	assert_true(look.record && !look.settled);
	assert_int_equal(uptime_begin(u, &self, UPTIME_SECOND), 0);
	assert_int_equal(uptime_look(u, sizeof *u, &look), 0);
	assert_true(look.settled);
	munmap(u, sizeof *u);
}

/* Cut off under the mapping: an error, and SIGBUS of others is as it was. */
static void
a_shorter_object_is_an_error(void **state)
{
	struct uptime_look look;
	struct shmu_owner self;
	struct sigaction before, after;
	struct uptime *u;
	int fd = memfd_create("uptime", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(sigaction(SIGBUS, NULL, &before), 0);
	assert_int_equal(shmu_owner_self(&self), 0);
	assert_int_equal(ftruncate(fd, UPTIME_SIZE), 0);
	u = mmap(NULL, UPTIME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_int_equal(uptime_claim(u, 0, &self), 1);
	assert_int_equal(uptime_begin(u, &self, 0), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_errno(EFAULT, uptime_look(u, UPTIME_SIZE, &look));
	assert_errno(EFAULT, uptime_tick(u, 0, UPTIME_SECOND));
	assert_errno(EFAULT, uptime_claim(u, 0, &self));
	assert_int_equal(sigaction(SIGBUS, NULL, &after), 0);
	assert_true(after.sa_handler == before.sa_handler);
	munmap(u, UPTIME_SIZE);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_of_a_time),
		cmocka_unit_test(lateness_is_not_handed_on),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_claim_names_one_process),
		cmocka_unit_test(a_strange_segment_is_bounded),
		cmocka_unit_test(an_open_change_ends),
		cmocka_unit_test(a_shorter_object_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
