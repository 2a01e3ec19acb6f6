/* hash.h - how a hash map lies in memory, and how a key is hashed. Private to map/.
 *
 *     buckets[hash & mask] ── head ──► element ── next ──► element ── 0
 *                                      { next, hash, key padded to 8, value padded to 8 }
 *
 * Elements are numbered from 1; 0 ends a chain. A preallocated map has them in one slab; the others in chunks.
 */
#ifndef MAP_HASH_H
#define MAP_HASH_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "map/map.h"

struct hash_bucket {
    _Atomic uint32_t head;
    _Atomic uint32_t version; /* goes up before and after an element leaves the chain */
    _Atomic uint32_t lock;    /* of those who change the chain */
    uint32_t room;
};

struct hash_element {
    _Atomic uint32_t next;
    _Atomic uint32_t hash; /* in a chain: of the key; in the free list: the next free element */
    uint8_t key[];
};

struct hash {
    struct hash_bucket *buckets;
    uint8_t *slab; /* element 1, or NULL: there are chunks */
    _Atomic(uint8_t *) *chunks;
    uint64_t seed[2];
    uint32_t mask, element_size, value_offset;
    uint32_t chunk_shift,
        chunk_room; /* number = (chunk << chunk_shift | place) + 1; chunk_room places in each */
    uint32_t total, chunk_count; /* elements and chunks there can be */
    /* What writers change. */
    _Alignas(64) _Atomic uint64_t
        free; /* first free element, and above it a number that tells two such states apart */
    _Atomic uint32_t count; /* elements in chains */
    _Atomic uint32_t used;  /* elements that were ever taken, in the order of their numbers */
    _Atomic uint32_t ready; /* elements that have memory */
    _Atomic uint32_t grow_lock;
    _Atomic uint32_t *places; /* which chunk an address is in: see chunk_of in hash_chunk.c */
    uint32_t place_mask;
    uint8_t place_shift;
};

static inline struct hash_element *hash_element(const struct hash *hash, uint32_t number)
{
    uint32_t index = number - 1;

    if (hash->slab)
        return (struct hash_element *)(void *)(hash->slab + (size_t)index * hash->element_size);
    return (struct hash_element *)(void *)(atomic_load_explicit(
                                               &hash->chunks[index >> hash->chunk_shift],
                                               memory_order_acquire) +
                                           (size_t)(index & ((1u << hash->chunk_shift) - 1)) *
                                               hash->element_size);
}

/* Two words become one that depends on all their bits: the halves of their product, which is what a multiplier gives
 * in one go. Seeds that nobody outside knows keep chains short for hostile keys. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 uint128;
    uint128 product = (uint128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX), high = (a >> 32) * (b >> 32);
    uint64_t cross = (a >> 32) * (b & UINT32_MAX), other = (a & UINT32_MAX) * (b >> 32);
    uint64_t middle = (low >> 32) + (cross & UINT32_MAX) + (other & UINT32_MAX);

    return (low & UINT32_MAX | middle << 32) ^
           (high + (cross >> 32) + (other >> 32) + (middle >> 32));
#endif
}

static inline uint64_t hash_word(const uint8_t *at, uint32_t size)
{
    uint64_t word = 0;

    memcpy(&word, at, size);
    return word;
}

/* Keys of 4, 8 and 16 bytes take one multiplication, longer ones one for every 16 bytes begun. */
static inline uint32_t hash_key(const struct hash *hash, const void *key, uint32_t size)
{
    const uint8_t *at = key;
    uint64_t h;

    if (size == 4) {
        h = hash_mix(hash_word(at, 4) ^ hash->seed[0], hash->seed[1]);
    } else if (size == 8) {
        h = hash_mix(hash_word(at, 8) ^ hash->seed[0], hash->seed[1]);
    } else {
        h = hash->seed[0];
        for (; size > 16; size -= 16, at += 16)
            h = hash_mix(hash_word(at, 8) ^ hash->seed[1], hash_word(at + 8, 8) ^ h);
        h = hash_mix(hash_word(at, size < 8 ? size : 8) ^ hash->seed[1],
                     (size > 8 ? hash_word(at + 8, size - 8) : 0) ^ h);
    }
    return (uint32_t)(h ^ h >> 32);
}

/* -- elements that are in no chain: hash_chunk.c ----------------------------------------------- */
int hash_make_elements(struct skep_map *, struct hash *);
void hash_free_elements(struct skep_map *, struct hash *);
/* A free element, or 0: none has memory now, see hash_grow. */
uint32_t hash_take(struct hash *);
void hash_give(struct hash *, uint32_t number);
/* After hash_take had none: waits for a writer to give one back, or gets memory for more. 0 or a negative code. */
int hash_grow(struct skep_map *, struct hash *, uint32_t cpu);
bool hash_find(const struct skep_map *, uintptr_t address, uintptr_t *start, uint32_t *bytes);

#endif
