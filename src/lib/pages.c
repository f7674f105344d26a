/* SPDX-License-Identifier: MIT */
/* pages.c - whole pages of mapped memory; see shmutil/pages.h */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"
#include "shmutil/pages.h"
#include "shmutil/range.h"
#include "shmutil/sys.h"

/* Whole pages: where they begin and how many bytes they are. */
struct span {
	void	*addr;
	size_t	 len;
};

size_t
shmu_pages_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The pages that the range touches. */
static int
touched(const void *addr, size_t len, struct span *out)
{
	uintptr_t from = (uintptr_t)addr, page = shmu_pages_size();
	uintptr_t begin = (uintptr_t)shmu_range_down(from, page);

	if (len > UINTPTR_MAX - from || from + len > UINTPTR_MAX - page) {
		errno = EINVAL;
		return -1;
	}
	out->addr = (void *)begin;
	out->len = len == 0 ? 0 :
	    (size_t)(shmu_range_up(from + len, page) - begin);
	return 0;
}

/* The pages that lie wholly within the range. */
static int
inside(const void *addr, size_t len, struct span *out)
{
	uintptr_t from = (uintptr_t)addr, page = shmu_pages_size();
	uintptr_t begin, end;

	if (touched(addr, len, out) == -1)
		return -1;
	begin = (uintptr_t)shmu_range_up(from, page);
	end = (uintptr_t)shmu_range_down(from + len, page);
	out->addr = (void *)begin;
	out->len = end > begin ? end - begin : 0;
	return 0;
}

int
shmu_pages_sync(void *addr, size_t len, int flags)
{
	struct span s;

	if (touched(addr, len, &s) == -1)
		return -1;
	return s.len == 0 ? 0 : shmu_sys_msync(s.addr, s.len, flags);
}

int
shmu_pages_protect(void *addr, size_t len, int prot)
{
	struct span s;

	if ((uintptr_t)addr % shmu_pages_size() != 0) {
		errno = EINVAL;
		return -1;
	}
	if (touched(addr, len, &s) == -1)
		return -1;
	return s.len == 0 ? 0 : shmu_sys_mprotect(s.addr, s.len, prot);
}

#define KEEPS		0, 0
#define DISCARDS	1, 0
#define OUTLIVES	0, 1
#define DISCARDS_SHARED	1, 1

static const struct shmu_advice advices[] = {
	{ "normal", MADV_NORMAL, KEEPS, "no particular pattern" },
	{ "random", MADV_RANDOM, KEEPS, "read no pages ahead" },
	{ "sequential", MADV_SEQUENTIAL, KEEPS, "read far ahead" },
	{ "willneed", MADV_WILLNEED, OUTLIVES, "read the pages in now" },
	{ "dontneed", MADV_DONTNEED, DISCARDS, "unmap the pages; private content is lost" },
	{ "free", MADV_FREE, DISCARDS, "private pages may be discarded" },
	{ "remove", MADV_REMOVE, DISCARDS_SHARED, "punch a hole: shared content is lost" },
	{ "dontfork", MADV_DONTFORK, KEEPS, "a child does not get the mapping" },
	{ "dofork", MADV_DOFORK, KEEPS, "undo dontfork" },
	{ "mergeable", MADV_MERGEABLE, KEEPS, "merge equal private pages" },
	{ "unmergeable", MADV_UNMERGEABLE, KEEPS, "undo mergeable" },
	{ "hugepage", MADV_HUGEPAGE, KEEPS, "use transparent huge pages" },
	{ "nohugepage", MADV_NOHUGEPAGE, KEEPS, "use no huge pages" },
	{ "dontdump", MADV_DONTDUMP, KEEPS, "leave out of core dumps" },
	{ "dodump", MADV_DODUMP, KEEPS, "undo dontdump" },
	{ "wipeonfork", MADV_WIPEONFORK, DISCARDS, "a child sees private pages as zero" },
	{ "keeponfork", MADV_KEEPONFORK, KEEPS, "undo wipeonfork" },
	{ "cold", MADV_COLD, OUTLIVES, "reclaim these pages first" },
	{ "pageout", MADV_PAGEOUT, OUTLIVES, "reclaim these pages now" },
	{ "populate_read", MADV_POPULATE_READ, OUTLIVES, "fault the pages in, to read" },
	{ "populate_write", MADV_POPULATE_WRITE, OUTLIVES, "fault the pages in, to write" },
	{ "dontneed_locked", MADV_DONTNEED_LOCKED, DISCARDS, "dontneed, of locked pages too" },
	{ "collapse", MADV_COLLAPSE, OUTLIVES, "make huge pages of these now" },
	{ "hwpoison", MADV_HWPOISON, DISCARDS_SHARED, "treat the pages as broken (testing)" },
	{ "soft_offline", MADV_SOFT_OFFLINE, OUTLIVES, "move the pages to other memory (testing)" },
	{ "guard_install", MADV_GUARD_INSTALL, DISCARDS, "any access is SIGSEGV" },
	{ "guard_remove", MADV_GUARD_REMOVE, KEEPS, "undo guard_install" },
	{ NULL, 0, KEEPS, NULL }
};

