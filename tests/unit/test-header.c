/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/header.h"

static struct shmu_header h, copy;

static void
live(uint64_t size, uint64_t maximum)
{
	shmu_header_init(&h, SHMU_FORMAT_RING, 3, size, maximum, NULL);
	shmu_header_publish(&h);
}

static void
what_was_written_is_read(void **state)
{
	(void)state;
	live(8192, 1 << 20);
	assert_int_equal(shmu_header_check(&h, 8192, SHMU_FORMAT_RING, 3,
	    &copy), 0);
	assert_int_equal(copy.size, 8192);
	assert_int_equal(copy.maximum, 1 << 20);
	assert_int_equal(copy.creator.pid, getpid());
	assert_int_equal(copy.owner.pid, 0);
	assert_int_equal(shmu_header_check(&h, 8192, 0, 0, &copy), 0);
	assert_string_equal(shmu_header_name(copy.format), "ring");
	assert_null(shmu_header_name(0));
	assert_null(shmu_header_name(UINT32_MAX));
}

static void
growth_needs_no_new_checksum(void **state)
{
	(void)state;
	live(8192, 1 << 20);
	h.size = 1 << 20;
	assert_int_equal(shmu_header_check(&h, 1 << 20, 0, 0, &copy), 0);
	assert_errno(EBADMSG, shmu_header_check(&h, 8192, 0, 0, &copy));
	h.size = (1 << 20) + 1;
	assert_errno(EBADMSG, shmu_header_check(&h, 1 << 21, 0, 0, &copy));
	h.size = SHMU_HEADER_SIZE - 1;
	assert_errno(EBADMSG, shmu_header_check(&h, 1 << 20, 0, 0, &copy));
}

static void
mismatch_is_refused_with_the_copy(void **state)
{
	(void)state;
	live(8192, 8192);
	assert_errno(EPROTOTYPE, shmu_header_check(&h, 8192,
	    SHMU_FORMAT_HEAP, 3, &copy));
	assert_int_equal(copy.format, SHMU_FORMAT_RING);
	assert_errno(EPROTOTYPE, shmu_header_check(&h, 8192,
	    SHMU_FORMAT_RING, 4, &copy));
	assert_int_equal(copy.layout, 3);
	assert_errno(EILSEQ, shmu_header_check(&h, SHMU_HEADER_SIZE - 1, 0, 0,
	    &copy));
	h.abi ^= 0x100;
	assert_errno(ENOEXEC, shmu_header_check(&h, 8192, 0, 0, &copy));
	memset(&h, 0, sizeof h);
	assert_errno(EILSEQ, shmu_header_check(&h, 8192, 0, 0, &copy));
}

static void
building_is_not_live(void **state)
{
	(void)state;
	shmu_header_init(&h, SHMU_FORMAT_RING, 3, 8192, 8192, NULL);
	assert_errno(EINPROGRESS, shmu_header_check(&h, 8192, 0, 0, &copy));
	h.creator.pid++;
	assert_errno(EBADMSG, shmu_header_check(&h, 8192, 0, 0, &copy));
}

static void
a_creator_that_died_building_is_stale(void **state)
{
	int pipes[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		shmu_header_init(&h, SHMU_FORMAT_HEAP, 1, 8192, 8192, NULL);
		_exit(write(pipes[1], &h, sizeof h) !=
		    (ssize_t)sizeof h);
	}
	assert_int_equal(read(pipes[0], &h, sizeof h), sizeof h);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_errno(ESTALE, shmu_header_check(&h, 8192, 0, 0, &copy));
	close(pipes[0]);
	close(pipes[1]);
}

/* Each bit of what is checked, turned over, is refused or changes nothing that
 * a user of the copy relies on. */
static void
every_flipped_bit_is_refused_or_right(void **state)
{
	size_t bit;

	(void)state;
	live(8192, 16384);
	for (bit = 0; bit < sizeof h * 8; bit++) {
		unsigned char *byte = (unsigned char *)&h + bit / 8;

		*byte ^= (unsigned char)(1 << bit % 8);
		if (shmu_header_check(&h, 12288, SHMU_FORMAT_RING, 3,
		    &copy) == 0) {
			assert_true(copy.size >= SHMU_HEADER_SIZE &&
			    copy.size <= 12288);
			assert_int_equal(copy.maximum, 16384);
			assert_int_equal(copy.layout, 3);
			assert_true(bit / 8 >= offsetof(struct shmu_header,
			    size));
		}
		*byte ^= (unsigned char)(1 << bit % 8);
	}
	assert_int_equal(shmu_header_check(&h, 8192, 0, 0, &copy), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(growth_needs_no_new_checksum),
		cmocka_unit_test(mismatch_is_refused_with_the_copy),
		cmocka_unit_test(building_is_not_live),
		cmocka_unit_test(a_creator_that_died_building_is_stale),
		cmocka_unit_test(every_flipped_bit_is_refused_or_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
