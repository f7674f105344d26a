/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/pages.h"
#include "shmutil/ring.h"

static char name[40];
static struct shmu_operand op;
static const struct timespec limit = { 10, 0 }, none = { 0, 0 };

static struct shmu_ring_spec
spec(uint64_t capacity, uint32_t kind, unsigned int flags)
{
	struct shmu_ring_spec s = SHMU_RING_SPEC_INIT;

	s.capacity = capacity;
	s.kind = kind;
	s.flags = flags;
	return s;
}

static struct shmu_ring
opened(enum shmu_ring_role role, uint64_t capacity, uint32_t kind,
    unsigned int flags)
{
	struct shmu_ring_spec s = spec(capacity, kind, flags);
	struct shmu_ring r;

	if (shmu_ring_open(&r, role, &op, &s) == -1) {
		print_error("open: %s\n", strerror(errno));
		assert_true(0);
	}
	return r;
}

#define producer_of(n)	opened(SHMU_RING_PRODUCER, n, SHMU_RING_BYTES, 0)
#define producer()	producer_of(4096)
#define consumer()	opened(SHMU_RING_CONSUMER, 4096, SHMU_RING_BYTES, 0)

static void
refuses(int err, enum shmu_ring_role role, uint64_t capacity, uint32_t kind,
    unsigned int flags)
{
	struct shmu_ring_spec s = spec(capacity, kind, flags);
	struct shmu_ring r;

	assert_errno(err, shmu_ring_open(&r, role, &op, &s));
}

/* Neither the object nor the bell is there. */
static void
names_are_gone(void)
{
	char path[80];

	snprintf(path, sizeof path, "/dev/shm%s", name);
	assert_errno(ENOENT, access(path, F_OK));
	assert_int_equal(shmu_ring_bell(&op, path, sizeof path), 0);
	assert_errno(ENOENT, access(path, F_OK));
}

static void
send_text(struct shmu_ring *r, const char *text)
{
	void *at;

	assert_true(shmu_ring_room(r, strlen(text), &at) >= strlen(text));
	memcpy(at, text, strlen(text));
	shmu_ring_stage(r, strlen(text));
	shmu_ring_publish(r);
}

static void
expect_text(struct shmu_ring *r, const char *text)
{
	const void *at;

	assert_int_equal(shmu_ring_wait(r, strlen(text), &limit), 1);
	assert_true(shmu_ring_data(r, strlen(text), &at) >= strlen(text));
	assert_memory_equal(at, text, strlen(text));
	shmu_ring_take(r, strlen(text));
	shmu_ring_release(r);
}

/* The n-th byte of the stream that the tests send. */
static unsigned char
byte(uint64_t n)
{
	return (unsigned char)(n * 2654435761U >> 13);
}

/* In a child: send bytes [from, to), then finish unless to be killed. */
static void
send_bytes(struct shmu_ring *r, uint64_t to)
{
	unsigned int seed = 7;
	unsigned char *at;
	uint64_t i, n;

	while (r->mine < to) {
		if (shmu_ring_wait(r, 1, &limit) != 1)
			_exit(2);
		n = shmu_ring_room(r, 1, (void **)&at);
		seed = seed * 1103515245 + 12345;
		n = 1 + (seed >> 8) % n;
		if (n > to - r->mine)
			n = to - r->mine;
		for (i = 0; i < n; i++)
			at[i] = byte(r->mine + i);
		shmu_ring_stage(r, n);
		if ((seed >> 20) % 3 == 0)
			shmu_ring_publish(r);
	}
}

/* Take what comes up to to; the position that was reached, UINT64_MAX when a
 * byte is not what it must be. */
static uint64_t
take_bytes(struct shmu_ring *r, uint64_t to)
{
	const unsigned char *at;
	uint64_t i, n;

	while (r->mine < to && shmu_ring_wait(r, 1, &limit) == 1) {
		n = shmu_ring_data(r, 1, (const void **)&at);
		if (n > to - r->mine)
			n = to - r->mine;
		for (i = 0; i < n; i++)
			if (at[i] != byte(r->mine + i))
				return UINT64_MAX;
		shmu_ring_take(r, n);
		shmu_ring_release(r);
	}
	return r->mine;
}

