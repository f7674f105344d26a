/* SPDX-License-Identifier: MIT */
/*
 * libc.h - libshmutil's wrappers under libc's names
 *
 * Include this after the system's headers, or give it to the compiler with
 * -include, and a program written against libc runs through libshmutil and
 * its observer unchanged.  The contract of each name is libc's.
 */
#ifndef SHMUTIL_LIBC_H
#define SHMUTIL_LIBC_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shmutil/sys.h"

#define shmget		shmu_sys_shmget
#define shmat		shmu_sys_shmat
#define shmdt		shmu_sys_shmdt
#define shmctl		shmu_sys_shmctl
#define shm_open	shmu_sys_shm_open
#define shm_unlink	shmu_sys_shm_unlink
#define memfd_create	shmu_sys_memfd_create
#define ftruncate	shmu_sys_ftruncate
#define fallocate	shmu_sys_fallocate
#define posix_fallocate	shmu_sys_posix_fallocate
#define mmap		shmu_sys_mmap
#define munmap		shmu_sys_munmap
#define mremap		shmu_sys_mremap
#define msync		shmu_sys_msync
#define mprotect	shmu_sys_mprotect
#define madvise		shmu_sys_madvise
#define mlock		shmu_sys_mlock
#define mlock2		shmu_sys_mlock2
#define munlock		shmu_sys_munlock
#define mlockall	shmu_sys_mlockall
#define munlockall	shmu_sys_munlockall
#define mincore		shmu_sys_mincore

#endif
