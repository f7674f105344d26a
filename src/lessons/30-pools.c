/* SPDX-License-Identifier: MIT */
/* pools - who pays for shared memory, and what processes keep in it */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/heap-view.h"
#include "shmutil/libc.h"
#include "traces.h"
#include "victim.h"

enum {
	PAGES = 64,		/* of the block that all workers read */
	WORKERS = 4,
	EACH = 500,		/* entries that a worker inserts */
	LOST = 10,		/* blocks that a worker loses in each pool */
	SHARED = 4 << 20, PRIVATE = 1 << 20
};

/* show leak */
#include <shmutil/heap.h>

/* Blocks that nobody will free: in whose pool? */
static int
leak(struct shmu_heap *pool, int blocks)
{
	void *p = pool;

	while (blocks-- > 0 && p != NULL)
		p = shmu_heap_malloc(pool, 1000);
	return p == NULL ? -1 : 0;
}
/* end */

/* show table */
#include <shmutil/table.h>

/* Whoever has the table may do this, at any time. */
static int
insert(struct shmu_table *t, uint32_t key,
    uint32_t value)
{
	return shmu_table_put(t, &key, sizeof key,
	    &value, sizeof value);
}

static long
find(struct shmu_table *t, uint32_t key)
{
	uint32_t value;

	if (shmu_table_get(t, &key, sizeof key,
	    &value, sizeof value, NULL) == -1)
		return -1;
	return (long)value;
}
/* end */

/* What the workers share, and what each has a copy of. */
struct pools {
	struct shmu_table	*table;
	struct shmu_heap	*shared, *private;
	unsigned char		*block;		/* in shared: PAGES pages */
	char			*word;		/* in private */
	size_t			*lost;		/* bytes in use in a copy */
};

/* What was found. */
struct found {
	uint64_t	pss[WORKERS + 1], rss;
	uint64_t	shared_lost, private_lost;
	size_t		entries;
	int		kept;		/* private: no worker's write is seen */
	int64_t		count, then;	/* before and after a death */
	uint32_t	blocks, line;	/* lost in shared, and where */
	char		file[SHMU_HEAP_FILE];
};

/* A look at a heap that this process has mapped, by an address in it. */
static struct shmu_heap_view *
view_of(struct shmu_heap *heap, const void *in, uint64_t size)
{
	const unsigned char *base = in;
	struct shmu_heap_view *view;

	base -= shmu_heap_offset(heap, in);
	if (shmu_heap_view_mapped(&view, base, size) == -1)
		tour_skip("a pool cannot be looked at: %s",
		    shmu_sys_errname(errno));
	return view;
}

static uint64_t
used(struct shmu_heap *heap, const void *in, uint64_t size)
{
	struct shmu_heap_view *view = view_of(heap, in, size);
	struct shmu_heap_stat stat;

	memset(&stat, 0, sizeof stat);
	shmu_heap_view_stat(view, &stat);
	shmu_heap_view_close(view);
	return stat.used;
}

/* As a server does, before it has workers.  Names are for others, and there
 * are none: so they go at once. */
static void
make_pools(struct pools *p)
{
	struct shmu_heap_spec heap = SHMU_HEAP_SPEC_INIT;
	struct shmu_table_spec table = SHMU_TABLE_SPEC_INIT;
	struct shmu_operand op;
	char name[64];
	int made;

	traces_name(name, sizeof name);
	heap.segment.size = SHARED;
	made = shmu_operand_parse(&op, name, NULL) == 0 &&
	    shmu_heap_create(&p->shared, &op, &heap) == 0 &&
	    shm_unlink(name) == 0 &&
	    shmu_table_create(&p->table, &op, &table) == 0 &&
	    shm_unlink(name) == 0 &&
	    shmu_heap_create_private(&p->private, PRIVATE, 0) == 0;
	if (!made)
		tour_skip("no pool can be made: %s", shmu_sys_errname(errno));
}

/* A block of whole pages.  The advice about it makes it a mapping with figures
 * of its own. */
static void
take_blocks(struct pools *p)
{
	size_t page = page_size();
	unsigned char *b = shmu_heap_malloc(p->shared, (PAGES + 1) * page);

	p->word = shmu_heap_calloc(p->private, 1, 100);
	if (b == NULL || p->word == NULL)
		tour_skip("the pools are too small for %d pages", PAGES);
	b += page - (uintptr_t)b % page;
	if (madvise(b, PAGES * page, MADV_DONTDUMP) == -1)
		tour_skip("a part of a mapping cannot be told apart");
	memset(b, 1, PAGES * page);
	p->block = b;
}

