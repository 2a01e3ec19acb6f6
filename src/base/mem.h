/* mem.h - memory of live things, by the host's allocator, counted and limited. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct mem {
    void *(*alloc)(void *user, void *ptr, size_t old_size, size_t new_size,
                   size_t align); /* NULL: the C library */
    void *user;
    uint64_t limit; /* 0: none */
    _Atomic uint64_t used;
};

/* Zeroed; NULL when the limit or the memory is reached. `align` is a power of two. */
void *mem_alloc(struct mem *, size_t size, size_t align);
/* With the size and align it was asked with; NULL is fine. */
void mem_free(struct mem *, void *ptr, size_t size, size_t align);

#endif
