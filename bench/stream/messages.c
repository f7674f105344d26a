/* SPDX-License-Identifier: MIT */
/*
 * messages - how many records pass between two processes, and how late
 *
 * usage: messages rate|delay COUNT MECHANISM ...
 *
 * Records have 64 bytes, which are copied in and out.  With rate a child sends
 * COUNT of them, and an answer says that all have come; prints the mechanism
 * and millions a second.  With delay the two, on two processors, send one to
 * and fro COUNT times; prints the mechanism, the median of half a round and
 * that of the slowest in a thousand, in ns.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/socket.h>
#if __has_include(<ck_ring.h>)
#include <ck_ring.h>
#define HAVE_CK	1
#endif

#include "bench.h"
#include "shmutil/ring.h"

#define SIZE	64
#define SLOTS	1024

/* One direction of a mechanism, as one of its two ends has it. */
struct end {
	struct shmu_ring	 ring;
	struct queue		*queue;
	uint64_t		 n;
	int			 fd;
};

/* What a mechanism is; each function is compiled into the loops below. */
struct mechanism {
	const char	*name;
	/* Before the fork, what both ends need; for direction d. */
	void		(*make)(struct end *e, int d);
	/* After it: which end this is. */
	void		(*open)(struct end *e, int d, int sends);
	void		(*send)(struct end *e, const void *record);
	void		(*flush)(struct end *e);
	void		(*receive)(struct end *e, void *record);
	void		(*close)(struct end *e);
	int		 sleeps;	/* so it need not be run as often */
};

static inline void
nothing(struct end *e)
{
	(void)e;
}

/* Ours. */
static void
ring_open(struct end *e, int d, int sends)
{
	struct shmu_ring_spec spec = SHMU_RING_SPEC_INIT;
	struct shmu_operand op;
	char name[40];

	spec.kind = SHMU_RING_RECORDS;
	snprintf(name, sizeof name, "/bench-messages-%d-%d", (int)e->n, d);
	if (shmu_operand_parse(&op, name, NULL) == -1 ||
	    shmu_ring_open(&e->ring, sends ? SHMU_RING_PRODUCER :
	    SHMU_RING_CONSUMER, &op, &spec) == -1)
		die("shmu_ring_open");
}

static void
ring_make(struct end *e, int d)
{
	(void)d;
	e->n = (uint64_t)getpid();
}

static inline void
ring_put(struct end *e, const void *record)
{
	while (shmu_ring_put(&e->ring, record, SIZE) == -1)
		if (shmu_ring_wait(&e->ring,
		    (size_t)shmu_ring_record_size(SIZE), NULL) == -1)
			die("wait");
}

static inline void
ring_put_each(struct end *e, const void *record)
{
	ring_put(e, record);
	shmu_ring_publish(&e->ring);
}

static inline void
ring_flush(struct end *e)
{
	shmu_ring_publish(&e->ring);
}

static inline void
ring_get(struct end *e, void *record)
{
	const void *at;
	uint32_t n;
	int got;

	while ((got = shmu_ring_get(&e->ring, &at, &n)) == 0)
		if (shmu_ring_wait(&e->ring, 1, NULL) != 1)
			die("wait");
	if (got == -1 || n != SIZE)
		die("get");
	memcpy(record, at, SIZE);
}

/* The same, never asleep, as the peer that only spins. */
static inline void
ring_get_spinning(struct end *e, void *record)
{
	const void *at;
	uint32_t n;
	int got;

	while ((got = shmu_ring_get(&e->ring, &at, &n)) == 0)
		;
	if (got == -1 || n != SIZE)
		die("get");
	memcpy(record, at, SIZE);
}

static void
ring_close(struct end *e)
{
	shmu_ring_close(&e->ring);
}

#if HAVE_CK
/* ck_ring holds pointers: of slots, which lie at one address in both. */
struct queue {
	ck_ring_t		ring;
	ck_ring_buffer_t	buffer[SLOTS] __attribute__((aligned(64)));
	char			slot[SLOTS][SIZE] __attribute__((aligned(64)));
};

