/* SPDX-License-Identifier: MIT */
/* cli.c - what the commands share; see cli.h */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "shmutil/parse.h"
#include "shmutil/sys.h"

struct cli cli;

void
cli_begin(const char *program, const char *help)
{
	/* A libc may have as little as 1 KiB, and a list is long. */
	static char out[32768];

	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, out, _IOFBF, sizeof out);
	cli.program = program;
	cli.help = help;
}

/* Waiting and waking is shown to who asks twice: there may be very much. */
static void
explain(void *arg, const char *line)
{
	if (cli.explain > 1 || strncmp(line, "futex(", 6) != 0)
		fprintf(arg, "%s\n", line);
}

void
cli_explain(int level)
{
	cli.explain = level;
	shmu_sys_observe(level > 0 ? explain : NULL, stderr);
}

static void __attribute__((noreturn))
unknown_option(int argc, char *argv[], int c)
{
	const char *word = argv[optind <= argc ? optind - 1 : argc - 1];
	char letter[3] = { '-', (char)optopt, '\0' };

	if (strncmp(word, "--", 2) != 0)
		word = letter;
	if (word == letter && letter[1] >= '0' && letter[1] <= '9')
		cli_usage(argv[optind - 1][1] == letter[1] ? argv[optind - 1] :
		    argv[optind], "this cannot be negative; try --help");
	cli_usage(word, c == ':' ? "this option needs an argument; try --help" :
	    optopt != 0 && word != letter ?
	    "this option takes no argument; try --help" :
	    "there is no such option; try --help");
}

int
cli_option(int argc, char *argv[], const char *letters,
    const struct option *words)
{
	char spec[128];
	int c;

	/* ":": it is we who say what is wrong. */
	snprintf(spec, sizeof spec, "%s:%s%s", letters[0] == '+' ? "+" : "",
	    CLI_SHORT, letters + (letters[0] == '+'));
	opterr = 0;
	for (;;) {
		c = getopt_long(argc, argv, spec, words, NULL);
		switch (c) {
		case 'h':
			fputs(cli.help, stdout);
			exit(cli_done(EXIT_YES));
		case 'V':
			printf("%s (%s)\n", cli.program, PACKAGE_STRING);
			exit(cli_done(EXIT_YES));
		case 'q':
			cli.quiet = 1;
			break;
		case 'v':
			cli.verbose++;
			break;
		case 'x':
			cli_explain(cli.explain + 1);
			break;
		case '?':
		case ':':
			unknown_option(argc, argv, c);
		default:
			return c;
		}
	}
}

void
cli_safe(FILE *out, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c > '~')
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
}

static void __attribute__((format(printf, 3, 0)))
compose(FILE *to, const char *operand, const char *fmt, va_list ap)
{
	fprintf(to, "%s: ", cli.program);
	if (operand != NULL) {
		cli_safe(to, operand[0] != '\0' ? operand : "''");
		fputs(": ", to);
	}
	vfprintf(to, fmt, ap);
}

void
cli_vsay(const char *operand, const char *fmt, va_list ap)
{
	char *line = NULL;
	size_t size;
	FILE *to = cli.say == NULL ? NULL : open_memstream(&line, &size);

	if (to != NULL) {
		compose(to, operand, fmt, ap);
		fclose(to);
		cli.say(cli.say_arg, line);
		free(line);
		return;
	}
	fflush(stdout);
	compose(stderr, operand, fmt, ap);
	putc('\n', stderr);
}

void
cli_say(const char *operand, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_vsay(operand, fmt, ap);
	va_end(ap);
}

int
cli_fail(int status, const char *operand, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_vsay(operand, fmt, ap);
	va_end(ap);
	return status;
}

void
cli_usage(const char *operand, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_vsay(operand, fmt, ap);
	va_end(ap);
	exit(EXIT_USAGE);
}

int
cli_worst(int a, int b)
{
	if (a == EXIT_CANNOT || b == EXIT_CANNOT)
		return EXIT_CANNOT;
	return a > b ? a : b;
}

int
cli_done(int status)
{
	static int told;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (told++)
		return EXIT_CANNOT;
	return cli_fail(EXIT_CANNOT, NULL, "standard output is lost: %s",
	    strerror(errno));
}

uint64_t
cli_number(const char *what, const char *text, uint64_t max)
{
	uint64_t n;

	if (shmu_parse_number(text, max, &n) == 0)
		return n;
	cli_usage(text, "%s is a number from 0 to %" PRIu64, what, max);
}

