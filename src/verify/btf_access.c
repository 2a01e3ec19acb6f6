/* btf_access.c - loads and stores through pointers that BTF types: the kernel's objects, and the program's own.
 *
 * A walk finds the member at an offset, through nested structs and arrays. What a pointer that is read there may be used
 * for depends on how far the pointer that it is read through is trusted, on type tags (__rcu, __user, __percpu) and on a
 * list of members that Linux vouches for (platform/typed.def). Rules: Linux 6.18.
 */
#include "verify/btf_access.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "platform/typed.h"
#include "verify/record.h"

enum { MOST_STEPS = 64 /* structs entered by one walk */, POINTER = 8 };
enum { TRUSTED_MODS = MOD_ALLOC | MOD_TRUSTED | MOD_NON_OWNING };

/* -- walking ----------------------------------------------------------------------------------- */

static bool PRINTF_LIKE(3, 4)
    miss(struct walk *walk, enum verify_code code, const char *format, ...)
{
    va_list args;

    walk->code = code;
    va_start(args, format);
    vsnprintf(walk->why, sizeof walk->why, format, args);
    va_end(args);
    return false;
}

/* Size, and for arrays the innermost element, of a member's type. False: it has no size. */
static bool measure(const struct skep_btf *btf, uint32_t type, uint32_t *size, uint32_t *elements,
                    uint32_t *element, uint32_t *element_size, bool *is_array)
{
    uint64_t total;

    *elements = 1;
    *is_array = false;
    for (uint32_t depth = 0;; depth++) {
        type = btf_resolve(btf, type);
        if (!btf_is(btf, type, BTF_MASK(BTF_ARRAY)))
            break;
        *is_array = true;
        if (depth == BTF_MAX_DEPTH ||
            !check_mul(*elements, btf_elements_of(btf, type).count, elements))
            return false;
        type = btf_elements_of(btf, type).type;
    }
    if (btf_is(btf, type, BTF_MASK(BTF_PTR)))
        *element_size = POINTER;
    else if (btf_is(btf, type, BTF_SIZED) && !btf_is(btf, type, BTF_MASK(BTF_DATASEC)))
        *element_size = btf_size_field(btf, type);
    else
        return false;
    *element = type;
    total = (uint64_t)*element_size * *elements;
    *size = (uint32_t)total;
    return total <= UINT32_MAX;
}

/* Behind the end of a struct: its last member may be an array without a length. 1: a number is there; 0: *id and *offset
 * are the array's element and the place in it; -1: nothing is there. */
static int enter_flexible(const struct skep_btf *btf, uint32_t *id, uint32_t *offset)
{
    uint32_t length = btf_length(btf, *id), element, begin;
    struct btf_field last;
    uint32_t type;

    if (!length)
        return -1;
    last = btf_field_at(btf, *id, length - 1);
    type = btf_resolve(btf, last.type);
    if (!btf_is(btf, type, BTF_MASK(BTF_ARRAY)) || btf_elements_of(btf, type).count)
        return -1;
    begin = last.bit_offset / 8;
    element = btf_resolve(btf, btf_elements_of(btf, type).type);
    if (*offset < begin)
        return -1;
    if (btf_is(btf, element, BTF_MASK(BTF_INT)))
        return 1;
    if (!btf_is(btf, element, BTF_COMPOSITES) || !btf_size_field(btf, element))
        return -1;
    *offset = (*offset - begin) % btf_size_field(btf, element);
    *id = element;
    return 0;
}

static uint16_t tag_mods(const struct skep_btf *btf, uint32_t type)
{
    static const struct {
        const char *tag;
        uint16_t mods;
    } tags[] = {{"user", MOD_USER}, {"percpu", MOD_PERCPU}, {"rcu", MOD_RCU}};

    if (btf_is(btf, type, BTF_MASK(BTF_TYPE_TAG)) && !btf_flag(btf, type))
        for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
            if (strcmp(btf_name_of(btf, type), tags[i].tag) == 0)
                return tags[i].mods;
    return 0;
}

static bool walk_pointer(const struct skep_btf *btf, uint32_t pointer, const char *member,
                         struct walk *walk)
{
    uint32_t pointee = btf_resolve(btf, btf_ref(btf, pointer));

