/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "finding.h"
#include "shmutil/heap-view.h"

#define ARENA	((uint64_t)8 << 20)

static struct shmu_heap *heap;
static struct shmu_operand op;

static int
slow(int n)
{
	return getenv("SHMU_SLOW") != NULL ? n / 50 + 1 : n;
}

static int
make(uint64_t size, unsigned int flags)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;

	memset(&op, 0, sizeof op);
	op.kind = SHMU_PRIVATE;
	spec.segment.size = size;
	spec.segment.flags = SHMU_SPEC_SPARSE;
	spec.flags = flags;
	if (shmu_heap_create(&heap, &op, &spec) == -1)
		return -1;
	op = *shmu_heap_operand(heap);
	return 0;
}

static int
fresh(void **state)
{
	(void)state;
	return make(ARENA, 0);
}

static int
gone(void **state)
{
	(void)state;
	if (heap != NULL && shmu_heap_detach(heap) == -1)
		return -1;
	heap = NULL;
	return shmu_segment_remove(&op, NULL);
}

static void *
base(void)
{
	return (char *)shmu_heap_at(heap, 1) - 1;
}

static struct shmu_heap_view *
look(void)
{
	struct shmu_heap_view *v;

	assert_int_equal(shmu_heap_view_mapped(&v, base(),
	    ((struct shmu_header *)base())->size), 0);
	return v;
}

static struct shmu_heap_stat
stat_now(void)
{
	struct shmu_heap_view *v = look();
	struct shmu_heap_stat s;

	assert_int_equal(shmu_heap_view_stat(v, &s), 0);
	shmu_heap_view_close(v);
	return s;
}

static void
assert_sound(void)
{
	struct shmu_heap_view *v = look();

	assert_int_equal(shmu_heap_view_check(v, print_finding, NULL), 0);
	shmu_heap_view_close(v);
}

static void
sizes_and_alignments(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < 70000; n += n < 600 ? 1 : 997) {
		unsigned char *p = shmu_heap_malloc(heap, n);

		assert_non_null(p);
		assert_true(shmu_heap_usable(heap, p) >= n);
		assert_int_equal((uintptr_t)p % (n % 64 == 0 && n > 0 ? 64 :
		    n % 16 >= 1 && n % 16 <= 8 ? 8 : 16), 0);
		memset(p, 0xee, n);
		assert_int_equal(shmu_heap_free(heap, p), 0);
	}
	assert_sound();
	assert_int_equal(stat_now().chunks, 0);
}

static void
every_alignment(void **state)
{
	void *p[13];
	size_t a, n = 0;

	(void)state;
	for (a = 1; a <= 4096; a *= 2) {
		p[n] = shmu_heap_aligned(heap, a, 100);
		assert_non_null(p[n]);
		assert_int_equal((uintptr_t)p[n] % a, 0);
		assert_true(shmu_heap_usable(heap, p[n]) >= 100);
		memset(p[n++], 1, 100);
	}
	assert_sound();
	while (n-- > 0)
		assert_int_equal(shmu_heap_free(heap, p[n]), 0);
	assert_null(shmu_heap_aligned(heap, 8192, 1));
	assert_null(shmu_heap_aligned(heap, 24, 1));
	assert_int_equal(errno, EINVAL);
}

static void
refusals(void **state)
{
	char *p = shmu_heap_malloc(heap, 100), outside;
	struct shmu_heap_fault f;

	(void)state;
	assert_int_equal(shmu_heap_fault(heap, &f), 0);
	assert_int_equal(shmu_heap_free(heap, NULL), 0);
	assert_errno(EINVAL, shmu_heap_free(heap, p + 8));
	assert_errno(EINVAL, shmu_heap_free(heap, p + 1));
	assert_errno(EINVAL, shmu_heap_free(heap, &outside));
	assert_errno(EINVAL, shmu_heap_free(heap, base()));
	assert_int_equal(shmu_heap_fault(heap, &f), 1);
	assert_int_equal(f.kind, SHMU_HEAP_BAD_FREE);
	assert_int_equal(f.count, 4);
	assert_int_equal(shmu_heap_free(heap, p), 0);
	assert_errno(EALREADY, shmu_heap_free(heap, p));
	assert_int_equal(shmu_heap_fault(heap, &f), 1);
	assert_int_equal(f.kind, SHMU_HEAP_DOUBLE_FREE);
	assert_int_equal(f.off, shmu_heap_offset(heap, p));
	assert_int_equal(shmu_heap_usable(heap, p), 0);
	assert_null(shmu_heap_malloc(heap, SIZE_MAX));
	assert_null(shmu_heap_malloc(heap, SIZE_MAX - 40));
	assert_null(shmu_heap_malloc(heap, ARENA));
	assert_int_equal(errno, ENOMEM);
	assert_null(shmu_heap_calloc(heap, SIZE_MAX / 2, 3));
	assert_null(shmu_heap_realloc(heap, p, 10));
	assert_int_equal(stat_now().failures, 3);
	assert_int_equal(stat_now().last_failure, ARENA);
	assert_sound();
}