uint64_t
cli_size(const char *what, const char *text)
{
	uint64_t n;

	if (shmu_parse_size(text, &n) == 0)
		return n;
	if (errno == ERANGE)
		cli_usage(text, "%s is more than 64 bits can hold", what);
	cli_usage(text, "%s is bytes, or a number with k K KiB M G T (1024), "
	    "KB MB GB TB (1000) or p (pages)", what);
}

mode_t
cli_mode(const char *text)
{
	mode_t mode;

	if (shmu_parse_mode(text, &mode) == 0)
		return mode;
	cli_usage(text, "a mode is octal permission bits, 0 to 0777");
}

unsigned char
cli_byte(const char *text)
{
	return (unsigned char)cli_number("a byte", text, 255);
}

int
cli_parse_seconds(const char *text, double *out)
{
	static locale_t plain;
	char *end;
	double s;

	/* A point is a point wherever the user lives. */
	if (plain == (locale_t)0)
		plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	s = plain == (locale_t)0 ? strtod(text, &end) :
	    strtod_l(text, &end, plain);

	if ((*text != '.' && (*text < '0' || *text > '9')) || *end != '\0' ||
	    end == text || !(s >= 0 && s <= 1e9))
		return -1;
	*out = s;
	return 0;
}

double
cli_seconds(const char *what, const char *text)
{
	double s;

	if (cli_parse_seconds(text, &s) == 0)
		return s;
	cli_usage(text, "%s is a number of seconds", what);
}

double
cli_age(const char *what, const char *text)
{
	static const char letters[] = "smhd";
	static const double seconds[] = { 1, 60, 3600, 86400 };
	const char *unit;
	char *end;
	double n = strtod(text, &end);

	if (*text >= '0' && *text <= '9' && n <= 1e9) {
		unit = *end == '\0' ? letters : strchr(letters, *end);
		if (unit != NULL && (*end == '\0' || end[1] == '\0'))
			return n * seconds[unit - letters];
	}
	cli_usage(text, "%s is a number of seconds, or one with s, m, h or d",
	    what);
}

uint64_t
cli_kernel_limit(const char *name)
{
	char path[64];
	uint64_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%" SCNu64, &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

ssize_t
cli_read(int fd, void *buf, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, (char *)buf + got, size - got);

		if (n == 0)
			break;
		if (n == -1 && errno != EINTR)
			return -1;
		got += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)got;
}

void
cli_sleep(double seconds)
{
	struct timespec t;

	t.tv_sec = (time_t)seconds;
	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

double
cli_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
cli_operand(struct shmu_operand *op, const char *text)
{
	const char *why;

	if (shmu_operand_parse(op, text, &why) == 0)
		return 0;
	return cli_fail(EXIT_USAGE, text, "%s", why);
}

void
cli_operand_or_die(struct shmu_operand *op, const char *text)
{
	if (cli_operand(op, text) != 0)
		exit(EXIT_USAGE);
}

void
cli_not_semaphore(const struct shmu_operand *op, const char *text)
{
	if (op->kind == SHMU_POSIX && strncmp(op->name, "/sem.", 5) == 0)
		cli_usage(text, "names that begin with sem. belong to "
		    "sem_open(3); choose another");
}

void
cli_check_each(char *argv[])
{
	struct shmu_operand op;

	for (; *argv != NULL; argv++)
		if (strcmp(*argv, "-") != 0)
			cli_operand_or_die(&op, *argv);
}

static int
each_line(int end, int (*each)(const char *, void *), void *arg)
{
	int status = EXIT_YES;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getdelim(&line, &size, end, stdin)) > 0) {
		if (line[n - 1] == (char)end)
			line[n - 1] = '\0';
		if (line[0] != '\0')
			status = cli_worst(status, each(line, arg));
	}
	free(line);
	if (ferror(stdin))
		status = cli_fail(EXIT_CANNOT, "-", "standard input: %s",
		    strerror(errno));
	return status;
}

int
cli_each(char *argv[], int nul, int (*each)(const char *, void *), void *arg)
{
	int end = nul ? '\0' : '\n', status = EXIT_YES;

	if (nul && *argv == NULL)
		return each_line(end, each, arg);
	for (; *argv != NULL; argv++)
		status = cli_worst(status, strcmp(*argv, "-") == 0 ?
		    each_line(end, each, arg) : each(*argv, arg));
	return status;
}
