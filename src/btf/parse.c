/* parse.c - raw BTF bytes become a struct skep_btf, or an error that names type id and offset.
 *
 * Three passes over the words: find the records, check every reference, then refuse types that
 * contain themselves. A type contains itself in two ways. By a chain of pointers, modifiers, arrays
 * and functions that never meets a struct or a prototype: there each type refers to one other, so
 * walking and marking is enough. Or by value, struct in struct: a depth-first search over members.
 * Both also refuse what nests deeper than MAX_CHAIN, so that readers may recurse.
 */
#include "btf/btf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/reader.h"
#include "base/vec.h"

enum {
    MAX_CHAIN = 128 /* of references or of structs in structs; Linux allows 32 in all */
};

/* What each kind adds to its record, in words, and what its third word and its items refer to. */
static const struct shape {
    uint8_t fixed, per_item;     /* words */
    bool has_ref;                /* the third word is a type id */
    int8_t item_name, item_type; /* word of an item that is a string offset, a type id; -1: none */
} shapes[BTF_KINDS] = {
    [BTF_INT] = {1, 0, false, -1, -1},     [BTF_PTR] = {0, 0, true, -1, -1},
    [BTF_ARRAY] = {3, 0, false, -1, -1},   [BTF_STRUCT] = {0, 3, false, 0, 1},
    [BTF_UNION] = {0, 3, false, 0, 1},     [BTF_ENUM] = {0, 2, false, 0, -1},
    [BTF_FWD] = {0, 0, false, -1, -1},     [BTF_TYPEDEF] = {0, 0, true, -1, -1},
    [BTF_VOLATILE] = {0, 0, true, -1, -1}, [BTF_CONST] = {0, 0, true, -1, -1},
    [BTF_RESTRICT] = {0, 0, true, -1, -1}, [BTF_FUNC] = {0, 0, true, -1, -1},
    [BTF_FUNC_PROTO] = {0, 2, true, 0, 1}, [BTF_VAR] = {1, 0, true, -1, -1},
    [BTF_DATASEC] = {0, 3, false, -1, 0},  [BTF_FLOAT] = {0, 0, false, -1, -1},
    [BTF_DECL_TAG] = {1, 0, true, -1, -1}, [BTF_TYPE_TAG] = {0, 0, true, -1, -1},
    [BTF_ENUM64] = {0, 3, false, 0, -1},
};

/* Bytes from the start of the type section, for messages. */
static uint32_t place_of(const struct skep_btf *btf, uint32_t id)
{
    return (btf->at[id] - 3) * 4;
}

static int bad(const struct skep_btf *btf, uint32_t id, struct skep_error *err, const char *what,
               uint32_t value, uint32_t limit)
{
    return error_set(err, -SKEP_EFORMAT, "btf: type %u (%s) at offset %u: %s %u, limit %u", id,
                     btf_kind_title(btf_kind_of(btf, id)), place_of(btf, id), what, value, limit);
}

/* -- header and sections ----------------------------------------------------------------------- */
struct section {
    uint32_t offset, size;
};

static int read_header(const uint8_t *bytes, size_t size, bool *is_big, struct reader *types,
                       struct reader *strings, struct skep_error *err)
{
    struct reader r;
    struct section type, string;
    uint32_t header;

    if (size < BTF_HEADER_SIZE)
        return error_set(err, -SKEP_EFORMAT, "btf: header takes %d bytes, %zu there",
                         BTF_HEADER_SIZE, size);
    *is_big = load_u16(bytes, true) == BTF_MAGIC;
    if (!*is_big && load_u16(bytes, false) != BTF_MAGIC)
        return error_set(err, -SKEP_EFORMAT, "btf: magic is 0x%04x instead of 0xeb9f",
                         load_u16(bytes, false));
    if (bytes[2] != 1 || bytes[3] != 0)
        return error_set(err, -SKEP_EFORMAT, "btf: version %u with flags 0x%x; 1 with 0 is known",
                         bytes[2], bytes[3]);
    header = load_u32(bytes + 4, *is_big);
    type = (struct section){load_u32(bytes + 8, *is_big), load_u32(bytes + 12, *is_big)};
    string = (struct section){load_u32(bytes + 16, *is_big), load_u32(bytes + 20, *is_big)};
    r = reader_make(bytes, size, *is_big);
    if (header < BTF_HEADER_SIZE || !reader_skip(&r, header))
        return error_set(err, -SKEP_EFORMAT, "btf: header claims %u bytes of %zu", header, size);
    if (!reader_at(&r, type.offset, type.size, types))
        return error_set(err, -SKEP_EFORMAT, "btf: type section: %u bytes at %u claimed, %zu there",
                         type.size, type.offset, reader_left(&r));
    if (!reader_at(&r, string.offset, string.size, strings))
        return error_set(err, -SKEP_EFORMAT,
                         "btf: string section: %u bytes at %u claimed, %zu there", string.size,
                         string.offset, reader_left(&r));
    if (type.offset % 4 || type.size % 4)
        return error_set(err, -SKEP_EFORMAT,
                         "btf: type section: offset %u, size %u: not multiples of 4", type.offset,
                         type.size);
    if (type.size && string.size && type.offset < string.offset + (uint64_t)string.size &&
        string.offset < type.offset + (uint64_t)type.size)
        return error_set(err, -SKEP_EFORMAT,
                         "btf: type section [%u, +%u) and string section [%u, +%u) overlap",
                         type.offset, type.size, string.offset, string.size);
    if (!string.size || strings->at[0] || strings->end[-1])
        return error_set(err, -SKEP_EFORMAT,
                         "btf: string section of %u bytes does not begin and end with a NUL",
                         string.size);
    return 0;
}

