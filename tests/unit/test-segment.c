/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/pages.h"
#include "shmutil/segment.h"

static char posix[40];

static struct shmu_operand
operand(const char *text)
{
	struct shmu_operand op;

	assert_int_equal(shmu_operand_parse(&op, text, NULL), 0);
	return op;
}

static struct shmu_segment
created(const char *text, uint64_t size)
{
	struct shmu_operand op = operand(text);
	struct shmu_spec spec = SHMU_SPEC_INIT;
	struct shmu_segment seg;

	spec.size = size;
	assert_int_equal(shmu_segment_create(&seg, &op, &spec), 0);
	return seg;
}

static void
removed(struct shmu_segment *seg)
{
	struct shmu_operand op = seg->op;

	shmu_segment_close(seg);
	assert_int_equal(shmu_segment_remove(&op, NULL), 0);
}

static void
map_at_any_offset(void **state)
{
	const char *kinds[] = { posix, "private" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct shmu_segment seg = created(kinds[i], 10000);

		assert_int_equal(shmu_segment_map(&seg, 0, 10000,
		    PROT_READ | PROT_WRITE), 0);
		memset(seg.base, 'x', 10000);
		((char *)seg.base)[5001] = 'y';
		shmu_segment_unmap(&seg);
		assert_int_equal(shmu_segment_map(&seg, 5001, 4999, PROT_READ),
		    0);
		assert_int_equal(seg.length, 4999);
		assert_int_equal(*(char *)seg.base, 'y');
		assert_errno(EINVAL, shmu_segment_map(&seg, 0, 1, PROT_READ));
		shmu_segment_unmap(&seg);
		assert_errno(ERANGE,
		    shmu_segment_map(&seg, 5001, 5000, PROT_READ));
		assert_errno(ERANGE,
		    shmu_segment_map(&seg, UINT64_MAX, 2, PROT_READ));
		assert_errno(ERANGE,
		    shmu_segment_map(&seg, 2, SIZE_MAX, PROT_READ));
		assert_null(seg.base);
		removed(&seg);
	}
}

/* What is mapped ahead is there once the object has grown to it. */
static void
map_ahead_of_growth(void **state)
{
	struct shmu_segment seg = created(posix, 10000), sysv;
	char c;

	(void)state;
	assert_int_equal(shmu_segment_map_ahead(&seg, 0, 1 << 20,
	    PROT_READ | PROT_WRITE), 0);
	assert_int_equal(seg.length, 1 << 20);
	assert_errno(EFAULT, shmu_segment_copy(&c, (char *)seg.base + 20000, 1,
	    NULL));
	assert_int_equal(shmu_segment_resize(&seg, 100000, 0), 0);
	((char *)seg.base)[99999] = 'z';
	assert_int_equal(shmu_segment_copy(&c, (char *)seg.base + 99999, 1,
	    NULL), 0);
	assert_int_equal(c, 'z');
	shmu_segment_unmap(&seg);
	assert_errno(ERANGE, shmu_segment_map_ahead(&seg, 2, SIZE_MAX,
	    PROT_READ));
	removed(&seg);
	sysv = created("private", 10000);
	assert_errno(ERANGE, shmu_segment_map_ahead(&sysv, 0, 1 << 20,
	    PROT_READ));
	assert_null(sysv.base);
	removed(&sysv);
}

static void
nothing_is_visible_before_publish(void **state)
{
	struct shmu_operand op = operand(posix);
	struct shmu_spec spec = SHMU_SPEC_INIT;
	struct shmu_segment seg, other;

	(void)state;
	spec.size = 4096;
	assert_int_equal(shmu_segment_begin(&seg, &op, &spec), 0);
	assert_errno(ENOENT, shmu_segment_open(&other, &op, SHMU_READ));
	assert_int_equal(shmu_segment_publish(&seg, &spec), 0);
	assert_int_equal(shmu_segment_open(&other, &op, SHMU_READ), 0);
	shmu_segment_close(&other);
	assert_errno(EEXIST, shmu_segment_begin(&other, &op, &spec));
	removed(&seg);
	assert_int_equal(shmu_segment_begin(&seg, &op, &spec), 0);
	shmu_segment_abandon(&seg);
	assert_errno(ENOENT, shmu_segment_open(&other, &op, SHMU_READ));
}

static void
publish_of_a_name_taken_meanwhile(void **state)
{
	struct shmu_operand op = operand(posix);
	struct shmu_spec spec = SHMU_SPEC_INIT;
	struct shmu_segment one, two;

	(void)state;
	spec.size = 4096;
	assert_int_equal(shmu_segment_begin(&one, &op, &spec), 0);
	assert_int_equal(shmu_segment_begin(&two, &op, &spec), 0);
	assert_int_equal(shmu_segment_publish(&two, &spec), 0);
	assert_errno(EEXIST, shmu_segment_publish(&one, &spec));
	assert_int_equal(one.fd, -1);
	removed(&two);
}

