/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/header.h"
#include "shmutil/inventory.h"

static char name[40];

static struct shmu_inventory *
taken(unsigned int want, double age)
{
	struct shmu_inventory_spec spec = SHMU_INVENTORY_SPEC_INIT;
	struct shmu_inventory *inv;

	spec.want = want;
	spec.age = age;
	inv = shmu_inventory_new(&spec);
	assert_non_null(inv);
	assert_int_equal(shmu_inventory_all(inv), 0);
	assert_int_equal(shmu_inventory_look(inv), 0);
	return inv;
}

/* The item of that name or id, or NULL. */
static const struct shmu_item *
item(const struct shmu_inventory *inv, const char *text, int id)
{
	const struct shmu_item *items;
	size_t n, i;

	items = shmu_inventory_items(inv, &n);
	for (i = 0; i < n; i++)
		if (text != NULL ? items[i].name != NULL &&
		    strcmp(items[i].name, text) == 0 :
		    items[i].kind == SHMU_ITEM_SYSV && items[i].info.id == id)
			return &items[i];
	return NULL;
}

static int
object(size_t size)
{
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static const struct shmu_holder *
held_by(const struct shmu_item *i, pid_t pid)
{
	size_t k;

	for (k = 0; k < i->nholders; k++)
		if (i->holders[k].pid == pid)
			return &i->holders[k];
	return NULL;
}

static void
sysv_is_as_shmctl_tells(void **state)
{
	int id = shmget(IPC_PRIVATE, 10000, 0640);
	char *p = shmat(id, NULL, 0);
	struct shmu_inventory *inv;
	const struct shmu_holder *h;
	const struct shmu_item *i;
	struct shmid_ds ds;

	(void)state;
	assert_true(id >= 0 && p != (void *)-1);
	p[0] = 1;
	assert_int_equal(shmctl(id, IPC_STAT, &ds), 0);
	inv = taken(0, 0);
	i = item(inv, NULL, id);
	assert_non_null(i);
	assert_int_equal(i->info.size, 10000);
	assert_int_equal(i->info.mode, 0640);
	assert_int_equal(i->info.uid, ds.shm_perm.uid);
	assert_int_equal(i->info.cpid, getpid());
	assert_int_equal(i->info.attached, 1);
	assert_int_equal(i->info.ctime, ds.shm_ctime);
	assert_int_equal(i->info.atime, ds.shm_atime);
	assert_int_equal(i->resident, 4096);
	assert_int_equal(i->state, SHMU_STATE_LIVE);
	h = held_by(i, getpid());
	assert_non_null(h);
	assert_true(h->mapped && h->writable && h->fd == -1);
	shmu_inventory_free(inv);
	assert_int_equal(shmctl(id, IPC_RMID, NULL), 0);
	inv = taken(0, 0);
	assert_int_equal(item(inv, NULL, id)->state, SHMU_STATE_DEST);
	shmu_inventory_free(inv);
	shmdt(p);
	inv = taken(0, 0);
	assert_null(item(inv, NULL, id));
	shmu_inventory_free(inv);
}

static void
object_open_mapped_unlinked(void **state)
{
	int fd = object(8192);
	struct shmu_inventory *inv = taken(0, 0);
	const struct shmu_item *i = item(inv, name + 1, 0);
	const struct shmu_holder *h;
	void *p;

	(void)state;
	assert_non_null(i);
	h = held_by(i, getpid());
	assert_non_null(h);
	assert_true(!h->mapped && h->writable && h->fd == fd);
	shmu_inventory_free(inv);

	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	close(fd);
	inv = taken(0, 0);
	h = held_by(item(inv, name + 1, 0), getpid());
	assert_non_null(h);
	assert_true(h->mapped && h->fd == -1);
	shmu_inventory_free(inv);

	assert_int_equal(shm_unlink(name), 0);
	inv = taken(0, 0);
	i = item(inv, name + 1, 0);
	assert_non_null(i);
	assert_int_equal(i->state, SHMU_STATE_UNLINKED);
	assert_true(i->info.size >= 4096);
	assert_int_equal(i->info.removed, 1);
	shmu_inventory_free(inv);
	munmap(p, 4096);
	inv = taken(0, 0);
	assert_null(item(inv, name + 1, 0));
	shmu_inventory_free(inv);
}

static void
memfd_is_found_at_its_holder(void **state)
{
	int fd = memfd_create("of the test", MFD_CLOEXEC);
	struct shmu_inventory *inv;
	const struct shmu_item *i;
	struct shmu_operand op;
	struct shmu_segment seg;

	(void)state;
	assert_int_equal(ftruncate(fd, 12345), 0);
	inv = taken(SHMU_INVENTORY_RESIDENT, 0);
	i = item(inv, "of the test", 0);
	assert_non_null(i);
	assert_int_equal(i->kind, SHMU_ITEM_MEMFD);
	assert_int_equal(i->state, SHMU_STATE_LIVE);
	assert_int_equal(i->info.size, 12345);
	assert_int_equal(shmu_item_operand(i, &op), 0);
	assert_int_equal(op.kind, SHMU_PIDFD);
	assert_int_equal(op.pid, getpid());
	assert_int_equal(op.fd, fd);
	assert_int_equal(shmu_segment_open(&seg, &op, SHMU_LOOK), 0);
	shmu_segment_close(&seg);
	shmu_inventory_free(inv);
	close(fd);
	inv = taken(0, 0);
	assert_null(item(inv, "of the test", 0));
	shmu_inventory_free(inv);
}

static void
anonymous_memory_only_on_request(void **state)
{
	void *p = mmap(NULL, 4096 * 77, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int want[] = { 0, SHMU_INVENTORY_ANON };
	const struct shmu_item *items;
	struct shmu_inventory *inv;
	struct shmu_operand op;
	size_t n, i, seen, k;

	(void)state;
	assert_true(p != MAP_FAILED);
	for (k = 0; k < 2; k++) {
		inv = taken(want[k], 0);
		items = shmu_inventory_items(inv, &n);
		for (seen = i = 0; i < n; i++)
			if (items[i].kind == SHMU_ITEM_ANON &&
			    held_by(&items[i], getpid()) != NULL &&
			    items[i].info.size == 4096 * 77) {
				seen++;
				assert_errno(ENOENT,
				    shmu_item_operand(&items[i], &op));
			}
		assert_int_equal(seen, k);
		shmu_inventory_free(inv);
	}
	munmap(p, 4096 * 77);
}

static void
the_caller_counts_unless_it_says_not(void **state)
{
	int fd = object(4096);
	struct shmu_inventory *inv = taken(SHMU_INVENTORY_PROVE, 3600);

	(void)state;
	assert_int_equal(item(inv, name + 1, 0)->state, SHMU_STATE_LIVE);
	shmu_inventory_free(inv);
	inv = taken(SHMU_INVENTORY_OTHERS, 3600);
	assert_null(held_by(item(inv, name + 1, 0), getpid()));
	shmu_inventory_free(inv);
	close(fd);
	inv = taken(SHMU_INVENTORY_PROVE, 3600);
	assert_int_equal(item(inv, name + 1, 0)->state, SHMU_STATE_UNUSED);
	shmu_inventory_free(inv);
	inv = taken(SHMU_INVENTORY_PROVE, 0);
	assert_int_equal(item(inv, name + 1, 0)->state, SHMU_STATE_ORPHAN);
	assert_int_equal(shm_unlink(name), 0);
	shmu_inventory_free(inv);
}

static void
a_look_changes_no_time(void **state)
{
	int fd = object(8192), id = shmget(IPC_PRIVATE, 8192, 0600);
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct shmu_inventory *inv;
	struct shmid_ds ds;
	struct stat st;

	(void)state;
	assert_int_equal(futimens(fd, old), 0);
	close(fd);
	inv = taken(SHMU_INVENTORY_FORMAT | SHMU_INVENTORY_PROVE |
	    SHMU_INVENTORY_RESIDENT, 0);
	shmu_inventory_free(inv);
	fd = shm_open(name, O_RDONLY, 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_atime, 1000);
	assert_int_equal(st.st_mtime, 1000);
	close(fd);
	assert_int_equal(shmctl(id, IPC_STAT, &ds), 0);
	assert_int_equal(ds.shm_atime, 0);
	assert_int_equal(ds.shm_lpid, 0);
	shmctl(id, IPC_RMID, NULL);
	shm_unlink(name);
}

static void
a_creator_is_dead_or_it_is_not(void **state)
{
	int out[2], hold[2], id, status;
	struct shmu_reason why[SHMU_REASONS];
	struct shmu_inventory *inv;
	const struct shmu_item *i;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(hold), 0);
	pid = fork();
	if (pid == 0) {
		id = shmget(IPC_PRIVATE, 100, 0600);
		if (write(out[1], &id, sizeof id) != (ssize_t)sizeof id)
			_exit(1);
		close(hold[1]);
		_exit(read(hold[0], &c, 1) != 0);
	}
	close(hold[0]);
	assert_int_equal(read(out[0], &id, sizeof id), sizeof id);
	inv = taken(0, 0);
	i = item(inv, NULL, id);
	assert_int_equal(i->state, SHMU_STATE_UNUSED);
	assert_true(shmu_inventory_why(inv, i, why) >= 3);
	shmu_inventory_free(inv);
	close(hold[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	inv = taken(0, 0);
	i = item(inv, NULL, id);
	assert_int_equal(i->state, SHMU_STATE_ORPHAN);
	assert_int_equal(shmu_item_remove(i, 0), 0);
	assert_errno(EINVAL, shmu_item_remove(i, 0));
	shmu_inventory_free(inv);
	close(out[0]);
	close(out[1]);
}

static void
what_was_replaced_is_not_removed(void **state)
{
	int fd = object(100);
	struct shmu_inventory *inv;
	const struct shmu_item *i;

	(void)state;
	close(fd);
	inv = taken(SHMU_INVENTORY_PROVE, 0);
	i = item(inv, name + 1, 0);
	assert_int_equal(i->state, SHMU_STATE_ORPHAN);
	/* It is in use again. */
	fd = shm_open(name, O_RDWR, 0);
	assert_errno(EBUSY, shmu_item_remove(i, 0));
	/* Another has the name. */
	assert_int_equal(shm_unlink(name), 0);
	close(object(100));
	assert_errno(ESTALE, shmu_item_remove(i, 0));
	close(fd);
	assert_int_equal(shm_unlink(name), 0);
	assert_errno(ENOENT, shmu_item_remove(i, 0));
	shmu_inventory_free(inv);
}

static void
one_operand_twice_has_its_holders_twice(void **state)
{
	int fd = object(100);
	struct shmu_inventory_spec spec = SHMU_INVENTORY_SPEC_INIT;
	struct shmu_inventory *inv = shmu_inventory_new(&spec);
	const struct shmu_item *items;
	struct shmu_operand op;
	size_t n;

	(void)state;
	assert_int_equal(shmu_operand_parse(&op, name, NULL), 0);
	assert_int_equal(shmu_inventory_add(inv, &op), 0);
	assert_int_equal(shmu_inventory_add(inv, &op), 0);
	assert_int_equal(shmu_inventory_look(inv), 0);
	items = shmu_inventory_items(inv, &n);
	assert_int_equal(n, 2);
	assert_non_null(held_by(&items[0], getpid()));
	assert_non_null(held_by(&items[1], getpid()));
	op.kind = SHMU_ID;
	op.id = INT32_MAX;
	assert_errno(EINVAL, shmu_inventory_add(inv, &op));
	shmu_inventory_free(inv);
	close(fd);
	shm_unlink(name);
}

static void
a_namespace_of_nobody(void **state)
{
	struct shmu_inventory_spec spec = SHMU_INVENTORY_SPEC_INIT;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	spec.ns = pid;
	assert_null(shmu_inventory_new(&spec));
	assert_int_equal(errno, ESRCH);
	shmu_inventory_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysv_is_as_shmctl_tells),
		cmocka_unit_test(object_open_mapped_unlinked),
		cmocka_unit_test(memfd_is_found_at_its_holder),
		cmocka_unit_test(anonymous_memory_only_on_request),
		cmocka_unit_test(the_caller_counts_unless_it_says_not),
		cmocka_unit_test(a_look_changes_no_time),
		cmocka_unit_test(a_creator_is_dead_or_it_is_not),
		cmocka_unit_test(what_was_replaced_is_not_removed),
		cmocka_unit_test(one_operand_twice_has_its_holders_twice),
		cmocka_unit_test(a_namespace_of_nobody),
	};

	snprintf(name, sizeof name, "/test-inventory-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
