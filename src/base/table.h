/* table.h - names to numbers: a hash table of borrowed strings. Equal names may be put more than once; table_next walks
 * them in the order they were put. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
    const char *name;
    size_t length;
    uint32_t value, hash, next;
};
struct table {
    struct table_entry *items;
    size_t count, room;
    uint32_t *buckets, *tails; /* index + 1 into items */
    size_t bucket_count;
};

#define TABLE_NONE UINT32_MAX

/* False when memory is out. `name` must outlive the table. */
bool table_put(struct table *, const char *name, size_t length, uint32_t value);
/* The first value put under the name, or TABLE_NONE; *cursor (may be NULL) is for table_next. */
uint32_t table_get(const struct table *, const char *name, size_t length, uint32_t *cursor);
uint32_t table_next(const struct table *, uint32_t *cursor);
void table_free(struct table *);
/* 32-bit hash of bytes; not for hostile flood resistance. */
uint32_t hash_bytes(const void *bytes, size_t size, uint32_t seed);

#endif
