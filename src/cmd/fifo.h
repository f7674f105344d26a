/* SPDX-License-Identifier: MIT */
/*
 * fifo.h - what fifo-producer and fifo-consumer share: the channel, waiting for
 * the other side, and what is said of it
 */
#ifndef FIFO_H
#define FIFO_H

#include <stdint.h>

#include "../lib/hash.h"
#include "shmutil/ring.h"

#define FIFO_BATCH	((size_t)256 << 10)	/* read and written at once */

struct fifo {
	const char		*text;		/* the channel as typed */
	struct shmu_operand	 op;
	struct shmu_ring	 ring;
	struct shmu_ring_spec	 spec;
	int			 delimiter;	/* of lines and records */
	int			 lines;
	int			 progress;
	int			 verify;
	int			 waits;		/* for input that takes its
						 * time */
	int			 plain;
	double			 timeout;	/* seconds, < 0: none */
	double			 reconnect;	/* seconds, 0: not at all */
	uint64_t		 count;		/* of messages, plain */
	const char		*fifo;		/* its path, plain */
	const char		*message;	/* its text, plain */
	int			 status;	/* when something failed */
	XXH3_state_t		 sum;
	double			 began, shown;	/* as cli_now tells */
	uint64_t		 from;		/* the position where we
						 * began */
};
#define FIFO_INIT	{ .spec = SHMU_RING_SPEC_INIT, .delimiter = '\n',	\
			  .ring = SHMU_RING_INIT, .timeout = -1,		\
			  .message = "Hello " }

/* Options that both have. */
enum { FIFO_LINES = 256, FIFO_RECORDS, FIFO_PROGRESS, FIFO_RESUME,
	FIFO_RECONNECT, FIFO_VERIFY, FIFO_PLAIN, FIFO_FIFO, FIFO_OTHER };
#define FIFO_SHORT	"0c:em:s:t:"
#define FIFO_LONG							\
	{ "count",	required_argument,	NULL, 'c' },		\
	{ "existing",	no_argument,		NULL, 'e' },		\
	{ "mode",	required_argument,	NULL, 'm' },		\
	{ "null",	no_argument,		NULL, '0' },		\
	{ "size",	required_argument,	NULL, 's' },		\
	{ "timeout",	required_argument,	NULL, 't' },		\
	{ "fifo",	required_argument,	NULL, FIFO_FIFO },	\
	{ "lines",	no_argument,		NULL, FIFO_LINES },	\
	{ "plain",	no_argument,		NULL, FIFO_PLAIN },	\
	{ "progress",	no_argument,		NULL, FIFO_PROGRESS },	\
	{ "reconnect",	required_argument,	NULL, FIFO_RECONNECT },	\
	{ "records",	no_argument,		NULL, FIFO_RECORDS },	\
	{ "resume",	no_argument,		NULL, FIFO_RESUME },	\
	{ "verify",	no_argument,		NULL, FIFO_VERIFY }

void fifo_option(struct fifo *f, int c);

/* The operand CHANNEL and what the options mean together; or die of usage. */
void fifo_check(struct fifo *f, char *argv[]);

/* Whether a stream that was begun waits to be resumed at end role. */
int fifo_resumable(const struct fifo *f, enum shmu_ring_role role);

/* Take the end role of the channel; an exit status. */
int fifo_open(struct fifo *f, enum shmu_ring_role role);

/* Leave it; the status to exit with. */
int fifo_close(struct fifo *f);

/*
 * Wait as shmu_ring_wait does, with the limits of the options: 1 or 0; or -1
 * with f->status set, after saying why unless a signal is the reason.
 */
int fifo_wait(struct fifo *f, size_t want);

/* While waiting for something else: whether the peer is lost and nobody is to
 * be waited for; said then, with f->status set. */
int fifo_peer_lost(struct fifo *f);

/* Set f->status after saying what the system said of what; returns -1. */
/* Wait for a descriptor that somebody made non-blocking: 0, also when a signal
 * came. */
int fifo_ready(int fd, short events);

int fifo_lost(struct fifo *f, const char *what, int err);

/* Count n more bytes at p into checksum and progress. */
void fifo_account(struct fifo *f, const void *p, size_t n);

/* Make a pipe as large as a plain user may have it. */
void fifo_widen(int fd);

/* The textbook protocol; an exit status. */
int fifo_plain_produce(struct fifo *f);
int fifo_plain_consume(struct fifo *f);

#endif
