/* identity_linux.c - who runs, as helpers tell programs; and waiting. */
#ifndef _WIN32
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/os.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint32_t os_pid(void)
{
    return (uint32_t)getpid();
}

uint64_t os_tid(void)
{
    /* gettid() is younger than some C libraries that we run on. */
    return (uint64_t)syscall(SYS_gettid);
}

uint64_t os_uid_gid(void)
{
    return (uint64_t)getgid() << 32 | (uint32_t)getuid();
}

void os_comm(char *name, size_t size)
{
    char comm[16] = {0}; /* TASK_COMM_LEN */
    size_t length;

    if (!size)
        return;
    memset(name, 0, size);
    if (prctl(PR_GET_NAME, comm))
        return;
    comm[sizeof comm - 1] = '\0';
    length = strlen(comm);
    memcpy(name, comm, length < size ? length : size - 1);
}

void os_yield(void)
{
    sched_yield();
}

void os_sleep(uint64_t ns)
{
    struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}
#endif
