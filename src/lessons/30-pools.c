/* SPDX-License-Identifier: MIT */
/* pools - who pays for shared memory, and what a table in it needs */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "victim.h"

enum { PAGES = 64, WORKERS = 4, EACH = 500, SLOTS = 64, ENTRIES = 2048 };

/* show table */
/* Offsets, not pointers; a lock for each slot. */
struct entry { uint32_t next, key, value; };
struct table {
	pthread_mutex_t lock[64];
	uint32_t first[64];	/* 0: none */
	uint32_t used;
	struct entry entry[2048];
};

static int
insert(struct table *t, uint32_t key, uint32_t value)
{
	uint32_t slot = key % 64;
	uint32_t n = __atomic_add_fetch(&t->used, 1,
	    __ATOMIC_RELAXED);

	if (n >= 2048)
		return -1;
	t->entry[n].key = key;
	t->entry[n].value = value;
	pthread_mutex_lock(&t->lock[slot]);
	t->entry[n].next = t->first[slot];
	t->first[slot] = n;
	pthread_mutex_unlock(&t->lock[slot]);
	return 0;
}
/* end */

static long
find(const struct table *t, uint32_t key)
{
	uint32_t n, steps = 0;

	for (n = t->first[key % SLOTS]; n > 0 && n < ENTRIES &&
	    steps++ < ENTRIES; n = t->entry[n].next)
		if (t->entry[n].key == key)
			return (long)t->entry[n].value;
	return -1;
}

static struct table *
new_table(void)
{
	struct table *t = lesson_shared(sizeof *t);
	pthread_mutexattr_t a;
	int i;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	for (i = 0; i < SLOTS; i++)
		pthread_mutex_init(&t->lock[i], &a);
	return t;
}

/* What the workers share, and what each has for itself. */
struct pools {
	struct table	*table;
	unsigned char	*shared;
	struct arena	 private;
};

static void
work(const struct pools *p, int me, struct turns *t)
{
	uint32_t i;

	for (i = 0; i < EACH; i++)
		insert(p->table, (uint32_t)me * EACH + i, (uint32_t)me);
	/* Each writes its number into its own pool, and reads the other. */
	memset(p->private.base, me + 1, p->private.size);
	for (i = 0; i < PAGES; i++)
		(void)((volatile unsigned char *)p->shared)[i * page_size()];
	turns_give(t, (uint32_t)me + 1);
	turns_await(t, 1000);
	_exit(0);
}

static uint64_t
pss_now(const struct pools *p, uint64_t *rss)
{
	struct smaps s;

	smaps_at(0, p->shared, &s);
	*rss = s.rss;
	return s.pss;
}

/* Entries that are there, with the value of who inserted them. */
static size_t
found(const struct table *t)
{
	uint32_t i;
	size_t n = 0;

	for (i = 0; i < WORKERS * EACH; i++)
		n += find(t, i) == (long)(i / EACH);
	return n;
}

/* Pss with so many processes; whether each is the size divided by them. */
static int
draw_pss(const uint64_t *pss, uint64_t rss, uint64_t kib)
{
	static const char *const names[] = { "1 process", "2", "3", "4", "5" };
	uint64_t share, page = page_size() / 1024;
	int i, fair = 1;

	tour_step("A pool that all have mapped");
	for (i = 0; i <= WORKERS; i++) {
		tour_bar(names[i], pss[i], kib, "KiB of Pss");
		share = kib / (uint64_t)(i + 1);
		fair &= pss[i] + page >= share && pss[i] <= share + page;
	}
	tour_text("This process has Rss %llu KiB all the time. What one pays, "
	    "Pss, is its part: the sum over all stays %llu KiB.",
	    (unsigned long long)rss, (unsigned long long)kib);
	return fair;
}

static void
draw_pools(size_t there)
{
	tour_step("A table in it");
	tour_code("table");
	tour_text("%d workers inserted %d entries each, and this process, "
	    "which inserted none, found %zu. Links are numbers, not pointers: "
	    "another process may have it at another address. A lock for each "
	    "slot lets workers pass each other.", WORKERS, EACH, there);
	tour_step("And the private pool");
	tour_strip("worker 1", "++++++++++++++++", 16, "its own copy");
	tour_strip("worker 2", "++++++++++++++++", 16, "its own copy");
	tour_strip("shared", "################", 16, "one for all");
	tour_key('+', "gone with the process, leaks as well");
	tour_key('#', "stays while anybody has it, leaks as well");
	tour_text("Servers with many workers, such as SIP proxies, keep two "
	    "pools for that: what only one needs in the private one, without "
	    "any lock, and what all must see in the shared one.");
}

static void
make_pools(struct pools *p)
{
	p->table = new_table();
	p->shared = lesson_shared(PAGES * page_size());
	memset(p->shared, 1, PAGES * page_size());
	arena_open(&p->private, PAGES);
	memset(p->private.base, 0, p->private.size);
}

static void
measure(void)
{
	uint64_t pss[WORKERS + 1], rss, kib = PAGES * page_size() / 1024;
	pid_t pid[WORKERS];
	struct pools p;
	struct turns t;
	size_t there;
	int i, fair, kept;

	turns_open(&t);
	make_pools(&p);
	pss[0] = pss_now(&p, &rss);
	for (i = 0; i < WORKERS; i++) {
		pid[i] = lesson_fork();
		if (pid[i] == 0)
			work(&p, i, &t);
		turns_await(&t, (uint32_t)i + 1);
		pss[i + 1] = pss_now(&p, &rss);
	}
	there = found(p.table);
	kept = p.private.base[0] == 0 && p.private.base[p.private.size - 1] ==
	    0;
	turns_give(&t, 1000);
	for (i = 0; i < WORKERS; i++)
		lesson_wait(pid[i]);
	fair = draw_pss(pss, rss, kib);
	draw_pools(there);
	tour_value("found", (int64_t)there);
	tour_value("shared_kib", (int64_t)kib);
	tour_check(fair, "Pss is the size divided by the processes");
	tour_check(there == WORKERS * EACH, "all %d entries are found",
	    WORKERS * EACH);
	tour_check(kept, "what workers wrote to private pools is invisible");
}

const struct lesson lesson_pools = {
	.name = "pools",
	.title = "who pays for shared memory",
	.track = "sharing",
	.minutes = 4,
	.question = "A shared pool of 64 pages is mapped and read by 5 "
	    "processes. What is the Pss of this mapping in each of them?",
	.choices = { "64 pages", "64 / 5 pages", "nothing" },
	.answer = 2,
	.hint = "P is for proportional.",
	.why = "A page that many share is paid once. What lies there must work "
	    "from every address space: offsets in the place of pointers, "
	    "locks made for processes, and a way on when one dies with a "
	    "lock. A leak there stays until all have gone.",
	.next = "smem or /proc/PID/smaps_rollup of a real server.",
	.pages = "proc(5) mmap(2) pthread_mutexattr_setpshared(3)",
	.measure = measure
};
