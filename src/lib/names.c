/* SPDX-License-Identifier: MIT */
/* names.c - constants of the system calls back to their symbols */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "kernel.h"
#include "names.h"

#define FLAG(x)		{ (unsigned long)(x), (unsigned long)(x), #x }
#define VALUE(x, mask)	{ (unsigned long)(x), (unsigned long)(mask), #x }
#define END		{ 0, 0, NULL }
#define ONE		(~0UL)

const struct shmu_names shmu_names_shmget[] = {
	FLAG(IPC_CREAT), FLAG(IPC_EXCL), FLAG(SHM_HUGETLB), FLAG(SHM_NORESERVE),
	END
};

const struct shmu_names shmu_names_shmat[] = {
	FLAG(SHM_RDONLY), FLAG(SHM_RND), FLAG(SHM_REMAP), FLAG(SHM_EXEC), END
};

const struct shmu_names shmu_names_shmctl[] = {
	VALUE(IPC_RMID, ONE), VALUE(IPC_SET, ONE), VALUE(IPC_STAT, ONE),
	VALUE(IPC_INFO, ONE), VALUE(SHM_LOCK, ONE), VALUE(SHM_UNLOCK, ONE),
	VALUE(SHM_STAT, ONE), VALUE(SHM_INFO, ONE), VALUE(SHM_STAT_ANY, ONE),
	END
};

const struct shmu_names shmu_names_open[] = {
	VALUE(O_RDONLY, O_ACCMODE), VALUE(O_WRONLY, O_ACCMODE),
	VALUE(O_RDWR, O_ACCMODE),
	FLAG(O_TMPFILE), FLAG(O_CREAT), FLAG(O_EXCL), FLAG(O_TRUNC),
	FLAG(O_APPEND), FLAG(O_NONBLOCK), FLAG(O_NOFOLLOW), FLAG(O_CLOEXEC),
	FLAG(O_DIRECTORY), FLAG(O_PATH), FLAG(O_NOATIME), END
};

const struct shmu_names shmu_names_prot[] = {
	FLAG(PROT_READ), FLAG(PROT_WRITE), FLAG(PROT_EXEC), END
};

const struct shmu_names shmu_names_mmap[] = {
	VALUE(MAP_SHARED, MAP_TYPE), VALUE(MAP_PRIVATE, MAP_TYPE),
	VALUE(MAP_SHARED_VALIDATE, MAP_TYPE),
	FLAG(MAP_FIXED), FLAG(MAP_ANONYMOUS), FLAG(MAP_GROWSDOWN),
	FLAG(MAP_LOCKED), FLAG(MAP_NORESERVE), FLAG(MAP_POPULATE),
	FLAG(MAP_NONBLOCK), FLAG(MAP_STACK), FLAG(MAP_HUGETLB),
	FLAG(MAP_FIXED_NOREPLACE), END
};

const struct shmu_names shmu_names_mremap[] = {
	FLAG(MREMAP_MAYMOVE), FLAG(MREMAP_FIXED), FLAG(MREMAP_DONTUNMAP), END
};

const struct shmu_names shmu_names_msync[] = {
	FLAG(MS_ASYNC), FLAG(MS_INVALIDATE), FLAG(MS_SYNC), END
};

const struct shmu_names shmu_names_madvise[] = {
	VALUE(MADV_NORMAL, ONE), VALUE(MADV_RANDOM, ONE),
	VALUE(MADV_SEQUENTIAL, ONE), VALUE(MADV_WILLNEED, ONE),
	VALUE(MADV_DONTNEED, ONE), VALUE(MADV_FREE, ONE),
	VALUE(MADV_REMOVE, ONE), VALUE(MADV_DONTFORK, ONE),
	VALUE(MADV_DOFORK, ONE), VALUE(MADV_MERGEABLE, ONE),
	VALUE(MADV_UNMERGEABLE, ONE), VALUE(MADV_HUGEPAGE, ONE),
	VALUE(MADV_NOHUGEPAGE, ONE), VALUE(MADV_DONTDUMP, ONE),
	VALUE(MADV_DODUMP, ONE), VALUE(MADV_WIPEONFORK, ONE),
	VALUE(MADV_KEEPONFORK, ONE), VALUE(MADV_COLD, ONE),
	VALUE(MADV_PAGEOUT, ONE), VALUE(MADV_POPULATE_READ, ONE),
	VALUE(MADV_POPULATE_WRITE, ONE), VALUE(MADV_DONTNEED_LOCKED, ONE),
	VALUE(MADV_COLLAPSE, ONE), VALUE(MADV_HWPOISON, ONE),
	VALUE(MADV_SOFT_OFFLINE, ONE), VALUE(MADV_GUARD_INSTALL, ONE),
	VALUE(MADV_GUARD_REMOVE, ONE), END
};