static int copy_sections(struct skep_btf *btf, const struct reader *types,
                         const struct reader *strings, struct skep_error *err)
{
    size_t bytes = reader_left(types), count = bytes / 4;

    btf->words = malloc(12 + bytes);
    btf->strings = malloc(reader_left(strings));
    if (!btf->words || !btf->strings)
        return error_set(err, -SKEP_ENOMEM, "btf: no memory for %zu bytes",
                         bytes + reader_left(strings));
    memset(btf->words, 0, 12);
    memcpy(btf->words + 3, types->at, bytes);
    if (btf->is_big != HOST_IS_BIG)
        for (size_t i = 0; i < count; i++)
            btf->words[3 + i] = __builtin_bswap32(btf->words[3 + i]);
    btf->word_count = 3 + count;
    btf->string_size = reader_left(strings);
    memcpy(btf->strings, strings->at, btf->string_size);
    return 0;
}

/* -- records ----------------------------------------------------------------------------------- */
/* Words of the record at `pos`; 0 and an error where there is none. */
static size_t measure(const struct skep_btf *btf, size_t pos, size_t id, struct skep_error *err)
{
    size_t left = btf->word_count - pos, need;
    uint32_t kind = left >= 3 ? btf->words[pos + 1] >> 24 & 0x1f : 0;

    if (left < 3) {
        error_set(err, -SKEP_EFORMAT,
                  "btf: type %zu at offset %zu: %zu bytes left of the 12 it takes", id,
                  (pos - 3) * 4, left * 4);
        return 0;
    }
    if (kind >= BTF_KINDS || (!kind && pos)) {
        error_set(err, -SKEP_EFORMAT, "btf: type %zu at offset %zu: no such kind: %u", id,
                  (pos - 3) * 4, kind);
        return 0;
    }
    need = 3 + shapes[kind].fixed + (size_t)shapes[kind].per_item * (btf->words[pos + 1] & 0xffff);
    if (need <= left)
        return need;
    error_set(err, -SKEP_EFORMAT,
              "btf: type %zu (%s) at offset %zu: takes %zu bytes, the type section has %zu left",
              id, btf_kind_title((enum btf_kind)kind), (pos - 3) * 4, need * 4, left * 4);
    return 0;
}

static int find_records(struct skep_btf *btf, struct skep_error *err)
{
    VEC(uint32_t) at = {0};
    size_t need;
    int code = 0;

    /* An average record of vmlinux has six words. */
    if (!vec_reserve((void **)&at.items, 0, &at.room, btf->word_count / 6 + 8, sizeof *at.items))
        code = error_set(err, -SKEP_ENOMEM, "btf: no memory for its types");
    for (size_t pos = 0; !code && pos < btf->word_count; pos += need) {
        need = measure(btf, pos, at.count, err);
        if (!need)
            code = -SKEP_EFORMAT;
        else if (at.count > BTF_MAX_IDS)
            code = error_set(err, -SKEP_EFORMAT, "btf: more than %d types", BTF_MAX_IDS);
        else if (!vec_reserve((void **)&at.items, at.count, &at.room, 1, sizeof *at.items))
            code = error_set(err, -SKEP_ENOMEM, "btf: no memory for %zu types", at.count);
        else
            at.items[at.count++] = (uint32_t)pos;
    }
    btf->at = at.items;
    btf->count = (uint32_t)at.count;
    return code;
}

