/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/table.h"

#define MAXIMUM	((uint64_t)32 << 20)

static struct shmu_table *table;
static struct shmu_operand op;

static int
slow(int n)
{
	return getenv("SHMU_SLOW") != NULL ? n / 50 + 1 : n;
}

/* In a POSIX object, which grows. */
static int
make(uint64_t maximum)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	char name[64];

	snprintf(name, sizeof name, "test-table.%d", (int)getpid());
	if (shmu_operand_name(&op, name) == -1)
		return -1;
	spec.maximum = maximum;
	return shmu_table_create(&table, &op, &spec);
}

static int
fresh(void **state)
{
	(void)state;
	return make(MAXIMUM);
}

static int
gone(void **state)
{
	(void)state;
	if (table != NULL && shmu_table_detach(table) == -1)
		return -1;
	table = NULL;
	return shmu_segment_remove(&op, NULL);
}

static int
put_text(const char *key, const char *value)
{
	return shmu_table_put(table, key, strlen(key), value, strlen(value));
}

static bool
holds(const char *key, const char *value)
{
	struct shmu_cell cell;
	char buf[256];

	return shmu_table_get(table, key, strlen(key), buf, sizeof buf,
	    &cell) == 0 && cell.length == strlen(value) &&
	    memcmp(buf, value, cell.length) == 0;
}

static struct shmu_table_stat
stat_now(void)
{
	struct shmu_table_stat s;

	assert_int_equal(shmu_table_stat(table, &s), 0);
	return s;
}

struct call {
	int64_t	start;
	char	from[24];
};

static void
a_struct_under_a_key(void **state)
{
	struct call call = { .start = 1700000000, .from = "alice" }, again;
	const char *id = "a84b4c76e66710";

	(void)state;
	assert_int_equal(shmu_table_put(table, id, strlen(id), &call,
	    sizeof call), 0);
	assert_int_equal(shmu_table_get(table, id, strlen(id), &again,
	    sizeof again, NULL), 0);
	assert_memory_equal(&again, &call, sizeof call);
	assert_int_equal(shmu_table_delete(table, id, strlen(id)), 0);
	assert_errno(ENOENT, shmu_table_get(table, id, strlen(id), &again,
	    sizeof again, NULL));
	assert_errno(ENOENT, shmu_table_delete(table, id, strlen(id)));
}

/* Of every length up to some, and then of many up to a MiB. */
static void
values_of_every_length(void **state)
{
	static unsigned char value[1 << 20], buf[1 << 20];
	struct shmu_cell cell;
	size_t n, i;

	(void)state;
	for (i = 0; i < sizeof value; i++)
		value[i] = (unsigned char)(i * 7 + i / 256);
	for (n = 0; n <= sizeof value; n += n < 300 ? 1 : n < 5000 ? 613 :
	    n < 900000 ? 149999 : sizeof value - n == 0 ? 1 :
	    sizeof value - n) {
		assert_int_equal(shmu_table_put(table, "k", 1, value, n), 0);
		memset(buf, 0xee, n + 1 < sizeof buf ? n + 1 : n);
		assert_int_equal(shmu_table_get(table, "k", 1, buf,
		    sizeof buf, &cell), 0);
		assert_int_equal(cell.length, n);
		assert_int_equal(cell.type, SHMU_CELL_BYTES);
		assert_memory_equal(buf, value, n);
		if (n < sizeof buf)
			assert_int_equal(buf[n], 0xee);
	}
	assert_int_equal(shmu_table_get(table, "k", 1, buf, 3, &cell), 0);
	assert_int_equal(cell.length, sizeof value);
}

