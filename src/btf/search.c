/* search.c - types by name.
 *
 * One hash table over names without their flavor ("task_struct___v2" hashes as "task_struct")
 * serves exact searches and CO-RE's. It is made on the first search, without a lock: whoever
 * finishes first publishes his table, the others drop theirs. Where memory is out the search walks
 * all types instead.
 */
#include "btf/btf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/table.h"

struct btf_index {
    uint32_t mask;
    uint32_t *buckets; /* first id with the hash, 0: none */
    uint32_t *next;    /* next[id], ascending */
    uint32_t room[];
};

/* libbpf's rule: the last "___" with something other than an underscore on both sides. */
size_t btf_essential_length(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = length; i-- > 4;)
        if (name[i] != '_' && name[i - 1] == '_' && name[i - 2] == '_' && name[i - 3] == '_' &&
            name[i - 4] != '_')
            return i - 3;
    return length;
}

static struct btf_index *make_index(const struct skep_btf *btf)
{
    struct btf_index *index;
    uint32_t buckets = 16;
    const char *name;

    while (buckets < btf->count)
        buckets *= 2;
    index = calloc(1, sizeof *index + ((size_t)buckets + btf->count) * sizeof *index->room);
    if (!index)
        return NULL;
    index->mask = buckets - 1;
    index->buckets = index->room;
    index->next = index->room + buckets;
    /* From the last to the first, so that chains ascend. */
    for (uint32_t id = btf->count; id-- > 1;) {
        uint32_t *bucket;
        name = btf_name_of(btf, id);
        if (!*name)
            continue;
        bucket = &index->buckets[hash_bytes(name, btf_essential_length(name), 0) & index->mask];
        index->next[id] = *bucket;
        *bucket = id;
    }
    return index;
}

static const struct btf_index *index_of(const struct skep_btf *btf)
{
    /* The only member that changes after parsing, and only from NULL to a table. */
    struct skep_btf *owner = (struct skep_btf *)(uintptr_t)btf;
    struct btf_index *index = atomic_load_explicit(&owner->index, memory_order_acquire), *made;

    if (index)
        return index;
    made = make_index(btf);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(&owner->index, &index, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    free(made);
    return index;
}

/* Types in ascending order that may have the essential name. */
static uint32_t step(const struct skep_btf *btf, const struct btf_index *index, uint32_t hash,
                     uint32_t after)
{
    if (!index)
        return after + 1 < btf->count ? after + 1 : 0;
    return after ? index->next[after] : index->buckets[hash & index->mask];
}

uint32_t btf_find_next(const struct skep_btf *btf, const char *name, uint32_t kind_mask,
                       uint32_t after)
{
    const struct btf_index *index = index_of(btf);
    uint32_t hash = hash_bytes(name, btf_essential_length(name), 0), id;

    if (!*name || after >= btf->count)
        return 0;
    for (id = step(btf, index, hash, after); id; id = step(btf, index, hash, id))
        if (btf_is(btf, id, kind_mask) && !strcmp(btf_name_of(btf, id), name))
            return id;
    return 0;
}

uint32_t btf_find_essential(const struct skep_btf *btf, const char *name, size_t length,
                            uint32_t kind_mask, uint32_t after)
{
    const struct btf_index *index = index_of(btf);
    uint32_t hash = hash_bytes(name, length, 0), id;
    const char *other;

    if (!length || after >= btf->count)
        return 0;
    for (id = step(btf, index, hash, after); id; id = step(btf, index, hash, id)) {
        other = btf_name_of(btf, id);
        if (btf_is(btf, id, kind_mask) && !strncmp(other, name, length) &&
            btf_essential_length(other) == length)
            return id;
    }
    return 0;
}

uint32_t btf_next(const struct skep_btf *btf, uint32_t kind_mask, uint32_t after)
{
    for (uint32_t id = after + 1; id && id < btf->count; id++)
        if (btf_is(btf, id, kind_mask))
            return id;
    return 0;
}

uint32_t btf_next_tag(const struct skep_btf *btf, uint32_t target, uint32_t after)
{
    for (uint32_t id = after + 1; id && id < btf->count; id++)
        if (btf_is(btf, id, BTF_MASK(BTF_DECL_TAG)) && btf_ref(btf, id) == target)
            return id;
    return 0;
}

uint32_t btf_find_placed(const struct skep_btf *btf, uint32_t datasec, const char *name,
                         struct btf_placed *placed)
{
    struct btf_placed item;

    if (!btf_is(btf, datasec, BTF_MASK(BTF_DATASEC)))
        return 0;
    for (uint32_t i = 0; i < btf_length(btf, datasec); i++) {
        item = btf_placed_at(btf, datasec, i);
        if (strcmp(btf_name_of(btf, item.type), name) != 0)
            continue;
        if (placed)
            *placed = item;
        return item.type;
    }
    return 0;
}

static bool find_field(const struct skep_btf *btf, uint32_t id, const char *name, uint32_t base,
                       uint32_t *budget, struct btf_field *out)
{
    struct btf_field field;

    id = btf_resolve(btf, id);
    if (!btf_is(btf, id, BTF_COMPOSITES))
        return false;
    for (uint32_t i = 0; i < btf_length(btf, id) && *budget; i++) {
        --*budget;
        field = btf_field_at(btf, id, i);
        if (!check_add(field.bit_offset, base, &field.bit_offset))
            continue;
        if (*field.name ? !strcmp(field.name, name)
                        : find_field(btf, field.type, name, field.bit_offset, budget, &field)) {
            *out = field;
            return true;
        }
    }
    return false;
}

bool btf_find_field(const struct skep_btf *btf, uint32_t id, const char *name,
                    struct btf_field *out)
{
    /* Anonymous unions of anonymous unions may be walked 2^depth times; nothing real comes near
     * this. */
    uint32_t budget = 100000;

    return find_field(btf, id, name, 0, &budget, out);
}
