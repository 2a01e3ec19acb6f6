/* cpu_windows.c - how many CPUs there are, over all processor groups. */
#ifdef _WIN32
#include "os/os.h"

#include <windows.h>

uint32_t os_cpu_count(void)
{
    DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);

    return count ? count : 1;
}

uint32_t os_cpu_possible(void)
{
    DWORD possible = GetMaximumProcessorCount(ALL_PROCESSOR_GROUPS);
    uint32_t online = os_cpu_count();

    return possible > online ? possible : online;
}

bool os_numa_is_online(uint32_t node)
{
    ULONG highest = 0;

    return GetNumaHighestNodeNumber(&highest) ? node <= highest : node == 0;
}
#endif