static void
ck_make(struct end *e, int d)
{
	(void)d;
	e->queue = mmap(NULL, sizeof *e->queue, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (e->queue == MAP_FAILED)
		die("mmap");
	memset(e->queue, 0, sizeof *e->queue);
	ck_ring_init(&e->queue->ring, SLOTS);
	e->n = 0;
}

static void
ck_open(struct end *e, int d, int sends)
{
	(void)e;
	(void)d;
	(void)sends;
}

static inline void
ck_send(struct end *e, const void *record)
{
	char *slot = e->queue->slot[e->n++ % SLOTS];

	/* The slot is free once there is room for its pointer. */
	while (ck_ring_size(&e->queue->ring) == SLOTS - 1)
		;
	memcpy(slot, record, SIZE);
	while (!ck_ring_enqueue_spsc(&e->queue->ring, e->queue->buffer, slot))
		;
}

static inline void
ck_receive(struct end *e, void *record)
{
	void *slot;

	while (!ck_ring_dequeue_spsc(&e->queue->ring, e->queue->buffer, &slot))
		;
	memcpy(record, slot, SIZE);
}

static void
ck_close(struct end *e)
{
	munmap(e->queue, sizeof *e->queue);
}
#endif

static void
mq_make(struct end *e, int d)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = SIZE };
	char name[40];

	snprintf(name, sizeof name, "/bench-%d-%d", (int)getpid(), d);
	e->fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (e->fd == -1)
		die("mq_open");
	mq_unlink(name);
}

static void
inherited(struct end *e, int d, int sends)
{
	(void)e;
	(void)d;
	(void)sends;
}

static inline void
mq_put(struct end *e, const void *record)
{
	if (mq_send(e->fd, record, SIZE, 0) == -1)
		die("mq_send");
}

static inline void
mq_get(struct end *e, void *record)
{
	if (mq_receive(e->fd, record, SIZE, NULL) != SIZE)
		die("mq_receive");
}

static void
fd_close(struct end *e)
{
	close(e->fd);
}

/* Pipe and socket: the end that is not for this direction is not used. */
struct pair {
	int	fds[2];
};
static struct pair pairs[2];

static void
pipe_make(struct end *e, int d)
{
	(void)e;
	if (pipe2(pairs[d].fds, O_CLOEXEC) == -1)
		die("pipe");
}

static void
socket_make(struct end *e, int d)
{
	(void)e;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pairs[d].fds) == -1)
		die("socketpair");
}

static void
pair_open(struct end *e, int d, int sends)
{
	e->fd = pairs[d].fds[sends];
	close(pairs[d].fds[!sends]);
}

static inline void
fd_send(struct end *e, const void *record)
{
	if (write(e->fd, record, SIZE) != SIZE)
		die("write");
}

static inline void
fd_receive(struct end *e, void *record)
{
	if (read(e->fd, record, SIZE) != SIZE)
		die("read");
}

static const struct mechanism
    ring_batched = { "ring-batched", ring_make, ring_open, ring_put, ring_flush,
	ring_get, ring_close, 0 },
    ring_each = { "ring-each", ring_make, ring_open, ring_put_each, nothing,
	ring_get, ring_close, 0 },
    ring_spinning = { "ring-spinning", ring_make, ring_open, ring_put_each,
	nothing, ring_get_spinning, ring_close, 0 },
    /* As opened by a process of one processor, which does not look. */
    ring_asleep = { "ring-asleep", ring_make, ring_open, ring_put_each, nothing,
	ring_get, ring_close, 1 },
#if HAVE_CK
    ck = { "ck_ring", ck_make, ck_open, ck_send, nothing, ck_receive, ck_close,
	0 },
#endif
    mq = { "mq", mq_make, inherited, mq_put, nothing, mq_get, fd_close, 1 },
    piped = { "pipe", pipe_make, pair_open, fd_send, nothing, fd_receive,
	fd_close, 1 },
    socketed = { "seqpacket", socket_make, pair_open, fd_send, nothing,
	fd_receive, fd_close, 1 };

#define INLINE	static inline __attribute__((always_inline))

/* Hide from the compiler what becomes of a record. */
INLINE void
use(void *record)
{
	__asm__ volatile("" : : "r"(record) : "memory");
}

