/* builder.c - making and changing BTF; see builder.h.
 *
 * Words are kept in the host's order as in struct skep_btf, so encoding is a header, a swap where
 * the order differs, and the strings. Strings are found again through a small hash table of
 * offsets, so that each is stored once.
 */
#include "btf/builder.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/reader.h"

enum { MAX_ITEMS = 0xffff };

static void stick(struct builder *b, int code, const char *why)
{
    if (b->code)
        return;
    b->code = code;
    b->why = why;
}

static uint32_t *push_words(struct builder *b, size_t n)
{
    uint32_t *words;

    if (b->code)
        return NULL;
    words = b->words.count > UINT32_MAX / 8 ? NULL : VEC_GROW(&b->words, n);
    if (!words)
        stick(b, -SKEP_ENOMEM, "no memory for types");
    return words;
}

void builder_init(struct builder *b)
{
    uint32_t *at;

    *b = (struct builder){0};
    push_words(b, 3);
    at = VEC_PUSH(&b->at);
    if (!at || !VEC_PUSH(&b->strings))
        stick(b, -SKEP_ENOMEM, "no memory");
}

void builder_free(struct builder *b)
{
    free(b->words.items);
    free(b->at.items);
    free(b->strings.items);
    free(b->chains.items);
    free(b->buckets);
    *b = (struct builder){0};
}

/* -- strings ----------------------------------------------------------------------------------- */
static size_t slot_of(const struct builder *b, const char *text)
{
    size_t slot = hash_bytes(text, strlen(text), 0) & (b->bucket_count - 1);

    while (b->buckets[slot] &&
           strcmp(b->strings.items + b->chains.items[b->buckets[slot] - 1], text) != 0)
        slot = (slot + 1) & (b->bucket_count - 1);
    return slot;
}

static bool rehash(struct builder *b)
{
    size_t count = b->bucket_count ? b->bucket_count * 2 : 64;
    uint32_t *buckets = calloc(count, sizeof *buckets);

    if (!buckets)
        return false;
    free(b->buckets);
    b->buckets = buckets;
    b->bucket_count = count;
    for (uint32_t i = 0; i < b->chains.count; i++)
        b->buckets[slot_of(b, b->strings.items + b->chains.items[i])] = i + 1;
    return true;
}

static bool remember(struct builder *b, uint32_t offset)
{
    uint32_t *known, *slot;

    if ((b->chains.count + 1) * 2 > b->bucket_count && !rehash(b))
        return false;
    slot = &b->buckets[slot_of(b, b->strings.items + offset)];
    if (*slot)
        return true;
    known = VEC_PUSH(&b->chains);
    if (!known)
        return false;
    *known = offset;
    *slot = (uint32_t)b->chains.count;
    return true;
}

uint32_t builder_string(struct builder *b, const char *text)
{
    size_t length = text ? strlen(text) : 0, slot;
    uint32_t offset = (uint32_t)b->strings.count;
    char *room;

    if (b->code || !length)
        return 0;
    if (b->bucket_count) {
        slot = slot_of(b, text);
        if (b->buckets[slot])
            return b->chains.items[b->buckets[slot] - 1];
    }
    room = b->strings.count + length > UINT32_MAX / 2 ? NULL : VEC_GROW(&b->strings, length + 1);
    if (!room) {
        stick(b, -SKEP_ENOMEM, "no memory for strings");
        return 0;
    }
    memcpy(room, text, length);
    if (!remember(b, offset))
        stick(b, -SKEP_ENOMEM, "no memory for strings");
    return offset;
}

void builder_from(struct builder *b, const struct skep_btf *btf)
{
    uint32_t *words, *at;
    char *strings;

    *b = (struct builder){0};
    words = VEC_GROW(&b->words, btf->word_count);
    at = VEC_GROW(&b->at, btf->count);
    strings = VEC_GROW(&b->strings, btf->string_size);
    if (!words || !at || !strings) {
        stick(b, -SKEP_ENOMEM, "no memory");
        return;
    }
    memcpy(words, btf->words, btf->word_count * sizeof *words);
    memcpy(at, btf->at, btf->count * sizeof *at);
    memcpy(strings, btf->strings, btf->string_size);
    for (size_t i = 1; i < btf->string_size; i += strlen(strings + i) + 1)
        if (!remember(b, (uint32_t)i)) {
            stick(b, -SKEP_ENOMEM, "no memory for strings");
            return;
        }
}

/* -- adding types ------------------------------------------------------------------------------ */
/* A record with `extra` zero words behind the three; its id, 0 on failure. */
static uint32_t add(struct builder *b, enum btf_kind kind, const char *name, uint32_t third,
                    size_t extra)
{
    uint32_t name_offset = builder_string(b, name), *at, *words;

    if (!b->code && b->at.count > BTF_MAX_IDS)
        stick(b, -SKEP_E2BIG, "too many types");
    words = push_words(b, 3 + extra);
    at = words ? VEC_PUSH(&b->at) : NULL;
    if (!at) {
        stick(b, -SKEP_ENOMEM, "no memory for types");
        return 0;
    }
    *at = (uint32_t)(words - b->words.items);
    words[0] = name_offset;
    words[1] = (uint32_t)kind << 24;
    words[2] = third;
    return (uint32_t)b->at.count - 1;
}