    walk->member = member;
    walk->kind = WALK_POINTER_OTHER;
    if (!btf_is(btf, pointee, BTF_COMPOSITES))
        return true;
    walk->kind = WALK_POINTER;
    walk->id = pointee;
    walk->mods |= tag_mods(btf, btf_ref(btf, pointer));
    return true;
}

enum found { STEP_MISS, STEP_DONE, STEP_INTO };

/* One struct: its member at [offset, offset + size). STEP_INTO: *id and *offset are a struct within it. */
static enum found walk_struct(const struct skep_btf *btf, uint32_t *id, uint32_t *offset,
                              uint32_t size, struct walk *walk)
{
    const char *name = btf_name_of(btf, *id);
    uint64_t end = (uint64_t)*offset + size;

    for (uint32_t i = 0; i < btf_length(btf, *id); i++) {
        struct btf_field field = btf_field_at(btf, *id, i);
        uint32_t begin = field.bit_offset / 8, bytes, elements, element, element_size;
        bool is_array;

        if (end <= begin)
            break;
        if (field.bit_size) {
            /* All of the bit-field, and whatever is before it. */
            if (*offset <= begin && (field.bit_offset + (uint64_t)field.bit_size + 7) / 8 <= end) {
                walk->kind = WALK_SCALAR;
                return STEP_DONE;
            }
            continue;
        }
        if (*offset < begin)
            break;
        if (!measure(btf, field.type, &bytes, &elements, &element, &element_size, &is_array)) {
            miss(walk, CODE_BTF_ACCESS, "field %s doesn't have size", field.name);
            return STEP_MISS;
        }
        if (*offset >= (uint64_t)begin + bytes)
            continue;
        if (is_array && element_size)
            begin += (*offset - begin) / element_size * element_size;
        if (btf_is(btf, element, BTF_COMPOSITES)) {
            walk->kind = WALK_STRUCT;
            walk->id = element;
            *id = element;
            *offset -= begin;
            return STEP_INTO;
        }
        if (btf_is(btf, element, BTF_MASK(BTF_PTR))) {
            if (element_size == size && *offset == begin)
                return walk_pointer(btf, element, field.name, walk) ? STEP_DONE : STEP_MISS;
            miss(walk, CODE_BTF_ACCESS,
                 "cannot access ptr member %s with moff %u in struct %s with off %u size %u",
                 field.name, begin, name, *offset, size);
            return STEP_MISS;
        }
        /* An array of numbers may be read across its elements. */
        if (end > (uint64_t)field.bit_offset / 8 + bytes && !(walk->mods & MOD_UNTRUSTED)) {
            miss(walk, CODE_BTF_ACCESS,
                 "access beyond the end of member %s (mend:%u) in struct %s with off %u size %u",
                 field.name, field.bit_offset / 8 + bytes, name, *offset, size);
            return STEP_MISS;
        }
        walk->kind = WALK_SCALAR;
        return STEP_DONE;
    }
    miss(walk, CODE_BTF_ACCESS, "struct %s doesn't have field at offset %u", name, *offset);
    return STEP_MISS;
}

/* As btf_walk; stop_at_struct: a struct that begins exactly at the offset ends the walk. */
static bool walk_to(const struct skep_btf *btf, uint32_t id, uint32_t offset, uint32_t size,
                    bool stop_at_struct, struct walk *walk)
{
    walk->code = CODE_OK;
    for (uint32_t steps = 0; steps < MOST_STEPS; steps++) {
        enum found found;

        id = btf_resolve(btf, id);
        if (!btf_is(btf, id, BTF_COMPOSITES))
            return miss(walk, CODE_BTF_ACCESS, "Type '%s' is not a struct", btf_name_of(btf, id));
        /* Which member of a union is the live one nobody knows. */
        if (btf_is(btf, id, BTF_MASK(BTF_UNION)) && btf_length(btf, id) != 1)
            walk->mods |= MOD_UNTRUSTED;
        if ((uint64_t)offset + size > btf_size_field(btf, id)) {
            uint32_t outer = id, at = offset;
            int behind = enter_flexible(btf, &id, &offset);

            if (behind < 0)
                return miss(walk, CODE_BTF_ACCESS, "access beyond struct %s at off %u size %u",
                            btf_name_of(btf, outer), at, size);
            if (behind) {
                walk->kind = WALK_SCALAR;
                return true;
            }
            continue;
        }
        found = walk_struct(btf, &id, &offset, size, walk);
        if (found != STEP_INTO)
            return found == STEP_DONE;
        if (offset == 0 && stop_at_struct)
            return true;
    }
    return miss(walk, CODE_BTF_ACCESS, "structs nest too deep");
}

