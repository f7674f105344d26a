/* SPDX-License-Identifier: MIT */
/* uptime - one process publishes, another reads, and notices when it dies */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

enum { SIZE = 256, SAMPLES = 3 };

/* show publish */
/* HH:MM:SS, eight characters, by one store. */
static void
publish(uint64_t *to, unsigned int seconds)
{
	char text[16];
	uint64_t word;

	snprintf(text, sizeof text, "%02u:%02u:%02u",
	    seconds / 3600 % 24, seconds / 60 % 60,
	    seconds % 60);
	memcpy(&word, text, sizeof word);
	__atomic_store_n(to, word, __ATOMIC_RELEASE);
}
/* end */

/* Time runs a hundred times as fast here, so that nobody has to wait. */
static void
serve(int id)
{
	unsigned int seconds;
	void *p = shmat(id, NULL, 0);

	if (p == (void *)-1)
		_exit(1);
	for (seconds = 0;; seconds++) {
		publish(p, seconds);
		poll(NULL, 0, 10);
	}
}

/* The next text that differs from the one before; 0 if none comes. */
static int
sample(const char *from, char text[9], const char *before)
{
	uint64_t word;
	int i;

	for (i = 0; i < 1000; i++) {
		word = __atomic_load_n((const uint64_t *)(const void *)from,
		    __ATOMIC_ACQUIRE);
		memcpy(text, &word, 8);
		text[8] = '\0';
		if (word != 0 && strcmp(text, before) != 0)
			return 1;
		poll(NULL, 0, 10);
	}
	return 0;
}

static void
write_to(void *p)
{
	*(volatile char *)p = 'X';
}

/* The creator's pid is in the segment, whoever looks. */
static int
creator_lives(int id)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds) == -1)
		return 0;
	return kill(ds.shm_cpid, 0) == 0 || errno != ESRCH;
}

static pid_t
start(int *id)
{
	int *shared = lesson_shared(sizeof *shared);
	struct turns t;
	pid_t pid;

	turns_open(&t);
	pid = lesson_fork();
	if (pid == 0) {
		*shared = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
		turns_give(&t, 1);
		if (*shared != -1)
			serve(*shared);
		_exit(1);
	}
	turns_await(&t, 1);
	*id = *shared;
	if (*id == -1)
		tour_skip("no System V segment can be made");
	return pid;
}

static void
measure(void)
{
	char text[SAMPLES][9], *p;
	int id, i, rising = 1, lived, dead;
	struct victim v;
	pid_t server = start(&id);

	p = shmat(id, NULL, SHM_RDONLY);
	for (i = 0; p != (void *)-1 && i < SAMPLES; i++)
		rising &= sample(p, text[i], i > 0 ? text[i - 1] : "") &&
		    (i == 0 || strcmp(text[i], text[i - 1]) > 0);
	lived = creator_lives(id);
	kill(server, SIGKILL);
	lesson_wait(server);
	dead = !creator_lives(id);
	shmctl(id, IPC_RMID, NULL);
	if (p == (void *)-1)
		tour_skip("the segment cannot be attached for reading");
	victim_run(write_to, p, &v);

	tour_step("A server publishes, a client reads");
	tour_code("publish");
	for (i = 0; i < SAMPLES; i++)
		tour_line("Timer is : [%s]", text[i]);
	tour_text("The client has attached with SHM_RDONLY, and makes no call "
	    "to read. All eight characters change in one store: who reads "
	    "them in one load never sees half of two times.");
	tour_step("What a reader may not, and how it notices a death");
	tour_line("%-34s %s", "the client writes", victim_signal(v.signal));
	tour_line("%-34s %s", "kill(shm_cpid, 0), server alive", lived ?
	    "succeeds" : "?");
	tour_line("%-34s %s", "the same after kill -9", dead ? "ESRCH" : "?");
	tour_line("%-34s [%.8s]", "and the memory still says", p);
	tour_text("The last time stays there for ever: a value says nothing "
	    "about who wrote it. So a client must ask who the creator is, and "
	    "whether that process lives.");
	tour_value("samples", SAMPLES);
	tour_check(rising, "three samples, each later than the one before");
	tour_check(v.signal == SIGSEGV, "a write through SHM_RDONLY is "
	    "SIGSEGV");
	tour_check(lived && dead, "the death of the server is noticed");
}

const struct lesson lesson_uptime = {
	.name = "uptime",
	.title = "talk to another program",
	.track = "sharing",
	.minutes = 3,
	.question = "A server writes the time into shared memory each second, "
	    "and is killed by kill -9. What does a client read there a "
	    "minute later?",
	.choices = { "nothing: a fault", "zeros", "the last time" },
	.answer = 3,
	.hint = "Whose is the memory: the server's, or the kernel's?",
	.why = "Shared memory has no connection that could break. Who writes "
	    "must do it so that every moment makes sense to a reader, and who "
	    "reads must find out itself whether the writer lives. Attach for "
	    "reading only what you only read.",
	.next = "ipcs -m -p shows cpid and lpid of what is there.",
	.pages = "shmat(2) shmctl(2) kill(2) sysvipc(7)",
	.measure = measure
};
