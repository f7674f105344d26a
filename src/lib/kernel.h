/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - constants of the Linux interface that a libc may not know yet
 *
 * The values are part of the kernel's ABI on every architecture that has
 * System V shared memory but alpha, mips, parisc and xtensa, whose libcs
 * define their own.
 */
#ifndef SHMU_LIB_KERNEL_H
#define SHMU_LIB_KERNEL_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY	15
#endif

#ifndef SHM_HUGE_SHIFT
#define SHM_HUGE_SHIFT	26
#define SHM_HUGE_MASK	0x3f
#endif

#ifndef MAP_TYPE
#define MAP_TYPE	0x0f
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE	0x03
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT	1
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT	4
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB	4U
#endif

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK	18
#define MADV_KEEPONFORK	19
#endif
#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE	1
#define FALLOC_FL_PUNCH_HOLE	2
#endif
#ifndef FALLOC_FL_COLLAPSE_RANGE
#define FALLOC_FL_COLLAPSE_RANGE	8
#define FALLOC_FL_ZERO_RANGE	16
#endif

#ifndef FUTEX_WAIT
#define FUTEX_WAIT	0
#define FUTEX_WAKE	1
#endif
#ifndef F_OFD_SETLK
#define F_OFD_GETLK	36
#define F_OFD_SETLK	37
#define F_OFD_SETLKW	38
#endif

#ifndef F_SETPIPE_SZ
#define F_SETPIPE_SZ	1031
#define F_GETPIPE_SZ	1032
#endif
#ifndef MEMBARRIER_CMD_GLOBAL_EXPEDITED
#define MEMBARRIER_CMD_GLOBAL_EXPEDITED	2
#define MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED	4
#endif

#ifndef MEMBARRIER_CMD_GLOBAL
#define MEMBARRIER_CMD_GLOBAL	1
#endif

#ifndef SYS_cachestat
#define SYS_cachestat	451
#endif
/* Where time_t has outgrown long, the futex of the same times. */
#if defined SYS_futex_time64 && (!defined SYS_futex || __SIZEOF_LONG__ < 8)
#define SHMU_SYS_FUTEX	SYS_futex_time64
#else
#define SHMU_SYS_FUTEX	SYS_futex
#endif
#ifndef SYS_openat2
#define SYS_openat2	437
#endif
#ifndef RESOLVE_IN_ROOT
#define RESOLVE_IN_ROOT	0x10
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif

#endif
