/* SPDX-License-Identifier: MIT */
/*
 * sync-raw.c - the system calls that mmap-sync stands on, and nothing else
 *
 * usage: sync-raw msync FILE              map it whole, and msync
 *        sync-raw rewrite FILE FROM       write(2) FROM over it, and fdatasync
 *        sync-raw pwrite FILE N           a byte in N pages, and fdatasync
 *        sync-raw store FILE N            the same in a mapping, and msync
 *        sync-raw store-each FILE N       one msync for each of the pages
 *        sync-raw mincore FILE            of all pages
 *        sync-raw with FROM COMMAND ...   run it with FROM as standard input
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE	((size_t)1 << 20)

static void __attribute__((noreturn))
die(const char *what)
{
	perror(what);
	exit(3);
}

static char *
map(int fd, size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void
rewrite(int fd, const char *from)
{
	char *buf = malloc(PIECE);
	int in = open(from, O_RDONLY);
	ssize_t n;

	if (buf == NULL || in == -1)
		die(from);
	while ((n = read(in, buf, PIECE)) > 0)
		if (write(fd, buf, (size_t)n) != n)
			die("write");
	if (n == -1 || fdatasync(fd) == -1)
		die("fdatasync");
}

static void
scatter(int fd, size_t size, size_t n, const char *way)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	size_t step = size / n / page * page;
	char *p = *way == 's' ? map(fd, size) : NULL;

	for (i = 0; i < n; i++) {
		if (p == NULL) {
			if (pwrite(fd, "x", 1, (off_t)(i * step)) != 1)
				die("pwrite");
			continue;
		}
		p[i * step] = 'x';
		if (strcmp(way, "store-each") == 0 &&
		    msync(p + i * step, page, MS_SYNC) == -1)
			die("msync");
	}
	if (p == NULL ? fdatasync(fd) == -1 :
	    strcmp(way, "store") == 0 && msync(p, size, MS_SYNC) == -1)
		die(way);
}

static void
look(int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i, n = 0;
	unsigned char *vec = malloc(size / page + 1);

	if (vec == NULL || mincore(map(fd, size), size, vec) == -1)
		die("mincore");
	for (i = 0; i < size / page; i++)
		n += vec[i] & 1U;
	printf("%zu\n", n);
}

int
main(int argc, char *argv[])
{
	const char *verb = argc > 2 ? argv[1] : "";
	struct stat st;
	size_t size;
	int fd;

	if (argc > 3 && strcmp(verb, "with") == 0) {
		fd = open(argv[2], O_RDONLY);
		if (fd == -1 || dup2(fd, STDIN_FILENO) == -1)
			die(argv[2]);
		execvp(argv[3], argv + 3);
		die(argv[3]);
	}
	fd = argc > 2 ? open(argv[2], O_RDWR) : -1;
	if (fd == -1 || fstat(fd, &st) == -1)
		die(argc > 2 ? argv[2] : "sync-raw VERB FILE");
	size = (size_t)st.st_size;
	if (strcmp(verb, "msync") == 0) {
		if (msync(map(fd, size), size, MS_SYNC) == -1)
			die(verb);
	} else if (strcmp(verb, "rewrite") == 0 && argc > 3)
		rewrite(fd, argv[3]);
	else if (strcmp(verb, "mincore") == 0)
		look(fd, size);
	else if (argc > 3 && atoi(argv[3]) > 0)
		scatter(fd, size, (size_t)atoi(argv[3]), verb);
	return 0;
}
