/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "check.h"
#include "shmutil/pages.h"
#include "shmutil/parse.h"
#include "shmutil/range.h"

static void
range_never_wraps(void **state)
{
	(void)state;
	assert_true(shmu_range_fits(0, 0, 0));
	assert_true(shmu_range_fits(10, 0, 10));
	assert_true(shmu_range_fits(3, 7, 10));
	assert_false(shmu_range_fits(3, 8, 10));
	assert_false(shmu_range_fits(11, 0, 10));
	assert_false(shmu_range_fits(UINT64_MAX, 2, 10));
	assert_false(shmu_range_fits(2, UINT64_MAX, 10));
	assert_false(shmu_range_fits(UINT64_MAX, UINT64_MAX, UINT64_MAX));
	assert_true(shmu_range_fits(0, UINT64_MAX, UINT64_MAX));
}

static void
rounding_saturates(void **state)
{
	(void)state;
	assert_int_equal(shmu_range_down(4097, 4096), 4096);
	assert_int_equal(shmu_range_up(4097, 4096), 8192);
	assert_int_equal(shmu_range_up(8192, 4096), 8192);
	assert_int_equal(shmu_range_up(0, 4096), 0);
	assert_true(shmu_range_up(UINT64_MAX, 4096) == UINT64_MAX - 4095);
}

static void
sizes(void **state)
{
	static const struct { const char *text; uint64_t want;
	} good[] = {{"0", 0}, {"1", 1}, {"0x1F", 31}, {"4k", 4096},
	    {"4K", 4096}, {"4KiB", 4096}, {"4KB", 4000}, {"1M", 1048576},
	    {"2GB", 2000000000}, {"1T", UINT64_C(1) << 40},
	    {"16777215T", UINT64_C(16777215) << 40},
	    {"18446744073709551615", UINT64_MAX}};
	static const char *const bad[] = { "", " 1", "1 ", "-1", "+1", "k",
	    "1kk", "1.5", "0x", "1E", "1b", "1mb", "0xg" };
	static const char *const large[] = { "18446744073709551616",
	    "16777216T", "99999999999999999999999", "18446744073709551615K" };
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(shmu_parse_size(good[i].text, &n), 0);
		assert_true(n == good[i].want);
	}
	assert_int_equal(shmu_parse_size("3p", &n), 0);
	assert_int_equal(n, 3 * shmu_pages_size());
	n = 7;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_errno(EINVAL, shmu_parse_size(bad[i], &n));
	for (i = 0; i < sizeof large / sizeof large[0]; i++)
		assert_errno(ERANGE, shmu_parse_size(large[i], &n));
	assert_int_equal(n, 7);
}

static void
modes(void **state)
{
	static const char *const bad[] = { "", "8", "rw", "-1", "0x1", "00600",
	    "6 0" };
	mode_t m;
	size_t i;

	(void)state;
	assert_int_equal(shmu_parse_mode("0640", &m), 0);
	assert_int_equal(m, 0640);
	assert_int_equal(shmu_parse_mode("777", &m), 0);
	assert_int_equal(m, 0777);
	assert_int_equal(shmu_parse_mode("0", &m), 0);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_errno(EINVAL, shmu_parse_mode(bad[i], &m));
	assert_errno(ERANGE, shmu_parse_mode("1777", &m));
	assert_errno(ERANGE, shmu_parse_mode("7777", &m));
	assert_int_equal(m, 0);
}

static void
size_texts(void **state)
{
	static const struct { uint64_t n; const char *want; } t[] = {
		{ 0, "0" }, { 1023, "1023" }, { 1024, "1K" }, { 1536, "1.5K" },
		{ 1048575, "1023K" }, { 1048576, "1M" },
		{ UINT64_MAX, "15.9E" }
	};
	char buf[SHMU_SIZE_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++)
		assert_string_equal(shmu_size_text(buf, t[i].n), t[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_never_wraps),
		cmocka_unit_test(rounding_saturates),
		cmocka_unit_test(sizes),
		cmocka_unit_test(modes),
		cmocka_unit_test(size_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