static void
realloc_keeps_the_content(void **state)
{
	unsigned char *p = shmu_heap_malloc(heap, 20), *q;
	size_t n, i;

	(void)state;
	for (i = 0; i < 20; i++)
		p[i] = (unsigned char)i;
	for (n = 20; n < 1000000; n = n * 3 / 2) {
		p = shmu_heap_realloc(heap, p, n);
		assert_non_null(p);
		for (i = 0; i < 20; i++)
			assert_int_equal(p[i], i);
	}
	/* What grows once is given room to grow again where it is. */
	p = shmu_heap_realloc(heap, p, 1500000);
	q = shmu_heap_realloc(heap, p, 2000000);
	assert_ptr_equal(p, q);
	q = shmu_heap_realloc(heap, p, 500000);
	assert_ptr_equal(p, q);
	assert_sound();
	q = shmu_heap_realloc(heap, p, 20);
	assert_ptr_not_equal(p, q);
	for (i = 0; i < 20; i++)
		assert_int_equal(q[i], i);
	assert_ptr_equal(shmu_heap_realloc(heap, q, 24), q);
	assert_null(shmu_heap_realloc(heap, q, ARENA));
	assert_int_equal(shmu_heap_usable(heap, q), 24);
	assert_null(shmu_heap_reallocf(heap, q, ARENA));
	assert_int_equal(stat_now().chunks, 0);
	assert_sound();
}

static void
full_and_empty_again(void **state)
{
	static void *p[400000];
	size_t n = 0, i;
	struct shmu_heap_stat s;

	(void)state;
	while ((p[n] = shmu_heap_malloc(heap, 16 + n % 200)) != NULL)
		n++;
	assert_int_equal(errno, ENOMEM);
	s = stat_now();
	assert_int_equal(s.chunks, n);
	assert_true(s.used > ARENA * 9 / 10);
	assert_true(s.real_used <= s.total && s.max_used == s.real_used);
	assert_int_equal(s.real_used + s.free, s.total);
	for (i = 0; i < n; i += 2)
		assert_int_equal(shmu_heap_free(heap, p[i]), 0);
	assert_sound();
	for (i = 1; i < n; i += 2)
		assert_int_equal(shmu_heap_free(heap, p[i]), 0);
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	s = stat_now();
	assert_int_equal(s.chunks, 0);
	assert_int_equal(s.real_used, s.metadata);
	assert_int_equal(s.fragments, 1);
	assert_int_equal(s.largest_free, s.free);
	assert_non_null(shmu_heap_malloc(heap, (size_t)s.largest_free));
	assert_sound();
}

/* A model: what was given out, with what is in it. */
struct piece {
	unsigned char	*p;
	size_t		 size;
	unsigned char	 byte;
};

static void
verify(const struct piece *x)
{
	size_t i;

	for (i = 0; i < x->size; i++)
		if (x->p[i] != x->byte)
			fail_msg("byte %zu of %zu is %u, not %u", i, x->size,
			    x->p[i], x->byte);
}

static size_t
some_size(void)
{
	switch (random() % 20) {
	case 0:	return (size_t)random() % 200000;
	case 1:	return (size_t)random() % 20000;
	default: return (size_t)random() % 700;
	}
}

static void
step(struct piece *x)
{
	void *p = NULL;
	size_t n = some_size();

	if (x->p != NULL)
		verify(x);
	switch (random() % 4) {
	case 0:
		if (x->p != NULL) {
			p = shmu_heap_realloc(heap, x->p, n);
			if (p == NULL)
				return;
			if (n < x->size)
				x->size = n;
			x->p = p;
			verify(x);
			break;
		}
		/* FALLTHROUGH */
	default:
		if (x->p != NULL)
			assert_int_equal(shmu_heap_free(heap, x->p), 0);
		x->p = random() % 8 == 0 ? shmu_heap_aligned(heap,
		    (size_t)1 << random() % 13, n) : shmu_heap_malloc(heap, n);
		break;
	case 1:
		assert_int_equal(shmu_heap_free(heap, x->p), 0);
		x->p = NULL;
	}
	x->size = x->p == NULL ? 0 : n;
	x->byte = (unsigned char)random();
	if (x->p != NULL)
		memset(x->p, x->byte, x->size);
}

static void
random_operations_as_the_model(void **state)
{
	static struct piece all[300];
	int i, n, rounds = slow(60000);
	struct shmu_heap_stat s;

	(void)state;
	srandom(20250101);
	for (i = 0; i < rounds; i++) {
		step(&all[random() % 300]);
		if (i % 5000 == 0)
			assert_sound();
	}
	for (n = i = 0; i < 300; i++)
		n += all[i].p != NULL;
	s = stat_now();
	assert_int_equal(s.chunks, n);
	for (i = 0; i < 300; i++) {
		if (all[i].p != NULL)
			verify(&all[i]);
		assert_int_equal(shmu_heap_free(heap, all[i].p), 0);
		all[i].p = NULL;
	}
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	assert_int_equal(stat_now().real_used, stat_now().metadata);
	assert_sound();
}

/* What others freed of a process that does not run comes back when it does. */
static void *
malloc_soon(size_t n)
{
	const struct timespec moment = { 0, 1000000 };
	void *p = shmu_heap_malloc(heap, n);
	int i;

	for (i = 0; p == NULL && i < 10000; i++) {
		nanosleep(&moment, NULL);
		p = shmu_heap_malloc(heap, n);
	}
	return p;
}