const struct shmu_names shmu_names_mlock2[] = { FLAG(MLOCK_ONFAULT), END };

const struct shmu_names shmu_names_mlockall[] = {
	FLAG(MCL_CURRENT), FLAG(MCL_FUTURE), FLAG(MCL_ONFAULT), END
};

const struct shmu_names shmu_names_fallocate[] = {
	FLAG(FALLOC_FL_KEEP_SIZE), FLAG(FALLOC_FL_PUNCH_HOLE),
	FLAG(FALLOC_FL_COLLAPSE_RANGE), FLAG(FALLOC_FL_ZERO_RANGE), END
};

const struct shmu_names shmu_names_range[] = {
	FLAG(SYNC_FILE_RANGE_WAIT_BEFORE), FLAG(SYNC_FILE_RANGE_WRITE),
	FLAG(SYNC_FILE_RANGE_WAIT_AFTER), END
};

const struct shmu_names shmu_names_fadvise[] = {
	VALUE(POSIX_FADV_NORMAL, ONE), VALUE(POSIX_FADV_RANDOM, ONE),
	VALUE(POSIX_FADV_SEQUENTIAL, ONE), VALUE(POSIX_FADV_WILLNEED, ONE),
	VALUE(POSIX_FADV_DONTNEED, ONE), VALUE(POSIX_FADV_NOREUSE, ONE), END
};

const struct shmu_names shmu_names_linkat[] = {
	FLAG(AT_SYMLINK_FOLLOW), FLAG(AT_EMPTY_PATH), END
};

const struct shmu_names shmu_names_lock[] = {
	VALUE(F_OFD_GETLK, ONE), VALUE(F_OFD_SETLK, ONE),
	VALUE(F_OFD_SETLKW, ONE), END
};

const struct shmu_names shmu_names_flock[] = {
	VALUE(F_RDLCK, ONE), VALUE(F_WRLCK, ONE), VALUE(F_UNLCK, ONE), END
};

const struct shmu_names shmu_names_memfd[] = {
	FLAG(MFD_CLOEXEC), FLAG(MFD_ALLOW_SEALING), FLAG(MFD_HUGETLB), END
};

static size_t
join(char *buf, size_t used, const char *word)
{
	int n = snprintf(buf + used, SHMU_NAMES_TEXT - used, "%s%s",
	    used == 0 ? "" : "|", word);

	used += n > 0 ? (size_t)n : 0;
	return used < SHMU_NAMES_TEXT ? used : SHMU_NAMES_TEXT - 1;
}

const char *
shmu_names_flags(char buf[SHMU_NAMES_TEXT], const struct shmu_names *table,
    unsigned long value, const char *none)
{
	unsigned long rest = value;
	char hex[2 + 2 * sizeof rest + 1];
	size_t used = 0;

	buf[0] = '\0';
	for (; table->name != NULL; table++) {
		if ((value & table->mask) != table->bits ||
		    (table->bits & ~rest) != 0)
			continue;
		used = join(buf, used, table->name);
		rest &= ~table->bits;
	}
	if (rest != 0) {
		snprintf(hex, sizeof hex, "%#lx", rest);
		join(buf, used, hex);
	} else if (used == 0)
		join(buf, used, none);
	return buf;
}

const char *
shmu_names_one(char buf[SHMU_NAMES_TEXT], const struct shmu_names *table,
    long value)
{
	for (; table->name != NULL; table++)
		if (table->bits == (unsigned long)value)
			return table->name;
	snprintf(buf, SHMU_NAMES_TEXT, "%ld", value);
	return buf;
}
