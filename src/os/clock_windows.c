/* clock_windows.c - time on Windows.
 *
 * The performance counter serves all clocks since boot: it counts through sleep (as CLOCK_BOOTTIME
 * does) and is one counter for all CPUs. TAI is the system's UTC and the 37 leap seconds that have
 * been added since 1972.
 */
#ifdef _WIN32
/* GetSystemTimePreciseAsFileTime is Windows 8's. */
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0602
#include "os/os.h"

#include <windows.h>
#include <skep/runtime.h>

enum { TAI_MINUS_UTC = 37 };
/* FILETIME counts 100 ns from 1601-01-01; this many seconds lie between that and 1970-01-01. */
#define FILETIME_EPOCH UINT64_C(11644473600)

static uint64_t clock_counter(void)
{
    LARGE_INTEGER ticks, frequency;
    uint64_t t, f;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&ticks);
    t = (uint64_t)ticks.QuadPart;
    f = (uint64_t)frequency.QuadPart;
    /* Seconds and the rest apart: ticks times 10^9 would wrap after minutes. */
    return t / f * 1000000000u + t % f * 1000000000u / f;
}

uint64_t os_clock(int clock_id)
{
    FILETIME now;
    uint64_t ticks;

    if (clock_id != SKEP_CLOCK_TAI)
        return clock_counter();
    GetSystemTimePreciseAsFileTime(&now);
    ticks = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
    return (ticks - FILETIME_EPOCH * 10000000u) * 100u + TAI_MINUS_UTC * UINT64_C(1000000000);
}
#endif
