/* SPDX-License-Identifier: MIT */
/*
 * client.c - the client of a first course: it knows a key and a size
 *
 * client [KEY [READINGS]] prints what is there, once a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/types.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	key_t key = argc > 1 ? (key_t)strtoul(argv[1], NULL, 0) : 0x666;
	int left = argc > 2 ? atoi(argv[2]) : -1;
	int shmid;
	char *shm;

	shmid = shmget(key, 256, 0666);
	if (shmid < 0) {
		perror("shmget");
		return 1;
	}
	shm = shmat(shmid, NULL, 0);
	if (shm == (char *)-1) {
		perror("shmat");
		return 1;
	}
	for (; left != 0; left--) {
		printf("Timer is : [%s]\n", shm);
		fflush(stdout);
		if (left != 1)
			sleep(1);
	}
	shmdt(shm);
	return 0;
}
