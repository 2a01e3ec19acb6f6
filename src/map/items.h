/* items.h - an array of counted things, programs or maps. Private to map/.
 *
 * Programs read a slot without a lock and use what they find until their run ends, so what is replaced or removed keeps
 * its reference until no run can hold it (sync_retire). All that this takes is allocated when a thing is put in: taking
 * it out cannot fail.
 */
#ifndef MAP_ITEMS_H
#define MAP_ITEMS_H

#include "map/map.h"

struct items_holder;
struct items {
    _Atomic(void *) *things;       /* what programs read */
    struct items_holder **holders; /* under `lock` */
    _Atomic uint32_t lock;
    void (*give_back)(const struct map_env *, void *thing);
    uint32_t (*id)(const struct map_env *, void *thing);
};

int items_create(struct skep_map *, void (*give_back)(const struct map_env *, void *thing),
                 uint32_t (*id)(const struct map_env *, void *thing), struct skep_error *);
/* -- ops --------------------------------------------------------------------------------------- */
void items_destroy(struct skep_map *);
void *items_lookup(struct skep_map *, const void *key, uint32_t cpu);
int items_update(struct skep_map *, const void *key, const void *value, uint64_t flags,
                 uint32_t cpu);
int items_remove(struct skep_map *, const void *key);
bool items_find(const struct skep_map *, uintptr_t address, uintptr_t *start, uint32_t *bytes);
int items_copy_out(struct skep_map *, const void *key, void *value,
                   uint64_t flags); /* the thing's id */
int items_copy_in(struct skep_map *, const void *key, const void *value, uint64_t flags);
int items_put(struct skep_map *, const void *key, void *thing);
void items_clear(struct skep_map *);

#endif
