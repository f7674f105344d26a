/* SPDX-License-Identifier: MIT */
/*
 * ring-channel.c - make, join and leave the channel of a ring; see ring.h
 *
 * Three bytes of the object are locked, as marks only: one for each end, held
 * as long as a process has it, and the door, held while one joins or leaves.
 * The kernel gives them up when the process ends, wherever it is; so nothing
 * has to be proven about who held them.  Names are made and removed by who
 * stands in the door of what they name, or where there is nothing yet.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "ring-channel.h"
#include "shmutil/pages.h"
#include "shmutil/range.h"
#include "shmutil/sys.h"

#define CONTROL	SHMU_HEADER_SIZE	/* where the control block lies */
#define DOOR	2U			/* the third locked byte */
#define PATIENCE	5000		/* ms to stand before the door */
#define RACES	1000		/* others to be quicker in a row */
#define SPINS	5000

static const struct shmu_ring closed = SHMU_RING_INIT;

static int
fail(int err)
{
	errno = err;
	return -1;
}

/* Where the data begins: behind the control block, on a page. */
static uint64_t
data_offset(void)
{
	return shmu_range_up(CONTROL + sizeof(struct shmu_ring_control),
	    shmu_pages_size());
}

static int
lock_byte(int fd, unsigned int which, int type)
{
	struct flock lock = { .l_type = (short)type, .l_whence = SEEK_SET,
	    .l_start = which, .l_len = 1 };

	return shmu_sys_lock(fd, F_OFD_SETLK, &lock);
}

int
shmu_ring_held(const struct shmu_ring *r, int role)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = role, .l_len = 1 };

	return shmu_sys_lock(r->seg.fd, F_OFD_GETLK, &lock) == 0 &&
	    lock.l_type != F_UNLCK;
}

static int
membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

