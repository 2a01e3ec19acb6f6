/* hash_chunk.c - the elements of a hash map while they are in no chain: where they lie, which are free.
 *
 * Memory of elements lives as long as the map, so that readers may stand on an element while it is taken away and used
 * again. Free elements are a stack (their number in `free`, above it a count of changes, so that a state that looks
 * like an earlier one is not taken for it); elements never used yet are counted off by `used`, so that a large map is
 * not touched before it fills.
 *
 * BPF_F_NO_PREALLOC: elements come in chunks, and an address is found in a chunk in constant time: chunks are as large
 * as the granules into which addresses are cut, or smaller, so that a chunk lies in at most two granules, and a hash
 * table (`places`, open addressing, entries only ever added) says which chunks begin or end in a granule.
 */
#include "map/hash.h"

#include "base/check.h"
#include "os/os.h"

enum { CHUNK_BYTES = 4096, SLAB_ALIGN = 64 };

static size_t chunk_bytes(const struct hash *hash)
{
    return (size_t)hash->chunk_room * hash->element_size;
}

/* -- where elements lie ------------------------------------------------------------------------ */
static int make_chunks(struct skep_map *map, struct hash *hash)
{
    uint64_t room = CHUNK_BYTES / hash->element_size, places = 4;

    hash->chunk_room = room ? (uint32_t)room : 1;
    hash->chunk_count =
        (uint32_t)(((uint64_t)hash->total + hash->chunk_room - 1) / hash->chunk_room);
    while ((1u << hash->chunk_shift) < hash->chunk_room)
        hash->chunk_shift++;
    while ((UINT64_C(1) << hash->place_shift) < chunk_bytes(hash))
        hash->place_shift++;
    while (places < (uint64_t)hash->chunk_count * 4)
        places *= 2;
    if (places > SIZE_MAX / sizeof *hash->places || places > UINT64_C(1) << 32)
        return -SKEP_ENOMEM;
    hash->place_mask = (uint32_t)(places - 1);
    hash->chunks = mem_alloc(map->env.mem, sizeof *hash->chunks * hash->chunk_count, 64);
    hash->places = mem_alloc(map->env.mem, sizeof *hash->places * (size_t)places, 64);
    return hash->chunks && hash->places ? 0 : -SKEP_ENOMEM;
}

static void free_chunks(struct skep_map *map, struct hash *hash)
{
    for (uint32_t i = 0; hash->chunks && i < hash->chunk_count; i++)
        mem_free(map->env.mem, atomic_load(&hash->chunks[i]), chunk_bytes(hash), SLAB_ALIGN);
    mem_free(map->env.mem, (void *)hash->chunks, sizeof *hash->chunks * hash->chunk_count, 64);
    mem_free(map->env.mem, (void *)hash->places,
             sizeof *hash->places * ((size_t)hash->place_mask + 1), 64);
}

int hash_make_elements(struct skep_map *map, struct hash *hash)
{
    uint64_t bytes = (uint64_t)hash->total * hash->element_size;

    if (map->def.flags & MAP_F_NO_PREALLOC)
        return make_chunks(map, hash);
    if (bytes <= SIZE_MAX - SLAB_ALIGN)
        hash->slab = mem_alloc(map->env.mem, (size_t)bytes, SLAB_ALIGN);
    atomic_init(&hash->ready, hash->total);
    return hash->slab ? 0 : -SKEP_ENOMEM;
}

void hash_free_elements(struct skep_map *map, struct hash *hash)
{
    mem_free(map->env.mem, hash->slab, (size_t)hash->total * hash->element_size, SLAB_ALIGN);
    if (!hash->slab)
        free_chunks(map, hash);
}

/* -- which are free ---------------------------------------------------------------------------- */
static uint32_t take_given(struct hash *hash)
{
    uint64_t state = atomic_load_explicit(&hash->free, memory_order_acquire);

    while ((uint32_t)state) {
        struct hash_element *element = hash_element(hash, (uint32_t)state);
        uint64_t next = atomic_load_explicit(&element->hash, memory_order_relaxed);

        if (atomic_compare_exchange_weak_explicit(&hash->free, &state,
                                                  ((state >> 32) + 1) << 32 | next,
                                                  memory_order_acquire, memory_order_acquire))
            return (uint32_t)state;
    }
    return 0;
}