bool btf_walk(const struct skep_btf *btf, uint32_t id, uint32_t offset, uint32_t size,
              struct walk *walk)
{
    *walk = (struct walk){.code = CODE_OK};
    return walk_to(btf, id, offset, size, false, walk);
}

/* -- types ------------------------------------------------------------------------------------- */

bool btf_type_matches(struct verifier *v, uint8_t space, uint32_t id, int32_t off,
                      uint8_t want_space, uint32_t want_id, bool strict)
{
    const struct skep_btf *btf = verifier_btf(v, space);

    if (space != want_space || off < 0 || !btf)
        return false;
    if (off == 0 && id == want_id)
        return true;
    if (strict)
        return false;
    for (uint32_t steps = 0; steps < MOST_STEPS; steps++) {
        struct walk walk = {.code = CODE_OK};

        if (!walk_to(btf, id, (uint32_t)off, 1, true, &walk) || walk.kind != WALK_STRUCT)
            return false;
        if (walk.id == want_id)
            return true;
        id = walk.id;
        off = 0;
    }
    return false;
}

bool btf_type_is_alias(struct verifier *v, uint8_t space, uint32_t id, uint8_t other_space,
                       uint32_t other_id)
{
    static const char suffix[] = "___init";
    const struct skep_btf *btf = verifier_btf(v, space), *other = verifier_btf(v, other_space);
    const char *a = btf ? btf_name_of(btf, id) : "", *b = other ? btf_name_of(other, other_id) : "";

    if (strlen(a) > strlen(b)) {
        const char *swap = a;

        a = b;
        b = swap;
    }
    return strncmp(a, b, strlen(a)) == 0 && strcmp(b + strlen(a), suffix) == 0;
}

uint32_t btf_kernel_struct(const struct verifier *v, const char *name)
{
    return v->kernel_btf ? btf_find_next(v->kernel_btf, name, BTF_MASK(BTF_STRUCT), 0) : 0;
}

bool btf_is_trusted(const struct reg *reg)
{
    if (reg->ref)
        return true;
    if (reg->mods & (uint16_t)~TRUSTED_MODS)
        return false;
    return reg->mods || reg->kind == REG_SOCKET || reg->kind == REG_SOCK_COMMON ||
           reg->kind == REG_TCP_SOCK;
}

/* -- what a pointer that was read is ----------------------------------------------------------- */

/* Walking from a pointer gives no better one, except where Linux vouches for the member. */
static uint16_t pointer_mods(struct verifier *v, const struct reg *from, const struct walk *walk)
{
    const struct skep_btf *btf = verifier_btf(v, from->space);
    uint16_t mods = walk->mods;
    enum typed_safe safe;

    if (from->mods & MOD_UNTRUSTED)
        return MOD_UNTRUSTED;
    if (!btf_is_trusted(from) && !(from->mods & MOD_RCU))
        return mods & (uint16_t) ~(TRUSTED_MODS | MOD_RCU);
    safe =
        btf_is(btf, from->btf_id, BTF_MASK(BTF_STRUCT))
            ? typed_safe(btf_name_of(btf, from->btf_id), walk->member, btf_name_of(btf, walk->id))
            : SAFE_NOT;
    if (safe == SAFE_TRUSTED)
        return mods | MOD_TRUSTED;
    if (safe == SAFE_TRUSTED_OR_NULL)
        return mods | MOD_TRUSTED | MOD_MAYBE_NULL;
    if (!reference_in_rcu(v) || reg_may_be_null(from))
        return MOD_UNTRUSTED;
    if (safe == SAFE_RCU)
        return mods | MOD_RCU;
    if (safe == SAFE_RCU_OR_NULL)
        return (mods & (uint16_t)~MOD_UNTRUSTED) | MOD_RCU | MOD_MAYBE_NULL;
    if (mods & MOD_RCU)
        return mods | MOD_MAYBE_NULL;
    return mods & (uint16_t)~TRUSTED_MODS;
}