/* Four processes; what one allocates another frees. */
static void __attribute__((noreturn))
exchange(struct shmu_heap *parent, uint64_t *table, int rounds)
{
	uint64_t old, *p;

	if (shmu_heap_join(&heap, parent) == -1)
		_exit(1);
	srandom((unsigned int)getpid());
	while (rounds-- > 0) {
		size_t n = 16 + some_size();

		p = malloc_soon(n);
		if (p == NULL)
			_exit(2);
		p[0] = n;
		p[1] = shmu_heap_offset(heap, p);
		old = __atomic_exchange_n(&table[random() % 256], p[1],
		    __ATOMIC_ACQ_REL);
		p = shmu_heap_at(heap, old);
		if (p != NULL && (p[1] != old || p[0] < 16 ||
		    shmu_heap_usable(heap, p) < p[0]))
			_exit(3);
		if (shmu_heap_free(heap, p) == -1)
			_exit(4);
	}
	_exit(shmu_heap_detach(heap) == 0 ? 0 : 5);
}

static void
processes_free_what_others_allocated(void **state)
{
	uint64_t *table = shmu_heap_calloc(heap, 256, sizeof *table);
	int i, status;
	pid_t pids[4];

	(void)state;
	for (i = 0; i < 4; i++)
		if ((pids[i] = fork()) == 0)
			exchange(heap, table, slow(40000));
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_sound();
	for (i = 0; i < 256; i++)
		assert_int_equal(shmu_heap_free(heap,
		    shmu_heap_at(heap, table[i])), 0);
	assert_int_equal(stat_now().chunks, 1);
	assert_int_equal(shmu_heap_free(heap, table), 0);
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	assert_int_equal(stat_now().real_used, stat_now().metadata);
	assert_sound();
}

static void *
thread(void *arg)
{
	struct shmu_heap *mine;
	void *p, **out = arg;

	if (shmu_heap_join(&mine, heap) == -1)
		return NULL;
	p = shmu_heap_malloc(mine, 1000);
	if (shmu_heap_free(mine, *out) == -1 || p == NULL)
		return NULL;
	*out = p;
	return shmu_heap_detach(mine) == 0 ? arg : NULL;
}

static void
threads_have_the_same_addresses(void **state)
{
	void *p = shmu_heap_malloc(heap, 50), *r;
	struct shmu_heap *other;
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, thread, &p), 0);
	pthread_join(t, &r);
	assert_ptr_equal(r, &p);
	assert_int_equal(shmu_heap_usable(heap, p), 1024);
	assert_int_equal(shmu_heap_free(heap, p), 0);
	assert_int_equal(shmu_heap_join(&other, heap), 0);
	assert_errno(EBUSY, shmu_heap_detach(heap));
	assert_int_equal(shmu_heap_detach(other), 0);
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	assert_int_equal(stat_now().chunks, 0);
	assert_sound();
}

static void
a_child_has_to_join(void **state)
{
	struct shmu_heap *mine;
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		if (shmu_heap_malloc(heap, 1) != NULL || errno != ECHILD ||
		    stat_now().holder.pid != 0)
			_exit(1);
		if (shmu_heap_free(heap, base()) != -1 || errno != ECHILD)
			_exit(2);
		if (shmu_heap_join(&mine, heap) == -1 ||
		    shmu_heap_malloc(mine, 1) == NULL)
			_exit(3);
		if (shmu_heap_detach(mine) == -1 ||
		    shmu_heap_detach(heap) == -1)
			_exit(4);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(stat_now().chunks, 1);
	assert_int_equal(stat_now().attached, 1);
	assert_sound();
}

static void
roots_keep_their_names(void **state)
{
	char name[SHMU_HEAP_NAME + 2];
	uint64_t *a = shmu_heap_root(heap, "a"), *b;
	int n = 0;

	(void)state;
	assert_non_null(a);
	assert_int_equal(*a, 0);
	assert_ptr_equal(shmu_heap_root(heap, "a"), a);
	assert_ptr_equal(shmu_heap_root_find(heap, "a"), a);
	assert_null(shmu_heap_root_find(heap, "b"));
	assert_int_equal(errno, ENOENT);
	assert_null(shmu_heap_root(heap, ""));
	memset(name, 'x', sizeof name);
	name[SHMU_HEAP_NAME + 1] = '\0';
	assert_null(shmu_heap_root(heap, name));
	name[SHMU_HEAP_NAME] = '\0';
	b = shmu_heap_root(heap, name);
	assert_non_null(b);
	assert_int_equal(shmu_heap_alloc_into(heap, 100, b), 0);
	assert_errno(EEXIST, shmu_heap_alloc_into(heap, 100, b));
	assert_int_equal(shmu_heap_usable(heap, shmu_heap_at(heap, *b)), 104);
	assert_int_equal(shmu_heap_free_from(heap, b), 0);
	assert_int_equal(*b, 0);
	assert_errno(ENOENT, shmu_heap_free_from(heap, b));
	assert_errno(EINVAL, shmu_heap_alloc_into(heap, 100, (uint64_t *)name));
	assert_int_equal(shmu_heap_alloc_into(heap, 300000, b), 0);
	assert_int_equal(shmu_heap_free_from(heap, b), 0);
	do
		snprintf(name, sizeof name, "%d", n);
	while (shmu_heap_root(heap, name) != NULL && n++ < 100);
	assert_int_equal(n, 62);
	assert_int_equal(errno, ENOSPC);
	assert_sound();
}

/* A process that is killed where it stands; its number of chunks is kept. */
static void
die_with(int chunks)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct shmu_heap *mine;

		if (shmu_heap_join(&mine, heap) == 0)
			while (chunks-- > 0)
				shmu_heap_malloc(mine, 100);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void
