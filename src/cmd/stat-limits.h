/* SPDX-License-Identifier: MIT */
/* stat-limits.h - the limits of shared memory and what is used of them */
#ifndef STAT_LIMITS_H
#define STAT_LIMITS_H

#include "stat.h"

#define NO_LIMIT	UINT64_MAX	/* as limit */
#define NOT_USED	UINT64_MAX	/* as used: it does not add up */

struct limit {
	const char	*name;
	const char	*meaning;
	int		 bytes;		/* and not a count */
	uint64_t	 limit, used;
};

struct limits {
	struct limit	limit[8];
	size_t		n;
	uint64_t	rss, swap;	/* of System V, bytes */
	int		forced;		/* kernel.shm_rmid_forced */
};

/* 0, or -1 with errno. */
int limits_get(struct limits *l);
double limits_percent(const struct limit *x);

/* What the segments of each kind add up to. */
struct total {
	size_t		n, unknown;	/* of how many allocated is not known */
	uint64_t	size, allocated;
};
#define TOTALS	(SHMU_ITEM_FILE + 1)
void limits_total(struct total total[TOTALS], const struct rows *rows);

#endif
