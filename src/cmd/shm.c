/* SPDX-License-Identifier: MIT */
/* shm - cells in shared memory for scripts: the carrier that is a command */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "verb.h"

static int
run(void *arg, char *argv[], void (*leave)(void *), void *leave_arg)
{
	int status = run_command(argv, arg);

	(void)leave;
	(void)leave_arg;
	return status != -1 ? status : cli_fail(EXIT_CANNOT, argv[0],
	    "cannot be started: %s", strerror(errno));
}

/* There are no variables here; but what shmutil.sh stores in one comes through
 * a pipe, with a period behind it, so that a shell keeps newlines before it,
 * and knows that there is a value. */
static const char *
unfit(void *arg, const char *var, int *status)
{
	(void)arg;
	*status = EXIT_USAGE;
	return strcmp(var, "-") == 0 ? NULL : "a command cannot set a variable of "
	    "the shell; source shmutil.sh, or write VAR=$(shm ...)";
}

static int
set(void *arg, const char *var, const void *value, size_t length)
{
	(void)arg;
	(void)var;
	fwrite(value, 1, length, stdout);
	putchar('.');
	return EXIT_YES;
}

static int
clear(void *arg, const char *var, int pairs)
{
	(void)arg;
	(void)var;
	(void)pairs;
	return EXIT_YES;
}

static int
add(void *arg, const char *var, const char *key, const void *value,
    size_t length)
{
	(void)arg;
	(void)var;
	if (key != NULL)
		fwrite(key, 1, strlen(key) + 1, stdout);
	fwrite(value, 1, length, stdout);
	putchar('\0');
	return EXIT_YES;
}

int
main(int argc, char *argv[])
{
	int sig = 0, status;
	struct carrier carrier = {
		.out = stdout,
		.in = STDIN_FILENO,
		.giver = getppid(),
		.arg = &sig,
		.unfit = unfit,
		.set = set,
		.clear = clear,
		.add = add,
		.run = run,
	};
	static struct session session;

	cli_begin("shm", verb_help);
	session_begin(&session, &carrier, 0);
	status = verb_run(&session, argc - 1, argv + 1);
	session_end(&session);
	status = cli_done(status);
	if (sig != 0) {
		/* The command died of it, and that is what is reported. */
		signal(sig, SIG_DFL);
		raise(sig);
	}
	return status;
}
