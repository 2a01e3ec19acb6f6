/* table.c - chained hash table of names; a chain keeps the order of arrival. */
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/vec.h"

uint32_t hash_bytes(const void *bytes, size_t size, uint32_t seed)
{
    const uint8_t *at = bytes;
    uint64_t h = 0x9e3779b97f4a7c15u ^ seed ^ ((uint64_t)size << 32);

    for (; size >= 8; size -= 8, at += 8) {
        h = (h ^ load_u64(at, false)) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    for (; size; size--, at++)
        h = (h ^ *at) * 0x100000001b3u;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h ^ h >> 32);
}

static void chain(struct table *table, uint32_t index)
{
    struct table_entry *entry = &table->items[index];
    size_t bucket = entry->hash & (table->bucket_count - 1);

    entry->next = 0;
    if (table->tails[bucket])
        table->items[table->tails[bucket] - 1].next = index + 1;
    else
        table->buckets[bucket] = index + 1;
    table->tails[bucket] = index + 1;
}

static bool rehash(struct table *table, size_t bucket_count)
{
    uint32_t *both = calloc(bucket_count * 2, sizeof *both);

    if (!both)
        return false;
    free(table->buckets);
    table->buckets = both;
    table->tails = both + bucket_count;
    table->bucket_count = bucket_count;
    for (uint32_t i = 0; i < table->count; i++)
        chain(table, i);
    return true;
}

bool table_put(struct table *table, const char *name, size_t length, uint32_t value)
{
    struct table_entry *entry;

    if (table->count >= UINT32_MAX / 2)
        return false;
    if (table->count >= table->bucket_count &&
        !rehash(table, table->bucket_count ? table->bucket_count * 2 : 16))
        return false;
    entry = VEC_PUSH(table);
    if (!entry)
        return false;
    *entry = (struct table_entry){name, length, value, hash_bytes(name, length, 0), 0};
    chain(table, (uint32_t)table->count - 1);
    return true;
}

static uint32_t follow(const struct table *table, uint32_t at, const char *name, size_t length,
                       uint32_t hash, uint32_t *cursor)
{
    for (; at; at = table->items[at - 1].next) {
        const struct table_entry *entry = &table->items[at - 1];
        if (entry->hash == hash && entry->length == length && !memcmp(entry->name, name, length)) {
            if (cursor)
                *cursor = at - 1;
            return entry->value;
        }
    }
    return TABLE_NONE;
}

uint32_t table_get(const struct table *table, const char *name, size_t length, uint32_t *cursor)
{
    uint32_t hash;

    if (!table->count)
        return TABLE_NONE;
    hash = hash_bytes(name, length, 0);
    return follow(table, table->buckets[hash & (table->bucket_count - 1)], name, length, hash,
                  cursor);
}

uint32_t table_next(const struct table *table, uint32_t *cursor)
{
    const struct table_entry *entry = &table->items[*cursor];

    return follow(table, entry->next, entry->name, entry->length, entry->hash, cursor);
}

void table_free(struct table *table)
{
    free(table->items);
    free(table->buckets);
    *table = (struct table){0};
}
