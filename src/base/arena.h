/* arena.h - many small allocations with one end of life. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include "base/printf.h"

struct arena_block;
struct arena {
    struct arena_block *blocks;
};

/* Zeroed, aligned for any type; NULL when memory is out. */
void *arena_alloc(struct arena *, size_t size);
void *arena_copy(struct arena *, const void *bytes, size_t size);
char *arena_string(struct arena *, const char *text); /* NULL for NULL */
char *arena_printf(struct arena *, const char *format, ...) PRINTF_LIKE(2, 3);
void arena_free(struct arena *);

#endif