static void
keys_of_every_length_and_content(void **state)
{
	unsigned char key[SHMU_KEY_MAX + 1];
	struct shmu_cell cell;
	size_t n;
	uint32_t v;

	(void)state;
	for (n = 0; n < sizeof key; n++)
		key[n] = (unsigned char)(n % 3 == 0 ? 0 : n);
	for (n = 1; n <= SHMU_KEY_MAX; n++) {
		v = (uint32_t)n;
		assert_int_equal(shmu_table_put(table, key, n, &v, sizeof v),
		    0);
	}
	for (n = 1; n <= SHMU_KEY_MAX; n++) {
		assert_int_equal(shmu_table_get(table, key, n, &v, sizeof v,
		    &cell), 0);
		assert_int_equal(v, n);
		assert_int_equal(cell.key_length, n);
		assert_memory_equal(cell.key, key, n);
		assert_int_equal(cell.key[n], 0);
	}
	assert_errno(EINVAL, shmu_table_put(table, key, 0, "", 0));
	assert_errno(EINVAL, shmu_table_put(table, key, 256, "", 0));
	assert_errno(EINVAL, shmu_table_get(table, key, 256, NULL, 0, NULL));
	assert_errno(EINVAL, shmu_table_delete(table, key, SIZE_MAX));
	assert_errno(EINVAL, shmu_table_integer(table, key, 0, SHMU_ADD, 1, 0,
	    NULL));
	assert_int_equal(stat_now().cells, SHMU_KEY_MAX);
}