static void
ends_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
killed(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
every_byte_arrives_once_and_in_order(void **state)
{
	const uint64_t total = 3 << 20;
	struct shmu_ring r;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		r = producer();
		send_bytes(&r, total);
		shmu_ring_finish(&r, &total);
		if (shmu_ring_drain(&r, &limit) != 1)
			_exit(3);
		shmu_ring_close(&r);
		_exit(0);
	}
	r = consumer();
	assert_int_equal(take_bytes(&r, UINT64_MAX), total);
	assert_int_equal(shmu_ring_wait(&r, 1, &limit), 0);
	shmu_ring_close(&r);
	ends_well(pid);
	names_are_gone();
}

/* The two ends in one process, to look at single steps. */
static void
staged_is_not_seen_until_published(void **state)
{
	struct shmu_ring p = producer(), c = consumer();
	const void *from;
	uint64_t sum = 0;
	void *at;

	(void)state;
	assert_int_equal(shmu_ring_room(&p, 1, &at), 4096);
	memcpy(at, "abc", 3);
	shmu_ring_stage(&p, 3);
	assert_int_equal(shmu_ring_data(&c, 1, &from), 0);
	assert_errno(ETIMEDOUT, shmu_ring_wait(&c, 1, &none));
	shmu_ring_publish(&p);
	assert_int_equal(shmu_ring_data(&c, 1, &from), 3);
	assert_memory_equal(from, "abc", 3);
	shmu_ring_take(&c, 2);
	assert_int_equal(shmu_ring_room(&p, 4095, &at), 4093);
	shmu_ring_release(&c);
	assert_int_equal(shmu_ring_room(&p, 4095, &at), 4095);
	assert_int_equal(shmu_ring_checksum(&c, &sum), 0);
	sum = 42;
	shmu_ring_finish(&p, &sum);
	assert_int_equal(shmu_ring_wait(&c, 2, NULL), 0);
	assert_int_equal(shmu_ring_data(&c, 1, &from), 1);
	assert_int_equal(shmu_ring_wait(&c, 1, NULL), 1);
	sum = 0;
	assert_int_equal(shmu_ring_checksum(&c, &sum), 1);
	assert_int_equal(sum, 42);
	shmu_ring_close(&p);
	shmu_ring_close(&c);
	shmu_ring_close(&c);
	names_are_gone();
}

static void
what_wraps_is_one_piece(void **state)
{
	struct shmu_ring p = producer(), c = consumer();
	char text[3001];
	int i;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[3000] = '\0';
	for (i = 0; i < 10; i++) {
		text[i] = (char)('0' + i);
		send_text(&p, text);
		expect_text(&c, text);
	}
	shmu_ring_close(&c);
	shmu_ring_close(&p);
}

static void
records_keep_their_bounds(void **state)
{
	struct shmu_ring p = opened(SHMU_RING_PRODUCER, 4096,
	    SHMU_RING_RECORDS, 0);
	struct shmu_ring c = opened(SHMU_RING_CONSUMER, 0,
	    SHMU_RING_RECORDS, 0);
	static char big[4096];
	const void *record;
	uint32_t n, i;
	int round;

	(void)state;
	assert_int_equal(shmu_ring_get(&c, &record, &n), 0);
	for (round = 0; round < 1000; round++) {
		for (i = 0; i < 5; i++)
			assert_int_equal(
			    shmu_ring_put(&p, "01234567890", i + 6), 0);
		shmu_ring_publish(&p);
		for (i = 0; i < 5; i++) {
			assert_int_equal(shmu_ring_get(&c, &record, &n), 1);
			assert_int_equal(n, i + 6);
			assert_memory_equal(record, "01234567890", n);
			assert_int_equal((uintptr_t)record % 8, 0);
		}
		shmu_ring_release(&c);
	}
	assert_errno(EMSGSIZE, shmu_ring_put(&p, big, 4089));
	assert_int_equal(shmu_ring_put(&p, big, 4088), 0);
	assert_errno(EAGAIN, shmu_ring_put(&p, "", 0));
	shmu_ring_publish(&p);
	assert_int_equal(shmu_ring_get(&c, &record, &n), 1);
	assert_int_equal(n, 4088);
	shmu_ring_release(&c);
	assert_int_equal(shmu_ring_put(&p, "", 0), 0);
	shmu_ring_publish(&p);
	assert_int_equal(shmu_ring_get(&c, &record, &n), 1);
	assert_int_equal(n, 0);
	shmu_ring_close(&c);
	shmu_ring_close(&p);
}

