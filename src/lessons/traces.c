/* SPDX-License-Identifier: MIT */
/* traces.c - nothing of a lesson stays behind; see traces.h */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "lesson.h"
#include "shmutil/libc.h"
#include "shmutil/segment.h"
#include "traces.h"

enum { MOST = 16, LINE = 256 };

static void
remove_path(const char *path)
{
	struct dirent *e;
	DIR *d;

	if (remove(path) == 0 || (d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(path);
}

/* What it was told is cut at NULs: a path, or "id:NUMBER". */
static void
remove_all(char *told, size_t len)
{
	size_t from = len;

	while (from > 0) {
		for (from--; from > 0 && told[from - 1] != '\0'; from--)
			;
		if (strncmp(told + from, "id:", 3) == 0)
			shmctl(atoi(told + from + 3), IPC_RMID, NULL);
		else
			remove_path(told + from);
	}
}

/* In a process group of its own, so that no signal for the lesson ends it; and
 * with no end of the lesson's pipe, which would be waited for. */
static void __attribute__((noreturn))
clean_up(int fd)
{
	char told[MOST * LINE];
	size_t len = 0;
	ssize_t n;
	int null = open("/dev/null", O_RDWR), i;

	setpgid(0, 0);
	for (i = 0; i <= STDERR_FILENO; i++)
		dup2(null, i);
	while ((n = read(fd, told + len, sizeof told - len)) > 0)
		len += (size_t)n;
	remove_all(told, len);
	_exit(0);
}

static int
janitor(void)
{
	static int to = -1;
	int fds[2];
	pid_t pid;

	if (to != -1)
		return to;
	if (pipe2(fds, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		tour_skip("no process can be started: %s",
		    shmu_sys_errname(errno));
	if (pid == 0) {
		close(fds[1]);
		clean_up(fds[0]);
	}
	/* Both sides do this, whoever is first. */
	setpgid(pid, pid);
	close(fds[0]);
	return to = fds[1];
}

static void
tell(const char *text)
{
	size_t len = strlen(text) + 1;

	if (len > LINE || write(janitor(), text, len) != (ssize_t)len)
		tour_skip("what the lesson makes could not be removed");
}

void
traces_begin(void)
{
	janitor();
}

void
traces_path(const char *path)
{
	tell(path);
}

void
traces_id(int id)
{
	char text[32];

	snprintf(text, sizeof text, "id:%d", id);
	tell(text);
}

int
traces_segment(key_t *key, size_t size)
{
	int id = -1, tries;

	for (tries = 0; tries < 100; tries++) {
		*key = (key_t)(0x6d000000 + getpid() * 101 + tries);
		id = shmget(*key, size, IPC_CREAT | IPC_EXCL | 0600);
		if (id != -1 || errno != EEXIST)
			break;
	}
	if (id == -1)
		tour_skip("no System V segment can be made: %s",
		    shmu_sys_errname(errno));
	traces_id(id);
	return id;
}

void
traces_name(char *name, size_t size)
{
	char path[LINE];

	snprintf(name, size, "/mem-tour-%d", (int)getpid());
	snprintf(path, sizeof path, SHMU_POSIX_DIR "%s", name);
	traces_path(path);
}
