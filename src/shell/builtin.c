/* SPDX-License-Identifier: MIT */
/* builtin.c - the verbs of shm in a shell; see glue.h */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "glue.h"
#include "verb.h"

/* Of descriptors that a user's script may name, none is ours. */
#define DESCRIPTOR	300

static int
set(void *arg, const char *var, const void *value, size_t length)
{
	struct buffer *text = arg;

	/* A shell wants a NUL behind it. */
	text->used = 0;
	if (buffer_add(text, value, length) == -1 ||
	    buffer_byte(text, '\0') == -1)
		return cli_fail(EXIT_CANNOT, var, "no memory");
	return glue_set(var, text->bytes);
}

static int
clear(void *arg, const char *var, int pairs)
{
	(void)arg;
	return glue_clear(var, pairs);
}

static int
add(void *arg, const char *var, const char *key, const void *value,
    size_t length)
{
	struct buffer *text = arg;

	text->used = 0;
	if (buffer_add(text, value, length) == -1 ||
	    buffer_byte(text, '\0') == -1)
		return cli_fail(EXIT_CANNOT, var, "no memory");
	return glue_add(var, key, text->bytes);
}

static const char *
unfit(void *arg, const char *var, int *status)
{
	(void)arg;
	return glue_unfit(var, status);
}

static int
interrupted(void *arg)
{
	(void)arg;
	return glue_interrupted();
}

static int
run(void *arg, char *argv[], void (*leave)(void *), void *leave_arg)
{
	(void)arg;
	return glue_run(argv, leave, leave_arg);
}

static void
say(void *arg, const char *line)
{
	(void)arg;
	glue_say(line);
}

static struct buffer text;
static struct carrier carrier = {
	.arg = &text,
	.in = STDIN_FILENO,
	.descriptor = DESCRIPTOR,
	.unfit = unfit,
	.set = set,
	.clear = clear,
	.add = add,
	.interrupted = interrupted,
	.polled = 1,
	.run = run,
	.say = say
};
static struct session session;

/* Within another use of the builtin, which is still busy with its session. */
static int
within(int argc, char *argv[])
{
	struct session inner;
	int status;

	session_begin(&inner, &carrier, 0);
	status = verb_run(&inner, argc, argv);
	session.held += inner.held;
	session_end(&inner);
	return status;
}

/* What was printed is lost to whoever reads it, or it is not. */
static int
flushed(int status)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return status;
	clearerr(stdout);
	return cli_fail(EXIT_CANNOT, NULL, "standard output: %s",
	    strerror(errno));
}

/* getpid(2), which is asked only where a fork has wiped what it said. */
static pid_t
self(void)
{
	static pid_t *page;
	void *p;

	if (page == NULL) {
		p = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return getpid();
		if (madvise(p, sizeof *page, MADV_WIPEONFORK) == -1) {
			munmap(p, sizeof *page);
			return getpid();
		}
		page = p;
	}
	if (*page == 0)
		*page = getpid();
	return *page;
}

int
builtin_shm(int argc, char *argv[])
{
	int status;

	carrier.out = stdout;
	carrier.holder = carrier.giver = self();
	if (session.carrier == NULL)
		session_begin(&session, &carrier, 1);
	status = glue_depth() > 0 ? within(argc, argv) :
	    verb_run(&session, argc, argv);
	glue_pin(session.held > 0);
	return flushed(status);
}

void
builtin_unload(void)
{
	if (session.carrier != NULL)
		session_end(&session);
	session.carrier = NULL;
	buffer_free(&text);
}
