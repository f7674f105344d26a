/* SPDX-License-Identifier: MIT */
/*
 * tour-state.c - which lessons were seen, across runs
 *
 * A file of one name a line, in XDG_STATE_HOME or ~/.local/state.  Names that
 * are no lesson are dropped; it is replaced whole.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "tour.h"

enum { LESSONS_MAX = 64, PATH = 4096 };

/* Fill in where the file is; 0 when there is no home for it. */
static int
path_of(char *path, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n;

	if (state != NULL && state[0] == '/')
		n = snprintf(path, size, "%s/shmutils/mem-tour", state);
	else if (home != NULL && home[0] == '/')
		n = snprintf(path, size, "%s/.local/state/shmutils/mem-tour",
		    home);
	else
		return 0;
	return n > 0 && (size_t)n < size;
}

static void
load(int seen[LESSONS_MAX])
{
	char path[PATH], line[64];
	FILE *in;
	int i;

	memset(seen, 0, LESSONS_MAX * sizeof *seen);
	if (!path_of(path, sizeof path) || (in = fopen(path, "re")) == NULL)
		return;
	while (fgets(line, sizeof line, in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		i = lesson_find(line);
		if (i >= 0 && i < LESSONS_MAX)
			seen[i] = 1;
	}
	fclose(in);
}

/* Every directory that the file lies in. */
static void
make_directories(char *path)
{
	char *p;

	for (p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

static int
save(const int seen[LESSONS_MAX])
{
	char path[PATH], fresh[PATH + 16];
	FILE *out;
	size_t i;

	if (!path_of(path, sizeof path))
		return cli_fail(EXIT_CANNOT, NULL, "neither HOME nor "
		    "XDG_STATE_HOME is there, so what was seen is forgotten");
	make_directories(path);
	snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
	out = fopen(fresh, "wxe");
	for (i = 0; out != NULL && i < lesson_count(); i++)
		if (seen[i])
			fprintf(out, "%s\n", lessons[i]->name);
	if (out == NULL || fclose(out) != 0 || rename(fresh, path) == -1) {
		unlink(fresh);
		return cli_fail(EXIT_CANNOT, path,
		    "what was seen cannot be kept: %s", strerror(errno));
	}
	return EXIT_YES;
}

int
state_seen(size_t lesson)
{
	int seen[LESSONS_MAX];

	load(seen);
	return seen[lesson];
}

int
state_mark(size_t lesson, int yes)
{
	int seen[LESSONS_MAX];

	load(seen);
	if (seen[lesson] == yes)
		return EXIT_YES;
	seen[lesson] = yes;
	return save(seen);
}

int
state_reset(void)
{
	char path[PATH];

	if (path_of(path, sizeof path) && unlink(path) == -1 &&
	    errno != ENOENT)
		return cli_fail(EXIT_CANNOT, path, "%s", strerror(errno));
	return EXIT_YES;
}
