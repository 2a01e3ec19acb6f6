/* mem.c - counted memory of live things. */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* The C library's allocator with alignment, without aligned_alloc, which Windows does not have: the block's start stands
 * in the word before what the caller gets. */
static void *libc_alloc(size_t size, size_t align)
{
    size_t bytes;
    uint8_t *block, *out;

    if (!check_add(size, align + sizeof(void *), &bytes))
        return NULL;
    block = calloc(1, bytes);
    if (!block)
        return NULL;
    out = (uint8_t *)round_up((uintptr_t)block + sizeof(void *), align);
    memcpy(out - sizeof(void *), &block, sizeof block);
    return out;
}

static void libc_free(void *ptr)
{
    void *block;

    memcpy(&block, (uint8_t *)ptr - sizeof(void *), sizeof block);
    free(block);
}

void *mem_alloc(struct mem *mem, size_t size, size_t align)
{
    uint64_t used = atomic_fetch_add_explicit(&mem->used, size, memory_order_relaxed);
    void *out = NULL;

    if (!mem->limit || (used <= mem->limit && size <= mem->limit - used)) {
        if (!mem->alloc)
            out = libc_alloc(size, align);
        else if ((out = mem->alloc(mem->user, NULL, 0, size ? size : 1, align)))
            memset(out, 0, size);
    }
    if (!out)
        atomic_fetch_sub_explicit(&mem->used, size, memory_order_relaxed);
    return out;
}

void mem_free(struct mem *mem, void *ptr, size_t size, size_t align)
{
    if (!ptr)
        return;
    if (mem->alloc)
        mem->alloc(mem->user, ptr, size ? size : 1, 0, align);
    else
        libc_free(ptr);
    atomic_fetch_sub_explicit(&mem->used, size, memory_order_relaxed);
}