/* One that counts until it is killed, so that it dies while it writes. */
static void __attribute__((noreturn))
count_for_ever(struct shmu_table *t)
{
	for (;;)
		shmu_table_integer(t, "count", 5, SHMU_ADD, 1, 0, NULL);
}

static void __attribute__((noreturn))
work(const struct pools *p, uint32_t me, struct turns *t)
{
	struct shmu_heap *shared, *private;
	struct shmu_table *table;
	uint32_t i;

	if (shmu_heap_join(&shared, p->shared) == -1 ||
	    shmu_heap_join(&private, p->private) == -1 ||
	    shmu_table_join(&table, p->table) == -1) {
		turns_give(t, me + 1);
		_exit(1);
	}
	for (i = 0; i < EACH; i++)
		insert(table, me * EACH + i, me);
	memset(p->word, (int)me + 1, 100);
	for (i = 0; i < PAGES; i++)
		(void)((volatile unsigned char *)p->block)[i * page_size()];
	leak(shared, LOST);
	leak(private, LOST);
	p->lost[me] = (size_t)used(private, p->word, PRIVATE);
	turns_give(t, me + 1);
	turns_await(t, 1000);
	count_for_ever(table);
}

/* What the killed ones have counted stays, and the next one goes on. */
static void
count_on(struct pools *p, struct found *f, const pid_t *pid, struct turns *t)
{
	int i;

	turns_give(t, 1000);
	for (i = 0; i < 2000; i++) {
		f->count = 0;
		shmu_table_get(p->table, "count", 5, &f->count,
		    sizeof f->count, NULL);
		if (f->count >= 100)
			break;
		poll(NULL, 0, 1);
	}
	for (i = 0; i < WORKERS; i++)
		kill(pid[i], SIGKILL);
	for (i = 0; i < WORKERS; i++)
		lesson_wait(pid[i]);
	shmu_table_get(p->table, "count", 5, &f->count, sizeof f->count, NULL);
	if (shmu_table_integer(p->table, "count", 5, SHMU_ADD, 1, 0,
	    &f->then) == -1)
		f->then = -1;
}

/* Sum up the blocks that leak() has taken, by the line that each carries. */
struct lost {
	struct shmu_heap_view	*view;
	struct found		*found;
};

static int
each_chunk(const struct shmu_heap_chunk *chunk, void *arg)
{
	struct lost *l = arg;

	if (!chunk->used || chunk->size < 1000 || chunk->size >= 1100)
		return 0;
	l->found->blocks++;
	shmu_heap_view_site(l->view, chunk->site, l->found->file,
	    &l->found->line);
	return 0;
}

static void
look_for_lost(struct pools *p, struct found *f)
{
	struct lost l = { view_of(p->shared, p->block, SHARED), f };

	shmu_heap_view_walk(l.view, each_chunk, &l);
	shmu_heap_view_close(l.view);
}

static uint64_t
pss_now(const struct pools *p, uint64_t *rss)
{
	struct smaps s;

	smaps_at(0, p->block, &s);
	*rss = s.rss;
	return s.pss;
}

static void
story(struct pools *p, struct found *f)
{
	uint64_t shared = used(p->shared, p->block, SHARED);
	uint64_t private = used(p->private, p->word, PRIVATE);
	pid_t pid[WORKERS];
	struct turns t;
	uint32_t i;

	turns_open(&t);
	f->pss[0] = pss_now(p, &f->rss);
	for (i = 0; i < WORKERS; i++) {
		pid[i] = lesson_fork();
		if (pid[i] == 0)
			work(p, i, &t);
		turns_await(&t, i + 1);
		f->pss[i + 1] = pss_now(p, &f->rss);
	}
	for (i = 0; i < WORKERS * EACH; i++)
		f->entries += find(p->table, i) == (long)(i / EACH);
	f->kept = p->word[0] == 0 && p->word[99] == 0;
	count_on(p, f, pid, &t);
	f->shared_lost = used(p->shared, p->block, SHARED) - shared;
	f->private_lost = used(p->private, p->word, PRIVATE) - private;
	for (i = 0; i < WORKERS; i++)
		p->lost[i] -= (size_t)private;
	look_for_lost(p, f);
}