static void
hostile_peers_are_told(void **state)
{
	struct shmu_ring p = opened(SHMU_RING_PRODUCER, 4096,
	    SHMU_RING_RECORDS, 0);
	struct shmu_ring c = opened(SHMU_RING_CONSUMER, 0,
	    SHMU_RING_RECORDS, 0);
	const void *record;
	uint32_t n;
	void *at;

	(void)state;
	assert_int_equal(shmu_ring_put(&p, "abc", 3), 0);
	shmu_ring_publish(&p);
	((uint32_t *)(void *)p.data)[0] = UINT32_MAX;
	assert_errno(EBADMSG, shmu_ring_get(&c, &record, &n));
	((uint32_t *)(void *)p.data)[0] = 9;
	assert_errno(EBADMSG, shmu_ring_get(&c, &record, &n));
	((uint32_t *)(void *)p.data)[0] = 3;
	((uint32_t *)(void *)p.data)[1] = 1;
	assert_errno(EBADMSG, shmu_ring_get(&c, &record, &n));
	((uint32_t *)(void *)p.data)[1] = 0;
	assert_int_equal(shmu_ring_get(&c, &record, &n), 1);
	p.my->position = 16 + 4097;
	assert_int_equal(shmu_ring_data(&c, 100, &record), 0);
	assert_errno(EBADMSG, shmu_ring_wait(&c, 100, NULL));
	p.my->position = 15;
	assert_errno(EBADMSG, shmu_ring_wait(&c, 100, NULL));
	c.my->position = 17;
	assert_int_equal(shmu_ring_room(&p, 4096, &at), 0);
	assert_errno(EBADMSG, shmu_ring_wait(&p, 4096, NULL));
	c.my->position = 0;
	shmu_ring_close(&c);
	shmu_ring_close(&p);
}

/* A child that takes the consumer's end, acknowledges up to a position and
 * waits there to be killed. */
