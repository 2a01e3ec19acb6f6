/* array.h - what all maps with an index as key have in common. Private to map/. */
#ifndef MAP_ARRAY_H
#define MAP_ARRAY_H

#include "map/map.h"

/* Linux's rules for definitions: array_check for any of them, array_check_items for those that hold things. */
int array_check(const struct skep_map_def *, struct skep_error *);
int array_check_items(const struct skep_map_def *, struct skep_error *);

/* Ops that need no more than def.max_entries. */
int array_next_key(struct skep_map *, const void *key, void *next);
int array_remove(struct skep_map *,
                 const void *key); /* -EINVAL: elements of arrays are there for ever */

/* The errors of an update that are the same everywhere: flags, index, BPF_NOEXIST. */
int array_check_update(const struct skep_map *, uint32_t index, uint64_t flags);

/* Read once: a key may lie where another program changes it between a check and its use, and a
 * compiler is free to read plain memory again. */
static inline uint32_t array_index(const void *key)
{
    uint32_t index;

    __builtin_memcpy(&index, key, sizeof index);
    __asm__("" : "+r"(index));
    return index;
}

#endif
