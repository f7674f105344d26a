/* SPDX-License-Identifier: MIT */
/*
 * ring-step.c - every state that a call leaves a channel in, if killed there
 *
 * A call is run one instruction at a time.  Whenever the channel has changed,
 * its segment and its bell are copied under another name, which nobody has an
 * end of: that is what a death there leaves.  The copy must stand as before the
 * call or after it, and others must be able to go on with it: to resume both
 * ends, and to begin anew.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ring.h"
#include "step.h"

#define CAPACITY	4096
#define LARGEST		(8 * 4096)	/* a segment of that capacity, and
					 * more */

static struct shmu_operand op, copy;
static const struct timespec limit = { 10, 0 };

/* How a channel stands for who comes later. */
struct stand {
	int		there;		/* 0: a new one is made */
	uint64_t	published, acknowledged;
	int		finished;
};

/* A channel as the file system has it. */
struct image {
	int		names;
	ino_t		ino;
	size_t		size;
	unsigned char	bytes[LARGEST];
};

/* A call that is stepped through, and what may be found on the way. */
struct torture {
	const char	*name;
	uint32_t	 kind;
	void		(*call)(void *);
	struct stand	 stands[4];	/* in this order */
	int		 n;
	struct image	 last;
	int		 at;		/* of the stands, the last one seen */
	int		 states;
	int		 bad;
};

static struct shmu_ring producer, consumer;
static uint32_t kind;

static void
path_of(const struct shmu_operand *o, const char *end, char *path, size_t size)
{
	snprintf(path, size, SHMU_POSIX_DIR "%s%s", o->name, end);
}

static void
look(struct image *image)
{
	char path[300];
	struct stat st;
	ssize_t n;
	int fd;

	image->names = ring_names(&op);
	image->size = 0;
	image->ino = 0;
	path_of(&op, "", path, sizeof path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = read(fd, image->bytes, sizeof image->bytes);
	image->size = n > 0 ? (size_t)n : 0;
	if (fstat(fd, &st) == 0)
		image->ino = st.st_ino;
	close(fd);
}

static void
make_copy(const struct image *image)
{
	char path[300];
	int fd;

	if (image->names & 1) {
		path_of(&copy, "", path, sizeof path);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd == -1 || write(fd, image->bytes, image->size) !=
		    (ssize_t)image->size)
			abort();
		close(fd);
	}
	if (image->names & 2) {
		path_of(&copy, ".bell", path, sizeof path);
		if (mkfifo(path, 0600) == -1)
			abort();
	}
}

static void
remove_copy(void)
{
	char path[300];

	path_of(&copy, "", path, sizeof path);
	unlink(path);
	path_of(&copy, ".bell", path, sizeof path);
	unlink(path);
}

static int
wrong(struct torture *t, const char *what)
{
	t->bad++;
	fprintf(stderr, "# %s, state %d: %s: %s\n", t->name, t->states, what,
	    strerror(errno));
	return -1;
}

/* Which of the stands this is, from the last one on; or -1. */
static int
which(struct torture *t, const struct stand *is)
{
	const struct stand *may;
	int i;

	for (i = t->at; i < t->n; i++) {
		may = &t->stands[i];
		if (may->there == is->there && (!is->there ||
		    (may->published == is->published &&
		    may->acknowledged == is->acknowledged &&
		    may->finished == is->finished)))
			return i;
	}
	return -1;
}

static int
stand_of(struct torture *t, struct stand *is)
{
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct shmu_ring_status status;
	int done;

	memset(is, 0, sizeof *is);
	if ((t->last.names & 1) == 0)
		return 0;
	if (shmu_segment_open(&seg, &copy, SHMU_READ) == -1)
		return wrong(t, "open to look");
	done = shmu_ring_status(&seg, &status);
	shmu_segment_close(&seg);
	if (done == -1)
		return wrong(t, "status");
	is->there = 1;
	is->published = status.published;
	is->acknowledged = status.acknowledged;
	is->finished = status.finished;
	if (status.state[0] == SHMU_RING_ATTACHED ||
	    status.state[1] == SHMU_RING_ATTACHED)
		return wrong(t, "an end of the copy is held");
	return 0;
}

/* Send what comes next in the stream. */
static int
send_more(struct shmu_ring *p)
{
	uint64_t at = shmu_ring_position(p);
	unsigned char record[300];
	void *to;

	if (kind == SHMU_RING_RECORDS) {
		ring_fill(record, at, ring_length(at));
		return shmu_ring_put(p, record, ring_length(at));
	}
	if (shmu_ring_room(p, 40, &to) < 40)
		return -1;
	ring_fill(to, at, 40);
	shmu_ring_stage(p, 40);
	return 0;
}