static int check_items(const struct skep_btf *btf, uint32_t id, struct skep_error *err)
{
    const struct shape *shape = &shapes[btf_kind_of(btf, id)];
    const uint32_t *word = btf_record(btf, id) + 3;
    uint32_t length = btf_length(btf, id);
    bool is_section = btf_is(btf, id, BTF_MASK(BTF_DATASEC));

    for (uint32_t i = 0; i < length; i++, word += shape->per_item) {
        if (shape->item_name >= 0 && word[shape->item_name] >= btf->string_size)
            return bad(btf, id, err, "name of an item at string", word[shape->item_name],
                       (uint32_t)btf->string_size);
        if (shape->item_type < 0)
            continue;
        if (word[shape->item_type] >= btf->count)
            return bad(btf, id, err, "item of type", word[shape->item_type], btf->count);
        if (is_section && !btf_is(btf, word[0], BTF_MASK(BTF_VAR) | BTF_MASK(BTF_FUNC)))
            return error_set(err, -SKEP_EFORMAT,
                             "btf: type %u (DATASEC) at offset %u: item %u is type %u (%s), not a "
                             "variable or function",
                             id, place_of(btf, id), i, word[0],
                             btf_kind_title(btf_kind_of(btf, word[0])));
    }
    return 0;
}

/* What Linux derives the size of pointers from, too: there is no field for it. */
static void note_long(struct skep_btf *btf, uint32_t id)
{
    static const char *const names[] = {"long", "long int", "long unsigned int", "unsigned long"};
    uint32_t size = btf_size_field(btf, id);

    if (size != 4 && size != 8)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcmp(btf_name_of(btf, id), names[i]))
            btf->pointer_size = (uint8_t)size;
}

static int check_kind(struct skep_btf *btf, uint32_t id, struct skep_error *err)
{
    const uint32_t *record = btf_record(btf, id);
    struct btf_integer integer;

    switch (btf_kind_of(btf, id)) {
    case BTF_INT:
        integer = btf_integer_of(btf, id);
        if (record[2] > 16 || integer.bits + integer.offset > record[2] * 8)
            return bad(btf, id, err, "bits", (uint32_t)integer.bits + integer.offset,
                       record[2] > 16 ? 128 : record[2] * 8);
        note_long(btf, id);
        return 0;
    case BTF_ENUM:
    case BTF_ENUM64:
        return record[2] > 8 ? bad(btf, id, err, "size", record[2], 8) : 0;
    case BTF_ARRAY:
        for (int i = 3; i < 5; i++)
            if (record[i] >= btf->count)
                return bad(btf, id, err, i == 3 ? "elements of type" : "index of type", record[i],
                           btf->count);
        return 0;
    case BTF_FUNC:
        if (!btf_is(btf, record[2], BTF_MASK(BTF_FUNC_PROTO)))
            return error_set(err, -SKEP_EFORMAT,
                             "btf: type %u (FUNC) at offset %u: type %u is no prototype but %s", id,
                             place_of(btf, id), record[2],
                             btf_kind_title(btf_kind_of(btf, record[2])));
        return 0;
    default:
        return 0;
    }
}

static int check_references(struct skep_btf *btf, struct skep_error *err)
{
    int code = 0;

    for (uint32_t id = 1; !code && id < btf->count; id++) {
        const uint32_t *record = btf->words + btf->at[id];
        const struct shape *shape = &shapes[record[1] >> 24 & 0x1f];
        if (record[0] >= btf->string_size)
            return bad(btf, id, err, "name at string", record[0], (uint32_t)btf->string_size);
        if (shape->has_ref && record[2] >= btf->count)
            return bad(btf, id, err, "refers to type", record[2], btf->count);
        code = shape->per_item ? check_items(btf, id, err) : 0;
        if (!code)
            code = check_kind(btf, id, err);
    }
    return code;
}

/* -- loops ------------------------------------------------------------------------------------- */
/* The one type that `id` refers to, but for structs' and prototypes' items; 0: none. */
static uint32_t follow(const struct skep_btf *btf, uint32_t id)
{
    const uint32_t *record = btf->words + btf->at[id];
    uint32_t kind = record[1] >> 24 & 0x1f;

    if (kind == BTF_ARRAY)
        return record[3];
    return shapes[kind].has_ref && kind != BTF_FUNC_PROTO ? record[2] : 0;
}