/* `mods`: of a pointer to a struct. */
static void set_loaded(struct verifier *v, uint8_t space, const struct walk *walk, uint16_t mods,
                       bool is_own, uint32_t regno)
{
    struct reg *dst = verifier_reg(v, regno);

    if (walk->kind == WALK_POINTER && !is_own) {
        reg_set_pointer(dst, REG_BTF, mods);
        dst->space = space;
        dst->btf_id = walk->id;
        if (mods & MOD_MAYBE_NULL)
            dst->id = verifier_new_id(v);
    } else if (walk->kind == WALK_POINTER_OTHER) {
        /* Memory of unknown size: only faulting loads touch it. */
        reg_set_pointer(dst, REG_MEM, MOD_RDONLY | MOD_UNTRUSTED);
    } else { /* the program's own objects yield no pointers again */
        reg_set_unknown(dst);
    }
    dst->origin = v->insn;
}

int btf_load_plain(struct verifier *v, uint32_t regno, uint32_t id, uint32_t off, uint32_t size,
                   int value_reg)
{
    struct walk walk;

    if (!btf_walk(v->kernel_btf, id, off, size, &walk))
        return reject_reg(v, walk.code, regno, "%s", walk.why);
    if (value_reg >= 0)
        set_loaded(v, SPACE_KERNEL, &walk, walk.mods, false, (uint32_t)value_reg);
    return 0;
}

/* -- writing to kernel objects ----------------------------------------------------------------- */

/* "a.b.c" of a struct: its place and bytes; "": the struct itself. False: this kernel's struct has no such member. */
static bool find_path(const struct skep_btf *btf, uint32_t id, const char *path, uint32_t *offset,
                      uint32_t *size)
{
    uint32_t type = id;
    int64_t bytes;

    *offset = 0;
    while (*path) {
        size_t length = strcspn(path, ".");
        struct btf_field field;
        char name[64];

        if (length >= sizeof name)
            return false;
        memcpy(name, path, length);
        name[length] = 0;
        if (!btf_find_field(btf, type, name, &field) || field.bit_size)
            return false;
        *offset += field.bit_offset / 8;
        type = field.type;
        path += length + (path[length] == '.');
    }
    bytes = skep_btf_size(btf, type);
    *size = bytes > 0 ? (uint32_t)bytes : 0;
    return bytes > 0;
}

static bool find_write(const struct verifier *v, uint32_t id, const struct typed_write *row,
                       uint32_t *offset, uint32_t *size)
{
    uint32_t cast, within;

    if (!find_path(v->kernel_btf, id, row->member, offset, size))
        return false;
    if (!row->cast)
        return true;
    cast = btf_kernel_struct(v, row->cast);
    if (!cast || !find_path(v->kernel_btf, cast, row->cast_member, &within, size))
        return false;
    *offset += within;
    return true;
}

/* Only what the program's type (or its struct_ops) lists may be written, and most types list nothing. */
static int store(struct verifier *v, const struct reg *reg, uint32_t regno, uint32_t off,
                 uint32_t size)
{
    const struct skep_btf *btf = v->kernel_btf;
    const char *ops = v->target.ops_type ? btf_name_of(btf, v->target.ops_type) : "";
    const char *name = btf_name_of(btf, reg->btf_id);
    bool is_listed = false;

    for (size_t i = 0; typed_write_at(i); i++) {
        const struct typed_write *row = typed_write_at(i);
        uint32_t begin, bytes, end;
        size_t length = strlen(row->type);

        if (row->prog_type != v->type || (row->ops && strcmp(row->ops, ops) != 0) ||
            strncmp(name, row->type, length) != 0 ||
            (name[length] && strcmp(name + length, "___init") != 0))
            continue;
        is_listed = true;
        if (!find_write(v, reg->btf_id, row, &begin, &bytes))
            continue;
        end = begin + bytes - (row->span == SPAN_STRING);
        if (row->span == SPAN_EXACT ? off != begin : off < begin || off >= end)
            continue;
        if (off + (uint64_t)size > end)
            return reject_reg(
                v, CODE_READ_ONLY, regno,
                "write access at off %u with size %u beyond the member of %s ended at %u", off,
                size, name, end);
        return 0;
    }
    if (is_listed)
        return reject_reg(v, CODE_READ_ONLY, regno, "no write support to %s at off %u", name, off);
    return reject_reg(v, CODE_READ_ONLY, regno, "only read is supported");
}

