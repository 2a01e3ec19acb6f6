/* hash.c - values by key: chains in buckets, read without locks, changed under one small lock for each bucket.
 *
 * Linux's semantics: an update of a key that is there puts a new element in the place of the old one, so a program that
 * holds the old value keeps it until the element is used for another key. Elements are used again at once.
 *
 * What a reader can meet, and why it still neither misses a key that is there all the time nor finds a wrong one:
 * - The chain changes under its feet. New elements come in at the head with `next` set before, and an element that
 *   leaves keeps its `next`, so every reader comes to an end of some chain.
 * - The element it stands on leaves, is used again elsewhere, and leads it into another chain; or the key it looks for
 *   moves from behind it to before it by an update. Both take an element out of this bucket's chain, and `version` goes
 *   up before and after that: a reader that found nothing and sees another version than before looks again. After some
 *   turns of that it takes the lock.
 * - The element it compares is being filled for another key. Up to 8 bytes a key is compared in one piece; a longer one
 *   would have to match the 32-bit hash of one key and words of both.
 * A hit costs no check of the version.
 */
#include "map/hash.h"

#include "base/check.h"
#include "base/error.h"
#include "map/types.h"
#include "map/word.h"

enum {
    RETRIES = 32,       /* looks without the lock */
    CHAIN_MAX = 100000, /* steps of one look without the lock */
    PATIENCE = 1000000, /* turns of waiting for a spare element */
    SPARE = 8 /* elements more than entries, beside one for each CPU, for writers that replace */
};

/* -- definition and life ----------------------------------------------------------------------- */
/* Linux's limits come from its allocator: 4 MiB less the head of an element, and bucket arrays of less than 4 GiB. */
enum { KEY_AND_VALUE_MAX = (4 << 20) - 48, ENTRIES_MAX = 1 << 27 };

static int check(const struct skep_map_def *def, struct skep_error *err)
{
    const uint32_t flags = MAP_F_NO_PREALLOC | MAP_F_NO_COMMON_LRU | MAP_F_NUMA_NODE |
                           MAP_ACCESS_FLAGS | MAP_F_ZERO_SEED;
    int code = map_check_flags(def, flags, err);

    if (code)
        return code;
    if (def->flags & MAP_F_NO_COMMON_LRU)
        return error_set(err, -SKEP_EINVAL, "flag 0x%x is for LRU maps only", MAP_F_NO_COMMON_LRU);
    if (!def->max_entries || !def->key_size || !def->value_size)
        return error_set(err, -SKEP_EINVAL,
                         "%u entries, keys of %u bytes, values of %u: none may be 0",
                         def->max_entries, def->key_size, def->value_size);
    if ((uint64_t)def->key_size + def->value_size >= KEY_AND_VALUE_MAX)
        return error_set(err, -SKEP_E2BIG, "key and value of %llu bytes, must be less than %d",
                         (unsigned long long)def->key_size + def->value_size, KEY_AND_VALUE_MAX);
    if (def->max_entries > ENTRIES_MAX)
        return error_set(err, -SKEP_E2BIG, "%u entries, at most %d are possible", def->max_entries,
                         ENTRIES_MAX);
    return 0;
}

static size_t bucket_bytes(const struct hash *hash)
{
    return ((size_t)hash->mask + 1) * sizeof(struct hash_bucket);
}

static void destroy(struct skep_map *map)
{
    struct hash *hash = map->state;

    hash_free_elements(map, hash);
    mem_free(map->env.mem, hash->buckets, bucket_bytes(hash), 64);
    mem_free(map->env.mem, hash, sizeof *hash, _Alignof(struct hash));
}

static void seed(struct skep_map *map, struct hash *hash)
{
    /* Digits of pi; a seed adds to them. */
    hash->seed[0] = UINT64_C(0x243f6a8885a308d3);
    hash->seed[1] = UINT64_C(0x13198a2e03707345); /* odd, in all cases */
    if (map->def.flags & MAP_F_ZERO_SEED || !map->env.random)
        return;
    hash->seed[0] ^= map->env.random(map->env.user);
    hash->seed[1] ^= map->env.random(map->env.user) << 1;
}