static enum btf_kind kind_of(const struct builder *b, uint32_t id)
{
    return (enum btf_kind)(b->words.items[b->at.items[id] + 1] >> 24 & 0x1f);
}

/* An item of the last type, whose kind must be in the mask; `size` words, zero. */
static uint32_t *add_item(struct builder *b, uint32_t kind_mask, size_t size)
{
    uint32_t last = (uint32_t)b->at.count - 1, *item, *info;

    if (b->code)
        return NULL;
    if (!(kind_mask >> kind_of(b, last) & 1)) {
        stick(b, -SKEP_EINVAL, "the last type does not take such an item");
        return NULL;
    }
    item = push_words(b, size);
    if (!item)
        return NULL;
    info = &b->words.items[b->at.items[last] + 1];
    if ((*info & MAX_ITEMS) == MAX_ITEMS) {
        stick(b, -SKEP_E2BIG, "a type has over 65535 items");
        return NULL;
    }
    ++*info;
    return item;
}

uint32_t builder_int(struct builder *b, const char *name, uint32_t size, uint32_t flags)
{
    uint32_t id = add(b, BTF_INT, name, size, 1);

    if (id)
        builder_record(b, id)[3] = flags << 24 | size * 8;
    return id;
}

uint32_t builder_float(struct builder *b, const char *name, uint32_t size)
{
    return add(b, BTF_FLOAT, name, size, 0);
}

uint32_t builder_ptr(struct builder *b, uint32_t type)
{
    return add(b, BTF_PTR, NULL, type, 0);
}

uint32_t builder_qualifier(struct builder *b, enum btf_kind kind, uint32_t type)
{
    return add(b, kind, NULL, type, 0);
}

uint32_t builder_type_tag(struct builder *b, const char *tag, uint32_t type)
{
    return add(b, BTF_TYPE_TAG, tag, type, 0);
}

uint32_t builder_typedef(struct builder *b, const char *name, uint32_t type)
{
    return add(b, BTF_TYPEDEF, name, type, 0);
}

uint32_t builder_array(struct builder *b, uint32_t element, uint32_t index, uint32_t count)
{
    uint32_t id = add(b, BTF_ARRAY, NULL, 0, 3), *record;

    if (id) {
        record = builder_record(b, id);
        record[3] = element;
        record[4] = index;
        record[5] = count;
    }
    return id;
}

uint32_t builder_struct(struct builder *b, enum btf_kind kind, const char *name, uint32_t size)
{
    return add(b, kind, name, size, 0);
}

void builder_member(struct builder *b, const char *name, uint32_t type, uint32_t bit_offset,
                    uint32_t bit_size)
{
    uint32_t name_offset = builder_string(b, name), *item = add_item(b, BTF_COMPOSITES, 3), *record;

    if (!item)
        return;
    record = &b->words.items[b->at.items[b->at.count - 1]];
    if (bit_size)
        record[1] |= 1u << 31; /* earlier members read the same with it: their upper bits are 0 */
    if (record[1] >> 31 && (bit_size > 255 || bit_offset > 0xffffff)) {
        stick(b, -SKEP_E2BIG, "a bit-field lies past 2 MiB or has over 255 bits");
        return;
    }
    item[0] = name_offset;
    item[1] = type;
    item[2] = bit_size << 24 | bit_offset;
}

uint32_t builder_enum(struct builder *b, const char *name, uint32_t size, bool is_signed)
{
    uint32_t id = add(b, size == 8 ? BTF_ENUM64 : BTF_ENUM, name, size, 0);

    if (id && is_signed)
        builder_record(b, id)[1] |= 1u << 31;
    return id;
}

void builder_enumerator(struct builder *b, const char *name, int64_t value)
{
    bool is_wide = b->at.count && !b->code && kind_of(b, (uint32_t)b->at.count - 1) == BTF_ENUM64;
    uint32_t name_offset = builder_string(b, name);
    uint32_t *item = add_item(b, BTF_ENUMS, is_wide ? 3 : 2);

    if (!item)
        return;
    item[0] = name_offset;
    item[1] = (uint32_t)value;
    if (is_wide)
        item[2] = (uint32_t)((uint64_t)value >> 32);
}

uint32_t builder_fwd(struct builder *b, const char *name, bool is_union)
{
    uint32_t id = add(b, BTF_FWD, name, 0, 0);

    if (id && is_union)
        builder_record(b, id)[1] |= 1u << 31;
    return id;
}

uint32_t builder_func_proto(struct builder *b, uint32_t result)
{
    return add(b, BTF_FUNC_PROTO, NULL, result, 0);
}

void builder_param(struct builder *b, const char *name, uint32_t type)
{
    uint32_t name_offset = builder_string(b, name);
    uint32_t *item = add_item(b, BTF_MASK(BTF_FUNC_PROTO), 2);

    if (item) {
        item[0] = name_offset;
        item[1] = type;
    }
}

