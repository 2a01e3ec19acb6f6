/* random_linux.c - random bytes of the kernel. */
#ifndef _WIN32
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>
#include <skep/runtime.h>

uint64_t os_random(void)
{
    uint64_t value = 0;
    ssize_t got;
    int fd;

    do
        got = getrandom(&value, sizeof value, 0);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof value)
        return value;
    /* Sandboxes may refuse the call and still have the device. */
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, &value, sizeof value);
        close(fd);
        if (got == (ssize_t)sizeof value)
            return value;
    }
    /* Seeds must differ even where the system gives nothing: time and place, mixed (splitmix64's
     * steps). */
    value = os_clock(SKEP_CLOCK_MONOTONIC) ^ (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)&value;
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}
#endif
