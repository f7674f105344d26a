/* SPDX-License-Identifier: MIT */
/*
 * ring-kill.c - producers and consumers of one stream, killed at any time
 *
 * Each is a process that resumes where the one before it was killed.  A
 * consumer checks every byte that it sees and writes it to a file, which who
 * resumes cuts to what was acknowledged.  At the end the file is the stream,
 * every byte of it once.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ring.h"

/* What a process that must not go on ends with. */
enum { WRONG = 10, STUCK, LOST, NOT_OPENED };

static struct shmu_operand op;
static const struct timespec patience = { 20, 0 };
static volatile int *enough;		/* shared: send no more */
static char copy[300];			/* the file */
static uint32_t kind;

static void __attribute__((noreturn))
fail_as(int how, const char *what)
{
	fprintf(stderr, "# ring-kill: %s: %s\n", what, strerror(errno));
	_exit(how);
}

/* Wait, for another peer too. */
static int
wait_for(struct shmu_ring *r, size_t want)
{
	int done;

	while ((done = shmu_ring_wait(r, want, &patience)) == -1) {
		if (errno == ETIMEDOUT)
			fail_as(STUCK, "nothing came for 20 s");
		if (errno != EPIPE)
			fail_as(WRONG, "wait");
	}
	return done;
}

static uint32_t
noise(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void
send_some(struct shmu_ring *r, uint32_t *seed)
{
	size_t n, room;
	void *at;

	wait_for(r, 1);
	room = shmu_ring_room(r, 1, &at);
	n = 1 + noise(seed) % room;
	ring_fill(at, shmu_ring_position(r), n);
	shmu_ring_stage(r, n);
}

static void
send_record(struct shmu_ring *r)
{
	uint64_t at = shmu_ring_position(r);
	unsigned char record[300];
	uint32_t n = ring_length(at);

	ring_fill(record, at, n);
	while (shmu_ring_put(r, record, n) == -1)
		wait_for(r, (size_t)shmu_ring_record_size(n));
}

static void __attribute__((noreturn))
produce(uint32_t seed)
{
	struct shmu_ring r;

	if (ring_try(&r, SHMU_RING_PRODUCER, &op, 16384, kind,
	    SHMU_RING_RESUME) == -1)
		fail_as(NOT_OPENED, "producer");
	while (!*enough) {
		if (kind == SHMU_RING_BYTES)
			send_some(&r, &seed);
		else
			send_record(&r);
		if (noise(&seed) % 3 == 0)
			shmu_ring_publish(&r);
	}
	shmu_ring_finish(&r, NULL);
	while (shmu_ring_drain(&r, &patience) != 1)
		if (errno != EPIPE)
			fail_as(STUCK, "drain");
	shmu_ring_close(&r);
	_exit(0);
}

/* Write n bytes of the stream that lie at p, having checked them. */
static void
keep(int fd, const void *p, uint64_t position, size_t n)
{
	if (!ring_right(p, position, n))
		fail_as(WRONG, "bytes that were never sent");
	if (write(fd, p, n) != (ssize_t)n)
		fail_as(LOST, copy);
}

static void
take_some(struct shmu_ring *r, int fd, uint32_t *seed)
{
	const void *at;
	size_t n = shmu_ring_data(r, 1, &at);

	n = 1 + noise(seed) % n;
	shmu_ring_intend(r, n);
	keep(fd, at, shmu_ring_position(r), n);
	shmu_ring_take(r, n);
	shmu_ring_release(r);
}

/* A record is kept as what it takes in the ring: its position tells it all. */
static void
take_record(struct shmu_ring *r, int fd, uint32_t *seed)
{
	static const char zeros[400];
	uint64_t at = shmu_ring_position(r);
	const void *record;
	uint32_t n;
	size_t rest;

	if (shmu_ring_get(r, &record, &n) != 1 || n != ring_length(at))
		fail_as(WRONG, "no record where one must be");
	rest = (size_t)shmu_ring_record_size(n) - n;
	keep(fd, record, at, n);
	if (write(fd, zeros, rest) != (ssize_t)rest)
		fail_as(LOST, copy);
	/* Before a get acknowledges by itself what is not written. */
	if (noise(seed) % 4 == 0 || shmu_ring_gathered(r) > 1024)
		shmu_ring_release(r);
}

static void __attribute__((noreturn))
consume(uint32_t seed)
{
	struct shmu_ring r;
	struct stat st;
	uint64_t from;
	int fd;

	if (ring_try(&r, SHMU_RING_CONSUMER, &op, 16384, kind,
	    SHMU_RING_RESUME) == -1)
		fail_as(NOT_OPENED, "consumer");
	from = shmu_ring_position(&r);
	fd = open(copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || fstat(fd, &st) == -1 || (uint64_t)st.st_size < from)
		fail_as(LOST, "the file has less than was acknowledged");
	if (kind == SHMU_RING_BYTES &&
	    (uint64_t)st.st_size > shmu_ring_intended(&r))
		fail_as(WRONG, "the file has more than was intended");
	if (ftruncate(fd, (off_t)from) == -1 ||
	    lseek(fd, (off_t)from, SEEK_SET) == -1)
		fail_as(LOST, copy);
	while (wait_for(&r, 1) == 1)
		if (kind == SHMU_RING_BYTES)
			take_some(&r, fd, &seed);
		else
			take_record(&r, fd, &seed);
	shmu_ring_close(&r);
	_exit(0);
}

static pid_t
start(enum shmu_ring_role role, uint32_t seed)
{
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0 && role == SHMU_RING_PRODUCER)
		produce(seed);
	if (pid == 0)
		consume(seed);
	return pid;
}

