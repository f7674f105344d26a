/* SPDX-License-Identifier: MIT */
/* names.h - constants of the system calls back to their symbols, for sys.c */
#ifndef SHMU_LIB_NAMES_H
#define SHMU_LIB_NAMES_H

#include <stddef.h>

struct shmu_names {
	unsigned long	 bits;
	unsigned long	 mask;	/* the field that bits is one value of */
	const char	*name;
};

/* Tables, each ended by a NULL name; see names.c. */
extern const struct shmu_names shmu_names_shmget[], shmu_names_shmat[],
    shmu_names_shmctl[], shmu_names_open[], shmu_names_prot[],
    shmu_names_mmap[], shmu_names_mremap[], shmu_names_msync[],
    shmu_names_madvise[], shmu_names_mlock2[], shmu_names_mlockall[],
    shmu_names_fallocate[], shmu_names_linkat[], shmu_names_memfd[],
    shmu_names_lock[], shmu_names_flock[], shmu_names_range[],
    shmu_names_fadvise[];

#define SHMU_NAMES_TEXT	160

/*
 * Write the symbols of value joined by "|", then what no symbol covers in hex;
 * none when there is nothing to name.  Cut at SHMU_NAMES_TEXT.  Returns buf.
 */
const char *shmu_names_flags(char buf[SHMU_NAMES_TEXT],
    const struct shmu_names *table, unsigned long value, const char *none);

/* The symbol of one value, or the value in decimal. */
const char *shmu_names_one(char buf[SHMU_NAMES_TEXT],
    const struct shmu_names *table, long value);

#endif
