/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/pages.h"
#include "shmutil/sys.h"

static size_t page;
static char last[256];

static void
keep(void *arg, const char *text)
{
	(void)arg;
	snprintf(last, sizeof last, "%s", text);
}

static char *
mapped(size_t pages)
{
	char *p = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 'x', pages * page);
	return p;
}

/* Advice that discards must not touch the neighbours of the range. */
static void
discarding_advice_rounds_inwards(void **state)
{
	char *p = mapped(4);
	size_t i;

	(void)state;
	assert_int_equal(shmu_pages_advise(p + 1, 3 * page, MADV_DONTNEED), 0);
	for (i = 0; i < 4 * page; i++)
		assert_int_equal(p[i], i < page || i >= 3 * page ? 'x' : 0);
	assert_int_equal(shmu_pages_advise(p + 1, page, MADV_DONTNEED), 0);
	assert_int_equal(p[1], 'x');
	munmap(p, 4 * page);
}

static void
harmless_calls_round_outwards(void **state)
{
	char *p = mapped(3), want[96];

	(void)state;
	shmu_sys_observe(keep, NULL);
	assert_int_equal(shmu_pages_advise(p + page - 1, 2, MADV_WILLNEED), 0);
	snprintf(want, sizeof want, "madvise(%p, %zu, MADV_WILLNEED) = 0",
	    (void *)p, 2 * page);
	assert_string_equal(last, want);
	assert_int_equal(shmu_pages_sync(p + 5, 1, MS_SYNC), 0);
	snprintf(want, sizeof want, "msync(%p, %zu, MS_SYNC) = 0", (void *)p,
	    page);
	assert_string_equal(last, want);
	last[0] = '\0';
	assert_int_equal(shmu_pages_sync(p, 0, MS_SYNC), 0);
	assert_string_equal(last, "");
	shmu_sys_observe(NULL, NULL);
	munmap(p, 3 * page);
}

static void
wrapping_ranges_are_einval(void **state)
{
	char *p = mapped(1);
	unsigned char vec[1];

	(void)state;
	assert_errno(EINVAL, shmu_pages_sync(p, SIZE_MAX, MS_SYNC));
	assert_errno(EINVAL, shmu_pages_advise(p, SIZE_MAX - 1, MADV_NORMAL));
	assert_errno(EINVAL, shmu_pages_advise(p, SIZE_MAX, MADV_DONTNEED));
	assert_errno(EINVAL, shmu_pages_lock(p, SIZE_MAX));
	assert_errno(EINVAL, shmu_pages_map(p, SIZE_MAX, vec));
	assert_errno(EINVAL, shmu_pages_protect(p + 1, 1, PROT_READ));
	assert_int_equal(p[0], 'x');
	munmap(p, page);
}

static void
advice_by_name(void **state)
{
	const struct shmu_advice *a;
	int n = 0;

	(void)state;
	for (a = shmu_pages_advices(); a->name != NULL; a++, n++)
		assert_ptr_equal(shmu_pages_advice(a->name), a);
	assert_int_equal(n, 27);
	assert_int_equal(shmu_pages_advice("willneed")->value, MADV_WILLNEED);
	assert_int_equal(shmu_pages_advice("pageout")->value, 21);
	assert_null(shmu_pages_advice("MADV_WILLNEED"));
	assert_null(shmu_pages_advice(""));
}

static void
residency_counts_pages(void **state)
{
	char name[40], *p;
	struct shmu_residency r;
	unsigned char vec[8];
	int fd;

	(void)state;
	snprintf(name, sizeof name, "/test-pages-%d", (int)getpid());
	fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	shm_unlink(name);
	assert_int_equal(ftruncate(fd, (off_t)(8 * page)), 0);
	p = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[2 * page] = p[5 * page] = 1;
	assert_int_equal(shmu_pages_resident(p, 8 * page, &r), 0);
	assert_int_equal(r.total, 8 * page);
	assert_int_equal(r.resident, 2 * page);
	assert_string_equal(r.source, "mincore");
	assert_int_equal(shmu_pages_map(p, 8 * page, vec), 0);
	assert_int_equal(vec[2] & 1, 1);
	assert_int_equal(vec[3] & 1, 0);
	if (shmu_pages_cached(fd, 0, 0, &r) == 0) {
		assert_int_equal(r.total, 8 * page);
		assert_int_equal(r.resident, 2 * page);
		assert_int_equal(r.exact, 1);
	} else
		assert_int_equal(errno, ENOSYS);
	munmap(p, 8 * page);
	close(fd);
}

static void
locks_are_taken_and_undone(void **state)
{
	char *p = mapped(2), line[128];
	long kib = -1;
	FILE *f;
	int round;

	(void)state;
	/* AddressSanitizer makes the calls that lock do nothing. */
	if (getenv("SHMU_SANITIZE") != NULL)
		return;
	for (round = 0; round < 2; round++) {
		assert_int_equal(round == 0 ? shmu_pages_lock(p + 1, 1) :
		    shmu_pages_unlock(p + 1, 1), 0);
		f = fopen("/proc/self/status", "r");
		while (fgets(line, sizeof line, f) != NULL)
			sscanf(line, "VmLck: %ld", &kib);
		fclose(f);
		assert_int_equal(kib, round == 0 ? (long)page / 1024 : 0);
	}
	assert_int_equal(shmu_pages_lock_onfault(p, page), 0);
	assert_int_equal(shmu_pages_unlock_all(), 0);
	assert_int_equal(shmu_pages_lock_all(MCL_FUTURE | MCL_ONFAULT), 0);
	assert_int_equal(shmu_pages_unlock_all(), 0);
	munmap(p, 2 * page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(discarding_advice_rounds_inwards),
		cmocka_unit_test(harmless_calls_round_outwards),
		cmocka_unit_test(wrapping_ranges_are_einval),
		cmocka_unit_test(advice_by_name),
		cmocka_unit_test(residency_counts_pages),
		cmocka_unit_test(locks_are_taken_and_undone),
	};

	page = shmu_pages_size();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
