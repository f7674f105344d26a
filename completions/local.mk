# SPDX-License-Identifier: MIT

completions = \
	%D%/bash/fifo-consumer \
	%D%/bash/fifo-producer \
	%D%/bash/mem-tour \
	%D%/bash/mmap-sync \
	%D%/bash/shm-attach \
	%D%/bash/shm-create \
	%D%/bash/shm-heap \
	%D%/bash/shm-rm \
	%D%/bash/shm-set \
	%D%/bash/shm-stat \
	%D%/bash/shm \
	%D%/bash/uptime-cli \
	%D%/bash/uptime-srv
EXTRA_DIST += $(completions)
if WANT_COMPLETION
bashcompletion_DATA = $(completions)
endif