static int create(struct skep_map *map, struct skep_error *err)
{
    struct hash *hash = mem_alloc(map->env.mem, sizeof *hash, _Alignof(struct hash));
    uint64_t buckets = 1;
    int code = -SKEP_ENOMEM;

    if (!hash)
        return error_set(err, code, "no memory for a hash map");
    while (buckets < map->def.max_entries)
        buckets *= 2;
    hash->mask = (uint32_t)(buckets - 1);
    hash->value_offset = (uint32_t)(sizeof(struct hash_element) + round_up(map->def.key_size, 8));
    hash->element_size = hash->value_offset + map->value_stride;
    hash->total = map->def.max_entries + map->env.cpus + SPARE;
    seed(map, hash);
    map->state = hash;
    if (buckets <= SIZE_MAX / sizeof(struct hash_bucket) - 64)
        hash->buckets = mem_alloc(map->env.mem, bucket_bytes(hash), 64);
    if (hash->buckets)
        code = hash_make_elements(map, hash);
    if (!code)
        return 0;
    destroy(map);
    map->state = NULL;
    return error_set(err, code, "no memory for %u entries of %u + %u bytes", map->def.max_entries,
                     map->def.key_size, map->def.value_size);
}

/* -- reading ----------------------------------------------------------------------------------- */
struct place { /* of a key */
    struct hash_bucket *bucket;
    uint32_t hash;
};

static inline struct place place_of(const struct hash *hash, const void *key, uint32_t size)
{
    uint32_t h = hash_key(hash, key, size);

    return (struct place){&hash->buckets[h & hash->mask], h};
}

/* The number of the key's element, 0 if the chain ended without it; *steps is what was left of them, 0: gave up. */
static inline uint32_t walk(const struct hash *hash, struct place place, const void *key,
                            uint32_t size, uint32_t *steps)
{
    uint32_t number = atomic_load_explicit(&place.bucket->head, memory_order_acquire);

    for (; number && --*steps;) {
        struct hash_element *element = hash_element(hash, number);

        if (atomic_load_explicit(&element->hash, memory_order_relaxed) == place.hash &&
            word_equal(element->key, key, size))
            return number;
        number = atomic_load_explicit(&element->next, memory_order_acquire);
    }
    return 0;
}

/* With the bucket locked: the element and the link that leads to it. */
static uint32_t walk_locked(const struct skep_map *map, const struct hash *hash, struct place place,
                            const void *key, _Atomic uint32_t **link)
{
    _Atomic uint32_t *at = &place.bucket->head;
    uint32_t number;

    while ((number = atomic_load_explicit(at, memory_order_relaxed))) {
        struct hash_element *element = hash_element(hash, number);

        if (atomic_load_explicit(&element->hash, memory_order_relaxed) == place.hash &&
            word_equal(element->key, key, map->def.key_size))
            break;
        at = &element->next;
    }
    *link = at;
    return number;
}

/* Nothing was found, and the chain has changed meanwhile. */
static uint32_t look_again(struct skep_map *map, struct hash *hash, struct place place,
                           const void *key, uint32_t cpu)
{
    _Atomic uint32_t *link;
    uint32_t number;

    for (uint32_t turn = 0; turn < RETRIES; turn++) {
        uint32_t version = atomic_load_explicit(&place.bucket->version, memory_order_acquire);
        uint32_t steps = CHAIN_MAX;

        number = walk(hash, place, key, map->def.key_size, &steps);
        if (number || (steps && atomic_load_explicit(&place.bucket->version,
                                                     memory_order_relaxed) == version))
            return number;
    }
    /* A CPU that interrupted itself in the middle of a change has to do with what it saw. */
    if (sync_lock(map->env.sync, &place.bucket->lock, cpu))
        return 0;
    number = walk_locked(map, hash, place, key, &link);
    sync_unlock(&place.bucket->lock);
    return number;
}

static inline void *lookup_sized(struct skep_map *map, const void *key, uint32_t size, uint32_t cpu)
{
    struct hash *hash = map->state;
    struct place place = place_of(hash, key, size);
    uint32_t version = atomic_load_explicit(&place.bucket->version, memory_order_acquire);
    uint32_t steps = CHAIN_MAX;
    uint32_t number = walk(hash, place, key, size, &steps);

    if (!number &&
        (!steps || atomic_load_explicit(&place.bucket->version, memory_order_relaxed) != version))
        number = look_again(map, hash, place, key, cpu);
    return number ? (uint8_t *)hash_element(hash, number) + hash->value_offset : NULL;
}

