/* SPDX-License-Identifier: MIT */
/* uptime - one process publishes, another reads, and notices when it dies */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "lesson.h"
#include "shmutil/libc.h"
#include "traces.h"
#include "uptime.h"
#include "victim.h"

enum { SAMPLES = 3, KEY = 0x666 };

/* show client */
/* Attach what has the key, for reading only. */
static const void *
attach(key_t key)
{
	int id = shmget(key, 0, 0);
	void *p;

	if (id == -1)
		return NULL;
	p = shmat(id, NULL, SHM_RDONLY);
	return p == (void *)-1 ? NULL : p;
}

/* HH:MM:SS, eight characters, by one load. */
static void
read_time(const void *at, char text[9])
{
	uint64_t word;

	word = __atomic_load_n((const uint64_t *)at,
	    __ATOMIC_ACQUIRE);
	memcpy(text, &word, 8);
	text[8] = '\0';
}
/* end */

/* What uptime-srv does; but time runs a hundred times as fast here, so that
 * nobody has to wait. */
static void __attribute__((noreturn))
serve(struct uptime *u, uint64_t old_claim)
{
	uint64_t began = uptime_now(), now = began;
	struct shmu_owner self;

	shmu_owner_self(&self);
	if (uptime_claim(u, old_claim, &self) != 1 ||
	    uptime_begin(u, &self, began) == -1)
		_exit(1);
	for (;;) {
		poll(NULL, 0, 10);
		now += UPTIME_SECOND;
		if (uptime_tick(u, began, now) == -1)
			_exit(1);
	}
}

/* A server that makes the segment, as who must be its creator. */
static pid_t
first_server(key_t *key, int *id)
{
	struct { key_t key; int id; } *made = lesson_shared(sizeof *made);
	struct turns t;
	pid_t pid;
	void *p;

	turns_open(&t);
	traces_begin();
	pid = lesson_fork();
	if (pid == 0) {
		made->id = traces_segment(&made->key, UPTIME_SIZE);
		p = shmat(made->id, NULL, 0);
		turns_give(&t, 1);
		if (p != (void *)-1)
			serve(p, 0);
		_exit(1);
	}
	turns_await(&t, 1);
	*key = made->key;
	*id = made->id;
	return pid;
}

/* One that takes over what the dead one has left. */
static pid_t
second_server(int id)
{
	struct uptime_look l;
	pid_t pid = lesson_fork();
	void *p;

	if (pid != 0)
		return pid;
	p = shmat(id, NULL, 0);
	if (p == (void *)-1 || uptime_look(p, UPTIME_SIZE, &l) == -1)
		_exit(1);
	serve(p, l.claim);
}

