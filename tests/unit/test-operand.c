/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "check.h"
#include "shmutil/operand.h"

static struct shmu_operand
parsed(const char *text)
{
	struct shmu_operand op;
	const char *why = "";

	if (shmu_operand_parse(&op, text, &why) != 0)
		fail_msg("%s: %s", text, why);
	return op;
}

static void
every_form(void **state)
{
	(void)state;
	assert_int_equal(parsed("/a").kind, SHMU_POSIX);
	assert_string_equal(parsed("a").name, "/a");
	assert_string_equal(parsed("/7").name, "/7");
	assert_string_equal(parsed("name:7").name, "/7");
	assert_string_equal(parsed("name:/a").name, "/a");
	assert_string_equal(parsed("name:a\\x20\\xff\\x5c").name, "/a \xff\\");
	assert_int_equal(parsed("0x29a").kind, SHMU_KEY);
	assert_int_equal(parsed("0x29A").key, 666);
	assert_int_equal(parsed("0xffffffff").key, -1);
	assert_int_equal(parsed("key:666").key, 666);
	assert_int_equal(parsed("key:-5").key, -5);
	assert_int_equal(parsed("key:-2147483648").key, INT32_MIN);
	assert_int_equal(parsed("0").kind, SHMU_ID);
	assert_int_equal(parsed("id:2147483647").id, 2147483647);
	assert_string_equal(parsed("./x").path, "./x");
	assert_string_equal(parsed("../x/y").path, "../x/y");
	assert_string_equal(parsed("file:/a/b").path, "/a/b");
	assert_int_equal(parsed("pid:812/fd/5").pid, 812);
	assert_int_equal(parsed("pid:812/fd/5").fd, 5);
	assert_int_equal(parsed("private").kind, SHMU_PRIVATE);
	assert_int_equal(parsed("/private").kind, SHMU_POSIX);
}

static void
refusals_have_a_reason(void **state)
{
	static const char *const bad[] = { "", "/", "/a/b", "a/b", "//a", ".",
	    "..", "/.", "/..", "0x0", "0x", "0xg", "key:", "key:0", "key:x",
	    "key:-0", "key:--1", "key:-0x5", "007", "00", "-5", "id:", "id:07",
	    "id:-1", "id:0x7", "file:", "name:", "name:a/b", "name:\\",
	    "name:\\x", "name:\\x4", "name:\\x00", "name:\\xgg", "name:\\n",
	    "pid:", "pid:1", "pid:0/fd/1", "pid:1/fd/", "pid:1/fd/x",
	    "pid:1/fd/1/2", "pid:1/fd/-1", "pid:/fd/1", "pid:0x1/fd/1" };
	static const char *const large[] = { "0x100000000", "2147483648",
	    "key:2147483648", "key:-2147483649", "id:99999999999999999999" };
	struct shmu_operand op;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why = NULL;
		if (shmu_operand_parse(&op, bad[i], &why) != -1)
			fail_msg("taken: '%s'", bad[i]);
		assert_int_equal(errno, EINVAL);
		assert_non_null(why);
	}
	for (i = 0; i < sizeof large / sizeof large[0]; i++)
		assert_errno(ERANGE, shmu_operand_parse(&op, large[i], &why));
}

static void
names_have_255_bytes(void **state)
{
	char text[5 + 4 * 256 + 1] = "/";
	struct shmu_operand op;
	size_t i;

	(void)state;
	memset(text + 1, 'n', 255);
	text[256] = '\0';
	assert_int_equal(shmu_operand_parse(&op, text, NULL), 0);
	text[256] = 'n';
	text[257] = '\0';
	assert_errno(ENAMETOOLONG, shmu_operand_parse(&op, text, NULL));
	strcpy(text, "name:");
	for (i = 0; i < 255; i++)
		strcat(text, "\\xff");
	assert_int_equal(shmu_operand_parse(&op, text, NULL), 0);
	strcat(text, "\\xff");
	assert_errno(ENAMETOOLONG, shmu_operand_parse(&op, text, NULL));
	memset(text, 'n', 300);
	memcpy(text, "name:/", 6);
	text[300] = '\0';
	assert_errno(ENAMETOOLONG, shmu_operand_parse(&op, text, NULL));
	text[6 + 255] = '\0';
	assert_int_equal(shmu_operand_parse(&op, text, NULL), 0);
}

/* Whatever name there is, its text means it again. */
static void
texts_read_back(void **state)
{
	char name[SHMU_NAME_MAX + 1], text[SHMU_OPERAND_TEXT];
	struct shmu_operand op, again;
	unsigned int seed = 88172645;
	int round;
	size_t i, len;

	(void)state;
	for (round = 0; round < 20000; round++) {
		seed = seed * 1664525 + 1013904223;
		len = 1 + (seed >> 16) % SHMU_NAME_MAX;
		for (i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			name[i] = (char)(1 + (seed >> 16) % 255);
			if (name[i] == '/')
				name[i] = '_';
		}
		name[len] = '\0';
		if (shmu_operand_name(&op, name) == -1)
			continue;
		shmu_operand_text(&op, text, sizeof text);
		again = parsed(text);
		assert_int_equal(again.kind, SHMU_POSIX);
		assert_string_equal(again.name + 1, name);
	}
	op = parsed("0x29a");
	assert_string_equal(shmu_operand_text(&op, text, sizeof text), "0x29a");
	op = parsed("file:.hidden");
	assert_string_equal(shmu_operand_text(&op, text, sizeof text),
	    "file:.hidden");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form),
		cmocka_unit_test(refusals_have_a_reason),
		cmocka_unit_test(names_have_255_bytes),
		cmocka_unit_test(texts_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