/* Sizes that most maps have, each compiled for itself: hashing and comparing are a few instructions then. */
static void *lookup(struct skep_map *map, const void *key, uint32_t cpu)
{
    switch (map->def.key_size) {
    case 4:
        return lookup_sized(map, key, 4, cpu);
    case 8:
        return lookup_sized(map, key, 8, cpu);
    case 16:
        return lookup_sized(map, key, 16, cpu);
    default:
        return lookup_sized(map, key, map->def.key_size, cpu);
    }
}

/* -- changing ---------------------------------------------------------------------------------- */
static void raise_version(struct hash_bucket *bucket)
{
    uint32_t version = atomic_load_explicit(&bucket->version, memory_order_relaxed);

    atomic_store_explicit(&bucket->version, version + 1, memory_order_release);
}

/* Take the element that `link` leads to out of its chain. The bucket is locked. */
static void unlink_element(struct hash *hash, struct hash_bucket *bucket, _Atomic uint32_t *link)
{
    uint32_t number = atomic_load_explicit(link, memory_order_relaxed);
    struct hash_element *element = hash_element(hash, number);

    raise_version(bucket);
    atomic_store_explicit(link, atomic_load_explicit(&element->next, memory_order_relaxed),
                          memory_order_release);
    raise_version(bucket);
}

