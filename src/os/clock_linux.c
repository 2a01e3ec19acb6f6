/* clock_linux.c - time on Linux: the ids of os_clock are the system's own. */
#ifndef _WIN32
#include "os/os.h"

#include <time.h>
#include <skep/runtime.h>

uint64_t os_clock(int clock_id)
{
    struct timespec now = {0};

    if (clock_gettime((clockid_t)clock_id, &now) && clock_gettime(CLOCK_MONOTONIC, &now))
        return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

_Static_assert(SKEP_CLOCK_MONOTONIC == CLOCK_MONOTONIC, "ids are Linux's");
_Static_assert(SKEP_CLOCK_COARSE == CLOCK_MONOTONIC_COARSE, "ids are Linux's");
_Static_assert(SKEP_CLOCK_BOOTTIME == CLOCK_BOOTTIME, "ids are Linux's");
_Static_assert(SKEP_CLOCK_TAI == CLOCK_TAI, "ids are Linux's");
#endif
