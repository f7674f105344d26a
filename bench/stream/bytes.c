/* SPDX-License-Identifier: MIT */
/*
 * bytes - how fast a file gets from one process into another that reads it
 *
 * usage: bytes FILE BYTES MECHANISM ...
 *
 * For each mechanism a child reads FILE with read(2), over and over until it
 * has had BYTES, and hands it to the parent, who touches every byte.  Prints
 * the mechanism and GB/s, from before the channel is made until the child has
 * been waited for.  "read" is the limit: one process reads and keeps nothing.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "bench.h"
#include "shmutil/ring.h"

struct source {
	int		fd;
	uint64_t	left;
};

static char buffer[CHUNK] __attribute__((aligned(4096)));

/* The next n bytes of the file, or fewer, to at; 0 at the end. */
static size_t
fill(struct source *s, void *at, size_t n)
{
	ssize_t got;

	if (n > s->left)
		n = (size_t)s->left;
	got = read(s->fd, at, n);
	if (got == 0 && n > 0) {
		lseek(s->fd, 0, SEEK_SET);
		got = read(s->fd, at, n);
	}
	if (got < 0 || (got == 0 && n > 0))
		die("read");
	s->left -= (uint64_t)got;
	return (size_t)got;
}

/* From a descriptor into another, or out of it. */
static void
write_to(struct source *s, int fd)
{
	size_t n, done;
	ssize_t w;

	while ((n = fill(s, buffer, CHUNK)) > 0)
		for (done = 0; done < n; done += (size_t)w)
			if ((w = write(fd, buffer + done, n - done)) == -1)
				die("write");
}

static void
splice_to(struct source *s, int fd)
{
	ssize_t n;

	for (; s->left > 0; s->left -= (uint64_t)n) {
		n = splice(s->fd, NULL, fd, NULL, s->left < CHUNK ?
		    (size_t)s->left : CHUNK, 0);
		if (n == 0)
			lseek(s->fd, 0, SEEK_SET);
		if (n == -1)
			die("splice");
	}
}

static void
touch_from(int fd)
{
	ssize_t n;

	while ((n = read(fd, buffer, CHUNK)) > 0)
		touch(buffer, (size_t)n);
	if (n == -1)
		die("read");
}

/* A child that sends to fds[1], a parent that reads fds[0]. */
static void
between(struct source *s, int fds[2], void (*send_to)(struct source *, int))
{
	pid_t pid = fork();

	if (pid == 0) {
		close(fds[0]);
		send_to(s, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	touch_from(fds[0]);
	close(fds[0]);
	join(pid);
}

static void
by_read(struct source *s)
{
	while (fill(s, buffer, CHUNK) > 0)
		;
}

static void
piped(struct source *s, int size, void (*send_to)(struct source *, int))
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1 ||
	    (size > 0 && fcntl(fds[1], F_SETPIPE_SZ, size) == -1))
		die("pipe");
	between(s, fds, send_to);
}

static void
by_pipe(struct source *s)
{
	piped(s, 0, write_to);
}

static void
by_wide_pipe(struct source *s)
{
	piped(s, 1 << 20, write_to);
}

static void
by_splice(struct source *s)
{
	piped(s, 1 << 20, splice_to);
}

static void
by_socket(struct source *s)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
		die("socketpair");
	between(s, fds, write_to);
}

static void
by_fifo(struct source *s)
{
	char path[64];
	int fds[2], both;

	snprintf(path, sizeof path, "/dev/shm/bench-fifo-%d", (int)getpid());
	if (mkfifo(path, 0600) == -1)
		die(path);
	both = open(path, O_RDWR | O_CLOEXEC);
	fds[0] = open(path, O_RDONLY | O_CLOEXEC);
	fds[1] = open(path, O_WRONLY | O_CLOEXEC);
	unlink(path);
	close(both);
	between(s, fds, write_to);
}

static struct shmu_ring
opened(enum shmu_ring_role role, const struct shmu_operand *op)
{
	struct shmu_ring_spec spec = SHMU_RING_SPEC_INIT;
	struct shmu_ring r;

	if (shmu_ring_open(&r, role, op, &spec) == -1)
		die("shmu_ring_open");
	return r;
}

static void
send_by_ring(struct source *s, const struct shmu_operand *op)
{
	struct shmu_ring r = opened(SHMU_RING_PRODUCER, op);
	size_t n;
	void *at;

	for (;;) {
		n = shmu_ring_room(&r, 1, &at);
		if (n == 0 && shmu_ring_wait(&r, 1, NULL) == -1)
			die("wait");
		if (n == 0)
			continue;
		n = fill(s, at, n < CHUNK ? n : CHUNK);
		if (n == 0)
			break;
		shmu_ring_stage(&r, n);
		shmu_ring_publish(&r);
	}
	shmu_ring_finish(&r, NULL);
	if (shmu_ring_drain(&r, NULL) != 1)
		die("drain");
	shmu_ring_close(&r);
}

static void
by_ring(struct source *s)
{
	struct shmu_operand op;
	struct shmu_ring r;
	const void *at;
	char name[32];
	int more = 1;
	pid_t pid;
	size_t n;

	snprintf(name, sizeof name, "/bench-bytes-%d", (int)getpid());
	shmu_operand_parse(&op, name, NULL);
	pid = fork();
	if (pid == 0) {
		send_by_ring(s, &op);
		_exit(0);
	}
	r = opened(SHMU_RING_CONSUMER, &op);
	while (more == 1) {
		n = shmu_ring_data(&r, 1, &at);
		if (n == 0) {
			more = shmu_ring_wait(&r, 1, NULL);
			continue;
		}
		n = n < CHUNK ? n : CHUNK;
		touch(at, n);
		shmu_ring_take(&r, n);
		shmu_ring_release(&r);
	}
	if (more == -1)
		die("wait");
	shmu_ring_close(&r);
	join(pid);
}

static const struct mechanism {
	const char	*name;
	void		(*run)(struct source *s);
} mechanisms[] = {
	{ "read", by_read },
	{ "ring", by_ring },
	{ "splice", by_splice },
	{ "pipe", by_pipe },
	{ "pipe-1M", by_wide_pipe },
	{ "mkfifo", by_fifo },
	{ "socket", by_socket },
};

int
main(int argc, char *argv[])
{
	uint64_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	const size_t known = sizeof mechanisms / sizeof *mechanisms;
	struct source s;
	double t;
	size_t m;
	int i;

	if (bytes == 0) {
		fputs("usage: bytes FILE BYTES MECHANISM ...\n", stderr);
		return 2;
	}
	for (i = 3; i < argc; i++) {
		for (m = 0; m < known; m++)
			if (strcmp(mechanisms[m].name, argv[i]) == 0)
				break;
		s.fd = open(argv[1], O_RDONLY | O_CLOEXEC);
		s.left = bytes;
		if (m == known || s.fd == -1)
			die(m == known ? argv[i] : argv[1]);
		t = now();
		mechanisms[m].run(&s);
		printf("%s\t%.3f\n", argv[i],
		    (double)bytes / (now() - t) / 1e9);
		fflush(stdout);
		close(s.fd);
	}
	return 0;
}