/* One more entry; false: the map is full. Never more than it may have, not even for a moment. */
static bool count_up(struct hash *hash, uint32_t max)
{
    uint32_t count = atomic_load_explicit(&hash->count, memory_order_relaxed);

    while (count < max)
        if (atomic_compare_exchange_weak_explicit(&hash->count, &count, count + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

/* Make `fresh` the key's element, and take `old` (0: none), to which `link` leads, out. The bucket is locked. */
static void put_in(const struct skep_map *map, struct hash *hash, struct place place,
                   uint32_t fresh, uint32_t old, _Atomic uint32_t *link, const void *key,
                   const void *value)
{
    struct hash_element *element = hash_element(hash, fresh);
    uint32_t head = atomic_load_explicit(&place.bucket->head, memory_order_relaxed);

    atomic_store_explicit(&element->hash, place.hash, memory_order_relaxed);
    word_copy_in(element->key, key, map->def.key_size);
    word_copy_in((uint8_t *)element + hash->value_offset, value, map->def.value_size);
    /* At the head also where it replaces one: a reader who stands on it from earlier must not skip neighbours. */
    atomic_store_explicit(&element->next, head, memory_order_release);
    atomic_store_explicit(&place.bucket->head, fresh, memory_order_release);
    if (old)
        unlink_element(hash, place.bucket, old == head ? &element->next : link);
}

static int update(struct skep_map *map, const void *key, const void *value, uint64_t flags,
                  uint32_t cpu)
{
    struct hash *hash = map->state;
    struct place place = place_of(hash, key, map->def.key_size);
    uint32_t old, fresh;
    _Atomic uint32_t *link;
    int code;

    if (flags > SKEP_EXIST) /* SKEP_F_LOCK too: there is no lock in the value */
        return -SKEP_EINVAL;
    for (uint32_t turn = 0; turn < PATIENCE; turn++) {
        code = sync_lock(map->env.sync, &place.bucket->lock, cpu);
        if (code)
            return code;
        old = walk_locked(map, hash, place, key, &link);
        if (old && flags == SKEP_NOEXIST)
            code = -SKEP_EEXIST;
        else if (!old && flags == SKEP_EXIST)
            code = -SKEP_ENOENT;
        else if (!old && !count_up(hash, map->def.max_entries))
            code = -SKEP_E2BIG;
        fresh = code ? 0 : hash_take(hash);
        if (fresh)
            put_in(map, hash, place, fresh, old, link, key, value);
        else if (!code && !old)
            atomic_fetch_sub_explicit(&hash->count, 1, memory_order_relaxed);
        sync_unlock(&place.bucket->lock);
        if (fresh && old)
            hash_give(hash, old);
        if (fresh || code)
            return code;
        code = hash_grow(map, hash, cpu);
        if (code)
            return code;
    }
    return -SKEP_ENOMEM; /* spare elements lost in a fork: see sync_forget_leases */
}

static int remove_key(struct skep_map *map, const void *key)
{
    struct hash *hash = map->state;
    struct place place = place_of(hash, key, map->def.key_size);
    _Atomic uint32_t *link;
    uint32_t number;
    int code = sync_lock(map->env.sync, &place.bucket->lock, SYNC_HOST);

    if (code)
        return code;
    number = walk_locked(map, hash, place, key, &link);
    if (number)
        unlink_element(hash, place.bucket, link);
    sync_unlock(&place.bucket->lock);
    if (!number)
        return -SKEP_ENOENT;
    hash_give(hash, number);
    atomic_fetch_sub_explicit(&hash->count, 1, memory_order_relaxed);
    return 0;
}

/* -- all of them ------------------------------------------------------------------------------- */
/* The key of the first element at or behind bucket `from`. */
static int first_key(struct skep_map *map, struct hash *hash, uint64_t from, void *next)
{
    for (; from <= hash->mask; from++) {
        struct hash_bucket *bucket = &hash->buckets[from];
        uint32_t number;

        if (!atomic_load_explicit(&bucket->head, memory_order_acquire))
            continue;
        if (sync_lock(map->env.sync, &bucket->lock, SYNC_HOST))
            return -SKEP_EBUSY;
        number = atomic_load_explicit(&bucket->head, memory_order_relaxed);
        if (number)
            word_copy_out(next, hash_element(hash, number)->key, map->def.key_size);
        sync_unlock(&bucket->lock);
        if (number)
            return 0;
    }
    return -SKEP_ENOENT;
}

static int next_key(struct skep_map *map, const void *key, void *next)
{
    struct hash *hash = map->state;
    struct place place;
    _Atomic uint32_t *link;
    uint32_t number, after = 0;

    if (!key)
        return first_key(map, hash, 0, next);
    place = place_of(hash, key, map->def.key_size);
    if (sync_lock(map->env.sync, &place.bucket->lock, SYNC_HOST))
        return -SKEP_EBUSY;
    number = walk_locked(map, hash, place, key, &link);
    if (number)
        after = atomic_load_explicit(&hash_element(hash, number)->next, memory_order_relaxed);
    if (after)
        word_copy_out(next, hash_element(hash, after)->key, map->def.key_size);
    sync_unlock(&place.bucket->lock);
    if (after)
        return 0;
    return first_key(map, hash, number ? (uint64_t)(place.hash & hash->mask) + 1 : 0, next);
}

static int each(struct skep_map *map, uint32_t cpu,
                int (*visit)(void *user, const void *key, void *value), void *user, uint64_t *count)
{
    struct hash *hash = map->state;
    uint64_t seen = 0;
    int result = 0;

    (void)cpu;
    for (uint64_t b = 0; b <= hash->mask && !result; b++) {
        uint32_t number = atomic_load_explicit(&hash->buckets[b].head, memory_order_acquire);
        uint32_t steps = CHAIN_MAX; /* an end, even where others keep moving elements to the head */

        while (number && !result && --steps) {
            struct hash_element *element = hash_element(hash, number);

            /* Read before the visit, which may delete the element. One that has left the chain still leads on. */
            number = atomic_load_explicit(&element->next, memory_order_acquire);
            if ((atomic_load_explicit(&element->hash, memory_order_relaxed) & hash->mask) != b)
                continue;
            seen++;
            result = visit(user, element->key, (uint8_t *)element + hash->value_offset);
        }
    }
    *count = seen;
    return 0;
}

/* -- the host's side --------------------------------------------------------------------------- */
/* Under the lock: what it copies is this key's, though elements are used again at once. */
static int copy_out(struct skep_map *map, const void *key, void *value, uint64_t flags)
{
    struct hash *hash = map->state;
    struct place place = place_of(hash, key, map->def.key_size);
    _Atomic uint32_t *link;
    uint32_t number;

    if (flags)
        return -SKEP_EINVAL;
    if (sync_lock(map->env.sync, &place.bucket->lock, SYNC_HOST))
        return -SKEP_EBUSY;
    number = walk_locked(map, hash, place, key, &link);
    if (number)
        word_copy_out(value, (uint8_t *)hash_element(hash, number) + hash->value_offset,
                      map->def.value_size);
    sync_unlock(&place.bucket->lock);
    return number ? 0 : -SKEP_ENOENT;
}

static int copy_in(struct skep_map *map, const void *key, const void *value, uint64_t flags)
{
    return update(map, key, value, flags, SYNC_HOST);
}

const struct map_ops hash_ops = {
    .type = SKEP_MAP_TYPE_HASH,
    .check = check,
    .create = create,
    .destroy = destroy,
    .lookup = lookup,
    .update = update,
    .remove = remove_key,
    .next_key = next_key,
    .each = each,
    .find = hash_find,
    .copy_out = copy_out,
    .copy_in = copy_in,
};
