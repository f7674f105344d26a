/* SPDX-License-Identifier: MIT */
/*
 * tour-term.c - the terminal, a key at a time
 *
 * Signals come only while a key is waited for, so nothing is ever interrupted
 * half-way, and whichever ends the program finds the terminal as it was.
 */
#include "config.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tour.h"

static struct {
	struct termios		was;
	int			begun;
	pid_t			child;
	sigset_t		open;	/* the mask while waiting */
	volatile sig_atomic_t	came;
} term;

static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP,
	SIGCONT, SIGWINCH };

static int
number_from(const char *name)
{
	const char *text = getenv(name);
	long n = text == NULL ? 0 : strtol(text, NULL, 10);

	return n > 0 && n < 1000 ? (int)n : 0;
}

void
look_at(struct look *look, const struct tour *t)
{
	const char *no_color = getenv("NO_COLOR");
	struct winsize size = { 0, 0, 0, 0 };
	int tty = isatty(STDOUT_FILENO);

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	look->columns = size.ws_col > 0 ? size.ws_col : number_from("COLUMNS");
	look->rows = size.ws_row > 0 ? size.ws_row : number_from("LINES");
	if (look->columns == 0)
		look->columns = 80;
	if (look->rows < 4)
		look->rows = 24;
	look->plain = t->plain || look->columns < 60;
	if (look->columns < 24)
		look->columns = 24;
	look->utf8 = !t->ascii && !look->plain &&
	    strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	look->color = t->color != -1 ? t->color : tty && !term_is_dumb() &&
	    !look->plain && (no_color == NULL || no_color[0] == '\0');
}

int
term_is_interactive(const struct tour *t)
{
	return !t->no_input && !t->check && !t->json &&
	    isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int
term_is_dumb(void)
{
	const char *name = getenv("TERM");

	return name == NULL || name[0] == '\0' || strcmp(name, "dumb") == 0;
}

static void
note(int sig)
{
	term.came = sig;
}

/* Keys come without Enter and are not echoed; ^C and ^Z stay signals. */
static void
keys(void)
{
	struct termios now = term.was;

	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

void
term_begin(void)
{
	struct sigaction act = { .sa_handler = note };
	sigset_t block;
	size_t i;

	if (term.begun || tcgetattr(STDIN_FILENO, &term.was) == -1)
		return;
	sigemptyset(&block);
	for (i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		sigaddset(&block, signals[i]);
		sigaction(signals[i], &act, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, &term.open);
	term.begun = 1;
	atexit(term_end);
	if (!term_is_dumb())
		keys();
}

void
term_end(void)
{
	if (!term.begun)
		return;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term.was);
	term.begun = 0;
	sigprocmask(SIG_SETMASK, &term.open, NULL);
}

void
term_flush(void)
{
	tcflush(STDIN_FILENO, TCIFLUSH);
}

void
term_child(pid_t group)
{
	term.child = group;
}

/* Do as the signal says, as if it had not been caught, but tidily. */
static void
obey(int sig)
{
	if (sig == SIGWINCH || sig == SIGCONT) {
		if (!term_is_dumb())
			keys();
		return;
	}
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term.was);
	if (write(STDOUT_FILENO, "\n", 1) == -1)
		sig = sig == SIGTSTP ? SIGHUP : sig;
	if (sig == SIGTSTP) {
		raise(SIGSTOP);
		if (!term_is_dumb())
			keys();
		return;
	}
	if (term.child != 0)
		kill(-term.child, SIGTERM);
	signal(sig, SIG_DFL);
	term_end();
	raise(sig);
	_exit(128 + sig);
}

/* A key; of a dumb terminal the first of a line. */
static int
read_key(void)
{
	unsigned char c, rest = 0;

	if (read(STDIN_FILENO, &c, 1) != 1)
		return KEY_END;
	while (term_is_dumb() && c != '\n' && rest != '\n' &&
	    read(STDIN_FILENO, &rest, 1) == 1)
		;
	return c;
}

int
term_key(double seconds, int fd)
{
	struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 },
		{ fd, POLLIN, 0 } };
	struct timespec t;
	int n;

	fflush(stdout);
	t.tv_sec = (time_t)seconds;
	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	term.came = 0;
	n = ppoll(p, 2, seconds < 0 ? NULL : &t, &term.open);
	if (n == -1 && term.came != 0) {
		obey(term.came);
		return KEY_REDRAW;
	}
	if (n == -1)
		return errno == EINTR ? KEY_REDRAW : KEY_END;
	if (n == 0)
		return KEY_NONE;
	if (p[0].revents != 0)
		return read_key();
	return KEY_OTHER;
}
