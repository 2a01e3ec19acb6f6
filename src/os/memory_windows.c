/* memory_windows.c - reading this process's own memory at an address that may not exist. */
#ifdef _WIN32
#include "os/os.h"

#include <windows.h>

bool os_memory_read(void *to, uint64_t address, size_t size)
{
    SIZE_T got = 0;

    if (address != (uintptr_t)address)
        return false;
    return ReadProcessMemory(GetCurrentProcess(), (const void *)(uintptr_t)address, to, size,
                             &got) &&
           got == size;
}
#endif
