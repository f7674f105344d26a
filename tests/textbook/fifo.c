/* SPDX-License-Identifier: MIT */
/*
 * fifo.c - the other end of the plain protocol, with libc only
 *
 * usage: fifo produce|consume NAME FIFO
 * As courses have it: both open what is there or make it, the text goes through
 * the object, an int through the FIFO says that it is there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	int one = 1, shm, fifo;
	char *p;

	if (argc != 4)
		return 2;
	shm = shm_open(argv[2], O_CREAT | O_RDWR, 0600);
	if (shm == -1 || ftruncate(shm, 1 << 20) == -1)
		return 1;
	p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, shm, 0);
	mkfifo(argv[3], 0600);
	fifo = open(argv[3], O_RDWR);
	if (p == MAP_FAILED || fifo == -1)
		return 1;
	for (;;) {
		if (strcmp(argv[1], "produce") == 0) {
			strcpy(p, "Hello ");
			if (write(fifo, &one, sizeof one) != sizeof one)
				return 1;
			sleep(1);
		} else {
			if (read(fifo, &one, sizeof one) != sizeof one)
				return 1;
			if (one == 1)
				printf("data from prod: %s\n", p);
			fflush(stdout);
			memset(p, 0, 10);
		}
	}
}
