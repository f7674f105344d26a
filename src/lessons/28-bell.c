/* SPDX-License-Identifier: MIT */
/* bell - how a reader knows that there is something new */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "traces.h"
#include "victim.h"

enum { COUNT = 2000 };

/* show bell */
/* Put a value where both see it, and ring. */
static int
tell(volatile int *shared, int value, int bell)
{
	*shared = value;
	return write(bell, "x", 1) == 1 ? 0 : -1;
}
/* end */

/* show ring */
#include <shmutil/ring.h>

/* Put a value; wait only when the ring is full. */
static int
put(struct shmu_ring *r, int value)
{
	const uint32_t n = sizeof value;

	while (shmu_ring_put(r, &value, n) == -1)
		if (errno != EAGAIN || shmu_ring_wait(r,
		    shmu_ring_record_size(n), NULL) == -1)
			return -1;
	return 0;
}

/* The next value: 1; or 0 at the end of the stream. */
static int
get(struct shmu_ring *r, int *value)
{
	const void *record;
	uint32_t n;
	int got;

	while ((got = shmu_ring_get(r, &record, &n)) == 0)
		if ((got = shmu_ring_wait(r, 1, NULL)) != 1)
			return got;
	if (got == 1 && n == sizeof *value)
		memcpy(value, record, n);
	return got;
}
/* end */

/* How the reader fared, and the writer. */
struct heard {
	volatile int	value;
	int		bells, matched, distinct, in_order;
	long		slept;		/* times that the writer waited */
};

static void
note(struct heard *h, int now, int *before)
{
	h->bells++;
	h->matched += now == h->bells;
	h->distinct += now != *before;
	h->in_order &= now >= *before;
	*before = now;
}

static long
switches(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_nvcsw;
}

static void
make_fifo(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/mem-tour-%d.%s", lesson_file_where(),
	    (int)getpid(), name);
	traces_path(path);
	if (mkfifo(path, 0600) == -1)
		tour_skip("no FIFO can be made in %s: %s", lesson_file_where(),
		    shmu_sys_errname(errno));
}

static void __attribute__((noreturn))
listen_to(struct heard *h, const char *bell_path, const char *answer_path)
{
	int bell = open(bell_path, O_RDONLY | O_CLOEXEC);
	int answer = answer_path == NULL ? -1 :
	    open(answer_path, O_WRONLY | O_CLOEXEC);
	int before = 0;
	char c;

	while (read(bell, &c, 1) == 1) {
		note(h, h->value, &before);
		if (answer_path != NULL && write(answer, "a", 1) != 1)
			break;
	}
	_exit(0);
}

/* COUNT values to a child; with an answer, each waits until it was taken. */
static struct heard *
talk(const char *bell_path, const char *answer_path)
{
	struct heard *h = lesson_shared(sizeof *h);
	int bell, answer = -1, i;
	pid_t pid;
	char c;

	h->in_order = 1;
	pid = lesson_fork();
	if (pid == 0)
		listen_to(h, bell_path, answer_path);
	bell = open(bell_path, O_WRONLY | O_CLOEXEC);
	if (answer_path != NULL)
		answer = open(answer_path, O_RDONLY | O_CLOEXEC);
	h->slept = switches();
	for (i = 1; i <= COUNT; i++)
		if (tell(&h->value, i, bell) == -1 ||
		    (answer_path != NULL && read(answer, &c, 1) != 1))
			break;
	h->slept = switches() - h->slept;
	close(bell);
	lesson_wait(pid);
	close(answer);
	return h;
}

/* What both ends do about a ring of one page, which has room for some of the
 * values: the name is all that they must agree on. */
static int
open_ring(struct shmu_ring *r, enum shmu_ring_role role,
    struct shmu_operand *op, const char *name)
{
	struct shmu_ring_spec spec = SHMU_RING_SPEC_INIT;

	spec.kind = SHMU_RING_RECORDS;
	spec.capacity = 1;
	if (shmu_operand_parse(op, name, NULL) == -1)
		return -1;
	return shmu_ring_open(r, role, op, &spec);
}

static void __attribute__((noreturn))
read_ring(struct heard *h, const char *name)
{
	struct shmu_ring r = SHMU_RING_INIT;
	struct shmu_operand op;
	int now, before = 0;

	if (open_ring(&r, SHMU_RING_CONSUMER, &op, name) == -1)
		_exit(1);
	while (get(&r, &now) == 1)
		note(h, now, &before);
	shmu_ring_close(&r);
	_exit(0);
}