/* -- access ------------------------------------------------------------------------------------ */

static int check_pointer(struct verifier *v, const struct reg *reg, uint32_t regno, int64_t off,
                         const char *name)
{
    if (!v->can_leak)
        return reject_reg(v, CODE_PRIVILEGE, regno,
                          "'struct %s' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN",
                          name);
    if (!v->is_gpl && reg->space == SPACE_KERNEL)
        return reject_reg(v, CODE_LICENSE, regno,
                          "Cannot access kernel 'struct %s' from non-GPL compatible program", name);
    if (off < 0)
        return reject_reg(v, CODE_BTF_ACCESS, regno,
                          "R%u is ptr_%s invalid negative access: off=%lld", regno, name,
                          (long long)off);
    if (!reg_has_fixed_offset(reg))
        return reject_reg(v, CODE_BTF_ACCESS, regno,
                          "R%u is ptr_%s invalid variable offset: off=%lld", regno, name,
                          (long long)off);
    if (reg->mods & MOD_USER)
        return reject_reg(v, CODE_BTF_ACCESS, regno, "R%u is ptr_%s access user memory: off=%lld",
                          regno, name, (long long)off);
    if (reg->mods & MOD_PERCPU)
        return reject_reg(v, CODE_BTF_ACCESS, regno, "R%u is ptr_%s access percpu memory: off=%lld",
                          regno, name, (long long)off);
    return 0;
}

int btf_access(struct verifier *v, uint32_t regno, int32_t off, uint32_t size, enum access access,
               int value_reg)
{
    const struct reg reg = *verifier_reg(v, regno); /* a copy: a load may go to the same register */
    const struct skep_btf *btf = verifier_btf(v, reg.space);
    int64_t at = (int64_t)reg.off + off;
    const struct special_field *special;
    struct walk walk;
    int code;

    if (!btf)
        return reject_reg(v, CODE_NO_BTF, regno,
                          "R%u points at a kernel object, and the kernel's types are unknown",
                          regno);
    code = check_pointer(v, &reg, regno, at, btf_name_of(btf, reg.btf_id));
    if (code)
        return code;
    if (access != ACCESS_READ && (reg.mods & MOD_UNTRUSTED))
        return reject_reg(v, CODE_READ_ONLY, regno, "only read is supported");
    if (access != ACCESS_READ && !(reg.mods & MOD_ALLOC))
        return reg.space == SPACE_KERNEL
                   ? store(v, &reg, regno, (uint32_t)at, size)
                   : reject_reg(v, CODE_READ_ONLY, regno, "only read is supported");
    if (reg.mods & MOD_ALLOC) {
        special = record_overlap(record_of_type(v, reg.space, reg.btf_id), (uint64_t)at, size);
        if (special)
            return reject_reg(v, CODE_SPECIAL_FIELD, regno, "direct access to %s is disallowed",
                              record_special_name((enum special)special->what));
    }
    if (!btf_walk(btf, reg.btf_id, (uint32_t)at, size, &walk))
        return reject_reg(v, walk.code, regno, "%s", walk.why);
    if (access == ACCESS_READ && value_reg >= 0)
        set_loaded(v, reg.space, &walk,
                   walk.kind == WALK_POINTER ? pointer_mods(v, &reg, &walk) : 0,
                   reg.mods & MOD_ALLOC, (uint32_t)value_reg);
    return 0;
}
