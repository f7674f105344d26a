/* SPDX-License-Identifier: MIT */
/*
 * uptime.h - the segment of uptime-srv and uptime-cli
 *
 * What others rely on is its size and the text at offset 0: eight characters
 * HH:MM:SS, written by one store, and a NUL that never changes.  The record
 * behind it is for our own two, which do without it where a server of another
 * make writes only the text.
 *
 * The one that serves is named by the claim, a word that is taken from a dead
 * server by compare-and-swap.  All else is written by that one alone, between
 * an odd and an even value of the sequence, which is also what clients sleep
 * on.  A server killed at any instruction leaves a claim that names it, so the
 * next one can prove it dead and begin anew.
 */
#ifndef UPTIME_H
#define UPTIME_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "shmutil/owner.h"
#include "shmutil/segment.h"

#define UPTIME_KEY	"0x666"
#define UPTIME_SIZE	256U
#define UPTIME_SECOND	UINT64_C(1000000000)	/* in nanoseconds */

/* A server that has written nothing for so long may be dead; for so much
 * longer, a reader is told. */
#define UPTIME_LATE	(UPTIME_SECOND + UPTIME_SECOND / 4)
#define UPTIME_SILENT	(3 * UPTIME_SECOND)

struct uptime {
	uint64_t		time;		/* eight characters */
	char			end[56];	/* NULs */
	uint64_t		magic;
	uint32_t		layout;
	uint32_t		sequence;	/* odd during a change */
	uint64_t		claim;		/* who serves, 0: nobody */
	uint64_t		began;		/* CLOCK_BOOTTIME,
						 * nanoseconds */
	uint64_t		written;	/* the same, of this text */
	struct shmu_owner	server;
	unsigned char		unused[104];
};

/* What was read of it at one moment. */
struct uptime_look {
	char			text[UPTIME_SIZE];	/* with its NUL */
	int			record;		/* there is one of ours */
	int			settled;	/* and what follows is of one
						 * write */
	uint32_t		sequence;
	uint64_t		claim;
	uint64_t		elapsed;	/* nanoseconds served so far */
	struct shmu_owner	server;
};

/* The segment that -k and --posix mean, NULL where not given, and how the user
 * called it.  Ends the program with EXIT_USAGE. */
const char *uptime_operand(struct shmu_operand *op, const char *key,
    const char *posix);

/* CLOCK_BOOTTIME, which no step of the wall clock moves. */
uint64_t uptime_now(void);
struct timespec uptime_timespec(uint64_t nanoseconds);

/* When the next whole second after now is over, counted from began. */
uint64_t uptime_deadline(uint64_t began, uint64_t now);

/* The text of so many seconds, hours modulo 24, as the word that is stored. */
uint64_t uptime_text(uint64_t seconds);

/*
 * The server's side.  Claim: 1 when the claim was old and is now self's.
 * Begin: write a record and 00:00:00 into what was claimed.  Tick: write the
 * time.  End: nobody serves any more.  Each but the first wakes the sleepers.
 * 0, or -1 with EFAULT when the segment was cut short under the mapping.
 */
int uptime_claim(struct uptime *u, uint64_t old, const struct shmu_owner *self);
int uptime_begin(struct uptime *u, const struct shmu_owner *self,
    uint64_t began);
int uptime_tick(struct uptime *u, uint64_t began, uint64_t now);
int uptime_end(struct uptime *u);

/* The claim of a process, and the id in a claim. */
uint64_t uptime_claim_of(const struct shmu_owner *owner);
pid_t uptime_pid(uint64_t claim);

/*
 * Read a segment of which size bytes are mapped; nothing in it is trusted.  The
 * first eight bytes of text are those of one moment, and when settled is set,
 * so is all else.  0, or -1 with EFAULT as above.
 */
int uptime_look(const struct uptime *u, size_t size, struct uptime_look *out);

/* Whether the claim was made in the namespaces of the caller, so that its id
 * is one of here. */
int uptime_here(uint64_t claim);

/* Whether the claimant is proven dead. */
int uptime_dead(const struct uptime_look *look);

/* Whether the caller, who has it attached, is the only one: then nobody serves,
 * whatever namespace the claim is of.  Known of System V only. */
int uptime_alone(const struct shmu_info *info);

/* Whether the creator of a System V segment is proven dead. */
int uptime_creator_dead(const struct shmu_info *info);

#endif