static struct heard *
talk_by_ring(size_t *capacity)
{
	struct heard *h = lesson_shared(sizeof *h);
	struct shmu_ring r = SHMU_RING_INIT;
	struct shmu_operand op;
	char name[64], bell[96];
	pid_t pid;
	int i;

	traces_name(name, sizeof name);
	snprintf(bell, sizeof bell, SHMU_POSIX_DIR "%s.bell", name);
	traces_path(bell);
	h->in_order = 1;
	if (open_ring(&r, SHMU_RING_PRODUCER, &op, name) == -1)
		tour_skip("no ring can be made in " SHMU_POSIX_DIR ": %s",
		    shmu_sys_errname(errno));
	*capacity = shmu_ring_capacity(&r);
	pid = lesson_fork();
	if (pid == 0) {
		shmu_ring_drop(&r);
		read_ring(h, name);
	}
	h->slept = switches();
	for (i = 1; i <= COUNT && put(&r, i) == 0; i++)
		;
	shmu_ring_finish(&r, NULL);
	shmu_ring_drain(&r, NULL);
	h->slept = switches() - h->slept;
	lesson_wait(pid);
	shmu_ring_close(&r);
	return h;
}

static void
draw(const struct heard *bell, const struct heard *both,
    const struct heard *ring, size_t capacity)
{
	tour_step("A value in shared memory, and a FIFO as the bell");
	tour_code("bell");
	tour_bar("told", COUNT, COUNT, "values");
	tour_bar("bells heard", (uint64_t)bell->bells, COUNT, "");
	tour_bar("values seen", (uint64_t)bell->distinct, COUNT, "of them");
	tour_text("Every bell was heard, for the FIFO keeps them. But the "
	    "place has room for one value, and the writer did not wait: %d "
	    "were overwritten before they were read.",
	    COUNT - bell->distinct);
	tour_step("With an answer");
	tour_bar("told", COUNT, COUNT, "values");
	tour_bar("values seen", (uint64_t)both->distinct, COUNT, "of them");
	tour_text("The writer waits until the reader has answered: nothing is "
	    "lost, at the price of two switches for each.");
	tour_step("With room for more: a ring");
	tour_code("ring");
	tour_bar("told", COUNT, COUNT, "values");
	tour_bar("values seen", (uint64_t)ring->distinct, COUNT, "of them");
	tour_text("This ring has room for %zu values: the writer waits only "
	    "when it is full, the reader only when it is empty, and a bell is "
	    "rung only for who sleeps. fifo-producer and fifo-consumer are "
	    "made of it.", capacity / (size_t)shmu_ring_record_size(
	    sizeof(int)));
	tour_step("How often the writer had to sleep");
	tour_bar("bell only", (uint64_t)bell->slept, COUNT, "times");
	tour_bar("an answer", (uint64_t)both->slept, COUNT, "times");
	tour_bar("ring", (uint64_t)ring->slept, COUNT, "times");
	tour_text("Each sleep is two switches of a processor, which cost more "
	    "than the value itself. Who may be many values ahead sleeps "
	    "seldom.");
}

static void
measure(void)
{
	char bell_path[256], answer_path[256];
	struct heard *bell, *both, *ring;
	size_t capacity;

	make_fifo(bell_path, sizeof bell_path, "bell");
	make_fifo(answer_path, sizeof answer_path, "answer");
	bell = talk(bell_path, NULL);
	both = talk(bell_path, answer_path);
	unlink(bell_path);
	unlink(answer_path);
	ring = talk_by_ring(&capacity);
	draw(bell, both, ring, capacity);
	tour_value("told", COUNT);
	tour_value("with_answer", both->distinct);
	tour_value("through_ring", ring->distinct);
	tour_check(bell->bells == COUNT, "every bell was heard");
	tour_check(bell->in_order, "no older value came after a newer one");
	tour_check(both->distinct == COUNT && both->matched == COUNT,
	    "with an answer, each value was seen with its bell");
	tour_check(ring->distinct == COUNT && ring->matched == COUNT,
	    "through a ring, each value was seen, in order");
}

const struct lesson lesson_bell = {
	.name = "bell",
	.title = "how the reader knows",
	.track = "sharing",
	.minutes = 3,
	.question = "A writer puts 2000 numbers, one after the other, into the "
	    "same place of shared memory, and rings a bell through a FIFO "
	    "after each. The reader looks at every bell. Must it see all "
	    "2000 numbers?",
	.choices = { "yes, there is a bell for each",
	    "no, some may be overwritten", "it sees none" },
	.answer = 2,
	.hint = "The FIFO keeps 2000 bells. How many numbers does the place "
	    "keep?",
	.why = "A bell says that something is new, not what. One place holds "
	    "one value: either the writer waits for an answer, or there is "
	    "room for several, and the two count how far they are. That is "
	    "a ring.",
	.next = "seq 1000000 | fifo-producer x & fifo-consumer x | tail -n 1",
	.pages = "mkfifo(3) fifo(7) futex(2) shmu_ring(3)",
	.measure = measure
};
