/* SPDX-License-Identifier: MIT */
/*
 * ring-hostile.c - every byte of header and control block changed in turn
 *
 * Once while nobody is there and two attach, and once under two that are
 * attached.  They are refused, told, or go on; they never get anything that was
 * not sent where the other end can be believed, and never touch memory outside,
 * end, or hang: the alarm clock would end the test.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ring.h"
#include "shmutil/pages.h"

#define CAPACITY	4096
#define SENT		1000	/* bytes that lie in the ring */

static struct shmu_operand op;
static const struct timespec none = { 0, 0 };
static unsigned char *image;	/* of a good channel */
static size_t size;		/* of it */
static uint32_t kind;
static unsigned int refused, told, went_on;

/* How a byte is changed. */
static const unsigned char changes[] = { 0xff, 0x01, 0x80 };

static void
path_of(const char *end, char *path, size_t n)
{
	snprintf(path, n, SHMU_POSIX_DIR "%s%s", op.name, end);
}

static void
remove_names(void)
{
	char path[300];

	path_of("", path, sizeof path);
	unlink(path);
	path_of(".bell", path, sizeof path);
	unlink(path);
}

/* Put a channel there that nobody has, from the image. */
static void
put_image(void)
{
	char path[300];
	int fd;

	path_of("", path, sizeof path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, image, size), size);
	close(fd);
	path_of(".bell", path, sizeof path);
	mkfifo(path, 0600);
}

/* What may be said of a segment that was written by somebody else. */
static int
is_refusal(int err)
{
	switch (err) {
	case EILSEQ:
	case EBADMSG:
	case ENOEXEC:
	case EPROTOTYPE:
	case EEXIST:
	case EALREADY:
		return 1;
	default:
		return 0;
	}
}

static void
refusal(const char *what, size_t at)
{
	if (!is_refusal(errno)) {
		print_error("byte %zu: %s: %s\n", at, what, strerror(errno));
		assert_true(0);
	}
	refused++;
}

/* Take what there is, at most what the ring can hold. */
static uint64_t
take(struct shmu_ring *c, const unsigned char **first)
{
	static unsigned char seen[2 * CAPACITY];
	uint64_t got = 0;
	const void *at;
	uint32_t n;
	size_t i;

	*first = seen;
	for (i = 0; i < CAPACITY; i++) {
		if (kind == SHMU_RING_RECORDS) {
			if (shmu_ring_get(c, &at, &n) != 1)
				break;
		} else {
			n = (uint32_t)shmu_ring_data(c, 1, &at);
			if (n == 0)
				break;
			shmu_ring_take(c, n);
		}
		assert_true(n <= CAPACITY);
		memcpy(seen, at, n);
		got += n;
	}
	assert_true(got <= CAPACITY);
	return got;
}

/* All that a consumer does. */
static uint64_t
use_consumer(struct shmu_ring *c, const unsigned char **first)
{
	struct pollfd p = { .fd = shmu_ring_fd(c), .events = POLLIN };
	struct shmu_owner who;
	uint64_t sum, got;

	shmu_ring_peer(c, &who);
	shmu_owner_state(&who);
	shmu_ring_intended(c);
	if (shmu_ring_wait(c, 1, &none) == -1) {
		assert_true(errno == EBADMSG || errno == EPIPE ||
		    errno == ETIMEDOUT);
		told++;
	}
	if (shmu_ring_arm(c, 1) == 0)
		poll(&p, 1, 0);
	shmu_ring_disarm(c);
	got = take(c, first);
	shmu_ring_intend(c, 1);
	shmu_ring_release(c);
	shmu_ring_finished(c);
	shmu_ring_checksum(c, &sum);
	return got;
}

/* All that a producer does. */
static void
use_producer(struct shmu_ring *p)
{
	static const unsigned char record[100];
	void *at;
	size_t n;

	shmu_ring_peer(p, NULL);
	if (kind == SHMU_RING_RECORDS)
		shmu_ring_put(p, record, sizeof record);
	else {
		n = shmu_ring_room(p, 1, &at);
		assert_true(n <= CAPACITY);
		memset(at, 0, n);
		shmu_ring_stage(p, n);
	}
	shmu_ring_publish(p);
	if (shmu_ring_wait(p, CAPACITY, &none) == -1)
		assert_true(errno == EBADMSG || errno == EPIPE ||
		    errno == ETIMEDOUT);
	shmu_ring_finish(p, NULL);
	shmu_ring_drain(p, &none);
}