void
shmu_ring_membarrier(void)
{
	membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

/* Let others' barriers reach this process; -1 where the kernel has none. */
static int
join_membarrier(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
}

static int
path_of(const struct shmu_operand *op, const char *end, char *path, size_t size)
{
	int n;

	if (op->kind == SHMU_POSIX && strlen(op->name) + strlen(end) >
	    SHMU_NAME_MAX + 1)
		return fail(ENAMETOOLONG);
	if (op->kind == SHMU_POSIX)
		n = snprintf(path, size, SHMU_POSIX_DIR "%s%s", op->name, end);
	else if (op->kind == SHMU_FILE)
		n = snprintf(path, size, "%s%s", op->path, end);
	else
		return fail(EINVAL);
	return n >= 0 && (size_t)n < size ? 0 : fail(ENAMETOOLONG);
}

int
shmu_ring_bell(const struct shmu_operand *op, char *path, size_t size)
{
	return path_of(op, ".bell", path, size);
}

/* Whether st, of the bell, is a FIFO of the channel's owner that nobody else
 * has a name or a permission for that the channel does not give. */
static int
fits(const struct stat *st, const struct stat *channel)
{
	return S_ISFIFO(st->st_mode) && st->st_nlink == 1 &&
	    st->st_uid == channel->st_uid &&
	    (st->st_mode & ~channel->st_mode & 0777) == 0;
}

/* Open the bell of r for flags; the descriptor, or -1 with errno. */
static int
open_bell(const struct shmu_ring *r, int flags)
{
	char path[PATH_MAX];
	struct stat st, channel;
	int fd;

	if (shmu_ring_bell(&r->seg.op, path, sizeof path) == -1)
		return -1;
	fd = shmu_sys_open(path, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ELOOP ? fail(ENXIO) : -1;
	if (shmu_sys_fstat(fd, &st) == 0 &&
	    shmu_sys_fstat(r->seg.fd, &channel) == 0 && fits(&st, &channel) &&
	    fcntl(fd, F_SETPIPE_SZ, (int)shmu_pages_size()) ==
	    (int)shmu_pages_size())
		return fd;
	shmu_sys_close(fd);
	return fail(ENXIO);
}

/*
 * The producer's end can only be opened while somebody reads: so while it is
 * opened, this process does.
 */
static int
hear_bell(struct shmu_ring *r)
{
	int both;

	if (r->role == SHMU_RING_CONSUMER) {
		r->bell = open_bell(r, O_RDONLY);
		return r->bell == -1 ? -1 : 0;
	}
	both = open_bell(r, O_RDWR);
	if (both == -1)
		return -1;
	r->bell = open_bell(r, O_WRONLY);
	shmu_sys_close(both);
	return r->bell == -1 ? -1 : 0;
}

int
shmu_ring_reopen_bell(struct shmu_ring *r)
{
	int old = r->bell;

	if (hear_bell(r) == -1) {
		r->bell = old;
		return -1;
	}
	shmu_sys_close(old);
	return 0;
}

/* Make the bell, or take the one that a process killed while it made a channel
 * has left; its mode is the channel's. */
static int
make_bell(const struct shmu_operand *op, mode_t mode)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (shmu_ring_bell(op, path, sizeof path) == -1)
		return -1;
	if (shmu_sys_mkfifo(path, 0600) == -1 && errno != EEXIST)
		return -1;
	fd = shmu_sys_open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ELOOP || errno == EISDIR ? fail(ENXIO) : -1;
	if (shmu_sys_fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    st.st_uid != geteuid() || st.st_nlink != 1 ||
	    shmu_sys_fchmod(fd, mode) == -1) {
		shmu_sys_close(fd);
		return fail(ENXIO);
	}
	return shmu_sys_close(fd);
}

/* Map the control block, and the data twice in a row. */
static int
map(struct shmu_ring *r, uint64_t size)
{
	uint64_t from = data_offset();
	size_t n = (size_t)(size - from), part;
	unsigned char *at;
	void *p;

	if (shmu_segment_map(&r->seg, 0, (size_t)from,
	    PROT_READ | PROT_WRITE) == -1)
		return -1;
	r->control = (struct shmu_ring_control *)(void *)
	    ((unsigned char *)r->seg.base + CONTROL);
	at = shmu_sys_mmap(NULL, 2 * n, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return -1;
	r->data = at;
	r->capacity = n;
	for (part = 0; part < 2; part++) {
		p = shmu_sys_mmap(at + part * n, n, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, r->seg.fd, (off_t)from);
		if (p == MAP_FAILED)
			return -1;
	}
	return 0;
}

/* Undo all of it but names. */
static void
let_go(struct shmu_ring *r)
{
	int err = errno;

	if (r->data != NULL)
		shmu_sys_munmap(r->data, 2 * (size_t)r->capacity);
	if (r->bell != -1)
		shmu_sys_close(r->bell);
	shmu_segment_close(&r->seg);
	*r = closed;
	errno = err;
}

/* Whether the name still leads to what r has open. */
static int
still_named(const struct shmu_ring *r)
{
	char path[PATH_MAX];
	struct stat a, b;

	return path_of(&r->seg.op, "", path, sizeof path) == 0 &&
	    shmu_sys_lstat(path, &a) == 0 &&
	    shmu_sys_fstat(r->seg.fd, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

/* Stand in the door: 0, or -1 with ETIMEDOUT when another does not leave it. */
static int
enter(const struct shmu_ring *r)
{
	static const struct timespec tick = { 0, 1000000 };
	int i;

	for (i = 0; lock_byte(r->seg.fd, DOOR, F_WRLCK) == -1; i++) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (i == PATIENCE)
			return fail(ETIMEDOUT);
		nanosleep(&tick, NULL);
	}
	return 0;
}

static void
leave_door(const struct shmu_ring *r)
{
	lock_byte(r->seg.fd, DOOR, F_UNLCK);
}

/* Looking is of use only where the peer runs at the same time. */
static unsigned int
spins(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 &&
	    CPU_COUNT(&set) > 1 ? SPINS : 0;
}

/* Whose end this is now; nobody else can write there. */
static void
sign(struct shmu_ring *r)
{
	struct shmu_ring_end *my = r->my;

	__atomic_store_n(&my->state, SHMU_RING_NOBODY, __ATOMIC_RELEASE);
	shmu_owner_self(&my->owner);
	my->sleeps = 0;
	my->saw_end = 0;
	__atomic_store_n(&my->attached, my->attached + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&my->state, SHMU_RING_ATTACHED, __ATOMIC_RELEASE);
}

/*
 * Have the pages of records at hand: who sends single ones waits for each first
 * touch, thirty times as long as for a record.  A stream of bytes spreads that
 * over more than it would save.  Without it all is as right.
 */
static void
warm(const struct shmu_ring *r)
{
	size_t n = r->capacity < SHMU_RING_CAPACITY ? (size_t)r->capacity :
	    (size_t)SHMU_RING_CAPACITY;

	if (r->kind == SHMU_RING_RECORDS)
		shmu_sys_madvise(r->data, n, MADV_POPULATE_WRITE);
}

/* Take up the positions where they are. */
static int
take_up(struct shmu_ring *r, unsigned int flags)
{
	r->my = &r->control->end[r->role];
	r->peer = &r->control->end[!r->role];
	r->kind = r->control->kind;
	r->barrier = r->control->barrier;
	r->mine = r->shown = r->my->position;
	r->batch = r->capacity / (r->role == SHMU_RING_PRODUCER ? 16 : 8);
	r->spins = spins();
	shmu_ring_look(r);
	if (shmu_ring_have(r) > r->capacity)
		return fail(EBADMSG);
	if (r->barrier != 0 && join_membarrier() == -1)
		return -1;
	warm(r);
	r->lost = r->peer->attached - (shmu_ring_held(r, !r->role) ? 1U : 0U);
	if ((flags & (SHMU_RING_RESUME | SHMU_RING_KEEP)) != 0)
		r->control->resumable = 1;
	sign(r);
	return 0;
}

/* Say to who sleeps until somebody comes that somebody did. */
static void
call_out(struct shmu_ring *r)
{
	__atomic_add_fetch(&r->control->arrivals, 1, __ATOMIC_SEQ_CST);
	shmu_sys_futex_wake(&r->control->arrivals, INT_MAX);
}

/* A power of two of whole pages. */
static uint64_t
rounded(uint64_t capacity)
{
	uint64_t n = shmu_pages_size();

	if (capacity == 0)
		return SHMU_RING_CAPACITY;
	while (n < capacity && n < UINT64_C(1) << 46)
		n *= 2;
	return n;
}

/* Whether a segment of size bytes can be a channel. */
static int
sensible(uint64_t size)
{
	uint64_t n = size - data_offset();

	return size > data_offset() && (n & (n - 1)) == 0 &&
	    n % shmu_pages_size() == 0 && n <= SIZE_MAX / 2;
}

/* Create the channel with this end taken, and name it: over what has the name,
 * in whose door the caller stands, or where there is nothing. */
static int
create(struct shmu_ring *r, const struct shmu_operand *op,
    const struct shmu_ring_spec *want, int replace)
{
	struct shmu_spec spec = SHMU_SPEC_INIT;
	struct shmu_header *header;
	struct shmu_owner self;

	spec.size = data_offset() + rounded(want->capacity);
	if (!sensible(spec.size))
		return fail(ENOMEM);
	spec.mode = want->mode;
	spec.flags = replace ? SHMU_SPEC_REPLACE : 0;
	if (shmu_segment_begin(&r->seg, op, &spec) == -1)
		return -1;
	if (map(r, spec.size) == -1)
		return -1;
	header = r->seg.base;
	shmu_owner_self(&self);
	shmu_header_init(header, SHMU_FORMAT_RING, SHMU_RING_LAYOUT, spec.size,
	    spec.size, &self);
	r->control->kind = want->kind;
	r->control->barrier = want->kind == SHMU_RING_RECORDS &&
	    join_membarrier() == 0 ? 1 : 0;
	if (lock_byte(r->seg.fd, r->role, F_WRLCK) == -1 ||
	    take_up(r, want->flags) == -1 || make_bell(op, want->mode) == -1)
		return -1;
	shmu_header_publish(header);
	if (shmu_sys_fchmod(r->seg.fd, want->mode) == -1 || hear_bell(r) == -1)
		return -1;
	return shmu_segment_publish(&r->seg, &spec);
}

/* Give up a channel that could not be finished. */
static int
abandon(struct shmu_ring *r)
{
	int err = errno;

	shmu_segment_unmap(&r->seg);
	if (r->seg.fd != -1)
		shmu_segment_abandon(&r->seg);
	let_go(r);
	return fail(err);
}

/* Open and map what is there, and check whose and what it is. */
static int
open_existing(struct shmu_ring *r, const struct shmu_operand *op,
    const struct shmu_ring_spec *want)
{
	struct shmu_header header;
	struct stat st;
	int done;

	if (shmu_segment_open(&r->seg, op, SHMU_WRITE) == -1 ||
	    shmu_sys_fstat(r->seg.fd, &st) == -1)
		return -1;
	if (st.st_uid != geteuid() && (want->flags & SHMU_RING_ANY_OWNER) == 0)
		return fail(EPERM);
	if ((uint64_t)st.st_size < data_offset())
		return fail(EILSEQ);
	if (shmu_segment_map(&r->seg, 0, SHMU_HEADER_SIZE, PROT_READ) == -1)
		return -1;
	done = shmu_header_check(r->seg.base, (uint64_t)st.st_size,
	    SHMU_FORMAT_RING, SHMU_RING_LAYOUT, &header);
	shmu_segment_unmap(&r->seg);
	/* What has a name is finished, or nobody's of ours made it. */
	if (done == -1 && (errno == EINPROGRESS || errno == ESTALE))
		errno = EBADMSG;
	if (done == -1)
		return -1;
	return sensible(header.size) ? map(r, header.size) : fail(EBADMSG);
}

/* Whether nobody has it. */
static int
leftover(const struct shmu_ring *r)
{
	return !shmu_ring_held(r, SHMU_RING_PRODUCER) &&
	    !shmu_ring_held(r, SHMU_RING_CONSUMER);
}

/* Whether the stream got somewhere at this end before its process went. */
static int
begun(const struct shmu_ring *r)
{
	return r->control->end[r->role].position != 0 ||
	    (r->role == SHMU_RING_PRODUCER && r->control->finished != 0);
}

/* In the door: open the bell.  Who was killed while he removed the names has
 * left a channel without; where nobody can be listening it is made again. */
static int
find_bell(struct shmu_ring *r)
{
	struct stat st;

	if (hear_bell(r) == 0)
		return 0;
	if (errno != ENXIO || !leftover(r))
		return -1;
	if (shmu_sys_fstat(r->seg.fd, &st) == -1 ||
	    make_bell(&r->seg.op, st.st_mode & 0777) == -1)
		return -1;
	return hear_bell(r);
}

/* In the door: take the end of what is there. */
static int
claim(struct shmu_ring *r, const struct shmu_ring_spec *want)
{
	if (find_bell(r) == -1)
		return -1;
	if (lock_byte(r->seg.fd, r->role, F_WRLCK) == -1)
		return errno == EAGAIN || errno == EACCES ? fail(EBUSY) : -1;
	if (r->control->kind != want->kind || (want->capacity != 0 &&
	    r->capacity != rounded(want->capacity)))
		return fail(EEXIST);
	if (begun(r) && (want->flags & SHMU_RING_RESUME) == 0)
		return fail(EALREADY);
	return take_up(r, want->flags);
}

/* In the door of old, a leftover: put a new channel in its place. */
static int
replace(struct shmu_ring *r, struct shmu_ring *old,
    const struct shmu_operand *op, const struct shmu_ring_spec *want)
{
	r->role = old->role;
	if (create(r, op, want, 1) == 0)
		return 0;
	return abandon(r);
}

/*
 * Join what is there.  0, or -1; with ESTALE when it went while this process
 * stood before the door.
 */
static int
join(struct shmu_ring *r, const struct shmu_operand *op,
    const struct shmu_ring_spec *want)
{
	struct shmu_ring old;
	int done;

	if (open_existing(r, op, want) == -1 || enter(r) == -1)
		return -1;
	if (!still_named(r))
		return fail(ESTALE);
	if (!leftover(r) || (want->flags & SHMU_RING_RESUME) != 0) {
		done = claim(r, want);
		if (done == 0)
			leave_door(r);
		return done;
	}
	old = *r;
	*r = closed;
	done = replace(r, &old, op, want);
	let_go(&old);
	return done;
}

/* Join or create once; -1 with ESTALE or EEXIST when others were quicker. */
static int
attach(struct shmu_ring *r, enum shmu_ring_role role,
    const struct shmu_operand *op, const struct shmu_ring_spec *want)
{
	*r = closed;
	r->role = role;
	if (join(r, op, want) == 0)
		return 0;
	let_go(r);
	if (errno != ENOENT || (want->flags & SHMU_RING_EXISTING) != 0)
		return -1;
	r->role = role;
	if (create(r, op, want, 0) == 0)
		return 0;
	abandon(r);
	return fail(errno == EEXIST ? ESTALE : errno);
}

int
shmu_ring_open(struct shmu_ring *r, enum shmu_ring_role role,
    const struct shmu_operand *op, const struct shmu_ring_spec *want)
{
	int tries = 0;

	if (op->kind != SHMU_POSIX && op->kind != SHMU_FILE)
		return fail(EINVAL);
	while (attach(r, role, op, want) == -1)
		if (errno != ESTALE || ++tries == RACES)
			return errno == ESTALE ? fail(ETIMEDOUT) : -1;
	call_out(r);
	return 0;
}

/* Whether all was published and all is acknowledged. */
static int
at_end(const struct shmu_ring *r)
{
	const struct shmu_ring_end *end = r->control->end;

	return shmu_ring_finished(r) && end[0].position == end[1].position;
}

/* In the door, this end given up: whether the names shall go.  Who died before
 * it saw the end shall find it when it resumes. */
static int
is_over(const struct shmu_ring *r)
{
	const struct shmu_ring_end *end = r->control->end;

	if (shmu_ring_held(r, !r->role) || !still_named(r))
		return 0;
	if (end[0].position == 0 && r->control->finished == 0)
		return 1;	/* never begun */
	return !shmu_ring_kept(r) || (at_end(r) && r->peer->saw_end != 0);
}

static void
remove_names(const struct shmu_ring *r)
{
	char path[PATH_MAX];

	if (shmu_ring_bell(&r->seg.op, path, sizeof path) == 0)
		shmu_sys_unlink(path);
	if (path_of(&r->seg.op, "", path, sizeof path) == 0)
		shmu_sys_unlink(path);
}

void
shmu_ring_close(struct shmu_ring *r)
{
	if (r->control == NULL)
		return;
	shmu_ring_show(r);
	r->my->saw_end = at_end(r) ? 1 : 0;
	__atomic_store_n(&r->my->state, SHMU_RING_LEFT, __ATOMIC_RELEASE);
	if (enter(r) == 0) {
		lock_byte(r->seg.fd, r->role, F_UNLCK);
		if (is_over(r))
			remove_names(r);
	}
	let_go(r);
}

void
shmu_ring_drop(struct shmu_ring *r)
{
	if (r->control != NULL)
		let_go(r);
}

enum shmu_ring_state
shmu_ring_peer(const struct shmu_ring *r, struct shmu_owner *out)
{
	uint32_t state = __atomic_load_n(&r->peer->state, __ATOMIC_ACQUIRE);

	if (out != NULL)
		*out = r->peer->owner;
	if (shmu_ring_held(r, !r->role))
		return SHMU_RING_ATTACHED;
	return state == SHMU_RING_ATTACHED ? SHMU_RING_DIED :
	    state == SHMU_RING_LEFT ? SHMU_RING_LEFT : SHMU_RING_NOBODY;
}

int
shmu_ring_kept(const struct shmu_ring *r)
{
	return r->control->resumable != 0;
}

/* The end role, for who only looks. */
static void
describe(const struct shmu_ring *r, int role, struct shmu_ring_status *out)
{
	const struct shmu_ring_end *end = &r->control->end[role];
	uint32_t state = __atomic_load_n(&end->state, __ATOMIC_ACQUIRE);

	out->owner[role] = end->owner;
	if (shmu_ring_held(r, role))
		out->state[role] = SHMU_RING_ATTACHED;
	else
		out->state[role] = state == SHMU_RING_ATTACHED ?
		    SHMU_RING_DIED : state == SHMU_RING_LEFT ?
		    SHMU_RING_LEFT : SHMU_RING_NOBODY;
}

int
shmu_ring_status(struct shmu_segment *seg, struct shmu_ring_status *out)
{
	struct shmu_ring r = closed;
	struct shmu_header header;
	struct stat st;
	int err = 0;

	if (shmu_sys_fstat(seg->fd, &st) == -1)
		return -1;
	if (st.st_size < (off_t)data_offset())
		return fail(EILSEQ);
	if (shmu_segment_map(seg, 0, (size_t)data_offset(), PROT_READ) == -1)
		return -1;
	if (shmu_header_check(seg->base, (uint64_t)st.st_size,
	    SHMU_FORMAT_RING, SHMU_RING_LAYOUT, &header) == -1)
		err = errno;
	r.seg = *seg;
	r.control = (struct shmu_ring_control *)(void *)
	    ((unsigned char *)seg->base + CONTROL);
	if (err == 0) {
		memset(out, 0, sizeof *out);
		out->capacity = header.size - data_offset();
		out->kind = r.control->kind;
		out->finished = r.control->finished != 0;
		out->acknowledged = r.control->end[SHMU_RING_CONSUMER].position;
		out->published = r.control->end[SHMU_RING_PRODUCER].position;
		describe(&r, SHMU_RING_PRODUCER, out);
		describe(&r, SHMU_RING_CONSUMER, out);
	}
	shmu_segment_unmap(seg);
	return err == 0 ? 0 : fail(err);
}
