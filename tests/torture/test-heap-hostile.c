/* SPDX-License-Identifier: MIT */
/*
 * test-heap-hostile.c - heaps that somebody wrote garbage into
 *
 * Each byte of the header, of all tables and of the words of spans is changed
 * in turn, and everything is tried on what that gives.  Calls may fail and may
 * answer what the garbage says; no process may crash, hang, or touch what is
 * outside.  The segment lies between pages that cannot be touched; that of a
 * heap that grows ends before its maximum, and there is SIGBUS.
 *
 * Of all images there are about 1000 are tried, with SHMU_TORTURE each.
 */
#include "config.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/check.h"
#include "shmutil/heap-view.h"

#define ARENA	((size_t)160 << 10)
#define BATCH	64

static unsigned char pristine[ARENA];
static struct shmu_operand op;
static int fd;
static uint64_t chunk_off, span_end;
static uint32_t *progress;	/* shared: the image a child is at */

static int
ignore(const struct shmu_heap_chunk *c, void *arg)
{
	uint64_t *sum = arg;

	*sum += c->off + c->size + c->site;
	return 0;
}

static void
look(void)
{
	struct shmu_segment seg;
	char file[SHMU_HEAP_FILE], name[SHMU_HEAP_NAME + 1];
	struct shmu_heap_view *v;
	struct shmu_heap_stat s;
	struct shmu_heap_thread t;
	uint64_t sum = 0;
	uint32_t i, line;

	if (shmu_segment_open(&seg, &op, SHMU_READ) == -1)
		_exit(20);
	if (shmu_heap_view_segment(&v, &seg) == 0) {
		shmu_heap_view_stat(v, &s);
		shmu_heap_view_walk(v, ignore, &sum);
		shmu_heap_view_check(v, NULL, NULL);
		for (i = 0; i < 200; i++)
			shmu_heap_view_site(v, i, file, &line);
		for (i = 0; shmu_heap_view_thread(v, i, &t) != -1; i++)
			;
		for (i = 0; shmu_heap_view_root(v, i, name, &sum) == 1; i++)
			;
		shmu_heap_view_close(v);
	}
	shmu_segment_close(&seg);
}

/* Some of all that one may do with a heap. */
static void
use(void)
{
	struct shmu_heap *h;
	struct shmu_heap_event e;
	uint64_t lost = 0, *word;
	void *p[40], *q;
	int i;

	if (shmu_heap_attach(&h, &op, 0) == -1)
		return;
	for (i = 0; i < 40; i++) {
		p[i] = shmu_heap_malloc(h, (size_t)(i % 3 == 0 ? 40 : i * 300));
		if (p[i] != NULL)
			memset(p[i], 0x5a, i % 3 == 0 ? 40 : (size_t)i * 300);
	}
	shmu_heap_free(h, shmu_heap_at(h, chunk_off));
	shmu_heap_free(h, shmu_heap_at(h, chunk_off + 40));
	for (i = 0; i < 40; i += 2)
		shmu_heap_free(h, p[i]);
	q = shmu_heap_realloc(h, p[1], 30000);
	shmu_heap_free(h, q != NULL ? q : p[1]);
	word = shmu_heap_root(h, "new");
	if (word != NULL && shmu_heap_alloc_into(h, 100, word) == 0)
		shmu_heap_free_from(h, word);
	if (shmu_heap_trace_start(h) == 0) {
		shmu_heap_free(h, shmu_heap_malloc(h, 10));
		for (i = 0; i < 3000 &&
		    shmu_heap_trace_next(h, &e, &lost) == 1; i++)
			;
		shmu_heap_trace_stop(h);
	}
	shmu_heap_gc(h, NULL);
	shmu_heap_detach(h);
}

/* Where something stands that is read: the header, control, tables, and the
 * beginning of the first spans. */
static uint32_t
extent(void)
{
	return (uint32_t)span_end;
}

