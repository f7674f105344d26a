/* SPDX-License-Identifier: MIT */
/* The wrappers beside libc: same result, same errno, same effect, call by
 * call. */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "shmutil/sys.h"

static char line[1024];
static int calls;

static void
keep(void *arg, const char *text)
{
	(void)arg;
	snprintf(line, sizeof line, "%s", text);
	calls++;
}

/* A result and its errno, so that two calls can be compared. */
struct result {
	intmax_t	r;
	int		err;
};

#define RESULT(call)	(errno = 0, result((intmax_t)(intptr_t)(call)))

static struct result
result(intmax_t r)
{
	struct result x = { r, errno };

	return x;
}

/* Ids, descriptors and addresses differ; success and errno must not. */
static void
compare(struct result a, struct result b)
{
	assert_int_equal(a.r == -1, b.r == -1);
	if (a.r == -1)
		assert_int_equal(a.err, b.err);
}

#define same(ours, theirs)	do {					\
		struct result a_ = ours, b_ = theirs;			\
									\
		compare(a_, b_);					\
	} while (0)

static void
shmget_as_libc(void **state)
{
	static const int flags[] = { 0, IPC_CREAT, IPC_CREAT | IPC_EXCL, 0600,
	    IPC_CREAT | 0600, IPC_CREAT | IPC_EXCL | 0600, IPC_EXCL | 0600 };
	static const size_t sizes[] = { 0, 1, 4096, 8192, SIZE_MAX };
	key_t key = (key_t)(0x6e000000 + getpid());
	size_t f, s;
	int i, id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);

	(void)state;
	assert_int_not_equal(id, -1);
	for (f = 0; f < sizeof flags / sizeof flags[0]; f++)
		for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
			same(RESULT(shmu_sys_shmget(key, sizes[s], flags[f])),
			    RESULT(shmget(key, sizes[s], flags[f])));
	assert_int_equal(shmctl(id, IPC_RMID, NULL), 0);
	for (s = 0; s < 4; s++) {
		struct result ours = RESULT(shmu_sys_shmget(key, sizes[s],
		    IPC_CREAT | IPC_EXCL | 0640));
		struct result theirs;
		struct shmid_ds ds;

		if (ours.r != -1) {
			assert_int_equal(shmctl((int)ours.r, IPC_STAT, &ds), 0);
			assert_int_equal(ds.shm_perm.mode & 0777, 0640);
			shmctl((int)ours.r, IPC_RMID, NULL);
		}
		theirs = RESULT(
		    shmget(key, sizes[s], IPC_CREAT | IPC_EXCL | 0640));
		if (theirs.r != -1)
			shmctl((int)theirs.r, IPC_RMID, NULL);
		same(ours, theirs);
	}
	for (i = 0; i < 2; i++) {
		struct result r = RESULT((i == 0 ? shmu_sys_shmget : shmget)(
		    IPC_PRIVATE, 4096, SHM_HUGETLB | 0600));

		if (r.r != -1)
			shmctl((int)r.r, IPC_RMID, NULL);
		else
			assert_int_not_equal(r.err, 0);
	}
}

static void
shmat_as_libc(void **state)
{
	static const int flags[] = { 0, SHM_RDONLY, SHM_RND, SHM_EXEC,
	    SHM_RDONLY | SHM_EXEC, SHM_REMAP };
	const void *const addrs[] = { NULL, (void *)1, (void *)0x1001 };
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600), which;
	size_t f, a;

	(void)state;
	for (f = 0; f < sizeof flags / sizeof flags[0]; f++)
		for (a = 0; a < sizeof addrs / sizeof addrs[0]; a++) {
			struct result r[2];

			for (which = 0; which < 2; which++) {
				r[which] = RESULT((which == 0 ? shmu_sys_shmat :
				    shmat)(id, addrs[a], flags[f]));
				if (r[which].r != -1)
					assert_int_equal((which == 0 ?
					    shmu_sys_shmdt : shmdt)(
					    (void *)(intptr_t)r[which].r), 0);
			}
			same(r[0], r[1]);
		}
	same(RESULT(shmu_sys_shmat(-1, NULL, 0)), RESULT(shmat(-1, NULL, 0)));
	same(RESULT(shmu_sys_shmdt(&id)), RESULT(shmdt(&id)));
	assert_int_equal(shmu_sys_shmctl(id, IPC_RMID, NULL), 0);
	same(RESULT(shmu_sys_shmctl(id, IPC_RMID, NULL)),
	    RESULT(shmctl(id, IPC_RMID, NULL)));
}