const struct shmu_advice *
shmu_pages_advices(void)
{
	return advices;
}

const struct shmu_advice *
shmu_pages_advice(const char *name)
{
	const struct shmu_advice *a;

	for (a = advices; a->name != NULL; a++)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

static int
discards(int advice)
{
	const struct shmu_advice *a;

	for (a = advices; a->name != NULL; a++)
		if (a->value == advice)
			return a->discards;
	return 1;
}

int
shmu_pages_advise(void *addr, size_t len, int advice)
{
	struct span s;

	if ((discards(advice) ? inside : touched)(addr, len, &s) == -1)
		return -1;
	return s.len == 0 ? 0 : shmu_sys_madvise(s.addr, s.len, advice);
}

int
shmu_pages_lock(const void *addr, size_t len)
{
	struct span s;

	if (touched(addr, len, &s) == -1)
		return -1;
	return s.len == 0 ? 0 : shmu_sys_mlock(s.addr, s.len);
}

int
shmu_pages_lock_onfault(const void *addr, size_t len)
{
	struct span s;

	if (touched(addr, len, &s) == -1)
		return -1;
	return s.len == 0 ? 0 : shmu_sys_mlock2(s.addr, s.len, MLOCK_ONFAULT);
}

int
shmu_pages_unlock(const void *addr, size_t len)
{
	struct span s;

	if (touched(addr, len, &s) == -1)
		return -1;
	return s.len == 0 ? 0 : shmu_sys_munlock(s.addr, s.len);
}

int
shmu_pages_lock_all(int flags)
{
	return shmu_sys_mlockall(flags);
}

int
shmu_pages_unlock_all(void)
{
	return shmu_sys_munlockall();
}

int
shmu_pages_cached(int fd, uint64_t off, uint64_t len,
    struct shmu_residency *out)
{
	uint64_t page = shmu_pages_size();
	struct shmu_cachestat cs;
	struct stat st;

	if (shmu_sys_cachestat(fd, off, len, &cs) == -1)
		return -1;
	if (len == 0) {
		if (shmu_sys_fstat(fd, &st) == -1)
			return -1;
		len = (uint64_t)st.st_size > off ? (uint64_t)st.st_size - off : 0;
	}
	out->total = shmu_range_up(off % page + len, page);
	out->resident = cs.cached * page;
	out->dirty = cs.dirty * page;
	out->writeback = cs.writeback * page;
	out->source = "cachestat";
	out->exact = 1;
	return 0;
}

int
shmu_pages_map(const void *addr, size_t len, unsigned char *vec)
{
	struct span s;

	if (touched(addr, len, &s) == -1)
		return -1;
	return s.len == 0 ? 0 : shmu_sys_mincore(s.addr, s.len, vec);
}

int
shmu_pages_resident(const void *addr, size_t len, struct shmu_residency *out)
{
	unsigned char vec[4096];
	size_t page = shmu_pages_size(), done, n, i;
	uint64_t resident = 0;
	struct span s;

	if (touched(addr, len, &s) == -1)
		return -1;
	for (done = 0; done < s.len; done += n) {
		n = s.len - done;
		if (n > sizeof vec * page)
			n = sizeof vec * page;
		if (shmu_sys_mincore((char *)s.addr + done, n, vec) == -1)
			return -1;
		for (i = 0; i < n / page; i++)
			resident += vec[i] & 1U;
	}
	out->total = s.len;
	out->resident = resident * page;
	out->dirty = out->writeback = 0;
	out->source = "mincore";
	out->exact = 0;
	return 0;
}
