/* SPDX-License-Identifier: MIT */
/*
 * call-monitor.c - how long calls last: a struct under the id of each
 *
 * usage: call-monitor STORE start_monitoring|stop_monitoring CALLID
 *        call-monitor STORE report
 *
 * call-monitor.sh is the same as a script, and both work on the same store.
 * Any number of processes may start, stop and report at the same time, and any
 * of them may be killed: a struct is there as a whole, or not at all.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shmutil/table.h"

/* When it began and ended, in seconds of the clock; end 0: it lasts. */
struct call {
	int64_t	start, end;
};

static struct shmu_table *calls;

static int
start_monitoring(const char *id)
{
	struct call call = { time(NULL), 0 };

	return shmu_table_put(calls, id, strlen(id), &call, sizeof call);
}

/* A copy of what is under the id; -1 with ENOENT. */
static int
look_up(const void *id, size_t length, struct call *call)
{
	struct shmu_cell cell;

	if (shmu_table_get(calls, id, length, call, sizeof *call, &cell) == -1)
		return -1;
	if (cell.type == SHMU_CELL_BYTES && cell.length == sizeof *call)
		return 0;
	errno = EPROTOTYPE;
	return -1;
}

static int
stop_monitoring(const char *id)
{
	struct call call;

	if (look_up(id, strlen(id), &call) == -1)
		return -1;
	call.end = time(NULL);
	return shmu_table_put(calls, id, strlen(id), &call, sizeof call);
}

/* The table may be changed while it is walked: what ended is freed. */
static int
print(const struct shmu_cell *cell, const void *value, void *arg)
{
	struct call call;

	(void)arg;
	if (cell->type != SHMU_CELL_BYTES || cell->length != sizeof call)
		return 0;
	memcpy(&call, value, sizeof call);
	if (call.end == 0) {
		printf("%s: since %" PRId64 " s\n", (const char *)cell->key,
		    time(NULL) - call.start);
		return 0;
	}
	printf("%s: %" PRId64 " s\n", (const char *)cell->key,
	    call.end - call.start);
	return shmu_table_delete(calls, cell->key, cell->key_length) == -1 &&
	    errno != ENOENT;
}

static int
run(const char *verb, const char *id)
{
	if (strcmp(verb, "report") == 0)
		return shmu_table_each(calls, print, NULL);
	if (id == NULL)
		errx(2, "%s: which call?", verb);
	if (strcmp(verb, "start_monitoring") == 0)
		return start_monitoring(id);
	if (strcmp(verb, "stop_monitoring") == 0)
		return stop_monitoring(id);
	errx(2, "%s: one of start_monitoring, stop_monitoring, report", verb);
}

int
main(int argc, char *argv[])
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_operand op;

	if (argc < 3 || shmu_operand_parse(&op, argv[1], NULL) == -1)
		errx(2, "usage: call-monitor STORE VERB [CALLID]");
	if (shmu_table_open(&calls, &op, &spec, 0, NULL) == -1)
		err(3, "%s", argv[1]);
	if (run(argv[2], argv[3]) != 0) {
		if (errno == ENOENT)
			errx(1, "%s: this call is not monitored", argv[3]);
		err(3, "%s", argv[1]);
	}
	shmu_table_detach(calls);
	return 0;
}
