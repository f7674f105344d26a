/* SPDX-License-Identifier: MIT */
/*
 * server.c - the time server of a first course: it knows a key and a size
 *
 * server [KEY [SECONDS]] counts from the clock of the machine and writes the
 * text as sprintf(3) does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/types.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	key_t key = argc > 1 ? (key_t)strtoul(argv[1], NULL, 0) : 0x666;
	int left = argc > 2 ? atoi(argv[2]) : -1;
	int shmid, seconds;
	char *shm;

	shmid = shmget(key, 256, IPC_CREAT | 0666);
	if (shmid < 0) {
		perror("shmget");
		return 1;
	}
	shm = shmat(shmid, NULL, 0);
	if (shm == (char *)-1) {
		perror("shmat");
		return 1;
	}
	for (seconds = 0; left == -1 || seconds < left; seconds++) {
		sprintf(shm, "%02d:%02d:%02d", seconds / 3600 % 24,
		    seconds / 60 % 60, seconds % 60);
		sleep(1);
	}
	shmdt(shm);
	return 0;
}