static void
descriptors_close_on_exec(void **state)
{
	struct shmu_segment seg = created(posix, 10), other;

	(void)state;
	assert_true((fcntl(seg.fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(shmu_segment_open(&other, &seg.op, SHMU_WRITE), 0);
	assert_true((fcntl(other.fd, F_GETFD) & FD_CLOEXEC) != 0);
	shmu_segment_close(&other);
	assert_int_equal(shmu_segment_open(&other, &seg.op, SHMU_LOOK), 0);
	assert_true((fcntl(other.fd, F_GETFD) & FD_CLOEXEC) != 0);
	shmu_segment_close(&other);
	shmu_segment_close(&other);
	removed(&seg);
}

static void
remove_rechecks_identity(void **state)
{
	struct shmu_segment seg = created(posix, 10);
	struct shmu_info info;

	(void)state;
	assert_int_equal(shmu_segment_stat(&seg, &info), 0);
	info.ino++;
	assert_errno(ESTALE, shmu_segment_remove(&seg.op, &info));
	info.ino--;
	assert_int_equal(shmu_segment_remove(&seg.op, &info), 0);
	shmu_segment_close(&seg);

	seg = created("private", 10);
	assert_int_equal(shmu_segment_stat(&seg, &info), 0);
	info.size++;
	assert_errno(ESTALE, shmu_segment_remove(&seg.op, &info));
	info.size--;
	info.cpid++;
	assert_errno(ESTALE, shmu_segment_remove(&seg.op, &info));
	info.cpid--;
	assert_int_equal(shmu_segment_remove(&seg.op, &info), 0);
	assert_errno(EINVAL, shmu_segment_remove(&seg.op, NULL));
}

static void
copy_turns_a_fault_into_an_error(void **state)
{
	size_t page = shmu_pages_size(), done;
	struct shmu_segment seg = created(posix, 2 * page);
	char *buf = malloc(2 * page);

	(void)state;
	assert_int_equal(shmu_segment_map(&seg, 0, 2 * page,
	    PROT_READ | PROT_WRITE), 0);
	assert_int_equal(shmu_segment_copy(buf, seg.base, 2 * page, &done), 0);
	assert_int_equal(done, 2 * page);
	assert_int_equal(shmu_segment_resize(&seg, page, 0), 0);
	assert_errno(EFAULT, shmu_segment_copy(buf, seg.base, 2 * page, &done));
	assert_int_equal(done, page);
	assert_errno(EFAULT, shmu_segment_copy(seg.base, buf, 2 * page, &done));
	assert_int_equal(done, page);
	free(buf);
	removed(&seg);
}

static void
system_v_read_only_cannot_be_upgraded(void **state)
{
	struct shmu_segment seg = created("private", 4096);
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(shmu_segment_map(&seg, 0, 4096, PROT_READ), 0);
	assert_errno(EACCES, shmu_pages_protect(seg.base, 4096,
	    PROT_READ | PROT_WRITE));
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile char *)seg.base = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	removed(&seg);
}

static void
fork_keeps_the_mapping_and_exec_loses_it(void **state)
{
	struct shmu_segment seg = created("private", 4096);
	struct shmu_info info;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(shmu_segment_map(&seg, 0, 4096,
	    PROT_READ | PROT_WRITE), 0);
	pid = fork();
	if (pid == 0) {
		*(volatile char *)seg.base = 'c';
		shmu_segment_stat(&seg, &info);
		_exit(info.attached == 2 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(*(char *)seg.base, 'c');
	assert_int_equal(shmu_segment_stat(&seg, &info), 0);
	assert_int_equal(info.attached, 1);
	removed(&seg);
}

static void
resize_keeps_the_old_size_when_it_fails(void **state)
{
	struct shmu_segment seg = created(posix, 4096);
	struct shmu_info info;

	(void)state;
	assert_errno(ERANGE, shmu_segment_resize(&seg, UINT64_MAX, 0));
	assert_int_equal(shmu_segment_resize(&seg, INT64_MAX, 0), -1);
	assert_int_equal(shmu_segment_stat(&seg, &info), 0);
	assert_int_equal(info.size, 4096);
	assert_int_equal(shmu_segment_resize(&seg, 8192, 0), 0);
	assert_int_equal(shmu_segment_stat(&seg, &info), 0);
	assert_int_equal(info.size, 8192);
	assert_int_equal(info.allocated, 8192);
	removed(&seg);
	seg = created("private", 10);
	assert_errno(EOPNOTSUPP, shmu_segment_resize(&seg, 20, 0));
	removed(&seg);
}

static void
bad_specs(void **state)
{
	struct shmu_operand op = operand(posix);
	struct shmu_spec spec = SHMU_SPEC_INIT;
	struct shmu_segment seg;

	(void)state;
	assert_errno(EINVAL, shmu_segment_create(&seg, &op, &spec));
	spec.size = UINT64_MAX;
	assert_errno(ERANGE, shmu_segment_create(&seg, &op, &spec));
	op = operand("7");
	spec.size = 1;
	assert_errno(EINVAL, shmu_segment_create(&seg, &op, &spec));
	op = operand("private");
	assert_errno(EINVAL, shmu_segment_open(&seg, &op, SHMU_READ));
	op = operand("pid:2147483647/fd/0");
	assert_errno(ESRCH, shmu_segment_open(&seg, &op, SHMU_READ));
	assert_errno(EOPNOTSUPP, shmu_segment_remove(&op, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_at_any_offset),
		cmocka_unit_test(map_ahead_of_growth),
		cmocka_unit_test(nothing_is_visible_before_publish),
		cmocka_unit_test(publish_of_a_name_taken_meanwhile),
		cmocka_unit_test(descriptors_close_on_exec),
		cmocka_unit_test(remove_rechecks_identity),
		cmocka_unit_test(copy_turns_a_fault_into_an_error),
		cmocka_unit_test(system_v_read_only_cannot_be_upgraded),
		cmocka_unit_test(fork_keeps_the_mapping_and_exec_loses_it),
		cmocka_unit_test(resize_keeps_the_old_size_when_it_fails),
		cmocka_unit_test(bad_specs),
	};

	snprintf(posix, sizeof posix, "/test-segment-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
