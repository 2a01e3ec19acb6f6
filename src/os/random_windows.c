/* random_windows.c - random bytes of the system's preferred generator. */
#ifdef _WIN32
#include "os/os.h"

#include <windows.h>
#include <bcrypt.h>
#include <skep/runtime.h>

uint64_t os_random(void)
{
    uint64_t value = 0;

    if (BCryptGenRandom(NULL, (PUCHAR)&value, sizeof value, BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0)
        return value;
    value = os_clock(SKEP_CLOCK_MONOTONIC) ^ (uint64_t)GetCurrentProcessId() << 32 ^
            (uint64_t)(uintptr_t)&value;
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}
#endif
