/* vec.c - growing arrays. */
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

bool vec_reserve(void **items, size_t count, size_t *room, size_t more, size_t item_size)
{
    size_t need, bytes, bigger;
    void *grown;

    if (!check_add(count, more, &need))
        return false;
    if (need <= *room)
        return true;
    bigger = *room < 8 ? 8 : *room;
    while (bigger < need)
        if (!check_add(bigger, bigger / 2 + 1, &bigger))
            return false;
    if (!check_mul(bigger, item_size, &bytes))
        return false;
    grown = realloc(*items, bytes);
    if (!grown)
        return false;
    *items = grown;
    *room = bigger;
    return true;
}

void *vec_grow(void **items, size_t *count, size_t *room, size_t n, size_t item_size)
{
    uint8_t *first;

    if (!vec_reserve(items, *count, room, n ? n : 1, item_size))
        return NULL;
    first = (uint8_t *)*items + *count * item_size;
    memset(first, 0, n * item_size);
    *count += n;
    return first;
}