uint32_t hash_take(struct hash *hash)
{
    uint32_t number = take_given(hash), used;

    if (number)
        return number;
    used = atomic_load_explicit(&hash->used, memory_order_relaxed);
    while (used < atomic_load_explicit(&hash->ready, memory_order_acquire))
        if (atomic_compare_exchange_weak_explicit(&hash->used, &used, used + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return hash->slab
                       ? used + 1
                       : (used / hash->chunk_room << hash->chunk_shift | used % hash->chunk_room) +
                             1;
    return 0;
}

void hash_give(struct hash *hash, uint32_t number)
{
    struct hash_element *element = hash_element(hash, number);
    uint64_t state = atomic_load_explicit(&hash->free, memory_order_relaxed);

    do
        atomic_store_explicit(&element->hash, (uint32_t)state, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&hash->free, &state,
                                                  ((state >> 32) + 1) << 32 | number,
                                                  memory_order_release, memory_order_relaxed));
}

/* -- more of them ------------------------------------------------------------------------------ */
static uint32_t place_of(const struct hash *hash, uintptr_t granule)
{
    return (uint32_t)((uint64_t)granule * UINT64_C(0x9e3779b97f4a7c15) >> 32) & hash->place_mask;
}

static void place_chunk(struct hash *hash, uint32_t chunk, const uint8_t *start)
{
    uintptr_t first = (uintptr_t)start >> hash->place_shift;
    uintptr_t last = ((uintptr_t)start + chunk_bytes(hash) - 1) >> hash->place_shift;

    for (uintptr_t granule = first; granule <= last; granule++) {
        uint32_t at = place_of(hash, granule);

        while (atomic_load_explicit(&hash->places[at], memory_order_relaxed))
            at = (at + 1) & hash->place_mask;
        atomic_store_explicit(&hash->places[at], chunk + 1, memory_order_release);
    }
}

static int add_chunk(struct skep_map *map, struct hash *hash, uint32_t chunk)
{
    uint32_t ready = (chunk + 1) * hash->chunk_room;
    uint8_t *start = mem_alloc(map->env.mem, chunk_bytes(hash), SLAB_ALIGN);

    if (!start)
        return -SKEP_ENOMEM;
    atomic_store_explicit(&hash->chunks[chunk], start, memory_order_release);
    place_chunk(hash, chunk, start);
    atomic_store_explicit(&hash->ready, ready < hash->total ? ready : hash->total,
                          memory_order_release);
    return 0;
}

int hash_grow(struct skep_map *map, struct hash *hash, uint32_t cpu)
{
    uint32_t ready;
    int code;

    if (atomic_load_explicit(&hash->ready, memory_order_acquire) == hash->total) {
        /* More elements than entries, and still none: other writers hold the spare ones for a moment. */
        os_yield();
        return 0;
    }
    code = sync_lock(map->env.sync, &hash->grow_lock, cpu);
    if (code)
        return code;
    ready = atomic_load_explicit(&hash->ready, memory_order_relaxed);
    if (ready < hash->total && atomic_load_explicit(&hash->used, memory_order_relaxed) >= ready)
        code = add_chunk(map, hash, ready / hash->chunk_room);
    sync_unlock(&hash->grow_lock);
    return code;
}

/* -- whose address is this --------------------------------------------------------------------- */
static const uint8_t *chunk_of(const struct hash *hash, uintptr_t address)
{
    uint32_t at = place_of(hash, address >> hash->place_shift), chunk;

    while ((chunk = atomic_load_explicit(&hash->places[at], memory_order_acquire))) {
        const uint8_t *start = atomic_load_explicit(&hash->chunks[chunk - 1], memory_order_acquire);

        if (address - (uintptr_t)start < chunk_bytes(hash))
            return start;
        at = (at + 1) & hash->place_mask;
    }
    return NULL;
}

bool hash_find(const struct skep_map *map, uintptr_t address, uintptr_t *start, uint32_t *bytes)
{
    const struct hash *hash = map->state;
    const uint8_t *base = hash->slab ? hash->slab : chunk_of(hash, address);
    size_t room = hash->slab ? (size_t)hash->total * hash->element_size : chunk_bytes(hash);
    uintptr_t offset = address - (uintptr_t)base, place;

    if (!base || address < (uintptr_t)base || offset >= room)
        return false;
    place = offset % hash->element_size;
    if (place < hash->value_offset || place - hash->value_offset >= map->def.value_size)
        return false;
    *start = address - place + hash->value_offset;
    *bytes = map->def.value_size;
    return true;
}