what_a_dead_process_had_is_there_to_use(void **state)
{
	struct shmu_heap_gc gc;
	struct shmu_heap_stat s;

	(void)state;
	die_with(1000);
	s = stat_now();
	assert_int_equal(s.chunks, 1000);
	assert_int_equal(s.dead, 1);
	assert_int_equal(shmu_heap_gc(heap, &gc), 0);
	assert_int_equal(gc.dead, 1);
	s = stat_now();
	assert_int_equal(s.chunks, 1000);
	assert_int_equal(s.dead, 0);
	assert_int_equal(s.recovered, 1);
	assert_int_equal(s.orphans, s.spans);
	assert_sound();
	/* The room in its spans is found before new ones are made. */
	assert_non_null(shmu_heap_malloc(heap, 100));
	assert_int_equal(stat_now().real_used, s.real_used);
	assert_sound();
}

static void
a_slot_is_free_again_when_its_thread_is_dead(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		die_with(1);
	assert_true(stat_now().attached <= 2);
	assert_int_equal(stat_now().chunks, 100);
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	assert_int_equal(stat_now().attached, 1);
	assert_sound();
}

static void
no_more_threads_than_slots(void **state)
{
	struct shmu_heap *all[64];
	int n = 0;

	(void)state;
	while (n < 64 && shmu_heap_join(&all[n], heap) == 0)
		n++;
	assert_int_equal(n, 63);
	assert_int_equal(errno, EUSERS);
	while (n-- > 0)
		assert_int_equal(shmu_heap_detach(all[n]), 0);
}

/* A process that waits, with nothing of its own left to do, does not keep what
 * it no longer needs: others that need it take it. */