/* depth[id]: the length of the chain that begins there, once known. */
static int check_chains(const struct skep_btf *btf, uint8_t *depth, struct skep_error *err)
{
    uint32_t path[MAX_CHAIN], length, at;

    for (uint32_t id = 1; id < btf->count; id++) {
        for (length = 0, at = id; at && !depth[at]; at = follow(btf, at)) {
            if (length == MAX_CHAIN)
                return error_set(err, -SKEP_EFORMAT,
                                 "btf: type %u (%s) at offset %u: loop, or more than %d types that "
                                 "refer to each other",
                                 id, btf_kind_title(btf_kind_of(btf, id)), place_of(btf, id),
                                 MAX_CHAIN);
            path[length++] = at;
        }
        for (uint32_t below = at ? depth[at] : 0; length; below = depth[path[length]]) {
            if (below + 1 > MAX_CHAIN)
                return error_set(err, -SKEP_EFORMAT,
                                 "btf: type %u (%s) at offset %u: more than %d types that refer to "
                                 "each other",
                                 id, btf_kind_title(btf_kind_of(btf, id)), place_of(btf, id),
                                 MAX_CHAIN);
            depth[path[--length]] = (uint8_t)(below + 1);
        }
    }
    return 0;
}

/* The struct or union that a member of this type contains; 0: none. Chains are known to end. */
static uint32_t contained(const struct skep_btf *btf, uint32_t id)
{
    while (btf_is(btf, id, BTF_MODIFIERS | BTF_MASK(BTF_ARRAY)))
        id = follow(btf, id);
    return btf_is(btf, id, BTF_COMPOSITES) ? id : 0;
}

/* Structs in structs, depth first: depth[id] is 0 before, OPEN while its members are walked, then
 * its height + 1. */
static int check_containment(const struct skep_btf *btf, uint8_t *depth, struct skep_error *err)
{
    enum { OPEN = 255 };
    struct {
        uint32_t id, member;
        uint8_t height;
    } stack[MAX_CHAIN + 1], *top;
    uint32_t inner;

    for (uint32_t id = 1; id < btf->count; id++) {
        if (depth[id] || !btf_is(btf, id, BTF_COMPOSITES))
            continue;
        top = stack;
        *top = (__typeof__(*top)){id, 0, 0};
        depth[id] = OPEN;
        for (;;) {
            if (top->member == btf_length(btf, top->id)) {
                uint8_t height = (uint8_t)(top->height + 1);
                depth[top->id] = height;
                if (top == stack)
                    break;
                top--;
                if (height > top->height)
                    top->height = height;
                continue;
            }
            inner = contained(btf, btf_record(btf, top->id)[3 + top->member++ * 3 + 1]);
            if (!inner)
                continue;
            if (depth[inner] == OPEN || top == stack + MAX_CHAIN ||
                (depth[inner] && (top - stack) + depth[inner] > MAX_CHAIN))
                return error_set(
                    err, -SKEP_EFORMAT, "btf: type %u (%s '%.64s') at offset %u: member %u %s",
                    top->id, btf_kind_title(btf_kind_of(btf, top->id)), btf_name_of(btf, top->id),
                    place_of(btf, top->id), top->member - 1,
                    depth[inner] == OPEN ? "contains the type itself" : "nests more than 128 deep");
            if (depth[inner]) {
                if (depth[inner] > top->height)
                    top->height = depth[inner];
                continue;
            }
            depth[inner] = OPEN;
            *++top = (__typeof__(*top)){inner, 0, 0};
        }
    }
    return 0;
}

static int check_loops(const struct skep_btf *btf, struct skep_error *err)
{
    uint8_t *depth = calloc(btf->count, 1);
    int code;

    if (!depth)
        return error_set(err, -SKEP_ENOMEM, "btf: no memory for %u types", btf->count);
    code = check_chains(btf, depth, err);
    if (!code) {
        memset(depth, 0, btf->count);
        code = check_containment(btf, depth, err);
    }
    free(depth);
    return code;
}

int btf_parse(const void *bytes, size_t size, struct skep_btf **out, struct skep_error *err)
{
    struct reader types, strings;
    struct skep_btf *btf = calloc(1, sizeof *btf);
    int code;

    if (!btf)
        return error_set(err, -SKEP_ENOMEM, "btf: no memory");
    btf->pointer_size = 8;
    code = read_header(bytes, size, &btf->is_big, &types, &strings, err);
    if (!code)
        code = copy_sections(btf, &types, &strings, err);
    if (!code)
        code = find_records(btf, err);
    if (!code)
        code = check_references(btf, err);
    if (!code)
        code = check_loops(btf, err);
    if (code) {
        skep_btf_free(btf);
        return code;
    }
    *out = btf;
    return 0;
}
