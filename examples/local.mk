# SPDX-License-Identifier: MIT

dist_noinst_SCRIPTS = \
	%D%/01-counter.sh \
	%D%/02-one-instance.sh \
	%D%/03-daemon.sh \
	%D%/04-progress.sh \
	%D%/05-at-most-four.sh \
	%D%/06-ready.sh \
	%D%/07-queue.sh \
	%D%/08-hash.sh \
	%D%/09-leader.sh \
	%D%/10-phases.sh \
	%D%/call-monitor.sh \
	%D%/demo

check_PROGRAMS += %D%/call-monitor
%C%_call_monitor_LDADD = libshmutil.la
%C%_call_monitor_LDFLAGS = -static

check_PROGRAMS += %D%/heap-server
%C%_heap_server_LDADD = libshmutil.la
%C%_heap_server_LDFLAGS = -static
