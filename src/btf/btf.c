/* btf.c - opening and reading type information: the public getters and what is derived from
 * records. */
#include "btf/btf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "os/os.h"

static const struct {
    const char *name, *title;
} kinds[BTF_KINDS] = {
    [BTF_VOID] = {"void", "UNKN"},
    [BTF_INT] = {"int", "INT"},
    [BTF_PTR] = {"ptr", "PTR"},
    [BTF_ARRAY] = {"array", "ARRAY"},
    [BTF_STRUCT] = {"struct", "STRUCT"},
    [BTF_UNION] = {"union", "UNION"},
    [BTF_ENUM] = {"enum", "ENUM"},
    [BTF_FWD] = {"fwd", "FWD"},
    [BTF_TYPEDEF] = {"typedef", "TYPEDEF"},
    [BTF_VOLATILE] = {"volatile", "VOLATILE"},
    [BTF_CONST] = {"const", "CONST"},
    [BTF_RESTRICT] = {"restrict", "RESTRICT"},
    [BTF_FUNC] = {"func", "FUNC"},
    [BTF_FUNC_PROTO] = {"func_proto", "FUNC_PROTO"},
    [BTF_VAR] = {"var", "VAR"},
    [BTF_DATASEC] = {"datasec", "DATASEC"},
    [BTF_FLOAT] = {"float", "FLOAT"},
    [BTF_DECL_TAG] = {"decl_tag", "DECL_TAG"},
    [BTF_TYPE_TAG] = {"type_tag", "TYPE_TAG"},
    [BTF_ENUM64] = {"enum64", "ENUM64"},
};

const char *btf_kind_title(enum btf_kind kind)
{
    return kind < BTF_KINDS ? kinds[kind].title : "UNKN";
}

/* -- open and free ----------------------------------------------------------------------------- */
int skep_btf_open_mem(const void *bytes, size_t size, struct skep_btf **out, struct skep_error *err)
{
    const uint8_t *section;
    int code;

    if (size >= 4 && !memcmp(bytes, "\177ELF", 4)) {
        code = btf_section(bytes, size, ".BTF", &section, &size, err);
        if (code)
            return code;
        bytes = section;
    }
    return btf_parse(bytes, size, out, err);
}

int skep_btf_open(const char *path, struct skep_btf **out, struct skep_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    int code = os_file_read(path, &bytes, &size, err);

    if (code)
        return code;
    code = skep_btf_open_mem(bytes, size, out, err);
    if (code)
        error_subject(err, "%s", path);
    free(bytes);
    return code;
}

int skep_btf_open_host(struct skep_btf **out, struct skep_error *err)
{
    static const char path[] = "/sys/kernel/btf/vmlinux";

    if (!os_file_exists(path))
        return error_set(err, -SKEP_ENOENT, "btf: this system has no %s", path);
    return skep_btf_open(path, out, err);
}

void skep_btf_free(struct skep_btf *btf)
{
    if (!btf)
        return;
    free(atomic_load_explicit(&btf->index, memory_order_acquire));
    free(btf->words);
    free(btf->at);
    free(btf->strings);
    free(btf);
}

/* -- getters ----------------------------------------------------------------------------------- */
uint32_t skep_btf_count(const struct skep_btf *btf)
{
    return btf->count;
}

const char *skep_btf_kind(const struct skep_btf *btf, uint32_t id)
{
    return id < btf->count ? kinds[btf_kind_of(btf, id)].name : NULL;
}

const char *skep_btf_name(const struct skep_btf *btf, uint32_t id)
{
    return id < btf->count ? btf_name_of(btf, id) : NULL;
}

int32_t skep_btf_find(const struct skep_btf *btf, const char *kind, const char *name)
{
    uint32_t mask = kind ? 0 : BTF_ANY_KIND, id;

    for (uint32_t i = 0; kind && i < BTF_KINDS; i++)
        if (!strcmp(kind, kinds[i].name))
            mask = BTF_MASK(i);
    if (mask == BTF_MASK(BTF_ENUM))
        mask = BTF_ENUMS; /* one keyword in C */
    if (!mask || !name)
        return -SKEP_EINVAL;
    if (mask & BTF_MASK(BTF_VOID) && !strcmp(name, "void"))
        return 0;
    id = btf_find_next(btf, name, mask, 0);
    return id ? (int32_t)id : -SKEP_ENOENT;
}

