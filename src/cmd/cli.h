/* SPDX-License-Identifier: MIT */
/* cli.h - what the commands share: options, messages, statuses, operands */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "shmutil/operand.h"

enum {
	EXIT_YES = 0,		/* yes, done */
	EXIT_NO = 1,		/* the answer is no */
	EXIT_USAGE = 2,		/* malformed, and nothing was touched */
	EXIT_CANNOT = 3,	/* could not */
	EXIT_TIMEOUT = 124	/* a limit that the user set */
};

/* Options that every command has. */
#define CLI_SHORT	"hqvVx"
#define CLI_LONG							\
	{ "explain",	no_argument,		NULL, 'x' },		\
	{ "help",	no_argument,		NULL, 'h' },		\
	{ "quiet",	no_argument,		NULL, 'q' },		\
	{ "verbose",	no_argument,		NULL, 'v' },		\
	{ "version",	no_argument,		NULL, 'V' },		\
	{ NULL,		0,			NULL, 0 }
#define CLI_HELP							\
	"  -h, --help           print this and exit\n"			\
	"  -q, --quiet          print errors only\n"			\
	"  -v, --verbose        say more about what is done\n"		\
	"  -V, --version        print the version and exit\n"		\
	"  -x, --explain        print each system call on stderr\n"

/* What the common options said. */
struct cli {
	const char	*program;
	const char	*help;
	int		 quiet;
	int		 verbose;
	int		 explain;

	/* Takes the messages, lines without their end; NULL: stderr does. */
	void		(*say)(void *arg, const char *line);
	void		*say_arg;
};
extern struct cli cli;

/* Begin: the name for messages and the text for --help. */
void cli_begin(const char *program, const char *help);

/*
 * The next option as getopt_long(3) gives it, after those that every command
 * has are dealt with; -1 at the end.  Options and operands may be mixed unless
 * letters begins with "+", which ends the options at the first operand.  What
 * is unknown is said and ends the program with EXIT_USAGE.
 */
int cli_option(int argc, char *argv[], const char *letters,
    const struct option *words);

/* Print each system call from now on; 2: also the waiting; 0: none. */
void cli_explain(int level);

/* Print "PROGRAM: OPERAND: ..." as one line on stderr.  Bytes of operand that
 * are no printable ASCII are escaped.  operand NULL leaves that part out. */
void cli_say(const char *operand, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void cli_vsay(const char *operand, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* The same, then return status; the form most failures take. */
int cli_fail(int status, const char *operand, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, then exit with EXIT_USAGE. */
void cli_usage(const char *operand, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The worse of two statuses: could not, then too late, usage, no, yes. */
int cli_worst(int a, int b);

/* Flush stdout; the status to exit with, EXIT_CANNOT if output was lost. */
int cli_done(int status);

/* Write s to out with every byte that could move a cursor escaped as \xHH. */
void cli_safe(FILE *out, const char *s);

/* Read an argument, or end the program with EXIT_USAGE, naming what. */
uint64_t cli_number(const char *what, const char *text, uint64_t max);
uint64_t cli_size(const char *what, const char *text);
mode_t cli_mode(const char *text);
unsigned char cli_byte(const char *text);
double cli_seconds(const char *what, const char *text);

/* The same of text; 0, or -1 when it is no number of seconds. */
int cli_parse_seconds(const char *text, double *out);

/* "90s", "30m", "4h", "2d" or a number of seconds, in seconds. */
double cli_age(const char *what, const char *text);

/* The number in /proc/sys/kernel/NAME, such as "shmmni"; 0 when unreadable. */
uint64_t cli_kernel_limit(const char *name);
/* Read size bytes, fewer only at the end of the input; -1 with errno. */
ssize_t cli_read(int fd, void *buf, size_t size);

/* Sleep so many seconds, or until a signal was handled. */
void cli_sleep(double seconds);

/* Seconds of a clock that nobody sets, to tell how long something takes. */
double cli_now(void);

/* Parse an operand; 0, or EXIT_USAGE after saying why. */
int cli_operand(struct shmu_operand *op, const char *text);
void cli_operand_or_die(struct shmu_operand *op, const char *text);

/* End the program with EXIT_USAGE when op is a name of sem_open(3), which
 * nothing else may be made under. */
void cli_not_semaphore(const struct shmu_operand *op, const char *text);

/* Parse every operand of argv but "-", so that what is malformed ends the
 * program before the first is touched. */
void cli_check_each(char *argv[]);

/*
 * Call each for every operand of argv, and for every line of stdin in the
 * place of an operand "-"; with nul, for every NUL-ended item of stdin when
 * there is no operand.  Returns the worst status.
 */
int cli_each(char *argv[], int nul, int (*each)(const char *, void *),
    void *arg);

#endif
