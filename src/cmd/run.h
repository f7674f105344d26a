/* SPDX-License-Identifier: MIT */
/* run.h - run a command, and stay until it ends */
#ifndef RUN_H
#define RUN_H

/*
 * Run argv[0], sought in PATH, and wait for it.  Meanwhile SIGHUP, SIGINT,
 * SIGQUIT and SIGTERM, unless ignored, are passed on to it; but those that the
 * terminal sends, which it gets itself.  Its exit status, 126 or 127 as a shell
 * has them, or 128 and the signal it died of, which *signal then is; else 0.
 * -1 with errno when there can be no process.
 */
int run_command(char *argv[], int *signal);

#endif