int64_t skep_btf_size(const struct skep_btf *btf, uint32_t id)
{
    uint64_t count = 1, size;

    /* Parsing has limited chains, so this ends. */
    while (
        btf_is(btf, id,
               BTF_MODIFIERS | BTF_MASK(BTF_ARRAY) | BTF_MASK(BTF_VAR) | BTF_MASK(BTF_DECL_TAG))) {
        if (!btf_is(btf, id, BTF_MASK(BTF_ARRAY))) {
            id = btf_ref(btf, id);
            continue;
        }
        if (!check_mul(count, btf_elements_of(btf, id).count, &count))
            return -SKEP_E2BIG;
        id = btf_elements_of(btf, id).type;
    }
    if (btf_is(btf, id, BTF_MASK(BTF_PTR)))
        size = btf->pointer_size;
    else if (btf_is(btf, id, BTF_SIZED))
        size = btf_size_field(btf, id);
    else
        return -SKEP_EINVAL;
    return check_mul(count, size, &size) && size <= UINT32_MAX ? (int64_t)size : -SKEP_E2BIG;
}

uint32_t btf_resolve(const struct skep_btf *btf, uint32_t id)
{
    while (btf_is(btf, id, BTF_MODIFIERS))
        id = btf_ref(btf, id);
    return id;
}

uint32_t skep_btf_resolve(const struct skep_btf *btf, uint32_t id)
{
    return btf_resolve(btf, id);
}

int skep_btf_array(const struct skep_btf *btf, uint32_t id, uint32_t *element, uint32_t *count)
{
    struct btf_elements elements;

    id = btf_resolve(btf, id);
    if (!btf_is(btf, id, BTF_MASK(BTF_ARRAY)))
        return -SKEP_EINVAL;
    elements = btf_elements_of(btf, id);
    *element = elements.type;
    *count = elements.count;
    return 0;
}

int skep_btf_int(const struct skep_btf *btf, uint32_t id, uint32_t *bits, uint32_t *flags)
{
    struct btf_integer integer;

    id = btf_resolve(btf, id);
    if (btf_is(btf, id, BTF_MASK(BTF_INT))) {
        integer = btf_integer_of(btf, id);
        *bits = integer.bits;
        *flags = integer.flags & (SKEP_INT_SIGNED | SKEP_INT_CHAR | SKEP_INT_BOOL);
        return 0;
    }
    if (!btf_is(btf, id, BTF_ENUMS))
        return -SKEP_EINVAL;
    *bits = btf_size_field(btf, id) * 8;
    *flags = btf_flag(btf, id) ? SKEP_INT_SIGNED : 0;
    return 0;
}

struct btf_enumerator btf_enumerator_at(const struct skep_btf *btf, uint32_t id, uint32_t i)
{
    const uint32_t *record = btf_record(btf, id), *word;
    bool is_wide = btf_is(btf, id, BTF_MASK(BTF_ENUM64));
    struct btf_enumerator out;

    word = record + 3 + (size_t)i * (is_wide ? 3 : 2);
    out.name = btf->strings + word[0];
    if (is_wide)
        out.value = (int64_t)((uint64_t)word[2] << 32 | word[1]);
    else
        out.value = btf_flag(btf, id) ? (int64_t)(int32_t)word[1] : (int64_t)word[1];
    return out;
}

int skep_btf_member(const struct skep_btf *btf, uint32_t id, uint32_t index,
                    struct skep_btf_member *out)
{
    struct skep_btf_member member = {0};
    size_t size = out->size < sizeof member ? out->size : sizeof member;
    struct btf_enumerator enumerator;
    struct btf_parameter parameter;
    struct btf_field field;

    id = btf_resolve(btf, id);
    if (!btf_is(btf, id, BTF_COMPOSITES | BTF_ENUMS | BTF_MASK(BTF_FUNC_PROTO)))
        return -SKEP_EINVAL;
    if (index >= btf_length(btf, id))
        return -SKEP_ENOENT;
    if (btf_is(btf, id, BTF_COMPOSITES)) {
        field = btf_field_at(btf, id, index);
        member.name = field.name;
        member.type = field.type;
        member.bit_offset = field.bit_offset;
        member.bit_size = field.bit_size;
    } else if (btf_is(btf, id, BTF_ENUMS)) {
        enumerator = btf_enumerator_at(btf, id, index);
        member.name = enumerator.name;
        member.value = enumerator.value;
    } else {
        parameter = btf_parameter_at(btf, id, index);
        member.name = parameter.name;
        member.type = parameter.type;
    }
    member.size = out->size;
    memcpy(out, &member, size);
    return 0;
}
