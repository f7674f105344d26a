/* SPDX-License-Identifier: MIT */
/* page-tables - what mapping itself costs, and what huge pages save */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

enum { TOUCHED = 256 };

/* show stride */
/* Touch n pages, so many bytes from each other. */
static void
stride(volatile char *p, size_t n, size_t bytes)
{
	for (size_t i = 0; i < n; i++)
		p[i * bytes] = 1;
}
/* end */

struct cost {
	int64_t	pte_kib;
	long	faults;
};

/* In a child, so that what another left is not counted. */
static void
cost_of(struct cost *out, size_t bytes)
{
	pid_t pid = lesson_fork();
	int64_t before;
	char *p;

	if (pid != 0) {
		lesson_wait(pid);
		return;
	}
	p = mmap(NULL, TOUCHED * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		_exit(1);
	madvise(p, TOUCHED * bytes, MADV_NOHUGEPAGE);
	before = proc_kib("/proc/self/status", "VmPTE");
	out->faults = faults_minor();
	stride(p, TOUCHED, bytes);
	out->faults = faults_minor() - out->faults;
	out->pte_kib = proc_kib("/proc/self/status", "VmPTE") - before;
	_exit(0);
}

/* What one page of a page table can map: the entries of a page. */
static size_t
table_reach(void)
{
	return page_size() / sizeof(void *) * page_size();
}

/* Fill a range with huge pages, where there are some. */
static void
huge(size_t size)
{
	struct smaps s;
	long faults;
	char *p = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || madvise(p, 2 * size, MADV_HUGEPAGE) != 0) {
		tour_lacks("this kernel has no transparent huge pages");
		return;
	}
	/* Aligned as a huge page must be. */
	p += (size - (uintptr_t)p % size) % size;
	faults = faults_minor();
	stride(p, size / page_size(), page_size());
	faults = faults_minor() - faults;
	smaps_at(0, p, &s);
	if (s.anon_huge == 0) {
		tour_lacks("no huge page was free, or they are off");
		return;
	}
	tour_bar("small pages", size / page_size(), size / page_size(),
	    "faults");
	tour_bar("huge page", (uint64_t)faults, size / page_size(), "faults");
	tour_text("%zu KiB came with %ld faults: one entry, one level up, "
	    "maps what %zu entries did.", size / 1024, faults,
	    size / page_size());
	tour_check((size_t)faults < size / page_size() / 4,
	    "a huge page came with a quarter of the faults at most");
}

static void
measure(void)
{
	struct cost *dense = lesson_shared(2 * sizeof *dense);
	struct cost *sparse = dense + 1;
	char cells[64];

	cost_of(dense, page_size());
	cost_of(sparse, table_reach());
	tour_step("256 pages side by side, and 256 far apart");
	tour_code("stride");
	memset(cells, '#', sizeof cells);
	tour_strip("dense", cells, 48, "%s", "");
	memset(cells, '.', sizeof cells);
	cells[0] = cells[16] = cells[32] = '#';
	tour_strip("sparse", cells, 48, "%s", "");
	tour_key('#', "a page that is touched");
	tour_key('.', "addresses that are not");
	tour_bar("dense", (uint64_t)dense->pte_kib, (uint64_t)sparse->pte_kib,
	    "KiB of tables");
	tour_bar("sparse", (uint64_t)sparse->pte_kib,
	    (uint64_t)sparse->pte_kib, "KiB of tables");
	tour_step("Why");
	tour_text("A page table is a tree. Its leaves are pages of %zu entries "
	    "each, and a leaf maps %zu KiB in a row. Far apart, each page of "
	    "data needs a leaf of its own: as much table as data.",
	    page_size() / sizeof(void *), table_reach() / 1024);
	tour_text("Both hold %zu KiB of data, with %ld and %ld faults.",
	    TOUCHED * page_size() / 1024, dense->faults, sparse->faults);
	tour_step("A huge page");
	huge(table_reach());
	tour_value("dense_pte_kib", dense->pte_kib);
	tour_value("sparse_pte_kib", sparse->pte_kib);
	tour_check(sparse->pte_kib > 10 * dense->pte_kib &&
	    sparse->pte_kib >= (int64_t)(TOUCHED * page_size() / 1024),
	    "far apart: %lld KiB of tables, not %lld",
	    (long long)sparse->pte_kib, (long long)dense->pte_kib);
}

const struct lesson lesson_page_tables = {
	.name = "page-tables",
	.title = "what mapping itself costs",
	.track = "address space",
	.minutes = 3,
	.question = "Two programs write to 256 pages each: one side by side, "
	    "one so far apart that there is only one in each range that a "
	    "leaf of the page table can map. How much do the tables of the "
	    "second take?",
	.choices = { "as little as those of the first",
	    "half of its data", "as much as its data" },
	.answer = 3,
	.hint = "The smallest piece of a page table is a page too.",
	.why = "Addresses are translated by a tree of pages, and a leaf is "
	    "allocated whole. Memory used side by side needs almost nothing "
	    "for it; scattered memory can double. A huge page is one entry "
	    "higher up: fewer faults, fewer tables, fewer misses in the TLB.",
	.next = "grep VmPTE /proc/*/status: who has large tables?",
	.pages = "madvise(2) proc(5) prctl(2)",
	.measure = measure
};