uint32_t builder_func(struct builder *b, const char *name, uint32_t proto, enum btf_linkage linkage)
{
    uint32_t id = add(b, BTF_FUNC, name, proto, 0);

    if (id)
        builder_set_linkage(b, id, linkage);
    return id;
}

uint32_t builder_var(struct builder *b, const char *name, uint32_t type, enum btf_linkage linkage)
{
    uint32_t id = add(b, BTF_VAR, name, type, 1);

    if (id)
        builder_set_linkage(b, id, linkage);
    return id;
}

uint32_t builder_datasec(struct builder *b, const char *name, uint32_t size)
{
    return add(b, BTF_DATASEC, name, size, 0);
}

void builder_place(struct builder *b, uint32_t var, uint32_t offset, uint32_t size)
{
    uint32_t *item = add_item(b, BTF_MASK(BTF_DATASEC), 3);

    if (item) {
        item[0] = var;
        item[1] = offset;
        item[2] = size;
    }
}

uint32_t builder_decl_tag(struct builder *b, const char *tag, uint32_t type, int32_t component)
{
    uint32_t id = add(b, BTF_DECL_TAG, tag, type, 1);

    if (id)
        builder_record(b, id)[3] = (uint32_t)component;
    return id;
}

/* -- changing types, and the result ------------------------------------------------------------ */
uint32_t *builder_record(struct builder *b, uint32_t id)
{
    return id < b->at.count ? &b->words.items[b->at.items[id]] : NULL;
}

void builder_set_name(struct builder *b, uint32_t id, const char *name)
{
    uint32_t offset = builder_string(b, name);

    if (!b->code && builder_record(b, id))
        builder_record(b, id)[0] = offset;
}

void builder_set_ref(struct builder *b, uint32_t id, uint32_t type)
{
    if (!b->code && builder_record(b, id))
        builder_record(b, id)[2] = type;
}

void builder_set_linkage(struct builder *b, uint32_t id, enum btf_linkage linkage)
{
    uint32_t *record = b->code ? NULL : builder_record(b, id);

    if (!record)
        return;
    if (kind_of(b, id) == BTF_VAR)
        record[3] = linkage;
    else
        record[1] = (record[1] & ~0xffffu) | (uint32_t)linkage;
}

void builder_set_size(struct builder *b, uint32_t id, uint32_t size)
{
    builder_set_ref(b, id, size); /* the same word */
}

void builder_set_placed(struct builder *b, uint32_t datasec, uint32_t index, uint32_t type,
                        uint32_t offset, uint32_t size)
{
    uint32_t *record = b->code ? NULL : builder_record(b, datasec);

    if (!record || kind_of(b, datasec) != BTF_DATASEC || index >= (record[1] & 0xffff))
        return;
    record += 3 + (size_t)index * 3;
    record[0] = type;
    record[1] = offset;
    record[2] = size;
}

static int by_offset(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (left[1] > right[1]) - (left[1] < right[1]);
}

void builder_sort_placed(struct builder *b, uint32_t datasec)
{
    uint32_t *record = b->code ? NULL : builder_record(b, datasec);

    if (record && kind_of(b, datasec) == BTF_DATASEC && (record[1] & 0xffff))
        qsort(record + 3, record[1] & 0xffff, 12, by_offset);
}

int builder_encode(struct builder *b, bool is_big, uint8_t **bytes, size_t *size,
                   struct skep_error *err)
{
    size_t types = b->words.count ? (b->words.count - 3) * 4 : 0;
    uint8_t *out;

    if (b->code)
        return error_set(err, b->code, "btf builder: %s", b->why);
    out = malloc(BTF_HEADER_SIZE + types + b->strings.count);
    if (!out)
        return error_set(err, -SKEP_ENOMEM, "btf builder: no memory for %zu bytes",
                         BTF_HEADER_SIZE + types + b->strings.count);
    store_u16(out, BTF_MAGIC, is_big);
    out[2] = 1;
    out[3] = 0;
    store_u32(out + 4, BTF_HEADER_SIZE, is_big);
    store_u32(out + 8, 0, is_big);
    store_u32(out + 12, (uint32_t)types, is_big);
    store_u32(out + 16, (uint32_t)types, is_big);
    store_u32(out + 20, (uint32_t)b->strings.count, is_big);
    for (size_t i = 0; i < types / 4; i++)
        store_u32(out + BTF_HEADER_SIZE + i * 4, b->words.items[3 + i], is_big);
    memcpy(out + BTF_HEADER_SIZE + types, b->strings.items, b->strings.count);
    *bytes = out;
    *size = BTF_HEADER_SIZE + types + b->strings.count;
    return 0;
}

int builder_open(struct builder *b, struct skep_btf **out, struct skep_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    int code = builder_encode(b, HOST_IS_BIG, &bytes, &size, err);

    if (!code)
        code = btf_parse(bytes, size, out, err);
    free(bytes);
    return code;
}