/* Take all that comes; whether it was right. */
static int
take_all(struct shmu_ring *c)
{
	uint64_t at;
	const void *from;
	uint32_t length;
	size_t n;

	while (shmu_ring_wait(c, 1, &limit) == 1) {
		at = shmu_ring_position(c);
		if (kind == SHMU_RING_RECORDS) {
			if (shmu_ring_get(c, &from, &length) != 1 ||
			    length != ring_length(at) ||
			    !ring_right(from, at, length))
				return 0;
			continue;
		}
		n = shmu_ring_data(c, 1, &from);
		if (!ring_right(from, at, n))
			return 0;
		shmu_ring_take(c, n);
		shmu_ring_release(c);
	}
	return shmu_ring_wait(c, 1, &limit) == 0;
}

/* Two that come later: from where they must begin, a bit more, and the end. */
static int
go_on(struct torture *t, const struct stand *is, unsigned int flags)
{
	struct shmu_ring p, c;
	uint64_t sum = 0;
	int right;

	if (ring_try(&c, SHMU_RING_CONSUMER, &copy, 0, kind, flags) == -1)
		return wrong(t, "consumer");
	if (ring_try(&p, SHMU_RING_PRODUCER, &copy, 0, kind, flags) == -1) {
		shmu_ring_close(&c);
		return wrong(t, "producer");
	}
	right = shmu_ring_position(&c) == is->acknowledged &&
	    shmu_ring_position(&p) == is->published &&
	    shmu_ring_finished(&c) == is->finished;
	if (is->finished && shmu_ring_checksum(&c, &sum))
		right &= sum == 42;
	if (!is->finished && send_more(&p) == -1)
		right = 0;
	shmu_ring_finish(&p, NULL);
	if (!take_all(&c) || shmu_ring_drain(&p, &limit) != 1)
		right = 0;
	shmu_ring_close(&p);
	shmu_ring_close(&c);
	if (!right)
		return wrong(t, flags ? "resumed" : "begun anew");
	return ring_names(&copy) == 0 ? 0 : wrong(t, "names are left");
}

/* Judge what a death here leaves. */
static void
judge(struct torture *t)
{
	static const struct stand anew;
	struct stand is;
	int i;

	make_copy(&t->last);
	if (stand_of(t, &is) == 0) {
		i = which(t, &is);
		if (i == -1) {
			fprintf(stderr, "# %d %d %d %d\n", is.there,
			    (int)is.published, (int)is.acknowledged,
			    is.finished);
			wrong(t, "neither before nor after");
		} else
			t->at = i;
		go_on(t, &is, SHMU_RING_RESUME);
		make_copy(&t->last);
		go_on(t, &anew, 0);
	}
	remove_copy();
}

static enum step_next
at_each(void *ctx, pid_t pid, unsigned long n, uintptr_t pc)
{
	static struct image now;
	struct torture *t = ctx;

	(void)pid;
	(void)n;
	(void)pc;
	look(&now);
	if (t->states > 0 && now.names == t->last.names &&
	    now.size == t->last.size &&
	    memcmp(now.bytes, t->last.bytes, now.size) == 0)
		return STEP_ON;
	t->last = now;
	t->states++;
	judge(t);
	return t->bad == 0 ? STEP_ON : STEP_KILL;
}

/* Step through it; the last of what may be must have been reached. */
static void
run(struct torture *t)
{
	struct step_end end;

	kind = t->kind;
	if (step_run(t->call, NULL, at_each, t, &end) == -1) {
		if (errno == EPERM || errno == ENOTSUP)
			skip();
		assert_true(0);
	}
	print_message("# %s: %lu instructions, %d states\n", t->name, end.steps,
	    t->states);
	assert_int_equal(t->bad, 0);
	assert_true(end.finished);
	assert_int_equal(t->at, t->n - 1);
}

static void
begin(uint32_t what, unsigned int flags)
{
	kind = what;
	assert_int_equal(ring_try(&producer, SHMU_RING_PRODUCER, &op, CAPACITY,
	    what, flags), 0);
	assert_int_equal(ring_try(&consumer, SHMU_RING_CONSUMER, &op, 0, what,
	    flags), 0);
}

