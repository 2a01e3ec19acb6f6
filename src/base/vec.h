/* vec.h - a growing array of any type, as three plain members that the owner names: items, count, room.
 *
 *     struct { struct rule *items; size_t count, room; } rules = {0};
 *     struct rule *rule = VEC_PUSH(&rules);   // zeroed, or NULL when memory is out
 *     free(rules.items);
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count, room;                                                                        \
    }

/* Make room for `more` items beyond `count`; false when memory is out (nothing changed). */
bool vec_reserve(void **items, size_t count, size_t *room, size_t more, size_t item_size);
/* Add `n` zeroed items; the first of them, or NULL. */
void *vec_grow(void **items, size_t *count, size_t *room, size_t n, size_t item_size);

#define VEC_GROW(vec, n)                                                                           \
    ((__typeof__((vec)->items))vec_grow((void **)&(vec)->items, &(vec)->count, &(vec)->room, (n),  \
                                        sizeof *(vec)->items))
#define VEC_PUSH(vec) VEC_GROW(vec, 1)

#endif
