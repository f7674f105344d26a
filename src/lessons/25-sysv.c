/* SPDX-License-Identifier: MIT */
/* sysv - a segment that outlives who made it */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "traces.h"
#include "victim.h"

/* show attached */
/* Attachments of the segment; -1 if there is none. */
static int
attached(int id)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds) == -1)
		return -1;
	return (int)ds.shm_nattch;
}
/* end */

struct state {
	int	created, once, twice, forked, marked, gone, dest, later;
	int	exists, too_large;
	int	odd, rounded;	/* attached at no multiple of SHMLBA */
	pid_t	creator, last;
};

/* A child that holds what it has inherited, while we look. */
static int
with_child(int id, struct turns *t)
{
	pid_t pid = lesson_fork();
	int n;

	if (pid == 0) {
		turns_give(t, 1);
		turns_await(t, 2);
		_exit(0);
	}
	turns_await(t, 1);
	n = attached(id);
	turns_give(t, 2);
	lesson_wait(pid);
	return n;
}

/* Where there was room for it a moment ago, and a little on. */
static void
at_an_address(int id, struct state *s)
{
	char *free_at = shmat(id, NULL, 0), *p;

	if (free_at == (void *)-1)
		return;
	shmdt(free_at);
	s->odd = shmat(id, free_at + SHMLBA / 2, 0) == (void *)-1 ? errno : 0;
	p = shmat(id, free_at + SHMLBA / 2, SHM_RND);
	s->rounded = p == free_at;
	if (p != (void *)-1)
		shmdt(p);
}

static void
story(struct state *s)
{
	size_t size = page_size();
	struct shmid_ds ds;
	struct turns t;
	key_t key;
	int id = traces_segment(&key, size);
	char *a, *b;

	turns_open(&t);
	s->created = attached(id);
	at_an_address(id, s);
	a = shmat(id, NULL, 0);
	s->once = attached(id);
	b = shmat(id, NULL, 0);
	s->twice = attached(id);
	s->exists = shmget(key, size, IPC_CREAT | IPC_EXCL | 0600) == -1 ?
	    errno : 0;
	s->too_large = shmget(key, 100 * size, 0600) == -1 ? errno : 0;
	s->forked = with_child(id, &t);
	if (shmctl(id, IPC_RMID, NULL) == -1 || a == (void *)-1 ||
	    b == (void *)-1)
		tour_skip("System V segments do not work here");
	strcpy(a, "still there");
	s->later = strcmp(b, "still there") == 0 &&
	    shmget(key, size, 0600) == -1 && errno == ENOENT;
	s->marked = attached(id);
	s->dest = shmctl(id, IPC_STAT, &ds) == 0 &&
	    (ds.shm_perm.mode & SHM_DEST) != 0;
	s->creator = ds.shm_cpid;
	shmdt(a);
	shmdt(b);
	s->gone = attached(id);
}

static void
measure(void)
{
	struct state s;

	memset(&s, 0, sizeof s);
	story(&s);
	tour_step("nattch, the number of attachments");
	tour_code("attached");
	tour_bar("shmget", (uint64_t)s.created, 4, "attached");
	tour_bar("shmat", (uint64_t)s.once, 4, "attached");
	tour_bar("shmat again", (uint64_t)s.twice, 4, "attached");
	tour_bar("fork", (uint64_t)s.forked, 4, "attached");
	tour_text("It counts attachments, not processes: two of ours, and the "
	    "two that the child inherited.");
	tour_step("Removed, and still there");
	tour_line("%-36s %s", "IPC_RMID while 2 are attached", s.dest ?
	    "marked: SHM_DEST" : "?");
	tour_line("%-36s %s", "its key, then", s.later ? "ENOENT" : "?");
	tour_line("%-36s %s", "its content, through what is attached",
	    s.later ? "as before" : "?");
	tour_line("%-36s %s", "after the last shmdt", s.gone == -1 ?
	    "gone" : "still there");
	tour_line("%-36s %s", "IPC_EXCL for a key that is taken",
	    s.exists == EEXIST ? "EEXIST" : "?");
	tour_line("%-36s %s", "more bytes than it has",
	    s.too_large == EINVAL ? "EINVAL" : "?");
	tour_text("Without IPC_RMID it would stay until the machine is turned "
	    "off: no process has to exist for it.");
	tour_step("At an address of one's own");
	tour_line("%-36s %s", "half of SHMLBA behind a free place", s.odd ==
	    EINVAL ? "EINVAL" : "?");
	tour_line("%-36s %s", "the same with SHM_RND", s.rounded ?
	    "rounded down to it" : "?");
	tour_text("Addresses of attachments are multiples of SHMLBA, and "
	    "SHM_RND rounds to one. But leave it to the kernel: what is free "
	    "here is not in another process, so keep offsets, not pointers.");
	tour_value("nattch_after_fork", s.forked);
	tour_check(s.created == 0 && s.once == 1 && s.twice == 2 &&
	    s.forked == 4, "nattch was 0, 1, 2, and 4 after fork");
	tour_check(s.dest && s.marked == 2 && s.later,
	    "after IPC_RMID it is marked, nameless and usable");
	tour_check(s.gone == -1, "and gone with the last shmdt");
	tour_check(s.exists == EEXIST && s.too_large == EINVAL,
	    "a taken key is EEXIST, a larger size EINVAL");
	tour_check(s.odd == EINVAL && s.rounded,
	    "an address is a multiple of SHMLBA, or made one by SHM_RND");
	tour_check(s.creator == getpid(), "it knows who created it");
}

static int
somebody_else(void *arg)
{
	return attached(*(int *)arg) > 0;
}

static int
is_removed(void *arg)
{
	return attached(*(int *)arg) == -1;
}

/* Two things to be done from another terminal. */
static void
exercise(void)
{
	key_t key;
	int id = traces_segment(&key, page_size()), done;

	tour_step("Your turn, in a second terminal");
	tour_text("There is a System V segment now, with the id %d. Stay "
	    "attached to it for a while, and look who is:", id);
	tour_line("shm-attach hold id:%d 5 &", id);
	tour_line("shm-stat id:%d", id);
	done = tour_wait_for(somebody_else, &id);
	if (done) {
		tour_text("Somebody has attached it. Now remove it:");
		tour_line("shm-rm id:%d", id);
		done = tour_wait_for(is_removed, &id);
	}
	if (done)
		tour_check(1, "attached, and removed, by you");
	else
		shmctl(id, IPC_RMID, NULL);
}

const struct lesson lesson_sysv = {
	.name = "sysv",
	.title = "what lives on when you exit",
	.track = "sharing",
	.minutes = 4,
	.question = "A process attaches a System V segment twice and forks. "
	    "What is the segment's nattch then?",
	.choices = { "2: two processes", "3", "4" },
	.answer = 3,
	.hint = "What does a child inherit, and what is counted: processes "
	    "or mappings?",
	.why = "A segment belongs to the kernel, not to a process: it has a "
	    "key to find it by, an owner, times, and a count of its "
	    "attachments. IPC_RMID takes the key away at once, and the memory "
	    "after the last detach. So remove it right after all have "
	    "attached, and nothing can be left behind.",
	.next = "shm-stat lists what others have left behind.",
	.pages = "shmget(2) shmat(2) shmctl(2) sysvipc(7) shm-stat(1)",
	.measure = measure,
	.exercise = exercise
};
