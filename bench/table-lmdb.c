/* SPDX-License-Identifier: MIT */
/* table-lmdb.c - LMDB in a file on tmpfs, nothing synced, a transaction for
 * each operation */
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "table-work.h"

static char path[64];
static size_t bytes;
static MDB_env *env;
static MDB_txn *reader;
static MDB_dbi dbi;

static int
begin(void)
{
	MDB_txn *txn;

	if (mdb_env_create(&env) != 0 || mdb_env_set_mapsize(env, bytes) != 0 ||
	    mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOSYNC | MDB_WRITEMAP,
	    0600) != 0 || mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) != 0 || mdb_txn_commit(txn) != 0 ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &reader) != 0)
		return -1;
	mdb_txn_reset(reader);
	return 0;
}

static void __attribute__((destructor))
end(void)
{
	char lock[80];

	snprintf(lock, sizeof lock, "%s-lock", path);
	unlink(path);
	unlink(lock);
}

int
peer_create(size_t arena)
{
	bytes = arena;
	snprintf(path, sizeof path, "/dev/shm/bench-table-lmdb-%d",
	    (int)getpid());
	return begin();
}

/* An environment must not be used across fork. */
void
peer_child(void)
{
	if (begin() == -1) {
		fprintf(stderr, "no LMDB\n");
		_exit(1);
	}
}

__attribute__((noinline)) int
peer_set(const char *key, const void *value)
{
	MDB_val k = { KEY_BYTES, (void *)(uintptr_t)key },
	    v = { VALUE_BYTES, (void *)(uintptr_t)value };
	MDB_txn *txn;

	return mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	    mdb_put(txn, dbi, &k, &v, 0) != 0 || mdb_txn_commit(txn) != 0 ?
	    -1 : 0;
}

__attribute__((noinline)) int
peer_get(const char *key, void *value)
{
	MDB_val k = { KEY_BYTES, (void *)(uintptr_t)key }, v;
	int r;

	if (mdb_txn_renew(reader) != 0)
		return -1;
	r = mdb_get(reader, dbi, &k, &v);
	if (r == 0)
		memcpy(value, v.mv_data, VALUE_BYTES);
	mdb_txn_reset(reader);
	return r == 0 ? 0 : -1;
}

__attribute__((noinline)) int
peer_delete(const char *key)
{
	MDB_val k = { KEY_BYTES, (void *)(uintptr_t)key };
	MDB_txn *txn;

	return mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	    mdb_del(txn, dbi, &k, NULL) != 0 || mdb_txn_commit(txn) != 0 ?
	    -1 : 0;
}