INLINE double
rate(const struct mechanism *m, uint64_t count)
{
	char record[SIZE] __attribute__((aligned(64))) = { 0 };
	struct end to = { .ring = SHMU_RING_INIT };
	int answer[2];
	uint64_t i;
	pid_t pid;
	double t;

	m->make(&to, 0);
	if (pipe2(answer, O_CLOEXEC) == -1)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		m->open(&to, 0, 0);
		pin(1);
		for (i = 0; i < count; i++) {
			m->receive(&to, record);
			use(record);
		}
		if (write(answer[1], "", 1) != 1)
			die("write");
		m->close(&to);
		_exit(0);
	}
	m->open(&to, 0, 1);
	pin(0);
	t = now();
	for (i = 0; i < count; i++) {
		use(record);
		m->send(&to, record);
	}
	m->flush(&to);
	if (read(answer[0], record, 1) != 1)
		die("read");
	t = now() - t;
	m->close(&to);
	close(answer[0]);
	close(answer[1]);
	join(pid);
	return (double)count / t / 1e6;
}

INLINE void
ping(const struct mechanism *m, struct end *to, struct end *from,
    uint64_t count, double *took)
{
	char record[SIZE] __attribute__((aligned(64))) = { 0 };
	double before = 0;
	uint64_t i;

	for (i = 0; i < count; i++) {
		if (took != NULL) {
			before = now();
			m->send(to, record);
		}
		m->receive(from, record);
		use(record);
		if (took == NULL)
			m->send(to, record);
		else
			took[i] = now() - before;
	}
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A tenth is for warming up.  The clock's own cost is taken off. */
static void
print_delay(const char *name, double *took, uint64_t count)
{
	double cost[1001], t;
	uint64_t i, skip = count / 10;

	for (i = 0; i < 1001; i++) {
		t = now();
		cost[i] = now() - t;
	}
	qsort(cost, 1001, sizeof *cost, ascending);
	qsort(took + skip, (size_t)(count - skip), sizeof *took, ascending);
	printf("%s\t%.0f\t%.0f\n", name,
	    (took[skip + (count - skip) / 2] - cost[500]) / 2 * 1e9,
	    (took[count - 1 - (count - skip) / 1000] - cost[500]) / 2 * 1e9);
}

INLINE void
delay(const struct mechanism *m, uint64_t count)
{
	struct end to = { .ring = SHMU_RING_INIT }, from = to;
	double *took = calloc((size_t)count, sizeof *took);
	pid_t pid;

	if (took == NULL)
		die("calloc");
	m->make(&to, 0);
	m->make(&from, 1);
	pid = fork();
	if (m->sleeps)
		pin(pid != 0);
	if (pid == 0) {
		m->open(&to, 0, 0);
		m->open(&from, 1, 1);
		pin(0);
		ping(m, &from, &to, count, NULL);
		m->close(&from);
		m->close(&to);
		_exit(0);
	}
	m->open(&to, 0, 1);
	m->open(&from, 1, 0);
	pin(1);
	ping(m, &to, &from, count, took);
	m->close(&to);
	m->close(&from);
	join(pid);
	print_delay(m->name, took, count);
	free(took);
}

#define MEASURE(m) do {							\
		if (strcmp((m)->name, name) != 0)			\
			break;						\
		if (delays)						\
			delay(m, count);				\
		else							\
			printf("%s\t%.2f\n", name, rate(m, count));	\
		fflush(stdout);						\
		return;							\
	} while (0)

static void
measure(const char *name, int delays, uint64_t count)
{
	MEASURE(&ring_batched);
	MEASURE(&ring_each);
	MEASURE(&ring_spinning);
	MEASURE(&ring_asleep);
#if HAVE_CK
	MEASURE(&ck);
#endif
	MEASURE(&mq);
	MEASURE(&piped);
	MEASURE(&socketed);
}

int
main(int argc, char *argv[])
{
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	cpu_set_t all;
	int i;

	if (count < 10 || sched_getaffinity(0, sizeof all, &all) == -1) {
		fputs("usage: messages rate|delay COUNT MECHANISM ...\n",
		    stderr);
		return 2;
	}
	for (i = 3; i < argc; i++) {
		measure(argv[i], strcmp(argv[1], "delay") == 0, count);
		sched_setaffinity(0, sizeof all, &all);
	}
	return 0;
}
