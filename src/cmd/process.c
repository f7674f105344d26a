/* SPDX-License-Identifier: MIT */
/* process.c - what a process is called; see process.h */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "shmutil/owner.h"

int
process_dead(pid_t pid)
{
	struct shmu_owner owner;

	if (pid <= 0)
		return 0;
	shmu_owner_of(pid, &owner);	/* what cannot be read of it is 0 */
	return shmu_owner_dead(&owner);
}

const char *
process_command(pid_t pid, char *buf, size_t size)
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd != -1) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

const char *
process_creator(pid_t pid, time_t ctime, char *buf, size_t size)
{
	struct shmu_owner owner;
	struct timespec wall, up;

	buf[0] = '\0';
	if (pid <= 0 || shmu_owner_of(pid, &owner) == -1 ||
	    shmu_owner_dead(&owner))
		return buf;
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	if (wall.tv_sec - up.tv_sec + (time_t)(owner.start /
	    (uint64_t)sysconf(_SC_CLK_TCK)) > ctime + 2)
		return buf;
	return process_command(pid, buf, size);
}