static pid_t
doomed_consumer(uint64_t upto, int tell)
{
	pid_t pid = fork();
	struct shmu_ring r;

	if (pid == 0) {
		r = opened(SHMU_RING_CONSUMER, 0, SHMU_RING_BYTES,
		    SHMU_RING_RESUME);
		if (take_bytes(&r, upto) != upto || write(tell, "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	return pid;
}

static void
a_dead_consumer_is_told_once_and_can_be_followed(void **state)
{
	struct shmu_ring p, c;
	struct shmu_owner who;
	int told[2];
	pid_t pid;
	char b;

	(void)state;
	assert_int_equal(pipe(told), 0);
	p = producer();
	send_bytes(&p, 3000);
	shmu_ring_publish(&p);
	pid = doomed_consumer(1000, told[1]);
	assert_int_equal(read(told[0], &b, 1), 1);
	assert_int_equal(shmu_ring_peer(&p, NULL), SHMU_RING_ATTACHED);
	refuses(EBUSY, SHMU_RING_CONSUMER, 0, SHMU_RING_BYTES,
	    SHMU_RING_RESUME);
	assert_errno(ETIMEDOUT, shmu_ring_wait(&p, 3000, &none));
	killed(pid);
	assert_errno(EPIPE, shmu_ring_wait(&p, 3000, &limit));
	assert_int_equal(shmu_ring_peer(&p, &who), SHMU_RING_DIED);
	assert_int_equal(who.pid, pid);
	assert_errno(ETIMEDOUT, shmu_ring_wait(&p, 3000, &none));
	refuses(EALREADY, SHMU_RING_CONSUMER, 0, SHMU_RING_BYTES, 0);
	c = opened(SHMU_RING_CONSUMER, 0, SHMU_RING_BYTES, SHMU_RING_RESUME);
	assert_int_equal(shmu_ring_position(&c), 1000);
	assert_int_equal(take_bytes(&c, 3000), 3000);
	assert_int_equal(shmu_ring_wait(&p, 4096, &limit), 1);
	shmu_ring_close(&c);
	assert_errno(EPIPE, shmu_ring_drain(&p, &limit) == 1 ?
	    (send_bytes(&p, 3001), shmu_ring_drain(&p, &limit)) : 0);
	assert_int_equal(shmu_ring_peer(&p, NULL), SHMU_RING_LEFT);
	shmu_ring_close(&p);
	/* Meant to be resumed, and not at its end: it stays. */
	c = opened(SHMU_RING_CONSUMER, 0, SHMU_RING_BYTES,
	    SHMU_RING_RESUME | SHMU_RING_EXISTING);
	assert_int_equal(take_bytes(&c, 3001), 3001);
	c.control->resumable = 0;
	shmu_ring_close(&c);
	names_are_gone();
	close(told[0]);
	close(told[1]);
}

static void
a_dead_producer_is_told_after_what_it_published(void **state)
{
	struct shmu_ring p, c = opened(SHMU_RING_CONSUMER, 4096,
	    SHMU_RING_BYTES, SHMU_RING_RESUME);
	struct shmu_owner who;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		p = opened(SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES, 0);
		send_bytes(&p, 2000);
		shmu_ring_publish(&p);
		for (;;)
			pause();
	}
	assert_int_equal(shmu_ring_wait(&c, 2000, &limit), 1);
	killed(pid);
	assert_errno(EPIPE, shmu_ring_wait(&c, 2001, &limit));
	assert_int_equal(shmu_ring_peer(&c, &who), SHMU_RING_DIED);
	assert_int_equal(who.pid, pid);
	assert_int_equal(take_bytes(&c, 2000), 2000);
	refuses(EALREADY, SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES, 0);
	pid = fork();
	if (pid == 0) {
		p = opened(SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES,
		    SHMU_RING_RESUME);
		if (shmu_ring_position(&p) != 2000)
			_exit(1);
		send_bytes(&p, 9000);
		shmu_ring_finish(&p, NULL);
		if (shmu_ring_drain(&p, &limit) != 1)
			_exit(2);
		shmu_ring_close(&p);
		_exit(0);
	}
	assert_int_equal(take_bytes(&c, UINT64_MAX), 9000);
	ends_well(pid);
	shmu_ring_close(&c);
	names_are_gone();
}

static void
a_stopped_consumer_is_no_dead_one(void **state)
{
	const struct timespec short_time = { 0, 50000000 };
	struct shmu_ring p = producer(), c;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		c = consumer();
		raise(SIGSTOP);
		_exit(take_bytes(&c, UINT64_MAX) != 5000);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	send_bytes(&p, 4096);
	assert_errno(ETIMEDOUT, shmu_ring_wait(&p, 1, &short_time));
	kill(pid, SIGCONT);
	send_bytes(&p, 5000);
	shmu_ring_finish(&p, NULL);
	assert_int_equal(shmu_ring_drain(&p, &limit), 1);
	ends_well(pid);
	shmu_ring_close(&p);
	names_are_gone();
}

/* End as one that was killed: without leaving. */
#define die(r)	shmu_ring_drop(r)

static void
leftovers_are_replaced_unless_resumed(void **state)
{
	struct shmu_ring p = opened(SHMU_RING_PRODUCER, 4096, SHMU_RING_BYTES,
	    SHMU_RING_RESUME), c;

	(void)state;
	send_text(&p, "old");
	die(&p);
	c = opened(SHMU_RING_CONSUMER, 0, SHMU_RING_BYTES, SHMU_RING_RESUME);
	expect_text(&c, "old");
	assert_int_equal(shmu_ring_peer(&c, NULL), SHMU_RING_DIED);
	die(&c);
	c = opened(SHMU_RING_CONSUMER, 8192, SHMU_RING_BYTES, 0);
	assert_int_equal(shmu_ring_position(&c), 0);
	assert_int_equal(c.capacity, 8192);
	p = producer_of(8192);
	assert_int_equal(shmu_ring_position(&p), 0);
	send_text(&p, "new");
	expect_text(&c, "new");
	shmu_ring_close(&c);
	shmu_ring_close(&p);
	names_are_gone();
}

/* A stream that went through, and both ends of it. */
static void
whole_stream(struct shmu_ring *p, struct shmu_ring *c)
{
	*p = opened(SHMU_RING_PRODUCER, 4096, SHMU_RING_BYTES, SHMU_RING_KEEP);
	*c = consumer();
	send_text(p, "all");
	shmu_ring_finish(p, NULL);
	expect_text(c, "all");
}

/* Who was killed at the very end, and resumes, finds that it was the end. */
static void
the_end_waits_for_a_producer_that_did_not_see_it(void **state)
{
	struct shmu_ring p, c;

	(void)state;
	whole_stream(&p, &c);
	die(&p);
	shmu_ring_close(&c);
	p = opened(SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES,
	    SHMU_RING_RESUME | SHMU_RING_EXISTING);
	assert_int_equal(shmu_ring_position(&p), 3);
	assert_true(shmu_ring_finished(&p));
	assert_int_equal(shmu_ring_drain(&p, &limit), 1);
	shmu_ring_close(&p);
	names_are_gone();
}

static void
the_end_waits_for_a_consumer_that_did_not_see_it(void **state)
{
	struct shmu_ring p, c;

	(void)state;
	whole_stream(&p, &c);
	die(&c);
	assert_int_equal(shmu_ring_drain(&p, &limit), 1);
	shmu_ring_close(&p);
	c = opened(SHMU_RING_CONSUMER, 0, SHMU_RING_BYTES,
	    SHMU_RING_RESUME | SHMU_RING_EXISTING);
	assert_int_equal(shmu_ring_wait(&c, 1, NULL), 0);
	shmu_ring_close(&c);
	names_are_gone();
}

static void
nothing_is_delivered_while_nobody_came(void **state)
{
	struct shmu_ring p = producer(), c;

	(void)state;
	shmu_ring_finish(&p, NULL);
	assert_errno(ETIMEDOUT, shmu_ring_drain(&p, &none));
	c = consumer();
	assert_int_equal(shmu_ring_drain(&p, &limit), 1);
	shmu_ring_close(&p);
	assert_int_equal(shmu_ring_wait(&c, 1, &limit), 0);
	shmu_ring_close(&c);
	names_are_gone();
}

static void
a_bell_that_nobody_hears_is_no_signal(void **state)
{
	struct shmu_ring p = producer();
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t set;

	(void)state;
	sigaction(SIGPIPE, &act, NULL);
	send_bytes(&p, 4096);
	assert_errno(ETIMEDOUT, shmu_ring_wait(&p, 1, &none));
	assert_errno(ETIMEDOUT, shmu_ring_wait(&p, 1, &none));
	sigpending(&set);
	assert_int_equal(sigismember(&set, SIGPIPE), 0);
	shmu_ring_close(&p);
	names_are_gone();
}

static void
a_loop_around_poll(void **state)
{
	struct shmu_ring p = producer(), c = consumer();
	struct pollfd pc = { .fd = shmu_ring_fd(&c), .events = POLLIN },
	    pp = { .fd = shmu_ring_fd(&p), .events = POLLOUT };

	(void)state;
	assert_int_equal(shmu_ring_arm(&c, 1), 0);
	assert_int_equal(poll(&pc, 1, 0), 0);
	send_text(&p, "x");
	assert_int_equal(poll(&pc, 1, 0), 1);
	assert_int_equal(pc.revents, POLLIN);
	shmu_ring_disarm(&c);
	assert_int_equal(shmu_ring_arm(&c, 1), 1);
	expect_text(&c, "x");
	send_bytes(&p, 4097);
	assert_int_equal(shmu_ring_arm(&p, 1), 0);
	assert_int_equal(poll(&pp, 1, 0), 0);
	shmu_ring_take(&c, 1);
	shmu_ring_release(&c);
	assert_int_equal(poll(&pp, 1, 0), 1);
	assert_int_equal(pp.revents, POLLOUT);
	shmu_ring_disarm(&p);
	assert_int_equal(shmu_ring_arm(&p, 1), 1);
	shmu_ring_close(&c);
	assert_int_equal(poll(&pp, 1, 0), 1);
	assert_true(pp.revents & POLLERR);
	shmu_ring_close(&p);
	names_are_gone();
}

/* Who has a loop of his own asks without waiting. */
static void
a_loop_is_told_of_a_loss_without_waiting(void **state)
{
	struct shmu_ring p = opened(SHMU_RING_PRODUCER, 4096, SHMU_RING_BYTES,
	    SHMU_RING_KEEP), c = consumer();
	struct pollfd pc = { .fd = shmu_ring_fd(&c), .events = POLLIN };

	(void)state;
	send_text(&p, "x");
	expect_text(&c, "x");
	assert_errno(ETIMEDOUT, shmu_ring_wait(&c, 1, &none));
	die(&p);
	assert_int_equal(shmu_ring_arm(&c, 1), 0);
	assert_int_equal(poll(&pc, 1, 0), 1);
	assert_true(pc.revents & POLLHUP);
	shmu_ring_disarm(&c);
	assert_errno(EPIPE, shmu_ring_wait(&c, 1, &none));
	assert_errno(ETIMEDOUT, shmu_ring_wait(&c, 1, &none));
	pc.fd = shmu_ring_fd(&c);
	assert_int_equal(poll(&pc, 1, 0), 0);
	p = opened(SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES, SHMU_RING_RESUME);
	send_bytes(&p, 4097);
	die(&c);
	assert_errno(EPIPE, shmu_ring_wait(&p, 4096, &none));
	assert_errno(ETIMEDOUT, shmu_ring_wait(&p, 4096, &none));
	p.control->resumable = 0;
	shmu_ring_close(&p);
	names_are_gone();
}

/* What the kernel does with a FIFO of one page, which the bell relies on. */
static void
the_bell_is_full_with_one_byte(void **state)
{
	char path[64], b[2];
	struct pollfd w = { .events = POLLOUT }, c = { .events = POLLIN };
	int both;

	(void)state;
	snprintf(path, sizeof path, "/dev/shm%s.fifo", name);
	assert_int_equal(mkfifo(path, 0600), 0);
	both = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	w.fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(fcntl(both, F_SETPIPE_SZ, (int)shmu_pages_size()),
	    (int)shmu_pages_size());
	close(both);
	assert_int_equal(poll(&w, 1, 0), 1);
	assert_true(w.revents & POLLERR);
	c.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(poll(&w, 1, 0), 1);
	assert_int_equal(w.revents, POLLOUT);
	assert_int_equal(write(w.fd, "", 1), 1);
	assert_int_equal(poll(&w, 1, 0), 0);
	assert_int_equal(write(w.fd, "", 1), 1);
	assert_int_equal(poll(&c, 1, 0), 1);
	assert_int_equal(read(c.fd, b, 2), 2);
	assert_int_equal(poll(&w, 1, 0), 1);
	close(w.fd);
	assert_int_equal(poll(&c, 1, 0), 1);
	assert_int_equal(c.revents, POLLHUP);
	both = c.fd;
	c.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close(both);
	assert_int_equal(poll(&c, 1, 0), 0);
	close(c.fd);
	unlink(path);
}

static void
squatted_bells_are_refused(void **state)
{
	char path[80];
	int fd;

	(void)state;
	assert_int_equal(shmu_ring_bell(&op, path, sizeof path), 0);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd != -1);
	close(fd);
	refuses(ENXIO, SHMU_RING_PRODUCER, 4096, SHMU_RING_BYTES, 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refuses(ENXIO, SHMU_RING_CONSUMER, 4096, SHMU_RING_BYTES, 0);
	rmdir(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	refuses(ENXIO, SHMU_RING_CONSUMER, 4096, SHMU_RING_BYTES, 0);
	unlink(path);
	names_are_gone();
}

static void
other_things_are_no_channel(void **state)
{
	struct shmu_spec s = SHMU_SPEC_INIT;
	struct shmu_segment seg;
	struct shmu_operand id;
	struct shmu_ring r;
	struct shmu_ring_spec want = spec(0, SHMU_RING_BYTES, 0);

	(void)state;
	refuses(ENOENT, SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES,
	    SHMU_RING_EXISTING);
	s.size = 1 << 20;
	assert_int_equal(shmu_segment_create(&seg, &op, &s), 0);
	refuses(EILSEQ, SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES, 0);
	assert_int_equal(shmu_segment_resize(&seg, 100, 0), 0);
	refuses(EILSEQ, SHMU_RING_PRODUCER, 0, SHMU_RING_BYTES, 0);
	shmu_segment_close(&seg);
	assert_int_equal(shmu_segment_remove(&op, NULL), 0);
	assert_int_equal(shmu_operand_parse(&id, "0", NULL), 0);
	assert_errno(EINVAL,
	    shmu_ring_open(&r, SHMU_RING_CONSUMER, &id, &want));
	r = producer();
	refuses(EEXIST, SHMU_RING_CONSUMER, 0, SHMU_RING_RECORDS, 0);
	refuses(EEXIST, SHMU_RING_CONSUMER, 8192, SHMU_RING_BYTES, 0);
	shmu_ring_close(&r);
	names_are_gone();
}

static void
how_a_channel_stands(void **state)
{
	struct shmu_ring p = producer(), c = consumer();
	struct shmu_segment seg;
	struct shmu_ring_status st;

	(void)state;
	send_text(&p, "hello");
	expect_text(&c, "he");
	assert_int_equal(shmu_segment_open(&seg, &op, SHMU_READ), 0);
	assert_int_equal(shmu_ring_status(&seg, &st), 0);
	assert_int_equal(st.capacity, 4096);
	assert_int_equal(st.published, 5);
	assert_int_equal(st.acknowledged, 2);
	assert_int_equal(st.finished, 0);
	assert_int_equal(st.state[0], SHMU_RING_ATTACHED);
	assert_int_equal(st.owner[1].pid, getpid());
	shmu_ring_intend(&c, 2);
	assert_int_equal(shmu_ring_intended(&c), 4);
	shmu_ring_close(&c);
	assert_int_equal(shmu_ring_status(&seg, &st), 0);
	assert_int_equal(st.state[1], SHMU_RING_LEFT);
	shmu_ring_close(&p);
	shmu_segment_close(&seg);
	names_are_gone();
}

/* Both ends come at the same moment and go at the same moment, often. */
static void
two_that_come_at_once_meet(void **state)
{
	struct shmu_ring r;
	int i, rounds = getenv("SHMU_SLOW") != NULL ? 20 : 300;
	pid_t pid;

	(void)state;
	for (i = 0; i < rounds; i++) {
		pid = fork();
		if (pid == 0) {
			r = consumer();
			_exit(take_bytes(&r, UINT64_MAX) != 100 ? 1 :
			    (shmu_ring_close(&r), 0));
		}
		r = producer();
		send_bytes(&r, 100);
		shmu_ring_finish(&r, NULL);
		assert_int_equal(shmu_ring_drain(&r, &limit), 1);
		shmu_ring_close(&r);
		ends_well(pid);
		names_are_gone();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_bell_is_full_with_one_byte),
	    cmocka_unit_test(staged_is_not_seen_until_published),
	    cmocka_unit_test(what_wraps_is_one_piece),
	    cmocka_unit_test(records_keep_their_bounds),
	    cmocka_unit_test(every_byte_arrives_once_and_in_order),
	    cmocka_unit_test(two_that_come_at_once_meet),
	    cmocka_unit_test(a_dead_consumer_is_told_once_and_can_be_followed),
	    cmocka_unit_test(a_dead_producer_is_told_after_what_it_published),
	    cmocka_unit_test(a_stopped_consumer_is_no_dead_one),
	    cmocka_unit_test(leftovers_are_replaced_unless_resumed),
	    cmocka_unit_test(the_end_waits_for_a_producer_that_did_not_see_it),
	    cmocka_unit_test(the_end_waits_for_a_consumer_that_did_not_see_it),
	    cmocka_unit_test(nothing_is_delivered_while_nobody_came),
	    cmocka_unit_test(a_bell_that_nobody_hears_is_no_signal),
	    cmocka_unit_test(a_loop_around_poll),
	    cmocka_unit_test(a_loop_is_told_of_a_loss_without_waiting),
	    cmocka_unit_test(hostile_peers_are_told),
	    cmocka_unit_test(squatted_bells_are_refused),
	    cmocka_unit_test(other_things_are_no_channel),
	    cmocka_unit_test(how_a_channel_stands),
	};

	snprintf(name, sizeof name, "/test-ring-%d", (int)getpid());
	if (shmu_operand_parse(&op, name, NULL) == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