/* Whether each process pays its part. */
static int
draw_pss(const struct found *f, uint64_t kib)
{
	static const char *const names[] = { "1 process", "2", "3", "4", "5" };
	uint64_t share, page = page_size() / 1024;
	int i, fair = 1;

	tour_step("A block in the shared pool, which all read");
	for (i = 0; i <= WORKERS; i++) {
		tour_bar(names[i], f->pss[i], kib, "KiB of Pss");
		share = kib / (uint64_t)(i + 1);
		fair &= f->pss[i] + page >= share && f->pss[i] <= share + page;
	}
	tour_text("This process has Rss %llu KiB all the time. What one pays, "
	    "Pss, is its part: the sum over all stays %llu KiB.",
	    (unsigned long long)f->rss, (unsigned long long)kib);
	return fair;
}

static void
draw_table(const struct found *f)
{
	tour_step("A table that all use");
	tour_code("table");
	tour_text("%d workers inserted %d entries each, and this process, "
	    "which inserted none, found %zu. Links in it are offsets, not "
	    "pointers: another process may have it at another address. A lock "
	    "for each bucket lets workers pass each other, and says whose it "
	    "is.", WORKERS, EACH, f->entries);
	tour_step("Killed while they write");
	tour_line("%-38s %lld", "all count in one cell, until kill -9",
	    (long long)f->count);
	tour_line("%-38s %lld", "and then this process adds one",
	    (long long)f->then);
	tour_text("Who meets the lock of a dead process takes it, and undoes "
	    "or finishes what was begun. No worker has to clean up, so none "
	    "can fail to.");
}

static void
draw_leaks(const struct pools *p, const struct found *f)
{
	const char *slash = strrchr(f->file, '/');
	uint64_t max = f->shared_lost + 1;

	tour_step("Each worker lost 10 blocks of 1000 bytes in each pool");
	tour_code("leak");
	tour_bar("its private", p->lost[0], max, "while it ran");
	tour_bar("private", f->private_lost, max, "after that");
	tour_bar("shared", f->shared_lost, max, "after that");
	tour_text("All workers are dead. The private pool was a copy in each, "
	    "gone with it, leaks as well. In the shared one %u blocks are "
	    "still taken. Each says who asked for it: %s, line %u.",
	    (unsigned int)f->blocks, slash == NULL ? f->file : slash + 1,
	    (unsigned int)f->line);
	tour_text("Servers with many workers, such as SIP proxies, keep two "
	    "pools for that: what only one needs in the private one, what all "
	    "must see in the shared one.");
}

static void
measure(void)
{
	uint64_t kib = PAGES * page_size() / 1024;
	uint64_t bytes = LOST * UINT64_C(1000);
	struct found f;
	struct pools p;
	int fair;

	memset(&f, 0, sizeof f);
	p.lost = lesson_shared(WORKERS * sizeof *p.lost);
	make_pools(&p);
	take_blocks(&p);
	story(&p, &f);
	fair = draw_pss(&f, kib);
	draw_table(&f);
	draw_leaks(&p, &f);
	tour_value("found", (int64_t)f.entries);
	tour_value("shared_kib", (int64_t)kib);
	tour_value("lost_blocks", f.blocks);
	tour_check(fair, "Pss is the size divided by the processes");
	tour_check(f.entries == WORKERS * EACH, "all %d entries are found",
	    WORKERS * EACH);
	tour_check(f.count >= 100 && f.then == f.count + 1,
	    "after kill -9 the next one goes on counting");
	tour_check(f.kept, "what workers wrote to private pools is invisible");
	tour_check(f.private_lost == 0 && p.lost[0] >= bytes,
	    "a leak in a private pool goes with the process");
	tour_check(f.shared_lost >= WORKERS * bytes &&
	    f.blocks == WORKERS * LOST, "one in the shared pool stays");
}

const struct lesson lesson_pools = {
	.name = "pools",
	.title = "who pays for shared memory",
	.track = "sharing",
	.minutes = 4,
	.question = "A block of 64 pages in a shared pool is read by 5 "
	    "processes. What is the Pss of these pages in each of them?",
	.choices = { "64 pages", "64 / 5 pages", "nothing" },
	.answer = 2,
	.hint = "P is for proportional.",
	.why = "A page that many share is paid once. What lies there must work "
	    "from every address space: offsets in the place of pointers, "
	    "locks made for processes, and a way on when one dies with a "
	    "lock. A leak there stays until all have gone.",
	.next = "build examples/heap-server.c, and find its leak while it "
	    "runs: shm-heap diff SEGMENT.",
	.pages = "proc(5) mmap(2) shmu_heap(3) shm-heap(1)",
	.measure = measure
};
