/* SPDX-License-Identifier: MIT */
/* terminal.c - a screen that is drawn anew, and keys; see terminal.h */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "terminal.h"

/* The other screen and a hidden cursor; and back. */
#define ENTER	"\033[?1049h\033[?25l"
#define LEAVE	"\033[?25h\033[?1049l"

const char terminal_home[] = "\033[H";
const char terminal_line[] = "\033[K\n";
const char terminal_rest[] = "\033[J";

static struct termios before;
static volatile sig_atomic_t taken, caught, resized;

static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM };

static void
ignore_result(ssize_t n)
{
	(void)n;
}

static void
take(void)
{
	struct termios raw = before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	ignore_result(write(STDOUT_FILENO, ENTER, sizeof ENTER - 1));
	taken = 1;
}

void
terminal_end(void)
{
	if (!taken)
		return;
	taken = 0;
	fflush(stdout);
	ignore_result(write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

static void
on_signal(int sig)
{
	if (sig == SIGWINCH || sig == SIGCONT)
		resized = 1;
	else
		caught = sig;
}

/* Signals are only noted, and dealt with where the terminal is at rest. */
static void
handle(int sig)
{
	struct sigaction act;

	memset(&act, 0, sizeof act);
	act.sa_handler = on_signal;
	sigaction(sig, &act, NULL);
}

static void
handle_all(void)
{
	size_t i;

	for (i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
		handle(fatal[i]);
	handle(SIGTSTP);
	handle(SIGCONT);
	handle(SIGWINCH);
}

int
terminal_begin(void)
{
	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) == -1) {
		errno = ENOTTY;
		return -1;
	}
	atexit(terminal_end);
	handle_all();
	take();
	return 0;
}

/* Give the terminal back, then let the signal do what it does. */
static void
obey(int sig)
{
	sigset_t one;

	caught = 0;
	terminal_end();
	signal(sig, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	/* Only a stop comes back. */
	handle(sig);
	take();
}

void
terminal_size(size_t *rows, size_t *columns)
{
	struct winsize w;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 &&
	    w.ws_col > 0) {
		*rows = w.ws_row;
		*columns = w.ws_col;
	}
}

/* Keys that were read and not handed out yet. */
static struct {
	char	text[64];
	size_t	at, len;
} typed;

/* Keys of more than one byte, ESC being the first. */
static const struct { const char *text; enum key key; } sequences[] = {
	{ "[A", KEY_UP }, { "OA", KEY_UP }, { "[B", KEY_DOWN },
	{ "OB", KEY_DOWN }, { "[C", KEY_RIGHT }, { "OC", KEY_RIGHT },
	{ "[D", KEY_LEFT }, { "OD", KEY_LEFT }, { "[5~", KEY_PAGE_UP },
	{ "[6~", KEY_PAGE_DOWN }, { "[H", KEY_HOME }, { "[F", KEY_END },
	{ "OH", KEY_HOME }, { "OF", KEY_END }, { "[1~", KEY_HOME },
	{ "[4~", KEY_END }
};

static enum key
sequence(void)
{
	const char *s = typed.text + typed.at;
	size_t i, len;

	for (i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
		len = strlen(sequences[i].text);
		if (typed.len - typed.at >= len &&
		    strncmp(s, sequences[i].text, len) == 0) {
			typed.at += len;
			return sequences[i].key;
		}
	}
	typed.at = typed.len;	/* none that is known: where would it end? */
	return KEY_OTHER;
}

static enum key
next_typed(void)
{
	switch (typed.text[typed.at++]) {
	case '\033':	return sequence();
	case 'q':
	case 'Q':	return KEY_QUIT;
	case 'r':	return KEY_REVERSE;
	case 'k':	return KEY_UP;
	case 'j':	return KEY_DOWN;
	case ' ':	return KEY_PAGE_DOWN;
	default:	return KEY_OTHER;
	}
}

static enum key
read_key(void)
{
	ssize_t n = read(STDIN_FILENO, typed.text, sizeof typed.text);

	if (n == -1)
		return errno == EINTR ? KEY_NONE : KEY_QUIT;
	if (n == 0)
		return KEY_QUIT;
	typed.at = 0;
	typed.len = (size_t)n;
	return next_typed();
}

/* The signals are blocked but in ppoll, so that none is missed before it. */
enum key
terminal_key(double seconds)
{
	struct timespec t = { (time_t)seconds,
	    (long)((seconds - (double)(time_t)seconds) * 1e9) };
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	sigset_t all, old;
	size_t i;
	int r;

	if (typed.at < typed.len)
		return next_typed();
	sigemptyset(&all);
	for (i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
		sigaddset(&all, fatal[i]);
	sigaddset(&all, SIGTSTP);
	sigaddset(&all, SIGCONT);
	sigaddset(&all, SIGWINCH);
	sigprocmask(SIG_BLOCK, &all, &old);
	r = caught || resized ? 0 : ppoll(&in, 1, &t, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (caught) {
		obey(caught);
		return KEY_REDRAW;
	}
	if (resized) {
		resized = 0;
		return KEY_REDRAW;
	}
	return r > 0 ? read_key() : KEY_NONE;
}