static void
an_idle_process_keeps_no_memory(void **state)
{
	uint64_t *word = shmu_heap_root(heap, "list");
	struct shmu_heap *mine;
	int ready[2], back[2], n = 0, status;
	uint64_t *p = NULL;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(back), 0);
	pid = fork();
	if (pid == 0) {
		close(back[1]);
		if (shmu_heap_join(&mine, heap) == -1)
			_exit(1);
		while ((p = shmu_heap_malloc(mine, 1000)) != NULL) {
			*p = *word;
			*word = shmu_heap_offset(mine, p);
			n++;
		}
		if (write(ready[1], "", 1) != 1 || read(back[0], &c, 1) != 0)
			_exit(2);
		/* Back at work, it sees that its spans are gone. */
		p = shmu_heap_malloc(mine, 1000);
		_exit(p == NULL || shmu_heap_detach(mine) == -1 ? 3 : 0);
	}
	close(back[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_null(shmu_heap_malloc(heap, 100000));
	while (*word != 0) {
		p = shmu_heap_at(heap, *word);
		*word = *p;
		assert_int_equal(shmu_heap_free(heap, p), 0);
		n++;
	}
	assert_true(n > 1000);
	for (n = 0; shmu_heap_gc(heap, NULL) == 0 && n < 100 &&
	    (p = shmu_heap_malloc(heap, (size_t)ARENA * 9 / 10)) == NULL; n++)
		usleep(10000);
	if (p == NULL && errno == ENOMEM && getenv("SHMU_VALGRIND") != NULL)
		skip();
	assert_non_null(p);
	assert_sound();
	assert_int_equal(shmu_heap_free(heap, p), 0);
	close(back[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
	assert_sound();
}

static void
another_process_attaches(void **state)
{
	uint64_t *word = shmu_heap_root(heap, "x");
	struct shmu_heap *other;
	struct shmu_operand key = op;

	(void)state;
	assert_int_equal(shmu_heap_alloc_into(heap, 64, word), 0);
	strcpy(shmu_heap_at(heap, *word), "hello");
	assert_int_equal(shmu_heap_attach(&other, &key, 0), 0);
	word = shmu_heap_root_find(other, "x");
	assert_string_equal(shmu_heap_at(other, *word), "hello");
	assert_int_equal(shmu_heap_free_from(other, word), 0);
	assert_int_equal(shmu_heap_detach(other), 0);
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	assert_int_equal(stat_now().chunks, 0);
	assert_sound();
}

static void
other_segments_are_refused(void **state)
{
	struct shmu_header *h = base();
	struct shmu_heap *other;
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;

	(void)state;
	h->magic ^= 1;
	assert_errno(EILSEQ, shmu_heap_attach(&other, &op, 0));
	h->magic ^= 1;
	h->layout++;
	assert_errno(EBADMSG, shmu_heap_attach(&other, &op, 0));
	h->layout--;
	((unsigned char *)h)[4096 + 8] ^= 1;
	assert_errno(EBADMSG, shmu_heap_attach(&other, &op, 0));
	((unsigned char *)h)[4096 + 8] ^= 1;
	spec.segment.size = SHMU_HEAP_MINIMUM - 1;
	assert_errno(EINVAL, shmu_heap_create(&other, &op, &spec));
}

static void
the_smallest_heap_works(void **state)
{
	int n = 0;

	(void)state;
	assert_int_equal(make(SHMU_HEAP_MINIMUM, 0), 0);
	while (shmu_heap_malloc(heap, 64) != NULL)
		n++;
	assert_true(n > 500);
	assert_sound();
}

static void
a_sparse_heap_of_16_gib_tells_right_numbers(void **state)
{
	struct shmu_heap_stat s;
	size_t half = (size_t)8 << 30;
	void *p;

	(void)state;
	assert_int_equal(make((uint64_t)16 << 30, 0), 0);
	p = shmu_heap_malloc(heap, half);
	assert_non_null(p);
	s = stat_now();
	assert_true(s.total == (uint64_t)16 << 30);
	assert_true(s.used >= half && s.used < half + s.unit);
	assert_true(s.real_used == s.used + s.metadata);
	assert_true(s.free == s.total - s.real_used);
	assert_true(s.max_used == s.real_used);
	assert_int_equal(s.fragments, 1);
	memset((char *)p + half - 10, 7, 10);
	assert_int_equal(shmu_heap_free(heap, p), 0);
	s = stat_now();
	assert_true(s.free == s.total - s.metadata);
	assert_true(s.max_used > half);
	assert_true(s.metadata < s.total / 500);
}

static void
debug_tells_both_sites(void **state)
{
	struct shmu_heap_fault f;
	struct shmu_heap_view *v;
	char file[SHMU_HEAP_FILE];
	unsigned char *p, *q;
	uint32_t line, here, there;

	(void)state;
	assert_int_equal(make(ARENA, SHMU_HEAP_DEBUG), 0);
	p = shmu_heap_malloc(heap, 100); here = __LINE__;
	assert_int_equal(shmu_heap_usable(heap, p), 100);
	p[100] ^= 0xff;
	assert_errno(EBADMSG, shmu_heap_free(heap, p));
	p[100] ^= 0xff;
	assert_int_equal(shmu_heap_fault(heap, &f), 1);
	assert_int_equal(f.kind, SHMU_HEAP_OVERRUN);
	v = look();
	assert_int_equal(shmu_heap_view_site(v, f.allocated, file, &line), 0);
	shmu_heap_view_close(v);
	assert_int_equal(line, here);
	assert_non_null(strstr(file, "test-heap.c"));
	assert_int_equal(shmu_heap_free(heap, p), 0); there = __LINE__;
	assert_errno(EALREADY, shmu_heap_free(heap, p));
	assert_int_equal(shmu_heap_fault(heap, &f), 1);
	assert_int_equal(f.kind, SHMU_HEAP_DOUBLE_FREE);
	v = look();
	assert_int_equal(shmu_heap_view_site(v, f.allocated, file, &line), 0);
	assert_int_equal(line, here);
	assert_int_equal(shmu_heap_view_site(v, f.freed, file, &line), 0);
	assert_int_equal(line, there);
	assert_int_equal(shmu_heap_view_thread(v, 0,
	    &(struct shmu_heap_thread){ 0 }), 1);
	shmu_heap_view_close(v);
	p[5] = 1;
	q = shmu_heap_malloc(heap, 100);
	assert_ptr_equal(p, q);
	assert_int_equal(shmu_heap_fault(heap, &f), 1);
	assert_int_equal(f.kind, SHMU_HEAP_USED_FREE);
	assert_int_equal(f.count, 3);
	q = shmu_heap_realloc(heap, q, 5000);
	assert_non_null(q);
	assert_int_equal(shmu_heap_usable(heap, q), 5000);
	assert_int_equal(shmu_heap_free(heap, q), 0);
	assert_sound();
}

static void
random_operations_with_guards(void **state)
{
	static struct piece all[100];
	struct shmu_heap_fault f;
	int i;

	(void)state;
	assert_int_equal(make(ARENA * 4, SHMU_HEAP_DEBUG), 0);
	for (i = 0; i < slow(10000); i++)
		step(&all[random() % 100]);
	assert_int_equal(shmu_heap_fault(heap, &f), 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(shmu_heap_free(heap, all[i].p), 0);
		all[i].p = NULL;
	}
	assert_int_equal(stat_now().chunks, 0);
	assert_sound();
}

static int
count_site(const struct shmu_heap_chunk *c, void *arg)
{
	uint32_t *n = arg;

	if (c->used && c->site < 100)
		n[c->site]++;
	return 0;
}

static void
every_chunk_knows_its_site(void **state)
{
	uint32_t n[100] = { 0 }, line, i, seen = 0;
	struct shmu_heap_view *v;
	char file[SHMU_HEAP_FILE];
	int first = __LINE__ + 4;

	(void)state;
	for (i = 0; i < 30; i++)
		shmu_heap_malloc(heap, 10 + i);
	for (i = 0; i < 5; i++)
		shmu_heap_malloc(heap, 100000);
	(shmu_heap_malloc)(heap, 1);
	v = look();
	assert_int_equal(shmu_heap_view_walk(v, count_site, n), 0);
	for (i = 0; i < 100; i++) {
		if (i > 0 && n[i] > 0) {
			assert_int_equal(shmu_heap_view_site(v, i, file, &line),
			    0);
			assert_int_equal(n[i], (int)line == first ? 30 : 5);
			seen++;
		}
	}
	assert_int_equal(n[0], 1);
	assert_int_equal(seen, 2);
	shmu_heap_view_close(v);
}

static void
a_private_pool_shows_in_the_shared_heap(void **state)
{
	struct shmu_heap *pool;
	struct shmu_heap_view *v;
	struct shmu_heap_thread t;
	struct shmu_heap_stat s;
	void *p;

	(void)state;
	assert_int_equal(shmu_heap_create_private(&pool, 1 << 20, 0), 0);
	assert_int_equal(shmu_heap_operand(pool)->kind, SHMU_PRIVATE);
	assert_int_equal(shmu_heap_publish(heap, pool, 7, "worker"), 0);
	p = shmu_heap_malloc(pool, 5000);
	v = look();
	assert_int_equal(shmu_heap_view_thread(v, 0, &t), 1);
	shmu_heap_view_close(v);
	assert_int_equal(t.pool_rank, 7);
	assert_string_equal(t.pool_name, "worker");
	assert_int_equal(t.pool_size, 1 << 20);
	assert_true(t.pool_real > 5000 && t.pool_max >= t.pool_real);
	assert_int_equal(shmu_heap_view_process(&v, getpid(), t.pool_base,
	    t.pool_size), 0);
	assert_int_equal(shmu_heap_view_stat(v, &s), 0);
	assert_int_equal(s.chunks, 1);
	assert_int_equal(s.real_used, t.pool_real);
	shmu_heap_view_close(v);
	assert_int_equal(shmu_heap_free(pool, p), 0);
	assert_int_equal(shmu_heap_detach(pool), 0);
	v = look();
	assert_int_equal(shmu_heap_view_thread(v, 0, &t), 1);
	assert_int_equal(t.pool_base, 0);
	shmu_heap_view_close(v);
}

static void
events_are_seen_as_they_happen(void **state)
{
	struct shmu_heap_event e;
	struct shmu_heap *tracer, *late;
	uint64_t lost = 0;
	uint32_t line;
	char file[SHMU_HEAP_FILE];
	struct shmu_heap_view *v;
	void *p;
	int i;

	(void)state;
	assert_int_equal(shmu_heap_join(&tracer, heap), 0);
	assert_int_equal(shmu_heap_trace_start(tracer), 0);
	assert_int_equal(shmu_heap_trace_next(tracer, &e, &lost), 0);
	p = shmu_heap_malloc(heap, 77);
	assert_int_equal(shmu_heap_trace_next(tracer, &e, &lost), 1);
	assert_int_equal(e.off, shmu_heap_offset(heap, p));
	assert_int_equal(e.size, 77);
	assert_int_equal(e.freed, 0);
	v = look();
	assert_int_equal(shmu_heap_view_site(v, e.site, file, &line), 0);
	shmu_heap_view_close(v);
	assert_int_equal(shmu_heap_free(heap, p), 0);
	assert_int_equal(shmu_heap_trace_next(tracer, &e, &lost), 1);
	assert_int_equal(e.freed, 1);
	assert_int_equal(e.off, shmu_heap_offset(heap, p));
	assert_int_equal(shmu_heap_join(&late, heap), 0);
	for (i = 0; i < 2000; i++)
		shmu_heap_malloc(late, 1);
	for (i = 0; shmu_heap_trace_next(tracer, &e, &lost) == 1; i++)
		;
	assert_int_equal(i + (int)lost, 2000);
	assert_int_equal(i, 1024);
	assert_int_equal(shmu_heap_trace_stop(tracer), 0);
	shmu_heap_malloc(heap, 1);
	assert_int_equal(shmu_heap_trace_next(tracer, &e, &lost), 0);
	assert_int_equal(shmu_heap_detach(late), 0);
	assert_int_equal(shmu_heap_detach(tracer), 0);
	assert_sound();
}

#define GROWN	ARENA

static int
make_growing(uint64_t size, uint64_t maximum)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;

	memset(&op, 0, sizeof op);
	op.kind = SHMU_POSIX;
	snprintf(op.name, sizeof op.name, "/shmu-test-heap-%d", (int)getpid());
	spec.segment.size = size;
	spec.maximum = maximum;
	return shmu_heap_create(&heap, &op, &spec);
}

static int
small(void **state)
{
	(void)state;
	return make_growing(0, GROWN);
}

/* How many chunks of n bytes there is room for; each is written to. */
static int
fill_up(struct shmu_heap *h, size_t n)
{
	void *p;
	int count = 0;

	for (; (p = shmu_heap_malloc(h, n)) != NULL; count++)
		memset(p, count, n);
	return errno == ENOMEM ? count : -1;
}

static void
a_heap_grows_while_processes_allocate(void **state)
{
	uint64_t *table = shmu_heap_calloc(heap, 256, sizeof *table);
	uint64_t first = stat_now().total;
	int i, status;
	pid_t pids[4];

	(void)state;
	assert_true(first < (uint64_t)256 << 10);
	assert_int_equal(stat_now().maximum, GROWN);
	for (i = 0; i < 4; i++)
		if ((pids[i] = fork()) == 0)
			exchange(heap, table, slow(20000));
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_true(stat_now().total > first);
	assert_sound();
	assert_true(fill_up(heap, 1000) > 100);
	assert_int_equal(stat_now().total, GROWN);
	assert_int_equal(stat_now().free, 0);
	assert_sound();
}

static void
what_another_made_it_grow_by_is_there(void **state)
{
	uint64_t *word = shmu_heap_root(heap, "x"), old = stat_now().total;
	struct shmu_heap *other;
	unsigned char *p;

	(void)state;
	assert_int_equal(shmu_heap_attach(&other, &op, 0), 0);
	assert_null(shmu_heap_at(other, old));
	assert_int_equal(shmu_heap_alloc_into(heap, 1000000, word), 0);
	assert_true(*word + 1000000 > old);
	memset(shmu_heap_at(heap, *word), 0x77, 1000000);
	p = shmu_heap_at(other, *word);
	assert_non_null(p);
	assert_int_equal(p[999999], 0x77);
	assert_int_equal(shmu_heap_offset(other, p + 999999), *word + 999999);
	assert_int_equal(shmu_heap_free_from(other,
	    shmu_heap_root_find(other, "x")), 0);
	assert_true(fill_up(other, 60000) > 40);
	assert_int_equal(shmu_heap_detach(other), 0);
	assert_sound();
}

/* A chunk of more than half of the maximum has no other place. */
static void
what_is_last_grows_with_the_heap(void **state)
{
	unsigned char *p = shmu_heap_malloc(heap, 100000);
	size_t n = 100000;

	(void)state;
	memset(p, 1, n);
	while (n < GROWN * 9 / 10) {
		n += 100000;
		assert_ptr_equal(shmu_heap_realloc(heap, p, n), p);
		p[n - 1] = 1;
	}
	assert_null(shmu_heap_realloc(heap, p, GROWN));
	assert_int_equal(errno, ENOMEM);
	assert_sound();
}

static void
system_v_has_its_maximum_at_once(void **state)
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;

	(void)state;
	memset(&op, 0, sizeof op);
	op.kind = SHMU_PRIVATE;
	spec.segment.size = SHMU_HEAP_MINIMUM;
	spec.maximum = GROWN;
	assert_int_equal(shmu_heap_create(&heap, &op, &spec), 0);
	op = *shmu_heap_operand(heap);
	assert_int_equal(stat_now().total, GROWN);
	assert_non_null(shmu_heap_malloc(heap, GROWN * 9 / 10));
	assert_sound();
}

/* What is in the way of growth is no signal, and no harm to another file. */
static void
in_a_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static int
within_a_limit(void)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	struct shmu_heap *mine;

	if (shmu_heap_join(&mine, heap) == -1 ||
	    setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return 1;
	return fill_up(mine, 1000) > 500 ? 0 : 2;
}

static int
in_a_small_filesystem(void)
{
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=2m") == -1)
		return 77;
	if (make_growing(0, ARENA) == -1)
		return 3;
	/* Nearly all there is was had. */
	if (fill_up(heap, 1000) < 1700 || fill_up(heap, 100) < 0)
		return 4;
	return shmu_heap_detach(heap) == 0 ? 0 : 5;
}

/* The descriptor that a new heap of this process has. */
static int
descriptor(void)
{
	struct stat want, st;
	char path[sizeof SHMU_POSIX_DIR + sizeof op.name];
	int fd = 0;

	snprintf(path, sizeof path, "%s%s", SHMU_POSIX_DIR, op.name);
	assert_int_equal(stat(path, &want), 0);
	while (fstat(fd, &st) == -1 || st.st_ino != want.st_ino ||
	    st.st_dev != want.st_dev)
		assert_true(fd++ < 64);
	return fd;
}

static int
with_another_file(void)
{
	struct shmu_heap *mine;
	struct stat st;
	int fd = descriptor(), other = memfd_create("other", 0);

	if (shmu_heap_join(&mine, heap) == -1 || dup2(other, fd) == -1)
		return 1;
	if (fill_up(mine, 1000) < 1)
		return 2;
	return fstat(other, &st) == 0 && st.st_size == 0 ? 0 : 3;
}

static void
what_hinders_growth_is_no_room(void **state)
{
	(void)state;
	in_a_child(with_another_file);
	in_a_child(within_a_limit);
	assert_true(stat_now().total <= 1 << 20);
	assert_int_equal(shmu_heap_gc(heap, NULL), 0);
	assert_sound();
}

static void
a_full_filesystem_is_no_room(void **state)
{
	(void)state;
	in_a_child(in_a_small_filesystem);
}

static void
a_size_that_cannot_be_is_refused(void **state)
{
	struct shmu_header *h = base();
	uint64_t size = h->size, wrong[] = { 0, 4096, size - 4160, size + 1,
	    size + 100000, GROWN, GROWN + 1, UINT64_MAX };
	struct shmu_heap *other, *late;
	size_t i;

	(void)state;
	assert_int_equal(shmu_heap_attach(&other, &op, 0), 0);
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		h->size = wrong[i];
		assert_errno(EBADMSG, shmu_heap_attach(&late, &op, 0));
		assert_errno(EBADMSG, shmu_heap_gc(other, NULL));
		assert_null(shmu_heap_malloc(other, 100000));
		assert_int_equal(errno, EBADMSG);
		assert_null(shmu_heap_at(other, size));
		assert_null(shmu_heap_at(other, GROWN - 1));
		assert_errno(EINVAL, shmu_heap_free(other,
		    (char *)shmu_heap_at(other, 1) + size + 100000));
	}
	h->size = size;
	assert_int_equal(shmu_heap_detach(other), 0);
	assert_true(fill_up(heap, 1000) > 6000);
	assert_sound();
}