static void
end(void)
{
	/* As they stand in the segment; the child has gone on meanwhile. */
	shmu_ring_drop(&producer);
	shmu_ring_drop(&consumer);
	copy = op;
	remove_copy();
	copy = ring_channel("copy");
}

/* What is stepped through.  The child has both ends, as the parent. */
static void
publish(void *arg)
{
	(void)arg;
	send_more(&producer);
	shmu_ring_publish(&producer);
}

static void
release(void *arg)
{
	const void *at;
	uint32_t n;

	(void)arg;
	if (kind == SHMU_RING_RECORDS)
		shmu_ring_get(&consumer, &at, &n);
	else {
		shmu_ring_intend(&consumer, 30);
		shmu_ring_take(&consumer, 30);
	}
	shmu_ring_release(&consumer);
}

static void
finish(void *arg)
{
	uint64_t sum = 42;

	(void)arg;
	send_more(&producer);
	shmu_ring_finish(&producer, &sum);
}

static void
sleep_briefly(void *arg)
{
	static const struct timespec none = { 0, 0 };

	(void)arg;
	consumer.spins = 0;
	shmu_ring_wait(&consumer, CAPACITY, &none);
}

static void
close_producer(void *arg)
{
	(void)arg;
	shmu_ring_close(&producer);
}

static void
close_both(void *arg)
{
	(void)arg;
	shmu_ring_close(&producer);
	shmu_ring_close(&consumer);
}

/* In the child alone: the parent has no end. */
static unsigned int open_flags;

static void
open_consumer(void *arg)
{
	(void)arg;
	if (ring_try(&consumer, SHMU_RING_CONSUMER, &op, CAPACITY, kind,
	    open_flags) == -1)
		_exit(1);
}

static void
open_producer(void *arg)
{
	(void)arg;
	if (ring_try(&producer, SHMU_RING_PRODUCER, &op, CAPACITY, kind,
	    open_flags) == -1)
		_exit(1);
}

#define BYTES	SHMU_RING_BYTES
#define RECORDS	SHMU_RING_RECORDS

static struct torture t;

/* The record at 0, and the end of the one behind it. */
#define FIRST	shmu_ring_record_size(ring_length(0))
#define SECOND	(FIRST + shmu_ring_record_size(ring_length(FIRST)))

static void
bytes_are_published_at_once(void **state)
{
	(void)state;
	begin(BYTES, 0);
	publish(NULL);
	t = (struct torture){ .name = "publish bytes", .kind = BYTES,
	    .call = publish, .stands = { { 1, 40, 0, 0 }, { 1, 80, 0, 0 } },
	    .n = 2 };
	run(&t);
	end();
}

static void
a_sleeper_is_woken_whenever_the_other_dies(void **state)
{
	(void)state;
	begin(BYTES, 0);
	assert_int_equal(shmu_ring_arm(&consumer, 1), 0);
	t = (struct torture){ .name = "publish to a sleeper", .kind = BYTES,
	    .call = publish, .stands = { { 1, 0, 0, 0 }, { 1, 40, 0, 0 } },
	    .n = 2 };
	run(&t);
	end();
}

static void
records_are_published_at_once(void **state)
{
	(void)state;
	begin(RECORDS, 0);
	publish(NULL);
	t = (struct torture){ .name = "publish a record", .kind = RECORDS,
	    .call = publish, .stands = { { 1, FIRST, 0, 0 },
	    { 1, SECOND, 0, 0 } }, .n = 2 };
	run(&t);
	end();
}

static void
bytes_are_acknowledged_at_once(void **state)
{
	(void)state;
	begin(BYTES, 0);
	publish(NULL);
	t = (struct torture){ .name = "intend and release", .kind = BYTES,
	    .call = release, .stands = { { 1, 40, 0, 0 }, { 1, 40, 30, 0 } },
	    .n = 2 };
	run(&t);
	end();
}

static void
records_are_acknowledged_at_once(void **state)
{
	(void)state;
	begin(RECORDS, 0);
	publish(NULL);
	publish(NULL);
	t = (struct torture){ .name = "release a record", .kind = RECORDS,
	    .call = release, .stands = { { 1, SECOND, 0, 0 },
	    { 1, SECOND, FIRST, 0 } }, .n = 2 };
	run(&t);
	end();
}

static void
the_end_comes_after_the_last_byte(void **state)
{
	(void)state;
	begin(BYTES, 0);
	t = (struct torture){ .name = "finish", .kind = BYTES, .call = finish,
	    .stands = { { 1, 0, 0, 0 }, { 1, 40, 0, 0 }, { 1, 40, 0, 1 } },
	    .n = 3 };
	run(&t);
	end();
}

