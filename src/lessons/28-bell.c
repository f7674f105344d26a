/* SPDX-License-Identifier: MIT */
/* bell - how a reader knows that there is something new */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lesson.h"
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

/* How the reader fared. */
struct heard {
	volatile int	value;
	int		bells, matched, distinct, in_order;
};

static void
listen_to(struct heard *h, int bell, int answer)
{
	int i, now, before = 0;
	char c;

	h->in_order = 1;
	for (i = 1; read(bell, &c, 1) == 1; i++) {
		now = h->value;
		h->bells++;
		h->matched += now == i;
		h->distinct += now != before;
		h->in_order &= now >= before;
		before = now;
		if (answer != -1 && write(answer, "a", 1) != 1)
			break;
	}
	_exit(0);
}

/* COUNT values to a child; with_answer waits until each was taken. */
static struct heard *
talk(int with_answer)
{
	struct heard *h = lesson_shared(sizeof *h);
	int bell[2], answer[2], i;
	pid_t pid;
	char c;

	if (pipe(bell) == -1 || pipe(answer) == -1)
		tour_skip("no pipe can be had");
	pid = lesson_fork();
	if (pid == 0) {
		close(bell[1]);
		close(answer[0]);
		listen_to(h, bell[0], with_answer ? answer[1] : -1);
	}
	close(bell[0]);
	close(answer[1]);
	for (i = 1; i <= COUNT; i++)
		if (tell(&h->value, i, bell[1]) == -1 ||
		    (with_answer && read(answer[0], &c, 1) != 1))
			break;
	close(bell[1]);
	lesson_wait(pid);
	close(answer[0]);
	return h;
}

static void
measure(void)
{
	struct heard *bell = talk(0), *both = talk(1);

	tour_step("A value in shared memory, and a pipe as the bell");
	tour_code("bell");
	tour_bar("told", COUNT, COUNT, "values");
	tour_bar("bells heard", (uint64_t)bell->bells, COUNT, "");
	tour_bar("values seen", (uint64_t)bell->distinct, COUNT, "of them");
	tour_text("Every bell was heard, for the pipe keeps them. But the "
	    "place has room for one value, and the writer did not wait: %d "
	    "were overwritten before they were read.",
	    COUNT - bell->distinct);
	tour_step("With an answer");
	tour_bar("told", COUNT, COUNT, "values");
	tour_bar("values seen", (uint64_t)both->distinct, COUNT, "of them");
	tour_text("The writer waits until the reader has answered: nothing is "
	    "lost, at the price of two switches for each. A ring has room "
	    "for many, so that both only wait when it is full or empty: that "
	    "is what fifo-producer and fifo-consumer do.");
	tour_value("told", COUNT);
	tour_value("with_answer", both->distinct);
	tour_check(bell->bells == COUNT, "every bell was heard");
	tour_check(bell->in_order, "no older value came after a newer one");
	tour_check(both->distinct == COUNT && both->matched == COUNT,
	    "with an answer, each value was seen with its bell");
}

const struct lesson lesson_bell = {
	.name = "bell",
	.title = "how the reader knows",
	.track = "sharing",
	.minutes = 3,
	.question = "A writer puts 2000 numbers, one after the other, into the "
	    "same place of shared memory, and rings a bell through a pipe "
	    "after each. The reader looks at every bell. Must it see all "
	    "2000 numbers?",
	.choices = { "yes, there is a bell for each",
	    "no, some may be overwritten", "it sees none" },
	.answer = 2,
	.hint = "The pipe keeps 2000 bells. How many numbers does the place "
	    "keep?",
	.why = "A bell says that something is new, not what. One place holds "
	    "one value: either the writer waits for an answer, or there is "
	    "room for several, and the two count how far they are. That is "
	    "a ring.",
	.next = "seq 1000000 | fifo-producer x & fifo-consumer x | tail -n 1",
	.pages = "pipe(2) mkfifo(3) futex(2) eventfd(2)",
	.measure = measure
};
