/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <sys/prctl.h>

#include "cell.h"
#include "shmutil/heap-view.h"

struct shmu_table *table;
struct shmu_operand op;

int
fresh(void **state)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;

	(void)state;
	memset(&op, 0, sizeof op);
	op.kind = SHMU_PRIVATE;
	spec.maximum = (uint64_t)16 << 20;
	if (shmu_table_create(&table, &op, &spec) == -1)
		return -1;
	op = *shmu_table_operand(table);
	return 0;
}

int
gone(void **state)
{
	(void)state;
	if (shmu_table_detach(table) == -1)
		return -1;
	return shmu_segment_remove(&op, NULL);
}

void *
shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

void
must_at(int true, const char *what, int line)
{
	if (true)
		return;
	fprintf(stderr, "# child %d, line %d: %s (errno %d)\n", (int)getpid(),
	    line, what, errno);
	_exit(1);
}

pid_t
child(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	struct shmu_table *own;

	if (pid != 0) {
		assert_true(pid > 0);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(shmu_table_join(&own, table) == 0);
	table = own;
	fn(arg);
	_exit(0);
}

void
passed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

void
slay(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

void
moment(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

char
state_of(pid_t pid)
{
	struct shmu_owner owner;

	return shmu_owner_of(pid, &owner) == -1 ? 0 : shmu_owner_state(&owner);
}

/* Of those that have it, or those that wait. */
static uint32_t
count(int waits)
{
	static struct shmu_party parties[2 * SHMU_CELL_PLACES];
	struct shmu_cell_state state;
	uint32_t i, n = 0;

	if (shmu_cell_state(table, KEY, &state, parties,
	    2 * SHMU_CELL_PLACES) == -1)
		return 0;
	for (i = 0; i < state.parties; i++)
		n += parties[i].waits == waits;
	return n;
}

uint32_t
waiting(void)
{
	return count(1);
}

uint32_t
having(void)
{
	return count(0);
}

struct shmu_claim
claim_of(unsigned int flags)
{
	return (struct shmu_claim){ .flags = flags };
}

struct shmu_claim
claim_within(const struct timespec *limit)
{
	return (struct shmu_claim){ .limit = limit };
}

uint64_t
chunks(void)
{
	struct shmu_heap *h = shmu_table_heap(table);
	const struct shmu_header *base = (void *)((char *)shmu_heap_at(h, 1) -
	    1);
	struct shmu_heap_view *v;
	struct shmu_heap_stat s;

	assert_int_equal(shmu_heap_gc(h, NULL), 0);
	assert_int_equal(shmu_heap_view_mapped(&v, (void *)(uintptr_t)base,
	    base->size), 0);
	assert_int_equal(shmu_heap_view_stat(v, &s), 0);
	shmu_heap_view_close(v);
	return s.chunks;
}

int
slow(int n)
{
	return getenv("SHMU_SLOW") != NULL ? n / 50 + 1 : n;
}
