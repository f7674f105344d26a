/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - the cpu time and memory of commands, side by side
 *
 * usage: cpu ROUNDS BASE COMMAND ...
 *	  cpu make N		N System V segments and N POSIX objects of 4 KiB
 *	  cpu hold N		N idle processes, which end with their parent
 *
 * Each command is a string of words, run ROUNDS times with output to a file of
 * /tmp, the commands taking turns.  Prints the medians of user + system
 * time, the largest memory, and the ratios to those of BASE.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
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

static int
make(int n)
{
	char name[32];
	int i, fd;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof name, "/object-%d", i);
		fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		if (fd == -1 || ftruncate(fd, 4096) == -1 ||
		    write(fd, name, sizeof name) == -1)
			die(name);
		close(fd);
		if (shmget(0x1000 + i, 4096, IPC_CREAT | 0600) == -1)
			die("shmget");
	}
	return 0;
}

/* They outlive this process and end with the namespace. */
static int
hold(int n)
{
	char *argv[] = { (char *)"sleep", (char *)"infinity", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int i;

	posix_spawn_file_actions_init(&actions);
	for (i = 0; i < 3; i++)
		posix_spawn_file_actions_addopen(&actions, i, "/dev/null",
		    O_RDWR, 0);
	for (i = 0; i < n; i++)
		if (posix_spawnp(&pid, argv[0], &actions, NULL, argv,
		    environ) != 0)
			die(argv[0]);
	return 0;
}

struct cost {
	double	ms, kib;
};

static struct cost
run(const char *text, int fd)
{
	char copy[TEXT], *argv[WORDS + 1], *word;
	posix_spawn_file_actions_t actions;
	struct rusage u;
	int n = 0, status;
	pid_t pid;

	snprintf(copy, sizeof copy, "%s", text);
	for (word = strtok(copy, " "); word != NULL && n < WORDS;
	    word = strtok(NULL, " "))
		argv[n++] = word;
	argv[n] = NULL;
	if (ftruncate(fd, 0) == -1)
		die("ftruncate");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		die(argv[0]);
	if (wait4(pid, &status, 0, &u) == -1)
		die("wait4");
	posix_spawn_file_actions_destroy(&actions);
	/* lsof says 1 when nobody holds anything. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		fprintf(stderr, "cpu: %s: failed\n", text);
		exit(3);
	}
	return (struct cost){ (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) *
	    1e3 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3,
	    (double)u.ru_maxrss };
}

static int
compare(const void *a, const void *b)
{
	double x = ((const struct cost *)a)->ms,
	       y = ((const struct cost *)b)->ms;

	return (x > y) - (x < y);
}

int
main(int argc, char *argv[])
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, n = argc - 3, base = 0, i, r;
	char path[] = "/tmp/cpu-XXXXXX";
	struct cost *c;
	int fd;

	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "hold") == 0)
		return hold(atoi(argv[2]));
	fd = mkstemp(path);
	if (rounds < 1 || n < 1 || fd == -1) {
		fputs("usage: cpu ROUNDS BASE COMMAND ... | make N | hold N\n",
		    stderr);
		return 2;
	}
	unlink(path);
	c = calloc((size_t)n * (size_t)rounds, sizeof *c);
	if (c == NULL)
		die("calloc");
	for (r = 0; r < rounds; r++)
		for (i = 0; i < n; i++)
			c[i * rounds + r] = run(argv[i + 3], fd);
	for (i = 0; i < n; i++) {
		qsort(c + i * rounds, (size_t)rounds, sizeof *c, compare);
		if (strcmp(argv[i + 3], argv[2]) == 0)
			base = i;
	}
	printf("%-36s %8s %6s %8s %6s\n", "command", "cpu ms", "ratio", "KiB",
	    "ratio");
	for (i = 0; i < n; i++) {
		const struct cost *x = &c[i * rounds + rounds / 2];
		const struct cost *y = &c[base * rounds + rounds / 2];

		printf("%-36s %8.1f %6.2f %8.0f %6.2f\n", argv[i + 3], x->ms,
		    x->ms / y->ms, x->kib, x->kib / y->kib);
	}
	free(c);
	return 0;
}