static void
integers(void **state)
{
	int64_t n = 77, back;
	struct shmu_cell cell;

	(void)state;
#define INTEGER(op, a, b) shmu_table_integer(table, "n", 1, op, a, b, &n)
	assert_int_equal(INTEGER(SHMU_ADD, 5, 0), 0);
	assert_int_equal(n, 5);
	assert_int_equal(INTEGER(SHMU_ADD, -7, 0), 0);
	assert_int_equal(n, -2);
	assert_int_equal(INTEGER(SHMU_SWAP, INT64_MAX, 0), 0);
	assert_int_equal(n, -2);
	assert_errno(ERANGE, INTEGER(SHMU_ADD, 1, 0));
	assert_int_equal(n, -2);
	assert_int_equal(INTEGER(SHMU_ADD_WRAP, 1, 0), 0);
	assert_true(n == INT64_MIN);
	assert_errno(EAGAIN, INTEGER(SHMU_CAS, 0, 9));
	assert_true(n == INT64_MIN);
	assert_int_equal(INTEGER(SHMU_CAS, INT64_MIN, 9), 0);
	assert_int_equal(n, 9);
	assert_int_equal(INTEGER(SHMU_MAX, 8, 0), 0);
	assert_int_equal(n, 9);
	assert_int_equal(INTEGER(SHMU_MAX, 10, 0), 0);
	assert_int_equal(n, 10);
	assert_int_equal(INTEGER(SHMU_MIN, -3, 0), 0);
	assert_int_equal(n, -3);
	assert_errno(EINVAL, INTEGER((enum shmu_integer)99, 0, 0));
	assert_int_equal(shmu_table_get(table, "n", 1, &back, sizeof back,
	    &cell), 0);
	assert_int_equal(back, -3);
	assert_int_equal(cell.type, SHMU_CELL_INTEGER);
	assert_int_equal(cell.length, 8);
	/* What is absent is 0, and is made. */
	assert_int_equal(shmu_table_integer(table, "m", 1, SHMU_MAX, -4, 0,
	    &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(shmu_table_integer(table, "c", 1, SHMU_CAS, 0, 6,
	    &n), 0);
	assert_int_equal(n, 6);
	assert_errno(EAGAIN, shmu_table_integer(table, "d", 1, SHMU_CAS, 1, 6,
	    &n));
	assert_errno(ENOENT, shmu_table_get(table, "d", 1, NULL, 0, NULL));
	assert_int_equal(shmu_table_integer(table, "m", 1, SHMU_ADD, 1, 0,
	    NULL), 0);
}

static void
bytes_that_are_a_number_become_one(void **state)
{
	static const struct { const char *text; int64_t n; } good[] = {
		{ "0", 0 }, { "-17", -17 }, { "007", 7 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1\n",
	    "0x10", "9223372036854775808", "-9223372036854775809", "1e3",
	    "--1" };
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(put_text("k", good[i].text), 0);
		assert_int_equal(shmu_table_integer(table, "k", 1,
		    SHMU_ADD_WRAP, 1, 0, &n), 0);
		assert_true(n == (int64_t)((uint64_t)good[i].n + 1));
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(put_text("k", bad[i]), 0);
		assert_errno(EPROTOTYPE, shmu_table_integer(table, "k", 1,
		    SHMU_ADD, 1, 0, &n));
		assert_true(holds("k", bad[i]));
	}
}

static void
changes_are_counted(void **state)
{
	struct shmu_cell cell;
	uint32_t before = 0;
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		assert_int_equal(i == 2 ? put_text("k", "17 is short") :
		    i == 3 ? put_text("k", "this one is longer than sixteen") :
		    i == 4 ? put_text("k", "17") :
		    i == 5 ? shmu_table_integer(table, "k", 1, SHMU_ADD, 1, 0,
		    NULL) : put_text("k", "a"), 0);
		assert_int_equal(shmu_table_get(table, "k", 1, NULL, 0,
		    &cell), 0);
		assert_true(cell.changes > before);
		before = cell.changes;
	}
	assert_int_equal(cell.type, SHMU_CELL_INTEGER);
	assert_int_equal(put_text("k", "bytes again"), 0);
	assert_true(holds("k", "bytes again"));
}

static uint32_t
changes_of(const char *key)
{
	struct shmu_cell cell;

	assert_int_equal(shmu_table_get(table, key, strlen(key), NULL, 0,
	    &cell), 0);
	return cell.changes;
}

/* Also when the table has grown meanwhile. */
static void
changes_go_on_after_a_deletion(void **state)
{
	uint32_t before[16];
	char key[16];
	int i, j;

	(void)state;
	for (i = 0; i < 16; i++) {
		snprintf(key, sizeof key, "k%d", i);
		for (j = 0; j <= i; j++)
			assert_int_equal(put_text(key, "a"), 0);
		before[i] = changes_of(key);
	}
	for (i = 0; i < 3000; i++) {
		snprintf(key, sizeof key, "more %d", i);
		assert_int_equal(put_text(key, "a"), 0);
		snprintf(key, sizeof key, "k%d", i % 16);
		assert_int_equal(shmu_table_delete(table, key, strlen(key)),
		    0);
		assert_int_equal(put_text(key, "a"), 0);
		assert_true(changes_of(key) > before[i % 16]);
		before[i % 16] = changes_of(key);
	}
}

static int
add_up(const struct shmu_cell *cell, const void *value, void *arg)
{
	uint64_t *sum = arg, v;

	assert_int_equal(cell->length, sizeof v);
	memcpy(&v, value, sizeof v);
	assert_memory_equal(cell->key, &v, sizeof v);
	sum[0]++;
	sum[1] += v;
	return 0;
}

/* So many that the directory has several pieces; each is found and walked. */
static void
many_cells(void **state)
{
	uint64_t n = (uint64_t)slow(100000), i, v, sum[2] = { 0, 0 };

	(void)state;
	for (i = 0; i < n; i++)
		assert_int_equal(shmu_table_put(table, &i, sizeof i, &i,
		    sizeof i), 0);
	assert_int_equal(stat_now().cells, n);
	assert_true(stat_now().buckets >= n / 4);
	for (i = 0; i < n; i++) {
		assert_int_equal(shmu_table_get(table, &i, sizeof i, &v,
		    sizeof v, NULL), 0);
		assert_int_equal(v, i);
	}
	assert_int_equal(shmu_table_each(table, add_up, sum), 0);
	assert_int_equal(sum[0], n);
	assert_int_equal(sum[1], n * (n - 1) / 2);
	for (i = 0; i < n; i += 2)
		assert_int_equal(shmu_table_delete(table, &i, sizeof i), 0);
	assert_int_equal(stat_now().cells, n / 2);
	for (i = 0; i < n; i++)
		assert_int_equal(shmu_table_get(table, &i, sizeof i, NULL, 0,
		    NULL), i % 2 == 1 ? 0 : -1);
	for (i = 1; i < n; i += 2)
		assert_int_equal(shmu_table_delete(table, &i, sizeof i), 0);
	assert_int_equal(stat_now().cells, 0);
	assert_int_equal(stat_now().overflows, 0);
}

static int
stop_at_three(const struct shmu_cell *cell, const void *value, void *arg)
{
	(void)cell;
	(void)value;
	return ++*(int *)arg == 3 ? 42 : 0;
}

static int
delete_it(const struct shmu_cell *cell, const void *value, void *arg)
{
	(void)value;
	(void)arg;
	return shmu_table_delete(table, cell->key, cell->key_length);
}

static void
each_may_stop_and_may_change(void **state)
{
	uint32_t i;
	int n = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(shmu_table_put(table, &i, sizeof i, "", 0),
		    0);
	assert_int_equal(shmu_table_each(table, stop_at_three, &n), 42);
	assert_int_equal(n, 3);
	assert_int_equal(shmu_table_each(table, delete_it, NULL), 0);
	assert_int_equal(stat_now().cells, 0);
}

static void
the_same_keys_take_the_same_room(void **state)
{
	static unsigned char value[300];
	int n = slow(100000), i;
	uint64_t size = 0;
	uint32_t key;

	(void)state;
	for (i = 0; i < n; i++) {
		key = (uint32_t)i % 100;
		assert_int_equal(shmu_table_put(table, &key, sizeof key, value,
		    (size_t)(i * 7 % 300)), 0);
		if (i == n / 10)
			size = stat_now().size;
	}
	assert_int_equal(stat_now().size, size);
	assert_int_equal(stat_now().cells, 100 < n ? 100 : n);
	for (i = 0; i < n; i++) {
		assert_int_equal(shmu_table_put(table, &i, sizeof i, value,
		    300), 0);
		assert_int_equal(shmu_table_delete(table, &i, sizeof i), 0);
	}
	assert_int_equal(stat_now().size, size);
	assert_int_equal(stat_now().buckets, 64);
}

static int
count_changed(const struct shmu_cell *cell, const void *value, void *arg)
{
	uint32_t key;

	memcpy(&key, cell->key, sizeof key);
	if (memcmp(value, &key, sizeof key) != 0)
		return -2;
	++*(uint32_t *)arg;
	return 0;
}

/* There is no room: nothing has changed, and what is there can be read,
 * replaced by what is not longer, and deleted, which makes room. */
static void
a_full_table(void **state)
{
	static unsigned char value[3000];
	uint32_t i, n, walked = 0;
	struct shmu_table_stat s;
	size_t length;

	(void)state;
	assert_int_equal(gone(state), 0);
	assert_int_equal(make(UINT64_C(1) << 20), 0);
	for (n = 0;; n++) {
		length = 4 + n * 613 % 2000;
		memcpy(value, &n, sizeof n);
		if (shmu_table_put(table, &n, sizeof n, value, length) == -1)
			break;
	}
	assert_int_equal(errno, ENOMEM);
	assert_true(n > 300);
	s = stat_now();
	assert_int_equal(s.cells, n);
	assert_true(s.size <= s.maximum);
	assert_int_equal(s.maximum, UINT64_C(1) << 20);
	for (i = 0; i < n; i++) {
		assert_errno(ENOMEM, shmu_table_put(table, &i, sizeof i, value,
		    UINT64_C(1) << 20));
		assert_errno(ENOMEM, shmu_table_put(table, &i, sizeof i, value,
		    SIZE_MAX / 2));
	}
	assert_int_equal(shmu_table_each(table, count_changed, &walked), 0);
	assert_int_equal(walked, n);
	for (i = 0; i < n; i += 3) {
		assert_int_equal(shmu_table_put(table, &i, sizeof i, &i,
		    sizeof i), 0);
		assert_int_equal(shmu_table_delete(table, &i, sizeof i), 0);
	}
	for (i = 0; i < n; i += 30)
		assert_int_equal(shmu_table_put(table, &i, sizeof i, value,
		    700), 0);
}

static void
adder(int times)
{
	struct shmu_table *mine;
	int i;

	if (shmu_table_join(&mine, table) == -1)
		_exit(1);
	for (i = 0; i < times; i++)
		if (shmu_table_integer(mine, "sum", 3, SHMU_ADD, 1, 0,
		    NULL) == -1)
			_exit(2);
	_exit(shmu_table_detach(mine) == 0 ? 0 : 3);
}

static void
reap(int n)
{
	int status;

	while (n-- > 0) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

static void
four_processes_add_exactly(void **state)
{
	int times = slow(50000), i;
	int64_t sum;

	(void)state;
	for (i = 0; i < 4; i++)
		if (fork() == 0)
			adder(times);
	reap(4);
	assert_int_equal(shmu_table_get(table, "sum", 3, &sum, sizeof sum,
	    NULL), 0);
	assert_int_equal(sum, 4 * times);
}

/* Keys that stay are even; those that come and go odd. */
static void
churner(uint32_t stay, uint32_t seed)
{
	struct shmu_table *mine;
	uint32_t i, key;

	if (shmu_table_join(&mine, table) == -1)
		_exit(1);
	for (i = 0;; i++) {
		key = (seed + i % 50000) * 2 + 1;
		shmu_table_put(mine, &key, sizeof key, &key, sizeof key);
		if (i % 3 == 0)
			shmu_table_delete(mine, &key, sizeof key);
		key = i % stay * 2;
		if (i % 5 == 0 && shmu_table_put(mine, &key, sizeof key, &key,
		    sizeof key) == -1)
			_exit(2);
	}
}

struct seen {
	unsigned char	*times;		/* of each even key */
	uint32_t	 n;
};

static int
mark(const struct shmu_cell *cell, const void *value, void *arg)
{
	struct seen *seen = arg;
	uint32_t key;

	assert_int_equal(cell->length, sizeof key);
	memcpy(&key, cell->key, sizeof key);
	assert_memory_equal(value, &key, sizeof key);
	if (key % 2 == 0 && key / 2 < seen->n)
		seen->times[key / 2]++;
	return 0;
}

static void
each_sees_what_stays_exactly_once(void **state)
{
	uint32_t n = (uint32_t)slow(5000), i, key;
	struct seen seen = { calloc(n, 1), n };
	pid_t pid[2];
	int k, round;

	(void)state;
	for (i = 0; i < n; i++) {
		key = i * 2;
		assert_int_equal(shmu_table_put(table, &key, sizeof key, &key,
		    sizeof key), 0);
	}
	for (k = 0; k < 2; k++)
		if ((pid[k] = fork()) == 0)
			churner(n, (uint32_t)k * 1000000);
	for (round = 0; round < slow(50); round++) {
		memset(seen.times, 0, n);
		assert_int_equal(shmu_table_each(table, mark, &seen), 0);
		for (i = 0; i < n; i++)
			assert_int_equal(seen.times[i], 1);
	}
	for (k = 0; k < 2; k++) {
		assert_int_equal(kill(pid[k], SIGKILL), 0);
		assert_int_equal(waitpid(pid[k], &round, 0), pid[k]);
		assert_true(WIFSIGNALED(round));
	}
	free(seen.times);
}

static int
is_three(const struct shmu_cell *cell, const void *value, void *arg)
{
	int64_t n;

	++*(int *)arg;
	if (cell == NULL)
		return 0;
	if (cell->type != SHMU_CELL_INTEGER)
		return 0;
	memcpy(&n, value, sizeof n);
	return n == 3 ? 33 : 0;
}

static int
is_gone(const struct shmu_cell *cell, const void *value, void *arg)
{
	(void)value;
	(void)arg;
	return cell == NULL ? 44 : 0;
}

static void
wait_until_a_cell_is_as_wanted(void **state)
{
	const struct timespec little = { 0, 20000000 }, long_time = { 60, 0 };
	struct shmu_table *mine;
	int asked = 0, i;
	pid_t pid;

	(void)state;
	assert_errno(ETIMEDOUT, shmu_table_wait(table, "n", 1, is_three,
	    &asked, &little));
	assert_true(asked >= 1);
	pid = fork();
	if (pid == 0) {
		if (shmu_table_join(&mine, table) == -1)
			_exit(1);
		for (i = 0; i < 3; i++) {
			usleep(2000);
			shmu_table_integer(mine, "n", 1, SHMU_ADD, 1, 0, NULL);
		}
		_exit(0);
	}
	assert_int_equal(shmu_table_wait(table, "n", 1, is_three, &asked,
	    &long_time), 33);
	reap(1);
	pid = fork();
	if (pid == 0) {
		if (shmu_table_join(&mine, table) == -1)
			_exit(1);
		usleep(2000);
		_exit(shmu_table_delete(mine, "n", 1) == 0 ? 0 : 2);
	}
	assert_int_equal(shmu_table_wait(table, "n", 1, is_gone, NULL, NULL),
	    44);
	reap(1);
}

static void
nothing(int sig)
{
	(void)sig;
}

static void
a_signal_ends_a_wait(void **state)
{
	struct sigaction sa = { .sa_handler = nothing };
	timer_t timer;
	struct itimerspec soon = { { 0, 10000000 }, { 0, 10000000 } };
	int asked = 0;

	(void)state;
	sigaction(SIGALRM, &sa, NULL);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
	assert_errno(EINTR, shmu_table_wait(table, "n", 1, is_three, &asked,
	    NULL));
	timer_delete(timer);
}

static void
a_child_has_to_join(void **state)
{
	struct shmu_table *mine;
	struct shmu_cell cell;
	int64_t n;

	(void)state;
	assert_int_equal(put_text("k", "v"), 0);
	if (fork() == 0) {
		if (shmu_table_get(table, "k", 1, NULL, 0, &cell) != -1 ||
		    errno != ECHILD || put_text("k", "w") != -1 ||
		    errno != ECHILD || shmu_table_each(table, is_gone,
		    NULL) != -1 || errno != ECHILD)
			_exit(1);
		if (shmu_table_join(&mine, table) == -1 ||
		    shmu_table_detach(table) != -1 || errno != EBUSY ||
		    shmu_table_integer(mine, "n", 1, SHMU_ADD, 9, 0, &n) == -1)
			_exit(2);
		_exit(shmu_table_detach(mine) == 0 &&
		    shmu_table_detach(table) == 0 ? 0 : 3);
	}
	reap(1);
	assert_int_equal(shmu_table_get(table, "n", 1, &n, sizeof n, NULL), 0);
	assert_int_equal(n, 9);
}

static void *
thread(void *arg)
{
	struct shmu_table *mine;
	int i;

	if (shmu_table_join(&mine, arg) == -1)
		return NULL;
	for (i = 0; i < slow(10000); i++)
		shmu_table_integer(mine, "n", 1, SHMU_ADD, 1, 0, NULL);
	shmu_table_detach(mine);
	return arg;
}

static void
a_thread_joins(void **state)
{
	pthread_t id;
	int64_t n;
	void *r;
	int i;

	(void)state;
	assert_int_equal(pthread_create(&id, NULL, thread, table), 0);
	for (i = 0; i < slow(10000); i++)
		assert_int_equal(shmu_table_integer(table, "n", 1, SHMU_ADD, 1,
		    0, NULL), 0);
	pthread_join(id, &r);
	assert_ptr_equal(r, table);
	assert_int_equal(shmu_table_get(table, "n", 1, &n, sizeof n, NULL), 0);
	assert_int_equal(n, 2 * slow(10000));
}

static void
attached_for_reading(void **state)
{
	struct shmu_table *reader, *second;
	uint32_t i, n = 0;
	char buf[8];

	(void)state;
	assert_int_equal(put_text("k", "v"), 0);
	assert_int_equal(shmu_table_attach(&reader, &op, SHMU_TABLE_READ), 0);
	assert_null(shmu_table_heap(reader));
	assert_non_null(shmu_table_heap(table));
	assert_int_equal(shmu_table_get(reader, "k", 1, buf, sizeof buf,
	    NULL), 0);
	assert_errno(EROFS, shmu_table_put(reader, "k", 1, "w", 1));
	assert_errno(EROFS, shmu_table_delete(reader, "k", 1));
	assert_errno(EROFS, shmu_table_integer(reader, "k", 1, SHMU_ADD, 1, 0,
	    NULL));
	assert_errno(EROFS, shmu_table_wait(reader, "k", 1, is_gone, NULL,
	    NULL));
	assert_int_equal(shmu_table_delete(table, "k", 1), 0);
	/* It sees what comes when the segment has grown. */
	for (i = 0; i < (uint32_t)slow(50000); i++)
		assert_int_equal(shmu_table_put(table, &i, sizeof i, &i,
		    sizeof i), 0);
	assert_int_equal(shmu_table_each(reader, count_changed, &n), 0);
	assert_int_equal(n, i);
	assert_int_equal(shmu_table_join(&second, reader), 0);
	assert_errno(EBUSY, shmu_table_detach(reader));
	assert_int_equal(shmu_table_get(second, &n, 0, buf, 1, NULL), -1);
	assert_int_equal(shmu_table_detach(second), 0);
	if (fork() == 0)
		_exit(shmu_table_get(reader, "k", 1, buf, 1, NULL) == -1 &&
		    errno == ECHILD && shmu_table_detach(reader) == 0 ? 0 : 1);
	reap(1);
	assert_int_equal(shmu_table_detach(reader), 0);
}

static void
other_segments_are_refused(void **state)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;
	struct shmu_table_spec table_spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_operand at;
	struct shmu_table *t;
	struct shmu_heap *h;

	(void)state;
	assert_errno(EPROTOTYPE, shmu_heap_attach(&h, &op, 0));
	memset(&at, 0, sizeof at);
	at.kind = SHMU_PRIVATE;
	spec.segment.size = 1 << 20;
	assert_int_equal(shmu_heap_create(&h, &at, &spec), 0);
	at = *shmu_heap_operand(h);
	assert_errno(EPROTOTYPE, shmu_table_attach(&t, &at, 0));
	assert_errno(EPROTOTYPE, shmu_table_attach(&t, &at, SHMU_TABLE_READ));
	assert_errno(EPROTOTYPE, shmu_table_open(&t, &at, &table_spec, 0,
	    NULL));
	assert_int_equal(shmu_heap_detach(h), 0);
	assert_int_equal(shmu_segment_remove(&at, NULL), 0);
	table_spec.maximum = 1000;
	assert_errno(EINVAL, shmu_table_create(&t, &at, &table_spec));
	table_spec.maximum = UINT64_C(1) << 38;
	assert_errno(EINVAL, shmu_table_create(&t, &at, &table_spec));
	table_spec.maximum = 0;
	assert_errno(EEXIST, shmu_table_create(&t, &op, &table_spec));
}

static void
open_makes_it_once(void **state)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_table *first, *second;
	int created = 7;

	(void)state;
	assert_int_equal(shmu_table_open(&second, &op, &spec, 0, &created), 0);
	assert_int_equal(created, 0);
	assert_int_equal(shmu_table_detach(second), 0);
	assert_int_equal(gone(state), 0);
	assert_errno(ENOENT, shmu_table_attach(&first, &op, 0));
	assert_int_equal(shmu_table_open(&first, &op, &spec, 0, &created), 0);
	assert_int_equal(created, 1);
	assert_int_equal(shmu_table_open(&second, &op, &spec, 0, NULL), 0);
	assert_int_equal(shmu_table_put(first, "k", 1, "v", 1), 0);
	assert_int_equal(shmu_table_get(second, "k", 1, NULL, 0, NULL), 0);
	assert_int_equal(shmu_table_detach(first), 0);
	table = second;
	/* Empty, it is little. */
	assert_int_equal(stat_now().maximum, SHMU_TABLE_MAXIMUM);
	assert_true(stat_now().size <= 512 << 10);
}

