/* SPDX-License-Identifier: MIT */
/*
 * heap-server.c - a server of several processes with two pools each
 *
 * usage: heap-server SEGMENT [WORKERS]
 *
 * The processes share the sessions, in a heap in SEGMENT, and each has a
 * private pool to parse its requests in.  Requests are lines on standard input,
 * which the parent hands to the workers in turn:
 *
 *	open NAME TEXT	make a session
 *	close NAME	end it
 *	text NAME	print its text
 *
 * One path has a leak: an open of a name that is taken.  Find it, while the
 * server runs, with
 *
 *	shm-heap diff SEGMENT
 *
 * A worker may be killed at any time; the sessions it made stay, and the parent
 * starts another.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmutil/heap.h>

#define MOST	8

/* In the shared heap: a list of sessions, by offsets. */
struct session {
	uint64_t	next;
	uint64_t	text;		/* offset of a string */
	char		name[32];
};

static struct shmu_heap *heap;
static uint64_t *sessions;		/* root: the first session */

static struct session *
at(uint64_t off)
{
	return shmu_heap_at(heap, off);
}

/* The word that names the session called name, or the last word, which is 0. */
static uint64_t *
find(const char *name)
{
	uint64_t *word = sessions;

	while (*word != 0 && strcmp(at(*word)->name, name) != 0)
		word = &at(*word)->next;
	return word;
}

static void
open_session(const char *name, const char *text)
{
	char *copy = shmu_heap_malloc(heap, strlen(text) + 1);
	uint64_t *word = find(name);
	struct session *s;

	if (copy == NULL)
		return;
	strcpy(copy, text);
	if (*word != 0) {
		puts("taken");
		return;			/* the leak: copy is not freed */
	}
	if (shmu_heap_alloc_into(heap, sizeof *s, word) == -1) {
		shmu_heap_free(heap, copy);
		return;
	}
	s = at(*word);
	s->next = 0;
	snprintf(s->name, sizeof s->name, "%s", name);
	s->text = shmu_heap_offset(heap, copy);
	puts("opened");
}

static void
close_session(const char *name)
{
	uint64_t *word = find(name), off = *word;

	if (off == 0) {
		puts("no such session");
		return;
	}
	*word = at(off)->next;
	shmu_heap_free(heap, at(at(off)->text));
	shmu_heap_free(heap, at(off));
	puts("closed");
}

/* What a request is made of lives in the private pool, for as long as it is
 * worked on. */
static void
serve(struct shmu_heap *pool, const char *line)
{
	char *name = shmu_heap_calloc(pool, 1, 32);
	char *text = shmu_heap_calloc(pool, 1, strlen(line) + 1);

	if (name == NULL || text == NULL)
		errx(1, "the private pool is full");
	if (sscanf(line, "open %31s %[^\n]", name, text) == 2)
		open_session(name, text);
	else if (sscanf(line, "close %31s", name) == 1)
		close_session(name);
	else if (sscanf(line, "text %31s", name) == 1 && *find(name) != 0)
		puts(shmu_heap_at(heap, at(*find(name))->text));
	else
		puts("what?");
	fflush(stdout);
	shmu_heap_free(pool, name);
	shmu_heap_free(pool, text);
}

/* One worker: reads its requests from a pipe, answers each with a byte. */
static void __attribute__((noreturn))
work(struct shmu_heap *parent, unsigned int rank, FILE *in, int done)
{
	struct shmu_heap *pool;
	char line[1024], name[16];

	snprintf(name, sizeof name, "worker %u", rank);
	if (shmu_heap_join(&heap, parent) == -1 ||
	    shmu_heap_create_private(&pool, 1 << 20, 0) == -1 ||
	    shmu_heap_publish(heap, pool, rank, name) == -1)
		err(1, "heap");
	sessions = shmu_heap_root(heap, "sessions");
	while (sessions != NULL && fgets(line, sizeof line, in) != NULL) {
		serve(pool, line);
		if (write(done, "", 1) != 1)
			break;
	}
	shmu_heap_detach(pool);
	shmu_heap_detach(heap);
	_exit(0);
}

struct worker {
	pid_t	pid;
	int	to, from;
};

static struct worker workers[MOST];

/* A child has the pipes of the workers before it, which would not end. */
static void
close_others(void)
{
	unsigned int i;

	for (i = 0; i < MOST; i++)
		if (workers[i].pid != 0) {
			close(workers[i].to);
			close(workers[i].from);
		}
}

static void
start(struct worker *w, unsigned int rank)
{
	int to[2], from[2];

	w->pid = 0;

	if (pipe(to) == -1 || pipe(from) == -1)
		err(1, "pipe");
	fflush(stdout);
	w->pid = fork();
	if (w->pid == -1)
		err(1, "fork");
	if (w->pid == 0) {
		close(to[1]);
		close(from[0]);
		close_others();
		work(heap, rank, fdopen(to[0], "r"), from[1]);
	}
	close(to[0]);
	close(from[1]);
	w->to = to[1];
	w->from = from[0];
}

/* Hand a request over and wait until it is done: one at a time, so that the
 * list needs no lock of its own. */
static void
hand(struct worker *w, unsigned int rank, const char *line)
{
	char c;

	while (write(w->to, line, strlen(line)) == -1 ||
	    read(w->from, &c, 1) != 1) {
		close(w->to);
		close(w->from);
		waitpid(w->pid, NULL, 0);
		start(w, rank);
	}
}

int
main(int argc, char *argv[])
{
	struct shmu_heap_spec spec = SHMU_HEAP_SPEC_INIT;
	unsigned int n = argc > 2 ? (unsigned int)atoi(argv[2]) : 2, i;
	struct shmu_operand op;
	char line[1024];

	if (argc < 2 || shmu_operand_parse(&op, argv[1], NULL) == -1 ||
	    n < 1 || n > MOST)
		errx(2, "usage: heap-server SEGMENT [WORKERS]");
	spec.segment.size = 16 << 20;
	if (shmu_heap_create(&heap, &op, &spec) == -1)
		err(3, "%s", argv[1]);
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < n; i++)
		start(&workers[i], i + 1);
	for (i = 0; fgets(line, sizeof line, stdin) != NULL; i++)
		hand(&workers[i % n], i % n + 1, line);
	for (i = 0; i < n; i++) {
		close(workers[i].to);
		waitpid(workers[i].pid, NULL, 0);
	}
	op = *shmu_heap_operand(heap);
	shmu_heap_detach(heap);
	return shmu_segment_remove(&op, NULL) == -1;
}