/* Neither was to end; 0 unless one did. */
static void
kill_one(pid_t *pid, enum shmu_ring_role role, uint32_t seed)
{
	int status;

	kill(pid[role], SIGKILL);
	assert_int_equal(waitpid(pid[role], &status, 0), pid[role]);
	assert_true(WIFSIGNALED(status));
	pid[role] = start(role, seed);
}

static void
ends_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Every byte of the file is the stream's, in its place. */
static void
file_is_the_stream(void)
{
	static unsigned char buf[1 << 16];
	uint64_t at = 0;
	ssize_t n;
	int fd = open(copy, O_RDONLY | O_CLOEXEC);

	assert_true(fd != -1);
	while (kind == SHMU_RING_BYTES && (n = read(fd, buf, sizeof buf)) > 0) {
		assert_true(ring_right(buf, at, (size_t)n));
		at += (uint64_t)n;
	}
	while (kind == SHMU_RING_RECORDS) {
		uint32_t length = ring_length(at);

		n = pread(fd, buf, (size_t)shmu_ring_record_size(length),
		    (off_t)at);
		if (n == 0)
			break;
		assert_int_equal(n, shmu_ring_record_size(length));
		assert_true(ring_right(buf, at, length));
		at += (uint64_t)n;
	}
	close(fd);
	assert_true(at > 0);
}

static void
survive(uint32_t what, int kills)
{
	static uint32_t seed = 1;
	pid_t pid[2];
	int i;

	kind = what;
	*enough = 0;
	unlink(copy);
	pid[SHMU_RING_PRODUCER] = start(SHMU_RING_PRODUCER, 1);
	pid[SHMU_RING_CONSUMER] = start(SHMU_RING_CONSUMER, 2);
	for (i = 0; i < kills; i++) {
		/* The shortest do not get through the opening. */
		usleep(noise(&seed) % 8 == 0 ? noise(&seed) % 20000 :
		    noise(&seed) % 1500);
		kill_one(pid, noise(&seed) % 2, noise(&seed));
		if (noise(&seed) % 4 == 0)
			kill_one(pid, noise(&seed) % 2, noise(&seed));
	}
	*enough = 1;
	ends_well(pid[SHMU_RING_PRODUCER]);
	ends_well(pid[SHMU_RING_CONSUMER]);
	file_is_the_stream();
	unlink(copy);
	assert_int_equal(ring_names(&op), 0);
}

static void
bytes_arrive_once_whoever_is_killed(void **state)
{
	(void)state;
	survive(SHMU_RING_BYTES, ring_rounds(300, 10000));
}

static void
records_arrive_once_whoever_is_killed(void **state)
{
	(void)state;
	survive(SHMU_RING_RECORDS, ring_rounds(200, 10000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_arrive_once_whoever_is_killed),
		cmocka_unit_test(records_arrive_once_whoever_is_killed),
	};

	op = ring_channel("kill");
	snprintf(copy, sizeof copy, SHMU_POSIX_DIR "%s.copy", op.name);
	enough = mmap(NULL, sizeof *enough, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (enough == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