static void __attribute__((noreturn))
batch(uint32_t from, uint32_t to, uint32_t step)
{
	static const unsigned char masks[] = { 0xff, 0x01, 0x80, 0x3c };
	uint32_t at;

	for (at = from; at < to; at += step) {
		unsigned char b = pristine[at] ^ masks[at / step % 4];

		__atomic_store_n(progress, at, __ATOMIC_RELEASE);
		alarm(30);
		if (ftruncate(fd, ARENA) == -1 ||
		    pwrite(fd, pristine, ARENA, 0) != (ssize_t)ARENA ||
		    pwrite(fd, &b, 1, at) != 1)
			_exit(21);
		look();
		use();
		look();
	}
	_exit(0);
}

static void
no_byte_that_is_changed_does_harm(void **state)
{
	uint32_t images = getenv("SHMU_TORTURE") != NULL ? UINT32_MAX :
	    getenv("SHMU_SLOW") != NULL ? 100 : 1000, n = extent(), at, step;
	int status;
	pid_t pid;

	(void)state;
	step = images >= n ? 1 : n / images;
	for (at = 0; at < n; at += step * BATCH) {
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0)
			batch(at, at + step * BATCH < n ? at + step * BATCH : n,
			    step);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("byte %u of %u changed: %s %d", *progress, n,
			    WIFSIGNALED(status) ? "signal" : "status",
			    WIFSIGNALED(status) ? WTERMSIG(status) :
			    WEXITSTATUS(status));
	}
	print_message("# %u images of %u bytes\n", (n + step - 1) / step, n);
}

/* A heap of some content: spans of this process, of one that is dead, and of
 * nobody, a large chunk, roots and sites. */
static int
fill(const struct shmu_operand *where, uint64_t maximum)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;
	struct shmu_heap *h, *mine;
	struct shmu_operand at = *where;
	pid_t pid;
	int i;

	spec.segment.size = ARENA;
	spec.maximum = maximum;
	spec.slots = 4;
	spec.sites = 32;
	assert_int_equal(shmu_heap_create(&h, &at, &spec), 0);
	at = *shmu_heap_operand(h);
	assert_int_equal(shmu_segment_remove(&at, NULL), 0);
	for (i = 0; i < 30; i++)
		shmu_heap_malloc(h, 40);
	chunk_off = shmu_heap_offset(h, shmu_heap_malloc(h, 40));
	assert_int_equal(shmu_heap_alloc_into(h, 20000,
	    shmu_heap_root(h, "large")), 0);
	pid = fork();
	if (pid == 0) {
		if (shmu_heap_join(&mine, h) == 0) {
			shmu_heap_malloc(mine, 60);
			shmu_heap_free(mine, shmu_heap_at(h, chunk_off));
		}
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	span_end = chunk_off / 4096 * 4096 + 3 * 4160;
	memcpy(pristine, (char *)shmu_heap_at(h, 1) - 1, ARENA);
	return shmu_heap_detach(h);
}

static int
fixed(void **state)
{
	struct shmu_operand where;

	(void)state;
	memset(&where, 0, sizeof where);
	where.kind = SHMU_PRIVATE;
	return fill(&where, 0);
}

static int
growing(void **state)
{
	struct shmu_operand where;
	int r;

	(void)state;
	memset(&where, 0, sizeof where);
	where.kind = SHMU_POSIX;
	snprintf(where.name, sizeof where.name, "/shmu-hostile-%d",
	    (int)getpid());
	r = fill(&where, 4 * ARENA);
	assert_int_equal(((struct shmu_header *)(void *)pristine)->size, ARENA);
	return r;
}

static int
begin(void **state)
{
	(void)state;
	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = memfd_create("image", MFD_CLOEXEC);
	if (progress == MAP_FAILED || fd == -1)
		return -1;
	/* What is mapped next comes to lie below this. */
	if (mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0) == MAP_FAILED)
		return -1;
	memset(&op, 0, sizeof op);
	op.kind = SHMU_PIDFD;
	op.pid = getpid();
	op.fd = fd;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(no_byte_that_is_changed_does_harm, fixed),
	    cmocka_unit_test_setup(no_byte_that_is_changed_does_harm, growing),
	};

	return cmocka_run_group_tests_name("heap, hostile", tests, begin, NULL);
}
