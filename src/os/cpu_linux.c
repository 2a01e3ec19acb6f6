/* cpu_linux.c - how many CPUs there are, and how many the kernel counts for per-CPU values. */
#ifndef _WIN32
#include "os/os.h"

#include <fcntl.h>
#include <unistd.h>

uint32_t os_cpu_count(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online > 0 ? (uint32_t)online : 1;
}

/* The bounds of the next range of a list, "0-3,8,10-11"; false at its end or where it is not such a
 * list. */
static bool next_range(const char **at, uint32_t bound[2])
{
    if (**at == ',')
        (*at)++;
    for (int i = 0; i < 2; i++) {
        if (**at < '0' || **at > '9')
            return false;
        bound[i] = 0;
        while (**at >= '0' && **at <= '9' && bound[i] < 1000000)
            bound[i] = bound[i] * 10 + (uint32_t)(*(*at)++ - '0');
        if (i == 0 && **at != '-') {
            bound[1] = bound[0];
            return true;
        }
        if (i == 0)
            (*at)++;
    }
    return bound[1] >= bound[0];
}

/* A small file of /sys, NUL-terminated; false if there is none. */
static bool read_list(const char *path, char *list, size_t room)
{
    ssize_t size = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        size = read(fd, list, room - 1);
        close(fd);
    }
    list[size > 0 ? size : 0] = '\0';
    return size > 0;
}

uint32_t os_cpu_possible(void)
{
    uint32_t online = os_cpu_count(), possible = 0, bound[2];
    char list[4096];
    const char *at = list;

    if (read_list("/sys/devices/system/cpu/possible", list, sizeof list))
        while (next_range(&at, bound))
            possible += bound[1] - bound[0] + 1;
    return possible > online ? possible : online;
}

bool os_numa_is_online(uint32_t node)
{
    char list[4096];
    const char *at = list;
    uint32_t bound[2];

    if (!read_list("/sys/devices/system/node/online", list, sizeof list))
        return node == 0;
    while (next_range(&at, bound))
        if (node >= bound[0] && node <= bound[1])
            return true;
    return false;
}
#endif
