/* SPDX-License-Identifier: MIT */
/*
 * terminal.h - a screen that is drawn anew, and keys
 *
 * The terminal is as it was after whatever ends the program but SIGKILL: a
 * return, exit(3), or one of the signals that end or stop programs, which then
 * takes its usual course.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stddef.h>

enum key {
	KEY_NONE,	/* the time is over */
	KEY_OTHER,
	KEY_QUIT,	/* q, or the end of input */
	KEY_UP, KEY_DOWN, KEY_LEFT, KEY_RIGHT,
	KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END,
	KEY_REVERSE,	/* r */
	KEY_REDRAW	/* the size changed, or the program was stopped */
};

/* Take the terminal; 0, or -1 with errno ENOTTY. */
int terminal_begin(void);
void terminal_end(void);

void terminal_size(size_t *rows, size_t *columns);

/* What to write before a screen, at the end of each line, and behind it. */
extern const char terminal_home[], terminal_line[], terminal_rest[];

/* The next key, waited for so many seconds at most. */
enum key terminal_key(double seconds);

#endif
