/* SPDX-License-Identifier: MIT */
/* table-boost.cc - Boost.Interprocess: unordered_map behind a mutex */
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/unordered_map.hpp>
#include <cstring>
#include <unistd.h>

#include "table-work.h"

namespace bi = boost::interprocess;

struct name {
	char	bytes[KEY_BYTES];

	explicit name(const char *p) { std::memcpy(bytes, p, sizeof bytes); }
	bool operator==(const name &other) const
	{
		return std::memcmp(bytes, other.bytes, sizeof bytes) == 0;
	}
};

struct value {
	char	bytes[VALUE_BYTES];
};

struct hash {
	std::size_t operator()(const name &n) const
	{
		return boost::hash_range(n.bytes, n.bytes + sizeof n.bytes);
	}
};

typedef std::pair<const name, value> pair;
typedef bi::allocator<pair, bi::managed_shared_memory::segment_manager>
    allocator;
typedef boost::unordered_map<name, value, hash, std::equal_to<name>, allocator>
    map;
typedef bi::scoped_lock<bi::interprocess_mutex> guard;

static bi::managed_shared_memory *segment;
static bi::interprocess_mutex *mutex;
static map *table;

extern "C" int
peer_create(size_t arena)
{
	char object[64];

	std::snprintf(object, sizeof object, "bench-table-boost-%d",
	    static_cast<int>(getpid()));
	segment = new bi::managed_shared_memory(bi::create_only, object, arena);
	bi::shared_memory_object::remove(object);
	mutex = segment->construct<bi::interprocess_mutex>(bi::anonymous_instance)();
	table = segment->construct<map>(bi::anonymous_instance)(64, hash(),
	    std::equal_to<name>(), segment->get_segment_manager());
	return 0;
}

extern "C" void
peer_child(void)
{
}

extern "C" __attribute__((noinline)) int
peer_set(const char *key, const void *from)
{
	value v;

	std::memcpy(v.bytes, from, sizeof v.bytes);
	guard g(*mutex);
	auto r = table->emplace(name(key), v);
	if (!r.second)
		r.first->second = v;
	return 0;
}

extern "C" __attribute__((noinline)) int
peer_get(const char *key, void *to)
{
	name n(key);
	guard g(*mutex);
	auto i = table->find(n);

	if (i == table->end())
		return -1;
	std::memcpy(to, i->second.bytes, VALUE_BYTES);
	return 0;
}

extern "C" __attribute__((noinline)) int
peer_delete(const char *key)
{
	name n(key);
	guard g(*mutex);

	return table->erase(n) == 1 ? 0 : -1;
}
