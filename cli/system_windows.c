/* system_windows.c - Windows. */
#include <fcntl.h>
#include <io.h>
#include <windows.h>

#include "system.h"

void system_binary(FILE *file)
{
    fflush(file);
    (void)_setmode(_fileno(file), _O_BINARY);
}

bool system_is_terminal(FILE *file)
{
    return _isatty(_fileno(file)) != 0;
}

uint64_t system_nanoseconds(void)
{
    LARGE_INTEGER now, frequency;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return (uint64_t)((long double)now.QuadPart * 1e9L / (long double)frequency.QuadPart);
}

void system_pin(uint32_t cpu)
{
    if (cpu < 64)
        (void)SetThreadAffinityMask(GetCurrentThread(), (DWORD_PTR)1 << cpu);
}