static void
a_table_in_system_v(void **state)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_operand at;
	struct shmu_table *t;
	struct shmu_table_stat s;
	uint32_t i;

	(void)state;
	memset(&at, 0, sizeof at);
	at.kind = SHMU_PRIVATE;
	spec.maximum = 4 << 20;
	assert_int_equal(shmu_table_create(&t, &at, &spec), 0);
	at = *shmu_table_operand(t);
	for (i = 0; i < 1000; i++)
		assert_int_equal(shmu_table_put(t, &i, sizeof i, &i, sizeof i),
		    0);
	assert_int_equal(shmu_table_detach(t), 0);
	assert_int_equal(shmu_table_attach(&t, &at, 0), 0);
	assert_int_equal(shmu_table_stat(t, &s), 0);
	assert_int_equal(s.cells, 1000);
	assert_int_equal(s.size, s.maximum);
	assert_int_equal(shmu_table_detach(t), 0);
	assert_int_equal(shmu_segment_remove(&at, NULL), 0);
}

static void
no_more_threads_than_slots(void **state)
{
	struct shmu_table *t[64];
	int n;

	(void)state;
	for (n = 0; n < 63; n++)
		assert_int_equal(shmu_table_join(&t[n], table), 0);
	assert_errno(EUSERS, shmu_table_join(&t[n], table));
	while (n-- > 0)
		assert_int_equal(shmu_table_detach(t[n]), 0);
}

