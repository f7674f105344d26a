/* SPDX-License-Identifier: MIT */
/* pause.h - what a processor is told between two looks at a peer's word */
#ifndef SHMU_LIB_PAUSE_H
#define SHMU_LIB_PAUSE_H

static inline void
shmu_pause(void)
{
#if defined __x86_64__ || defined __i386__
	__builtin_ia32_pause();
#elif defined __aarch64__ || defined __arm__
	__asm__ volatile("yield");
#else
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
}

#endif
