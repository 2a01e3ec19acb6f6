/* system_linux.c - Linux and other POSIX systems. */
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

void system_binary(FILE *file)
{
    (void)file;
}

bool system_is_terminal(FILE *file)
{
    return isatty(fileno(file)) == 1;
}

uint64_t system_nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void system_pin(uint32_t cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}