/* Who was killed before it published what it had allocated. */
static void
an_object_larger_than_published_is_taken(void **state)
{
	uint64_t size = stat_now().total;
	struct shmu_segment seg;
	struct shmu_heap *other;

	(void)state;
	assert_int_equal(shmu_segment_open(&seg, &op, SHMU_WRITE), 0);
	assert_int_equal(shmu_segment_resize(&seg, GROWN - 8192, 0), 0);
	shmu_segment_close(&seg);
	assert_int_equal(shmu_heap_attach(&other, &op, 0), 0);
	assert_null(shmu_heap_at(other, size));
	assert_true(fill_up(other, 1000) > 6000);
	assert_int_equal(shmu_heap_detach(other), 0);
	assert_int_equal(stat_now().total, GROWN);
	assert_sound();
}

/* Who attaches or looks while it grows finds it right at any time. */
static void
who_comes_while_it_grows_gets_in(void **state)
{
	struct shmu_heap_view *v;
	struct shmu_heap *other;
	struct shmu_segment seg;
	int i, status = 0;
	pid_t pid = 0;

	(void)state;
	for (i = 0; i < slow(50); i++) {
		assert_int_equal(make_growing(0, GROWN), 0);
		if ((pid = fork()) == 0) {
			if (shmu_heap_join(&other, heap) == -1)
				_exit(1);
			while (shmu_heap_malloc(other, 60000) != NULL)
				;
			_exit(shmu_heap_detach(other) == 0 ? 0 : 2);
		}
		while (waitpid(pid, &status, WNOHANG) == 0) {
			assert_int_equal(shmu_heap_attach(&other, &op, 0), 0);
			assert_int_equal(shmu_heap_detach(other), 0);
			assert_int_equal(shmu_segment_open(&seg, &op,
			    SHMU_READ), 0);
			assert_int_equal(shmu_heap_view_segment(&v, &seg), 0);
			shmu_heap_view_close(v);
			shmu_segment_close(&seg);
		}
		assert_int_equal(status, 0);
		if (i + 1 < slow(50))
			assert_int_equal(gone(state), 0);
	}
	assert_int_equal(stat_now().total, GROWN);
	assert_sound();
}