static void
names_of_types(void **state)
{
	(void)state;
	assert_null(shmu_cell_name(SHMU_CELL_NONE));
	assert_string_equal(shmu_cell_name(SHMU_CELL_BYTES), "bytes");
	assert_string_equal(shmu_cell_name(SHMU_CELL_INTEGER), "integer");
	assert_string_equal(shmu_cell_name(SHMU_CELL_QUEUE), "queue");
	assert_null(shmu_cell_name((enum shmu_cell_type)99));
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, fresh, gone)
	const struct CMUnitTest tests[] = {
		TEST(a_struct_under_a_key),
		TEST(values_of_every_length),
		TEST(keys_of_every_length_and_content),
		TEST(integers),
		TEST(bytes_that_are_a_number_become_one),
		TEST(changes_are_counted),
		TEST(changes_go_on_after_a_deletion),
		TEST(many_cells),
		TEST(each_may_stop_and_may_change),
		TEST(the_same_keys_take_the_same_room),
		TEST(a_full_table),
		TEST(four_processes_add_exactly),
		TEST(each_sees_what_stays_exactly_once),
		TEST(wait_until_a_cell_is_as_wanted),
		TEST(a_signal_ends_a_wait),
		TEST(a_child_has_to_join),
		TEST(a_thread_joins),
		TEST(attached_for_reading),
		TEST(other_segments_are_refused),
		TEST(open_makes_it_once),
		TEST(a_table_in_system_v),
		TEST(no_more_threads_than_slots),
		cmocka_unit_test(names_of_types),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