/* SAMPLES texts, each unlike the one before; whether each is later, too. */
static int
sample(const void *from, char text[SAMPLES][9], const char *before)
{
	int n = 0, tries;

	for (tries = 0; n < SAMPLES && tries < 3000; tries++) {
		read_time(from, text[n]);
		if (text[n][0] != '\0' && strcmp(text[n], before) != 0)
			before = text[n++];
		else
			poll(NULL, 0, 5);
	}
	for (tries = 1; tries < n; tries++)
		if (strcmp(text[tries - 1], text[tries]) >= 0)
			return 0;
	return n == SAMPLES;
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

/* The process that the record says serves; 0 for one that is dead. */
static pid_t
serving(const void *p)
{
	struct uptime_look l;

	if (uptime_look(p, UPTIME_SIZE, &l) == -1 || l.claim == 0 ||
	    uptime_dead(&l))
		return 0;
	return uptime_pid(l.claim);
}

static void
write_to(void *p)
{
	*(volatile char *)p = 'X';
}

/* What was seen while the first server lived, of its death, and then. */
struct seen {
	char	first[SAMPLES][9], second[SAMPLES][9], last[9];
	int	rising, rising_again;
	int	lived, named, dead, none;	/* by cpid; by the claim */
	int	creator_later, named_later;
	struct victim	writer;
};

static void
story(struct seen *s)
{
	const void *p;
	pid_t pid;
	key_t key;
	int id;

	pid = first_server(&key, &id);
	p = attach(key);
	if (p == NULL)
		tour_skip("the segment cannot be attached for reading");
	s->rising = sample(p, s->first, "");
	s->lived = creator_lives(id);
	s->named = serving(p) == pid;
	kill(pid, SIGKILL);
	lesson_wait(pid);
	s->dead = !creator_lives(id);
	s->none = serving(p) == 0;
	read_time(p, s->last);
	victim_run(write_to, (void *)(uintptr_t)p, &s->writer);
	pid = second_server(id);
	s->rising_again = sample(p, s->second, s->last);
	s->creator_later = creator_lives(id);
	s->named_later = serving(p) == pid;
	kill(pid, SIGKILL);
	lesson_wait(pid);
	shmctl(id, IPC_RMID, NULL);
}

static void
draw(const struct seen *s)
{
	int i;

	tour_step("A server publishes, a client reads");
	tour_code("client");
	for (i = 0; i < SAMPLES; i++)
		tour_line("Timer is : [%s]", s->first[i]);
	tour_text("To read makes no call. All eight characters change in one "
	    "store: who loads them at once never sees half of two times.");
	tour_step("What a reader may not, and how it notices a death");
	tour_line("%-34s %s", "the client writes",
	    victim_signal(s->writer.signal));
	tour_line("%-34s %s", "kill(shm_cpid, 0), server alive", s->lived ?
	    "succeeds" : "?");
	tour_line("%-34s %s", "the same after kill -9", s->dead ? "ESRCH" :
	    "?");
	tour_line("%-34s [%s]", "and the memory still says", s->last);
	tour_text("The last time stays there for ever: a value says nothing "
	    "about who wrote it. So a client must ask who that is, and "
	    "whether that process lives.");
	tour_step("A second server goes on in the same segment");
	tour_line("%-34s [%s]", "through the old attachment", s->second[0]);
	tour_line("%-34s %s", "its creator, shm_cpid", s->creator_later ?
	    "?" : "dead, as before");
	tour_line("%-34s %s", "who the record says serves", s->named_later ?
	    "the second server" : "?");
	tour_text("The creator is not who serves now. So behind the text "
	    "uptime-srv keeps a claim: one word of pid and start time, which "
	    "is taken from a dead server by compare-and-swap.");
}

static void
measure(void)
{
	struct seen s;

	memset(&s, 0, sizeof s);
	story(&s);
	draw(&s);
	tour_value("samples", SAMPLES);
	tour_check(s.rising, "three samples, each later than the one before");
	tour_check(s.writer.signal == SIGSEGV, "a write through SHM_RDONLY is "
	    "SIGSEGV");
	tour_check(s.lived && s.dead, "the death of the creator is noticed");
	tour_check(s.named && s.none, "and that of the server it claims");
	tour_check(s.rising_again && s.named_later && !s.creator_later,
	    "who took over is known by the claim, not as creator");
}

/* Who serves at 0x666, with whatever program. */
static pid_t
serving_there(void)
{
	const void *p = attach(KEY);
	pid_t pid = p == NULL ? -1 : serving(p);

	if (p != NULL)
		shmdt(p);
	return pid;
}

static int
begins(void *arg)
{
	return (*(pid_t *)arg = serving_there()) > 0;
}

static int
is_dead(void *arg)
{
	pid_t pid = serving_there();

	return pid == 0 || (pid > 0 && pid != *(pid_t *)arg);
}

static int
is_removed(void *arg)
{
	(void)arg;
	return serving_there() == -1;
}

static void
exercise(void)
{
	pid_t pid;
	int done;

	tour_step("Your turn, in a second terminal");
	tour_text("Serve the time with the real pair, at the key 0x666, and "
	    "look what a client says:");
	tour_line("uptime-srv &");
	tour_line("uptime-cli &");
	done = tour_wait_for(begins, &pid);
	if (done) {
		tour_text("Process %d serves. Now end it so that it cannot "
		    "clean up:", (int)pid);
		tour_line("kill -9 %d", (int)pid);
		done = tour_wait_for(is_dead, &pid);
	}
	if (done) {
		tour_text("The client noticed, and so did we. Another server "
		    "takes over, and removes it at its end:");
		tour_line("uptime-srv -c 3");
		done = tour_wait_for(is_removed, NULL);
	}
	if (done)
		tour_check(1, "served, killed, taken over and removed, by you");
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
	.next = "write the other half yourself: uptime-cli reads any server "
	    "that puts HH:MM:SS at key 0x666.",
	.pages = "shmat(2) shmctl(2) kill(2) uptime-srv(1) uptime-cli(1)",
	.measure = measure,
	.exercise = exercise
};