static void
maximum_and_size_have_to_fit(void **state)
{
	struct shmu_heap *none;
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;

	(void)state;
	assert_int_equal(make_growing(300001, 3000001), 0);
	assert_int_equal(stat_now().total, 300001);
	assert_true(fill_up(heap, 100) > 10000);
	assert_int_equal(stat_now().total, 3000001);
	assert_sound();
	spec.segment.size = GROWN + 1;
	spec.maximum = GROWN;
	assert_errno(EINVAL, shmu_heap_create(&none, &op, &spec));
	spec.segment.size = 0;
	spec.maximum = SHMU_HEAP_MINIMUM - 1;
	assert_errno(EINVAL, shmu_heap_create(&none, &op, &spec));
}

/* A view sees what came since it was opened. */
static void
a_view_grows_too(void **state)
{
	struct shmu_heap_view *v;
	struct shmu_heap_stat s;
	struct shmu_segment seg;

	(void)state;
	assert_int_equal(shmu_segment_open(&seg, &op, SHMU_READ), 0);
	assert_int_equal(shmu_heap_view_segment(&v, &seg), 0);
	assert_non_null(shmu_heap_malloc(heap, 2000000));
	assert_int_equal(shmu_heap_view_refresh(v), 0);
	assert_int_equal(shmu_heap_view_stat(v, &s), 0);
	assert_true(s.total > 2000000 && s.used >= 2000000);
	assert_int_equal(s.real_used + s.free, s.total);
	assert_int_equal(shmu_heap_view_check(v, print_finding, NULL), 0);
	shmu_heap_view_close(v);
	shmu_segment_close(&seg);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, fresh, gone)
