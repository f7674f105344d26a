/* SPDX-License-Identifier: MIT */
/*
 * peer.c - a program that knows only libc: the other end of interop.bats
 *
 * peer put|get posix|key NAME TEXT: put creates, writes and leaves; get opens
 * what somebody made and compares.  Compiled against libshmutil by way of
 * <shmutil/libc.h> as well, unchanged.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
posix(const char *name, int creates)
{
	int fd = shm_open(name, O_RDWR | (creates ? O_CREAT | O_EXCL : 0), 0600);
	struct stat st;

	if (fd == -1 || (creates && ftruncate(fd, 4096) == -1) ||
	    fstat(fd, &st) == -1)
		return NULL;
	return mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
}

static char *
sysv(const char *key, int creates)
{
	int id = shmget((key_t)strtoul(key, NULL, 0), creates ? 4096 : 0,
	    creates ? IPC_CREAT | IPC_EXCL | 0600 : 0);

	return id == -1 ? NULL : shmat(id, NULL, 0);
}

int
main(int argc, char *argv[])
{
	int creates;
	char *p;

	if (argc != 5)
		return 2;
	creates = strcmp(argv[1], "put") == 0;
	p = strcmp(argv[2], "posix") == 0 ? posix(argv[3], creates) :
	    sysv(argv[3], creates);
	if (p == NULL || (void *)p == MAP_FAILED) {
		perror(argv[3]);
		return 3;
	}
	if (creates)
		strcpy(p, argv[4]);
	return memcmp(p, argv[4], strlen(argv[4])) != 0;
}
