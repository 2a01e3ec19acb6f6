/* memory_linux.c - reading this process's own memory at an address that may not exist. */
#ifndef _WIN32
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/os.h"

#include <sys/uio.h>
#include <unistd.h>

bool os_memory_read(void *to, uint64_t address, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};

    if (address != (uintptr_t)address)
        return false;
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}
#endif
