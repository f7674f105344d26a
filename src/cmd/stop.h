/* SPDX-License-Identifier: MIT */
/* stop.h - end at SIGHUP, SIGINT and SIGTERM, but clean up first */
#ifndef STOP_H
#define STOP_H

/*
 * From now on these signals, unless they were ignored, interrupt what blocks
 * (EINTR) instead of killing.  One that comes just before a blocking call is
 * made good by an alarm a second later.
 */
void stop_on_signals(void);

/* The signal that came, or 0. */
int stop_signal(void);

/* When one came die by it, as if it had not been caught; otherwise return. */
void stop_die(void);

#endif
