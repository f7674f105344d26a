/* SPDX-License-Identifier: MIT */
/*
 * start.c - how long short-lived commands take, side by side
 *
 * usage: start ROUNDS BASE CLEAN COMMAND ...
 *
 * Each command is a string of words, run ROUNDS times by posix_spawn, the
 * commands taking turns so that all meet the same disturbances, with output to
 * the null device.  "A ; B" runs A and then B, and times only B, which may
 * use %s for what A printed.  CLEAN is run after each round, so that all begin
 * alike.  Prints the median and the best time, and the
 * ratio of the medians to that of BASE, which is one of the commands.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS	16
#define TEXT	512

extern char **environ;

static void __attribute__((noreturn))
die(const char *what)
{
	perror(what);
	exit(3);
}

/* Run the words of text with stdout on fd; the time it took in us. */
static double
run(const char *text, int fd)
{
	char copy[TEXT], *argv[WORDS + 1], *word;
	posix_spawn_file_actions_t actions;
	struct timespec a, b;
	int n = 0, status;
	pid_t pid;

	snprintf(copy, sizeof copy, "%s", text);
	for (word = strtok(copy, " \n"); word != NULL && n < WORDS;
	    word = strtok(NULL, " \n"))
		argv[n++] = word;
	argv[n] = NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		die(argv[0]);
	if (waitpid(pid, &status, 0) == -1)
		die("waitpid");
	clock_gettime(CLOCK_MONOTONIC, &b);
	posix_spawn_file_actions_destroy(&actions);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "start: %s: failed\n", text);
		exit(3);
	}
	return (double)(b.tv_sec - a.tv_sec) * 1e6 +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e3;
}

/* Prepare by the part before ";", then time the part after it. */
static double
run_prepared(const char *text, int null)
{
	const char *semicolon = strstr(text, " ; ");
	char first[TEXT], second[TEXT], got[64] = "";
	int fds[2];
	ssize_t n;

	if (semicolon == NULL)
		return run(text, null);
	snprintf(first, sizeof first, "%.*s", (int)(semicolon - text), text);
	if (pipe(fds) == -1)
		die("pipe");
	run(first, fds[1]);
	close(fds[1]);
	n = read(fds[0], got, sizeof got - 1);
	close(fds[0]);
	got[n > 0 ? n : 0] = '\0';
	got[strcspn(got, "\n")] = '\0';
	text = semicolon + 3;
	semicolon = strstr(text, "%s");
	if (semicolon == NULL)
		return run(text, null);
	snprintf(second, sizeof second, "%.*s%s%s", (int)(semicolon - text),
	    text, got, semicolon + 2);
	return run(second, null);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char *argv[])
{
	int rounds = argc > 4 ? atoi(argv[1]) : 0, base = 0, n = argc - 4, i, r;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	double *t;

	if (rounds < 1 || null == -1) {
		fputs("usage: start ROUNDS BASE CLEAN COMMAND ...\n", stderr);
		return 2;
	}
	t = malloc((size_t)n * (size_t)rounds * sizeof *t);
	if (t == NULL)
		die("malloc");
	for (r = 0; r < rounds; r++) {
		for (i = 0; i < n; i++)
			t[i * rounds + r] = run_prepared(argv[i + 4], null);
		run(argv[3], null);
	}
	for (i = 0; i < n; i++) {
		qsort(t + i * rounds, (size_t)rounds, sizeof *t, compare);
		if (strcmp(argv[i + 4], argv[2]) == 0)
			base = i;
	}
	printf("%-44s %8s %8s %8s\n", "command", "p50 us", "best us", "ratio");
	for (i = 0; i < n; i++)
		printf("%-44s %8.0f %8.0f %8.2f\n", argv[i + 4],
		    t[i * rounds + rounds / 2], t[i * rounds],
		    t[i * rounds + rounds / 2] / t[base * rounds + rounds / 2]);
	free(t);
	return 0;
}