static void
shmctl_sets_and_locks(void **state)
{
	int id = shmu_sys_shmget(IPC_PRIVATE, 4096, 0600);
	struct shmid_ds ds;

	(void)state;
	assert_int_equal(shmu_sys_shmctl(id, IPC_STAT, &ds), 0);
	ds.shm_perm.mode = 0644;
	assert_int_equal(shmu_sys_shmctl(id, IPC_SET, &ds), 0);
	assert_int_equal(shmctl(id, IPC_STAT, &ds), 0);
	assert_int_equal(ds.shm_perm.mode & 0777, 0644);
	assert_int_equal(shmu_sys_shmctl(id, SHM_LOCK, NULL), 0);
	assert_int_equal(shmctl(id, IPC_STAT, &ds), 0);
	assert_true((ds.shm_perm.mode & SHM_LOCKED) != 0);
	assert_int_equal(shmu_sys_shmctl(id, SHM_UNLOCK, NULL), 0);
	same(RESULT(shmu_sys_shmctl(id, 12345, &ds)),
	    RESULT(shmctl(id, 12345, &ds)));
	assert_int_equal(shmu_sys_shmctl(id, IPC_RMID, NULL), 0);
}

static void
shm_open_as_libc(void **state)
{
	char name[40];
	mode_t old = umask(022);
	struct stat st;
	int fd;

	(void)state;
	snprintf(name, sizeof name, "/test-sys-%d", (int)getpid());
	fd = shmu_sys_shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0666);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(shmu_sys_ftruncate(fd, 100), 0);
	same(RESULT(shmu_sys_shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600)),
	    RESULT(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600)));
	same(RESULT(shmu_sys_shm_open("/no/such", O_RDWR, 0)),
	    RESULT(shm_open("/no/such", O_RDWR, 0)));
	same(RESULT(shmu_sys_shm_open("/test-sys-none", O_RDWR, 0)),
	    RESULT(shm_open("/test-sys-none", O_RDWR, 0)));
	close(fd);
	fd = shmu_sys_shm_open(name, O_TRUNC | O_RDWR, 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
	fd = shmu_sys_shm_open(name, O_RDONLY, 0);
	same(RESULT(shmu_sys_ftruncate(fd, 1)), RESULT(ftruncate(fd, 1)));
	same(RESULT(shmu_sys_mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0)),
	    RESULT(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0)));
	close(fd);
	assert_int_equal(shmu_sys_shm_unlink(name), 0);
	same(RESULT(shmu_sys_shm_unlink(name)), RESULT(shm_unlink(name)));
	umask(old);
}

static void
mappings_as_libc(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = shmu_sys_mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned char vec[2];
	int advice;

	(void)state;
	assert_ptr_not_equal(p, MAP_FAILED);
	p[0] = 1;
	same(RESULT(shmu_sys_mmap(NULL, 0, PROT_READ, MAP_SHARED, -1, 0)),
	    RESULT(mmap(NULL, 0, PROT_READ, MAP_SHARED, -1, 0)));
	same(RESULT(shmu_sys_msync(p + 1, 1, MS_SYNC)),
	    RESULT(msync(p + 1, 1, MS_SYNC)));
	same(RESULT(shmu_sys_msync(p, page, MS_SYNC | MS_ASYNC)),
	    RESULT(msync(p, page, MS_SYNC | MS_ASYNC)));
	same(RESULT(shmu_sys_msync(p, page, MS_ASYNC)),
	    RESULT(msync(p, page, MS_ASYNC)));
	same(RESULT(shmu_sys_mprotect(p + 1, 1, PROT_READ)),
	    RESULT(mprotect(p + 1, 1, PROT_READ)));
	for (advice = -1; advice < 30; advice++)
		same(RESULT(shmu_sys_madvise(p, page, advice)),
		    RESULT(madvise(p, page, advice)));
	same(RESULT(shmu_sys_mlock2(p, page, 99)), RESULT(mlock2(p, page, 99)));
	assert_int_equal(shmu_sys_mlock(p, page), 0);
	assert_int_equal(shmu_sys_munlock(p, page), 0);
	same(RESULT(shmu_sys_mlockall(0)), RESULT(mlockall(0)));
	assert_int_equal(shmu_sys_mincore(p, 2 * page, vec), 0);
	same(RESULT(shmu_sys_mincore(p + 1, page, vec)),
	    RESULT(mincore(p + 1, page, vec)));
	p = shmu_sys_mremap(p, 2 * page, page, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	same(RESULT(shmu_sys_munmap(p + 1, page)), RESULT(munmap(p + 1, page)));
	assert_int_equal(shmu_sys_munmap(p, page), 0);
}

static void
posix_fallocate_returns_its_error(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(shmu_sys_posix_fallocate(-1, 0, 1), EBADF);
	assert_int_equal(posix_fallocate(-1, 0, 1), EBADF);
}

/* Sleeps on a shared word until another process changes it. */
static void
futex_between_processes(void **state)
{
	const struct timespec tick = { 0, 1000000 }, limit = { 10, 0 };
	uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, woken = 0, i;
	pid_t pid;

	(void)state;
	assert_errno(EAGAIN, shmu_sys_futex_wait(word, 1, NULL));
	assert_errno(ETIMEDOUT, shmu_sys_futex_wait(word, 0, &tick));
	pid = fork();
	if (pid == 0) {
		mprotect(word, 4096, PROT_READ);
		_exit(shmu_sys_futex_wait(word, 0, &limit) != 0);
	}
	for (i = 0; i < 10000 && woken == 0; i++) {
		nanosleep(&tick, NULL);
		woken = shmu_sys_futex_wake(word, 1);
	}
	assert_int_equal(woken, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	munmap(word, 4096);
}

static void
mkfifo_and_lock_as_libc(void **state)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = 3, .l_len = 1 };
	int a = memfd_create("a", MFD_CLOEXEC), b;
	char path[32];

	(void)state;
	same(RESULT(shmu_sys_mkfifo("/nonesuch/x", 0600)),
	    RESULT(mkfifo("/nonesuch/x", 0600)));
	snprintf(path, sizeof path, "/proc/self/fd/%d", a);
	b = open(path, O_RDWR | O_CLOEXEC);
	shmu_sys_observe(keep, NULL);
	assert_int_equal(shmu_sys_lock(a, F_OFD_SETLK, &lock), 0);
	assert_non_null(
	    strstr(line, ", F_OFD_SETLK, {F_WRLCK, start=3, len=1}) = 0"));
	shmu_sys_observe(NULL, NULL);
	assert_errno(EAGAIN, shmu_sys_lock(b, F_OFD_SETLK, &lock));
	close(a);
	assert_int_equal(shmu_sys_lock(b, F_OFD_SETLK, &lock), 0);
	close(b);
}

