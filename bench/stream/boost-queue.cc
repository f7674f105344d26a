/* SPDX-License-Identifier: MIT */
/*
 * boost-queue - the rate of messages through Boost.Interprocess' message_queue
 *
 * usage: boost-queue COUNT
 *
 * As "messages rate": prints the name and millions of 64-byte records a second.
 */
#include <boost/interprocess/ipc/message_queue.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using boost::interprocess::create_only;
using boost::interprocess::message_queue;
using boost::interprocess::open_only;

int
main(int argc, char *argv[])
{
	unsigned long count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0, i;
	std::string name = "bench-boost-" + std::to_string(getpid());
	char record[64] = "";
	unsigned int priority;
	size_t size;
	int status;

	if (count == 0)
		return 2;
	message_queue to(create_only, name.c_str(), 1024, sizeof record);
	pid_t pid = fork();
	if (pid == 0) {
		message_queue from(open_only, name.c_str());
		for (i = 0; i < count; i++)
			from.receive(record, sizeof record, size, priority);
		_exit(0);
	}
	auto begin = std::chrono::steady_clock::now();
	for (i = 0; i < count; i++)
		to.send(record, sizeof record, 0);
	waitpid(pid, &status, 0);
	std::chrono::duration<double> t = std::chrono::steady_clock::now() - begin;
	message_queue::remove(name.c_str());
	std::printf("boost\t%.2f\n", static_cast<double>(count) / t.count() / 1e6);
	return status != 0;
}