/* Whoever only looks. */
static void
use_status(void)
{
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct shmu_ring_status status;

	assert_int_equal(shmu_segment_open(&seg, &op, SHMU_READ), 0);
	if (shmu_ring_status(&seg, &status) == -1)
		assert_true(is_refusal(errno) || errno == ESTALE ||
		    errno == EINPROGRESS);
	shmu_segment_close(&seg);
}

/* A good channel with something in it, and its bytes. */
static void
make_image(uint32_t what)
{
	unsigned char bytes[SENT];
	struct shmu_ring p, c;
	char path[300];
	int fd;
	int i;

	kind = what;
	ring_fill(bytes, 0, SENT);
	assert_int_equal(ring_try(&p, SHMU_RING_PRODUCER, &op, CAPACITY, kind,
	    SHMU_RING_KEEP), 0);
	assert_int_equal(ring_try(&c, SHMU_RING_CONSUMER, &op, 0, kind, 0), 0);
	if (kind == SHMU_RING_RECORDS)
		for (i = 0; i < 10; i++)
			assert_int_equal(shmu_ring_put(&p, bytes + 100 * i,
			    100), 0);
	else {
		memcpy(p.data, bytes, SENT);
		shmu_ring_stage(&p, SENT);
	}
	shmu_ring_publish(&p);
	path_of("", path, sizeof path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = p.seg.length + CAPACITY;
	image = malloc(size);
	assert_true(image != NULL);
	assert_int_equal(read(fd, image, size), size);
	close(fd);
	shmu_ring_drop(&p);
	shmu_ring_drop(&c);
	remove_names();
}

/* How many of the changes a check has time for. */
static size_t
kinds(void)
{
	return getenv("SHMU_TORTURE") != NULL ? sizeof changes : 1;
}

/* The next byte to change: all that are used, some of those that are not. */
static size_t
after(size_t at)
{
	const size_t used = offsetof(struct shmu_header, reserved),
	    control = SHMU_HEADER_SIZE + sizeof(struct shmu_ring_control);
	size_t step = 1;

	if (getenv("SHMU_TORTURE") == NULL) {
		if (at >= used && at + 64 < SHMU_HEADER_SIZE)
			step = 64;
		else if (at >= control)
			step = 97;
		if (getenv("SHMU_SLOW") != NULL)
			step = 13;
	}
	return at + step;
}

/* Whether the change at a byte may change where the stream is, or its end. */
static int
is_position(size_t at)
{
	const size_t control = SHMU_HEADER_SIZE;
	const struct shmu_ring_control *c = NULL;
	size_t producer = control + (size_t)((const char *)&c->end[0] -
	    (const char *)c), consumer = producer + sizeof c->end[0];

	return (at >= producer && at < producer + 8) ||
	    (at >= consumer && at < consumer + 8);
}

/* What came must be what was sent, unless a position was moved. */
static void
judge(size_t at, uint64_t got, const unsigned char *first)
{
	if (is_position(at) || got == 0)
		return;
	assert_int_equal(got, SENT);
	if (kind == SHMU_RING_BYTES)
		assert_true(ring_right(first, 0, SENT));
	else
		assert_true(ring_right(first, 900, 100));
	went_on++;
}

static void
attach_to(size_t at, unsigned char change, unsigned int flags)
{
	const unsigned char *first;
	struct shmu_ring p, c;
	uint64_t got;

	image[at] ^= change;
	put_image();
	image[at] ^= change;
	use_status();
	if (ring_try(&c, SHMU_RING_CONSUMER, &op, CAPACITY, kind, flags) == -1)
		refusal("consumer", at);
	else {
		got = use_consumer(&c, &first);
		if (flags != 0)
			judge(at, got, first);
		shmu_ring_close(&c);
	}
	if (ring_names(&op) & 1)
		use_status();
	if (ring_try(&p, SHMU_RING_PRODUCER, &op, CAPACITY, kind, flags) == -1)
		refusal("producer", at);
	else {
		use_producer(&p);
		shmu_ring_close(&p);
	}
	remove_names();
}

static void
attach_to_all(uint32_t what)
{
	size_t at, i;

	make_image(what);
	refused = told = went_on = 0;
	for (at = 0; at < size - CAPACITY; at = after(at))
		for (i = 0; i < kinds(); i++) {
			attach_to(at, changes[i], SHMU_RING_RESUME);
			attach_to(at, changes[i], 0);
		}
	print_message("# %u refused, %u told, %u went on\n", refused, told,
	    went_on);
	assert_true(refused > 0 && told > 0 && went_on > 0);
	free(image);
}

static void
who_attaches_to_bytes_is_refused_or_right(void **state)
{
	(void)state;
	attach_to_all(SHMU_RING_BYTES);
}

static void
who_attaches_to_records_is_refused_or_right(void **state)
{
	(void)state;
	attach_to_all(SHMU_RING_RECORDS);
}

/* Every byte that the checksum of the header seals. */
static void
a_changed_header_is_refused(void **state)
{
	const size_t sealed = offsetof(struct shmu_header, reserved);
	struct shmu_ring c;
	size_t at, i;

	(void)state;
	make_image(SHMU_RING_BYTES);
	for (at = 0; at < sealed; at++)
		for (i = 0; i < sizeof changes; i++) {
			image[at] ^= changes[i];
			put_image();
			image[at] ^= changes[i];
			if (ring_try(&c, SHMU_RING_CONSUMER, &op, 0, kind,
			    SHMU_RING_RESUME) == 0) {
				print_error("byte %zu: not noticed\n", at);
				assert_true(0);
			}
			refusal("consumer", at);
		}
	remove_names();
	free(image);
}

/* Under two that are attached. */
static void
change_under(size_t at, unsigned char change)
{
	const unsigned char *first;
	struct shmu_ring p, c;
	unsigned char *byte;
	uint64_t got;

	put_image();
	assert_int_equal(ring_try(&p, SHMU_RING_PRODUCER, &op, 0, kind,
	    SHMU_RING_RESUME), 0);
	assert_int_equal(ring_try(&c, SHMU_RING_CONSUMER, &op, 0, kind,
	    SHMU_RING_RESUME), 0);
	byte = (unsigned char *)c.seg.base + at;
	*byte ^= change;
	got = use_consumer(&c, &first);
	judge(at, got, first);
	*byte ^= change;
	use_producer(&p);
	*byte ^= change;
	use_producer(&p);
	use_consumer(&c, &first);
	shmu_ring_close(&p);
	*byte ^= change;
	use_consumer(&c, &first);
	shmu_ring_close(&c);
	remove_names();
}

static void
change_all_under(uint32_t what)
{
	size_t at, i;

	make_image(what);
	refused = told = went_on = 0;
	for (at = 0; at < size - CAPACITY; at = after(at))
		for (i = 0; i < kinds(); i++)
			change_under(at, changes[i]);
	print_message("# %u told, %u went on\n", told, went_on);
	assert_true(told > 0 && went_on > 0);
	free(image);
}

static void
who_is_attached_to_bytes_is_told_or_right(void **state)
{
	(void)state;
	change_all_under(SHMU_RING_BYTES);
}

static void
who_is_attached_to_records_is_told_or_right(void **state)
{
	(void)state;
	change_all_under(SHMU_RING_RECORDS);
}

/* The data of records: no change makes a get return what is not there. */
static void
records_of_a_hostile_producer_stay_inside(void **state)
{
	struct shmu_ring c;
	uint32_t n, first;
	const void *at;
	size_t i, j;
	int got;

	(void)state;
	make_image(SHMU_RING_RECORDS);
	for (i = size - CAPACITY; i < size - CAPACITY + 8; i++)
		for (j = 1; j < 256; j++) {
			image[i] ^= (unsigned char)j;
			put_image();
			image[i] ^= (unsigned char)j;
			assert_int_equal(ring_try(&c, SHMU_RING_CONSUMER, &op,
					     0, kind, SHMU_RING_RESUME),
			    0);
			first = 0;
			while ((got = shmu_ring_get(&c, &at, &n)) == 1) {
				first = first == 0 ? n : first;
				assert_true((const unsigned char *)at + n <=
				    c.data + shmu_ring_capacity(&c) * 2);
			}
			/* A length up to where another record ends may be, a
			 * record in another place may not. */
			if (got == 0) {
				assert_true(i < size - CAPACITY + 4);
				assert_int_equal(shmu_ring_record_size(first) %
				    shmu_ring_record_size(100), 0);
			} else
				assert_int_equal(errno, EBADMSG);
			shmu_ring_drop(&c);
			remove_names();
		}
	free(image);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_header_is_refused),
		cmocka_unit_test(who_attaches_to_bytes_is_refused_or_right),
		cmocka_unit_test(who_attaches_to_records_is_refused_or_right),
		cmocka_unit_test(who_is_attached_to_bytes_is_told_or_right),
		cmocka_unit_test(who_is_attached_to_records_is_told_or_right),
		cmocka_unit_test(records_of_a_hostile_producer_stay_inside),
	};

	op = ring_channel("hostile");
	alarm(600);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
