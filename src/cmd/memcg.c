/* SPDX-License-Identifier: MIT */
/* memcg.c - the memory that this process may still have; see memcg.h */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "memcg.h"
#include "shmutil/segment.h"

#define GROUPS	"/sys/fs/cgroup"

static int
value(const char *group, const char *name, uint64_t *n)
{
	char path[4352];
	FILE *f;
	int r;

	snprintf(path, sizeof path, GROUPS "%s/%s", group, name);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	r = fscanf(f, "%" SCNu64, n);	/* "max" is no number */
	fclose(f);
	return r == 1 ? 0 : -1;
}

/* The version 2 group of this process, "" for the root. */
static int
own_group(char *group, int size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	int found = 0;

	if (f == NULL)
		return -1;
	while (!found && fgets(group, size, f) != NULL)
		found = strncmp(group, "0::/", 4) == 0;
	fclose(f);
	if (!found)
		return -1;
	group[strcspn(group, "\n")] = '\0';
	memmove(group, group + 3, strlen(group + 3) + 1);
	return 0;
}

void
memcg_warn(const char *text, uint64_t size, unsigned int flags)
{
	char group[4096], *slash;
	uint64_t max, used;

	if (size < UINT64_C(1) << 20 || (flags & SHMU_SPEC_SPARSE) != 0 ||
	    own_group(group, (int)sizeof group) == -1)
		return;
	while ((slash = strrchr(group, '/')) != NULL && slash[1] != '\0') {
		if (value(group, "memory.max", &max) == 0 &&
		    value(group, "memory.current", &used) == 0 &&
		    (used >= max || size > max - used)) {
			cli_say(text, "the memory limit of control group %s leaves "
			    "%" PRIu64 " bytes; whoever touches more may be killed",
			    group, used < max ? max - used : 0);
			return;
		}
		*slash = '\0';
	}
}
