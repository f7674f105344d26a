/* SPDX-License-Identifier: MIT */
/* lessons.c - every lesson, in the order of the course */
#include "config.h"

#include "lesson.h"

#define LESSONS(X)							\
	X(map)								\
	X(first_touch)							\
	X(zero_page)							\
	X(cow)								\
	X(stack)							\
	X(page_tables)							\
	X(break)							\
	X(brk_or_mmap)							\
	X(sizes)							\
	X(xmalloc)							\
	X(mem)								\
	X(holes)							\
	X(leak)								\
	X(dangling)							\
	X(heap_police)							\
	X(anon)								\
	X(filemap)							\
	X(msync)							\
	X(faults)							\
	X(guard)							\
	X(residency)							\
	X(advise)							\
	X(mlock)							\
	X(overcommit)							\
	X(sysv)								\
	X(uptime)							\
	X(posix)							\
	X(bell)								\
	X(race)								\
	X(pools)

#define DECLARE(name)	extern const struct lesson lesson_##name;
#define ADDRESS(name)	&lesson_##name,

LESSONS(DECLARE)

const struct lesson *const lessons[] = {
	LESSONS(ADDRESS)
	NULL
};