static void
a_wait_changes_no_position(void **state)
{
	(void)state;
	begin(BYTES, 0);
	publish(NULL);
	t = (struct torture){ .name = "wait", .kind = BYTES,
	    .call = sleep_briefly, .stands = { { 1, 40, 0, 0 } }, .n = 1 };
	run(&t);
	end();
}

static void
a_producer_leaves_with_all_it_staged(void **state)
{
	(void)state;
	begin(BYTES, SHMU_RING_KEEP);
	send_more(&producer);
	t = (struct torture){ .name = "close the producer", .kind = BYTES,
	    .call = close_producer, .stands = { { 1, 0, 0, 0 },
	    { 1, 40, 0, 0 } }, .n = 2 };
	run(&t);
	end();
}

/* The locks are of the open file, which parent and child share: the parent
 * must not have the ends when the last of them leaves. */
static void
begin_and_close(void *arg)
{
	(void)arg;
	begin(kind, 0);
	close_both(NULL);
}

static void
a_channel_comes_and_goes(void **state)
{
	(void)state;
	t = (struct torture){ .name = "open and close both", .kind = BYTES,
	    .call = begin_and_close, .stands = { { 0, 0, 0, 0 },
	    { 1, 0, 0, 0 }, { 0, 0, 0, 0 } }, .n = 3 };
	run(&t);
	assert_int_equal(ring_names(&op), 0);
	t = (struct torture){.name = "open and close both, records",
	    .kind = RECORDS,
	    .call = begin_and_close,
	    .stands = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}},
	    .n = 3};
	run(&t);
	assert_int_equal(ring_names(&op), 0);
}

/* To its end, kept: the last to leave removes it. */
static void
resume_and_end(void *arg)
{
	(void)arg;
	open_consumer(NULL);
	open_producer(NULL);
	if (!take_all(&consumer))
		_exit(1);
	close_both(NULL);
}

static void
who_resumes_changes_no_position(void **state)
{
	(void)state;
	open_flags = SHMU_RING_RESUME;
	begin(BYTES, SHMU_RING_KEEP);
	finish(NULL);
	shmu_ring_drop(&producer);
	shmu_ring_drop(&consumer);
	t = (struct torture){ .name = "resume, end and remove", .kind = BYTES,
	    .call = resume_and_end, .stands = { { 1, 40, 0, 1 },
	    { 1, 40, 40, 1 }, { 0, 0, 0, 0 } }, .n = 3 };
	run(&t);
	assert_int_equal(ring_names(&op), 0);
}

static void
a_leftover_is_replaced_at_once(void **state)
{
	(void)state;
	open_flags = 0;
	begin(BYTES, 0);
	publish(NULL);
	shmu_ring_drop(&producer);
	shmu_ring_drop(&consumer);
	t = (struct torture){ .name = "replace a leftover", .kind = BYTES,
	    .call = open_producer, .stands = { { 1, 40, 0, 0 },
	    { 1, 0, 0, 0 } }, .n = 2 };
	run(&t);
	end();
}

static void
who_joins_changes_no_position(void **state)
{
	(void)state;
	open_flags = 0;
	kind = RECORDS;
	assert_int_equal(ring_try(&producer, SHMU_RING_PRODUCER, &op, CAPACITY,
	    RECORDS, 0), 0);
	publish(NULL);
	t = (struct torture){ .name = "join", .kind = RECORDS,
	    .call = open_consumer, .stands = { { 1, FIRST, 0, 0 } }, .n = 1 };
	run(&t);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_published_at_once),
		cmocka_unit_test(a_sleeper_is_woken_whenever_the_other_dies),
		cmocka_unit_test(records_are_published_at_once),
		cmocka_unit_test(bytes_are_acknowledged_at_once),
		cmocka_unit_test(records_are_acknowledged_at_once),
		cmocka_unit_test(the_end_comes_after_the_last_byte),
		cmocka_unit_test(a_wait_changes_no_position),
		cmocka_unit_test(a_producer_leaves_with_all_it_staged),
		cmocka_unit_test(who_joins_changes_no_position),
		cmocka_unit_test(a_leftover_is_replaced_at_once),
		cmocka_unit_test(a_channel_comes_and_goes),
		cmocka_unit_test(who_resumes_changes_no_position),
	};

	op = ring_channel("step");
	copy = ring_channel("copy");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
