/* SPDX-License-Identifier: MIT */
/* sync-updates.c - what mmap-sync is to write, and where; see sync.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "shmutil/parse.h"
#include "shmutil/range.h"
#include "sync.h"

/* What comes through a pipe up to here is stored whole or not at all. */
#define WHOLE	((size_t)1 << 20)

static void __attribute__((noreturn))
cannot_read(const char *name, int err)
{
	exit(cli_fail(EXIT_CANNOT, name, "cannot be read: %s", strerror(err)));
}

static void *
grown(void *p, size_t size)
{
	p = realloc(p, size);
	if (p == NULL)
		exit(cli_fail(EXIT_CANNOT, NULL, "out of memory"));
	return p;
}

/* The update at index i, made if it was not there. */
static struct update *
at(struct updates *u, size_t i)
{
	size_t room = u->room == 0 ? 16 : 2 * u->room;

	if (i < u->room)
		return &u->list[i];
	u->list = grown(u->list, room * sizeof *u->list);
	memset(u->list + u->room, 0, (room - u->room) * sizeof *u->list);
	u->room = room;
	return &u->list[i];
}

void
updates_text(struct updates *u, const char *text)
{
	at(u, u->n++)->bytes = text;
}

void
updates_offset(struct updates *u, uint64_t off)
{
	at(u, u->offsets++)->off = off;
}

void
updates_from(struct updates *u, const char *path)
{
	if (u->from != NULL)
		cli_usage(path, "--updates can be given once");
	u->from = path;
}

/* Read the head of a pipe, all of it if it is short. */
static void
read_pipe(struct updates *u, struct update *up, int files)
{
	ssize_t n;

	fcntl(STDIN_FILENO, F_SETPIPE_SZ, (int)WHOLE);	/* fewer turns */
	u->piped = grown(NULL, WHOLE + 1);
	n = cli_read(STDIN_FILENO, u->piped, WHOLE + 1);
	if (n == -1)
		cannot_read("standard input", errno);
	up->bytes = u->piped;
	up->len = up->total = (uint64_t)n;
	if ((size_t)n <= WHOLE)
		return;
	up->total = REST;
	if (files > 1)
		cli_usage(NULL, "more than 1 MiB through a pipe can go to one "
		    "FILE only; store it in a file and write that with <FILE");
}

static void
read_stdin(struct updates *u, struct update *up, int files)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) == -1)
		cannot_read("standard input", errno);
	if (S_ISDIR(st.st_mode))
		cannot_read("standard input", EISDIR);
	u->start = S_ISREG(st.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : -1;
	if (u->start == -1) {
		read_pipe(u, up, files);
		return;
	}
	up->bytes = NULL;
	up->len = 0;
	up->total = u->start < st.st_size ? (uint64_t)(st.st_size - u->start) :
	    0;
}

/* All of what path or, for "-", standard input has. */
static char *
slurp(const char *path, size_t *len)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	int fd = name != path ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 64 << 10;
	char *buf = NULL;
	ssize_t n;

	if (fd == -1)
		cannot_read(name, errno);
	for (*len = 0;; room *= 2) {
		buf = grown(buf, room);
		n = cli_read(fd, buf + *len, room - *len);
		if (n == -1)
			cannot_read(name, errno);
		*len += (size_t)n;
		if (*len < room)
			break;
	}
	if (fd != STDIN_FILENO)
		close(fd);
	return buf;
}

/* Read the place, OFF or OFF:LEN, that the len bytes at p are; 0 or -1. */
static int
place(const char *p, size_t len, struct update *up)
{
	char text[64], *colon;

	if (len >= sizeof text || memchr(p, '\0', len) != NULL)
		return -1;
	memcpy(text, p, len);
	text[len] = '\0';
	colon = strchr(text, ':');
	up->len = REST;
	if (colon != NULL) {
		*colon = '\0';
		if (shmu_parse_size(colon + 1, &up->len) == -1 ||
		    up->len == REST)
			return -1;
	}
	return shmu_parse_size(text, &up->off);
}

/*
 * One record at p, where left bytes are: OFF, a blank, and bytes to the end of
 * the line; or OFF:LEN, a blank, LEN bytes of any value, and a newline.  Its
 * length, 0 when it is malformed.
 */
static size_t
record(const char *p, size_t left, struct update *up)
{
	const char *blank = memchr(p, ' ', left), *newline;
	size_t used;

	if (blank == NULL || place(p, (size_t)(blank - p), up) == -1)
		return 0;
	up->bytes = blank + 1;
	used = (size_t)(up->bytes - p);
	if (up->len == REST) {
		newline = memchr(up->bytes, '\n', left - used);
		up->len = newline != NULL ? (uint64_t)(newline - up->bytes) :
		    left - used;
	}
	up->total = up->len;
	if (!shmu_range_fits(used, up->len, left))
		return 0;
	used += (size_t)up->len;
	if (used < left && p[used++] != '\n')
		return 0;
	return used;
}

static void
read_records(struct updates *u)
{
	size_t left, used, n = 1;
	const char *p;

	u->records = slurp(u->from, &left);
	for (p = u->records; left > 0; p += used, left -= used, n++) {
		used = 1;
		if (*p == '\n')
			continue;
		used = record(p, left, at(u, u->n));
		if (used == 0)
			cli_usage(u->from,
			    "record %zu is neither \"OFF TEXT\" nor \"OFF:LEN "
			    "BYTES\"",
			    n);
		u->n++;
	}
}

/* The n-th --write belongs to the n-th --offset. */
static void
check_pairs(const struct updates *u)
{
	if (u->n == u->offsets || (u->n == 1 && u->offsets == 0))
		return;
	if (u->n == 0)
		cli_usage(NULL,
		    "--offset is where to --write what? try --help");
	cli_usage(NULL,
	    "each --write needs its --offset: there are %zu and %zu", u->n,
	    u->offsets);
}

void
updates_ready(struct updates *u, int files)
{
	int from = u->from != NULL && strcmp(u->from, "-") == 0;
	struct update *input = NULL;
	size_t i;

	check_pairs(u);
	u->start = -1;
	for (i = 0; i < u->n; i++) {
		struct update *up = &u->list[i];

		if (strcmp(up->bytes, "-") != 0) {
			up->len = up->total = strlen(up->bytes);
			continue;
		}
		if (input != NULL || from)
			cli_usage(NULL, "standard input can be read once; give "
			    "one -");
		input = up;
	}
	if (input != NULL)
		read_stdin(u, input, files);
	if (u->from != NULL)
		read_records(u);
}

int
updates_fit(const struct updates *u, const char *text, uint64_t size)
{
	size_t i;

	for (i = 0; i < u->n; i++) {
		const struct update *up = &u->list[i];
		uint64_t len = update_known(up);

		if (!shmu_range_fits(up->off, len, size))
			return cli_fail(EXIT_NO, text,
			    "%" PRIu64 " bytes at offset %" PRIu64
			    " do not fit: the file has %" PRIu64
			    "; --size makes it larger",
			    len, up->off, size);
	}
	return EXIT_YES;
}

void
updates_free(struct updates *u)
{
	free(u->list);
	free(u->piped);
	free(u->records);
}
