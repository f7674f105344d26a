/* SPDX-License-Identifier: MIT */
/*
 * api.h - what every public header of libshmutil begins with
 *
 * SHMU_API marks an exported symbol; SHMU_BEGIN and SHMU_END give the
 * declarations between them C linkage when a C++ program includes them.
 */
#ifndef SHMUTIL_API_H
#define SHMUTIL_API_H

#define SHMU_API	__attribute__((visibility("default")))

#ifdef __cplusplus
#define SHMU_BEGIN	extern "C" {
#define SHMU_END	}
#else
#define SHMU_BEGIN
#define SHMU_END
#endif

#endif
