/* SPDX-License-Identifier: MIT */
/* attach-hold.c - the verbs of shm-attach that stay attached: hold run */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "cli.h"
#include "run.h"

/* A signal that ends us detaches too: the kernel does that. */
int
attach_hold(struct attach *a, char *argv[])
{
	int status = attach_map(a);

	if (status != EXIT_YES)
		return status;
	if (cli.verbose)
		cli_say(a->text, "attached as process %d", (int)getpid());
	if (*argv != NULL)
		cli_sleep(cli_seconds("how long", *argv));
	else
		for (;;)
			pause();
	return EXIT_YES;
}

/* What the command learns: how to call the segment, and where it is open. */
static int
tell(const struct attach *a)
{
	char text[SHMU_OPERAND_TEXT + 4096], fd[16];
	int copy;

	shmu_operand_text(&a->seg.op, text, sizeof text);
	if (setenv("SHM_OPERAND", text, 1) == -1)
		return -1;
	if (a->seg.fd == -1)
		return unsetenv("SHM_FD");
	copy = dup(a->seg.fd);	/* without close-on-exec */
	if (copy == -1)
		return -1;
	snprintf(fd, sizeof fd, "%d", copy);
	return setenv("SHM_FD", fd, 1);
}

int
attach_run(struct attach *a, char *argv[])
{
	int status = attach_map(a), sig;

	if (status != EXIT_YES)
		return status;
	if (tell(a) == -1)
		return cli_fail(EXIT_CANNOT, a->text, "%s", strerror(errno));
	status = run_command(argv, &sig);
	return status != -1 ? status : cli_fail(EXIT_CANNOT, argv[0],
	    "cannot be started: %s", strerror(errno));
}