static void
writing_a_file_as_libc(void **state)
{
	FILE *f = tmpfile();
	int fd;

	(void)state;
	assert_non_null(f);
	fd = fileno(f);
	same(RESULT(shmu_sys_pwrite(fd, "abc", 3, 5)),
	    RESULT(pwrite(fd, "abc", 3, 5)));
	same(RESULT(shmu_sys_pwrite(fd, "abc", 3, -1)),
	    RESULT(pwrite(fd, "abc", 3, -1)));
	same(RESULT(shmu_sys_fdatasync(fd)), RESULT(fdatasync(fd)));
	same(RESULT(shmu_sys_fdatasync(-1)), RESULT(fdatasync(-1)));
	same(RESULT(shmu_sys_sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE)),
	    RESULT(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE)));
	same(RESULT(shmu_sys_sync_file_range(fd, 0, 0, 99)),
	    RESULT(sync_file_range(fd, 0, 0, 99)));
	assert_int_equal(shmu_sys_posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED),
	    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	assert_int_equal(shmu_sys_posix_fadvise(fd, 0, 0, 99),
	    posix_fadvise(fd, 0, 0, 99));
	fclose(f);
}

static void
the_observer_is_told_once_and_errno_stays(void **state)
{
	(void)state;
	shmu_sys_observe(keep, NULL);
	calls = 0;
	errno = 0;
	assert_int_equal(shmu_sys_shmget(0x7ffffff0, 1, IPC_EXCL | 0600), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(calls, 1);
	assert_string_equal(line,
	    "shmget(0x7ffffff0, 1, IPC_EXCL|0600) = -1 ENOENT");
	shmu_sys_shmget(IPC_PRIVATE, 0,
	    (int)((unsigned int)SHM_HUGETLB | 21U << 26 | 0600U));
	assert_string_equal(line,
	    "shmget(IPC_PRIVATE, 0, SHM_HUGETLB|21<<SHM_HUGE_SHIFT|0600) = -1 "
	    "EINVAL");
	shmu_sys_madvise(NULL, 0, MADV_DONTNEED);
	assert_string_equal(line, "madvise((nil), 0, MADV_DONTNEED) = 0");
	shmu_sys_madvise(NULL, 0, 77);
	assert_non_null(strstr(line, ", 77) = -1 EINVAL"));
	shmu_sys_mmap(NULL, 0, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_string_equal(line,
	    "mmap(NULL, 0, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 "
	    "EINVAL");
	shmu_sys_unlink("/\x1b\"no");
	assert_string_equal(line, "unlink(\"/\\x1b\\\"no\") = -1 ENOENT");
	shmu_sys_pwrite(-1, "x", 1, 7);
	assert_string_equal(line, "pwrite(-1, ..., 1, 7) = -1 EBADF");
	shmu_sys_sync_file_range(-1, 1, 2, SYNC_FILE_RANGE_WRITE);
	assert_string_equal(line,
	    "sync_file_range(-1, 1, 2, SYNC_FILE_RANGE_WRITE) = -1 EBADF");
	shmu_sys_posix_fadvise(-1, 0, 0, POSIX_FADV_DONTNEED);
	assert_non_null(
	    strstr(line, "posix_fadvise(-1, 0, 0, POSIX_FADV_DONTNEED) = "));
	shmu_sys_observe(NULL, NULL);
	shmu_sys_unlink("/nonesuch");
	assert_int_equal(calls, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shmget_as_libc),
		cmocka_unit_test(shmat_as_libc),
		cmocka_unit_test(shmctl_sets_and_locks),
		cmocka_unit_test(shm_open_as_libc),
		cmocka_unit_test(mappings_as_libc),
		cmocka_unit_test(posix_fallocate_returns_its_error),
		cmocka_unit_test(futex_between_processes),
		cmocka_unit_test(mkfifo_and_lock_as_libc),
		cmocka_unit_test(writing_a_file_as_libc),
		cmocka_unit_test(the_observer_is_told_once_and_errno_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
