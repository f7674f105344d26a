/* SPDX-License-Identifier: MIT */
/* run.c - run a command, and stay until it ends; see run.h */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "run.h"

static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1,
	SIGUSR2, SIGALRM, SIGPIPE };
#define SIGNALS	(sizeof signals / sizeof signals[0])

static volatile sig_atomic_t child;

static void
forward(int sig, siginfo_t *info, void *context)
{
	int err = errno;

	(void)context;
	/* What a terminal sends, the command has as well; a timer that was set
	 * before exec is nobody else's. */
	if (child > 0 && (info->si_code != SI_KERNEL || sig == SIGALRM))
		kill((pid_t)child, sig);
	errno = err;
}

/* What we have made of signals meanwhile. */
struct signals {
	struct sigaction	before[SIGNALS], child;
};

static void
catch(struct signals *s)
{
	struct sigaction act;
	size_t i;

	memset(&act, 0, sizeof act);
	act.sa_sigaction = forward;
	act.sa_flags = SA_SIGINFO | SA_RESTART;
	for (i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i], NULL, &s->before[i]) == 0 &&
		    s->before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
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

static void __attribute__((noreturn))
become(char *argv[])
{
	int err;

	execvp(argv[0], argv);
	err = errno == EACCES && !found(argv[0]) ? ENOENT : errno;
	cli_say(argv[0], "cannot be run: %s", strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

/* Start it, with signals as they were. */
static pid_t
start(char *argv[], struct signals *s)
{
	struct sigaction plain;
	sigset_t block, old;
	size_t i;
	pid_t pid;

	/* Who has SIGCHLD ignored is not told how a child ended. */
	memset(&plain, 0, sizeof plain);
	plain.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &plain, &s->child);
	/* None must come before there is somebody to pass it on to. */
	sigemptyset(&block);
	for (i = 0; i < SIGNALS; i++)
		sigaddset(&block, signals[i]);
	sigprocmask(SIG_BLOCK, &block, &old);
	pid = fork();
	if (pid == 0) {
		sigaction(SIGCHLD, &s->child, NULL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		become(argv);
	}
	child = pid;
	if (pid != -1)
		catch(s);
	else
		sigaction(SIGCHLD, &s->child, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

int
run_command(char *argv[], int *signal)
{
	struct signals s;
	int status = 0, r;
	pid_t pid;
	size_t i;

	*signal = 0;
	fflush(stdout);
	pid = start(argv, &s);
	if (pid == -1)
		return -1;
	while ((r = waitpid(pid, &status, 0)) == -1 && errno == EINTR)
		;
	child = 0;
	sigaction(SIGCHLD, &s.child, NULL);
	for (i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &s.before[i], NULL);
	if (r == -1)
		return -1;
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	*signal = WTERMSIG(status);
	return 128 + *signal;
}
