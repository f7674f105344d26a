/* SPDX-License-Identifier: MIT */
/* elsewhere.c - the segments of another process's namespaces */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "look.h"

/* Its directory of POSIX objects, without leaving its root by any link. */
int
shmu_elsewhere_dir(pid_t pid)
{
	struct { uint64_t flags, mode, resolve; } how = {
		O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT
	};
	char path[32];
	int root, fd, err;

	snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return -1;
	fd = (int)syscall(SYS_openat2, root, &SHMU_POSIX_DIR[1], &how,
	    sizeof how);
	err = errno;
	close(root);
	errno = err;
	return fd;
}

/* Copy the list to out; 0, or the errno of what failed. */
static int
copy_list(const char *ns, int out)
{
	char buf[4096];
	ssize_t n;
	int fd = open(ns, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || setns(fd, CLONE_NEWIPC) == -1)
		return errno;
	fd = open("/proc/sysvipc/shm", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return errno;
	while ((n = read(fd, buf, sizeof buf)) > 0)
		if (write(out, buf, (size_t)n) != n)
			return EIO;
	return n == -1 ? errno : 0;
}

/*
 * A child enters the namespace, since who has entered one may not be let back
 * into its own.  It calls nothing that is unsafe after fork in a program with
 * threads, and ends by the bare call: nothing of the caller's is run at exit.
 */
int
shmu_elsewhere_sysv(pid_t pid, pid_t *child)
{
	char ns[40];
	int fds[2], err;

	snprintf(ns, sizeof ns, "/proc/%d/ns/ipc", (int)pid);
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	*child = fork();
	if (*child == 0)
		syscall(SYS_exit_group, copy_list(ns, fds[1]));
	err = errno;
	close(fds[1]);
	if (*child != -1)
		return fds[0];
	close(fds[0]);
	errno = err;
	return -1;
}

int
shmu_elsewhere_wait(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return -1;
}
