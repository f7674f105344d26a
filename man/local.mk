# SPDX-License-Identifier: MIT

dist_man1_MANS += \
	%D%/fifo-consumer.1 \
	%D%/fifo-producer.1 \
	%D%/mem-tour.1 \
	%D%/mmap-sync.1 \
	%D%/shm-attach.1 \
	%D%/shm-create.1 \
	%D%/shm-heap.1 \
	%D%/shm-rm.1 \
	%D%/shm-set.1 \
	%D%/shm-stat.1 \
	%D%/shm.1 \
	%D%/uptime-cli.1 \
	%D%/uptime-srv.1
dist_man3_MANS += \
	%D%/shmu_cell.3 \
	%D%/shmu_event.3 \
	%D%/shmu_header.3 \
	%D%/shmu_heap.3 \
	%D%/shmu_heap_view.3 \
	%D%/shmu_inventory.3 \
	%D%/shmu_lock.3 \
	%D%/shmu_operand.3 \
	%D%/shmu_owner.3 \
	%D%/shmu_pages.3 \
	%D%/shmu_parse.3 \
	%D%/shmu_range.3 \
	%D%/shmu_ring.3 \
	%D%/shmu_segment.3 \
	%D%/shmu_sys.3 \
	%D%/shmu_table.3
dist_man7_MANS += \
	%D%/mem-tour-student.7 \
	%D%/mem-tour-teacher.7 \
	%D%/shm-segment.7 \
	%D%/shmutil.sh.7 \
	%D%/shmutils.7
