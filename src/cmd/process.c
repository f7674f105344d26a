/* SPDX-License-Identifier: MIT */
/* process.c - what /proc tells of a process; see process.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

/* The whole of a small file of /proc; its length, or -1. */
static ssize_t
slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/* When the machine was started, in seconds since 1970; 0 when unknown. */
static time_t
boot_time(void)
{
	static time_t boot;
	char line[256];
	uint64_t n;
	FILE *f;

	if (boot != 0)
		return boot;
	f = fopen("/proc/stat", "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "btime %" SCNu64, &n) == 1)
			boot = (time_t)n;
	fclose(f);
	return boot;
}

/* State letter and start time of pid; -1 when they cannot be read. */
static int
stat_of(pid_t pid, char *state, time_t *start)
{
	char path[32], buf[1024], *p;
	uint64_t ticks;
	long hz = sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (slurp(path, buf, sizeof buf) <= 0)
		return -1;
	/* The command may have any byte in it but ends at the last ")". */
	p = strrchr(buf, ')');
	if (p == NULL || hz <= 0 || sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u "
	    "%*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64, state,
	    &ticks) != 2)
		return -1;
	*start = boot_time() == 0 ? 0 :
	    boot_time() + (time_t)(ticks / (uint64_t)hz);
	return 0;
}

int
process_dead(pid_t pid, time_t since)
{
	time_t start;
	char state;

	if (pid <= 0)
		return 0;
	if (kill(pid, 0) == -1 && errno == ESRCH)
		return 1;
	if (stat_of(pid, &state, &start) == -1)
		return 0;
	/* Both clocks are cut to seconds, and the wall clock may be set. */
	return state == 'Z' || state == 'X' || start > since + 2;
}

const char *
process_command(pid_t pid, char *buf, size_t size)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	if (slurp(path, buf, size) <= 0)
		snprintf(buf, size, "?");
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}
