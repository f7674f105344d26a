# SPDX-License-Identifier: MIT

dist_noinst_SCRIPTS = examples/demo

check_PROGRAMS += %D%/heap-server
%C%_heap_server_LDADD = libshmutil.la
%C%_heap_server_LDFLAGS = -static