#define ALONE(f) cmocka_unit_test_teardown(f, gone)
#define SMALL(f) cmocka_unit_test_setup_teardown(f, small, gone)
	const struct CMUnitTest tests[] = {
		TEST(sizes_and_alignments),
		TEST(every_alignment),
		TEST(refusals),
		TEST(realloc_keeps_the_content),
		TEST(full_and_empty_again),
		TEST(random_operations_as_the_model),
		TEST(processes_free_what_others_allocated),
		TEST(threads_have_the_same_addresses),
		TEST(a_child_has_to_join),
		TEST(roots_keep_their_names),
		TEST(what_a_dead_process_had_is_there_to_use),
		TEST(a_slot_is_free_again_when_its_thread_is_dead),
		TEST(no_more_threads_than_slots),
		TEST(an_idle_process_keeps_no_memory),
		TEST(another_process_attaches),
		TEST(other_segments_are_refused),
		ALONE(the_smallest_heap_works),
		ALONE(a_sparse_heap_of_16_gib_tells_right_numbers),
		ALONE(debug_tells_both_sites),
		ALONE(random_operations_with_guards),
		TEST(every_chunk_knows_its_site),
		TEST(a_private_pool_shows_in_the_shared_heap),
		TEST(events_are_seen_as_they_happen),
		SMALL(a_heap_grows_while_processes_allocate),
		SMALL(what_another_made_it_grow_by_is_there),
		SMALL(what_is_last_grows_with_the_heap),
		ALONE(system_v_has_its_maximum_at_once),
		SMALL(what_hinders_growth_is_no_room),
		cmocka_unit_test(a_full_filesystem_is_no_room),
		SMALL(a_size_that_cannot_be_is_refused),
		SMALL(an_object_larger_than_published_is_taken),
		ALONE(who_comes_while_it_grows_gets_in),
		ALONE(maximum_and_size_have_to_fit),
		SMALL(a_view_grows_too),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
