/* SPDX-License-Identifier: MIT */
/* stop.c - end at a signal, but clean up first; see stop.h */
#include "config.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "stop.h"

static volatile sig_atomic_t stopped;

static void
note(int sig)
{
	if (sig != SIGALRM)
		stopped = sig;
	alarm(1);
}

void
stop_on_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGALRM };
	struct sigaction old, act = { .sa_handler = note };
	size_t i;

	for (i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    (old.sa_handler != SIG_IGN || signals[i] == SIGALRM))
			sigaction(signals[i], &act, NULL);
}

int
stop_signal(void)
{
	return stopped;
}

void
stop_die(void)
{
	if (stopped == 0)
		return;
	signal(stopped, SIG_DFL);
	raise(stopped);
}
