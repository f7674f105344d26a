/* SPDX-License-Identifier: MIT */
/* attach-hold.c - the verbs of shm-attach that stay attached: hold run */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach.h"
#include "cli.h"

/* A signal that ends us detaches too: the kernel does that. */
int
attach_hold(struct attach *a, char *argv[])
{
	int status = attach_map(a);

	if (status != EXIT_YES)
		return status;
	if (cli.verbose)
		cli_say(a->text, "attached as process %d", (int)getpid());
	if (*argv != NULL)
		cli_sleep(cli_seconds("how long", *argv));
	else
		for (;;)
			pause();
	return EXIT_YES;
}

/* What the command learns: how to call the segment, and where it is open. */
static int
tell(const struct attach *a)
{
	char text[SHMU_OPERAND_TEXT + 4096], fd[16];
	int copy;

	shmu_operand_text(&a->seg.op, text, sizeof text);
	if (setenv("SHM_OPERAND", text, 1) == -1)
		return -1;
	if (a->seg.fd == -1)
		return unsetenv("SHM_FD");
	copy = dup(a->seg.fd);	/* without close-on-exec */
	if (copy == -1)
		return -1;
	snprintf(fd, sizeof fd, "%d", copy);
	return setenv("SHM_FD", fd, 1);
}

static volatile sig_atomic_t child;

/* What asks us to end asks the command to. */
static void
forward(int sig)
{
	if (child > 0)
		kill((pid_t)child, sig);
}

static void
on(int sig, void (*handler)(int))
{
	struct sigaction act;

	if (sigaction(sig, NULL, &act) == -1 || act.sa_handler == SIG_IGN)
		return;
	memset(&act, 0, sizeof act);
	act.sa_handler = handler;
	sigaction(sig, &act, NULL);
}

/* Whether there is such a file at all: a directory of PATH that may not be
 * searched makes execvp(3) say EACCES of a command that is nowhere. */
static int
found(const char *name)
{
	const char *dir = getenv("PATH");
	char path[4096];
	size_t len;

	if (strchr(name, '/') != NULL || dir == NULL)
		return 1;
	for (; *dir != '\0'; dir += len + (dir[len] == ':')) {
		len = strcspn(dir, ":");
		snprintf(path, sizeof path, "%.*s/%s", (int)len, dir, name);
		if (access(path, F_OK) == 0)
			return 1;
	}
	return 0;
}

static int __attribute__((noreturn))
become(char *argv[])
{
	int err;

	execvp(argv[0], argv);
	err = errno == EACCES && !found(argv[0]) ? ENOENT : errno;
	cli_say(argv[0], "cannot be run: %s", strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

static int
outcome(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

int
attach_run(struct attach *a, char *argv[])
{
	sigset_t block, old;
	int status;
	pid_t pid;

	status = attach_map(a);
	if (status != EXIT_YES)
		return status;
	if (tell(a) == -1)
		return cli_fail(EXIT_CANNOT, a->text, "%s", strerror(errno));
	fflush(stdout);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &old);
	pid = fork();
	if (pid == -1)
		return cli_fail(EXIT_CANNOT, argv[0], "cannot be started: %s",
		    strerror(errno));
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		become(argv);
	}
	child = pid;
	/* The terminal sends these to both of us; the command decides. */
	on(SIGINT, SIG_IGN);
	on(SIGQUIT, SIG_IGN);
	on(SIGTERM, forward);
	on(SIGHUP, forward);
	sigprocmask(SIG_SETMASK, &old, NULL);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return cli_fail(EXIT_CANNOT, argv[0], "%s",
			    strerror(errno));
	return outcome(status);
}
