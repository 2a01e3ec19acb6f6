/* memory.c - loads, stores and buffers, by what the pointer is.
 *
 * Two questions lead here: may this instruction load or store `size` bytes (memory_access), and may a called function do so
 * (memory_region). Both go through the same bounds; `kinds` says which rules a kind of pointer has. The stack has its own
 * file, and so have kernel objects (btf_access.c) and special members of map values (special.c).
 */
#include "verify/verifier.h"

#include "base/check.h"
#include "base/reader.h"
#include "platform/access.h"
#include "verify/memory.h"
#include "verify/record.h"

/* -- bounds ------------------------------------------------------------------------------------ */

static int out_of_bounds(struct verifier *v, const struct reg *reg, uint32_t regno, int64_t off,
                         uint32_t size, uint32_t room)
{
    switch (reg->kind) {
    case REG_MAP_VALUE:
        return reject_reg(v, CODE_MAP_BOUNDS, regno,
                          "invalid access to map value, value_size=%u off=%lld size=%u", room,
                          (long long)off, size);
    case REG_MAP_KEY:
        return reject_reg(v, CODE_MAP_BOUNDS, regno,
                          "invalid access to map key, key_size=%u off=%lld size=%u", room,
                          (long long)off, size);
    case REG_PACKET:
    case REG_PACKET_META:
        return reject_reg(v, CODE_PACKET_BOUNDS, regno,
                          "invalid access to packet, off=%lld size=%u, R%u(id=%u,off=%d,r=%d)",
                          (long long)off, size, regno, reg->id, reg->off, (int32_t)reg->span);
    default:
        return reject_reg(v, CODE_MEM_BOUNDS, regno,
                          "invalid access to memory, mem_size=%u off=%lld size=%u", room,
                          (long long)off, size);
    }
}

static bool fits(int64_t off, uint32_t size, uint32_t room, bool zero_ok)
{
    return off >= 0 && (size > 0 || zero_ok) && (uint64_t)off + size <= room;
}

/* `off` + fixed + variable offset within [0, room) for `size` bytes of a non-stack region; messages name the kind. */
static int check_bounds(struct verifier *v, uint32_t regno, int32_t off, uint32_t size,
                        uint32_t room, bool zero_ok)
{
    const struct reg *reg = verifier_reg(v, regno);

    /* The lowest place it may be at: the variable part may have gone below what the fixed part makes up for. */
    if (reg->v.smin < 0 &&
        (reg->v.smin == INT64_MIN || (int64_t)(int32_t)(off + reg->v.smin) != off + reg->v.smin ||
         reg->v.smin + off < 0))
        return reject_reg(
            v, reg->kind == REG_MAP_VALUE ? CODE_MAP_BOUNDS : CODE_MEM_BOUNDS, regno,
            "R%u min value is negative, either use unsigned index or do a if (index >=0) check",
            regno);
    if (!fits(reg->v.smin + off, size, room, zero_ok))
        return out_of_bounds(v, reg, regno, reg->v.smin + off, size, room);
    if (reg->v.umax >= MAX_VAR_OFF)
        return reject_reg(v, CODE_POINTER_BOUNDS, regno,
                          "R%u unbounded memory access, make sure to bounds check any such access",
                          regno);
    if (!fits((int64_t)reg->v.umax + off, size, room, zero_ok))
        return out_of_bounds(v, reg, regno, (int64_t)reg->v.umax + off, size, room);
    return 0;
}

int memory_unmodified(struct verifier *v, const struct reg *reg, uint32_t regno, bool fixed_ok)
{
    if (reg->off < 0)
        return reject_reg(v, CODE_POINTER_ARITH, regno,
                          "negative offset %s ptr R%u off=%d disallowed", reg_kind_name(reg), regno,
                          reg->off);
    if (!fixed_ok && reg->off)
        return reject_reg(v, reg->kind == REG_CTX ? CODE_CTX_MODIFIED : CODE_POINTER_ARITH, regno,
                          "dereference of modified %s ptr R%u off=%d disallowed",
                          reg_kind_name(reg), regno, reg->off);
    if (!reg_has_fixed_offset(reg))
        return reject_reg(v, reg->kind == REG_CTX ? CODE_CTX_MODIFIED : CODE_POINTER_ARITH, regno,
                          "variable %s access at R%u disallowed", reg_kind_name(reg), regno);
    return 0;
}

int memory_may_be_moved(struct verifier *v, const struct reg *reg, uint32_t regno)
{
    switch (reg->kind) {
    case REG_SCALAR:
    case REG_STACK:
    case REG_PACKET:
    case REG_PACKET_META:
    case REG_MAP_KEY:
    case REG_MAP_VALUE:
    case REG_ARENA:
        if (!reg->mods)
            return 0;
        break;
    case REG_MEM:
        if (!(reg->mods & ~(MOD_RDONLY | MOD_RINGBUF | MOD_DYNPTR_DATA)))
            return 0;
        break;
    case REG_BUF:
        if (!(reg->mods & ~MOD_RDONLY))
            return 0;
        break;
    case REG_BTF:
        if (!reg->mods || reg->mods == MOD_ALLOC || reg->mods == MOD_TRUSTED ||
            reg->mods == MOD_RCU || reg->mods == (MOD_ALLOC | MOD_NON_OWNING) ||
            reg->mods == (MOD_ALLOC | MOD_NON_OWNING | MOD_RCU))
            return memory_unmodified(v, reg, regno, true);
        break;
    default:
        break;
    }
    return memory_unmodified(v, reg, regno, false);
}

static int packet_bounds(struct verifier *v, uint32_t regno, int32_t off, uint32_t size,
                         bool zero_ok)
{
    const struct reg *reg = verifier_reg(v, regno);

    /* The variable part itself is covered by `span`: it was part of what was compared with the packet's end. */
    if (reg->v.smin < 0)
        return reject_reg(
            v, CODE_PACKET_BOUNDS, regno,
            "R%u min value is negative, either use unsigned index or do a if (index >=0) check",
            regno);
    if ((int32_t)reg->span < 0 || !fits(off, size, reg->span, zero_ok))
        return out_of_bounds(v, reg, regno, off, size, (int32_t)reg->span < 0 ? 0 : reg->span);
    return 0;
}

int memory_map_value(struct verifier *v, uint32_t regno, int32_t off, uint32_t size, bool zero_ok,
                     enum access access)
{
    const struct reg *reg = verifier_reg(v, regno);
    const struct verify_map *map = reg->map;
    enum { F_RDONLY_PROG = 1 << 7, F_WRONLY_PROG = 1 << 8 };
    bool is_table = map->def.type == SKEP_MAP_TYPE_INSN_ARRAY;
    int rc;

    if ((access & ACCESS_WRITE) && (is_table || (map->def.flags & F_RDONLY_PROG)))
        return reject_reg(v, CODE_READ_ONLY, regno,
                          "write into map forbidden, value_size=%u off=%d size=%u",
                          map->def.value_size, reg->off, size);
    if ((access & ACCESS_READ) && (map->def.flags & F_WRONLY_PROG))
        return reject_reg(v, CODE_READ_ONLY, regno,
                          "read from map forbidden, value_size=%u off=%d size=%u",
                          map->def.value_size, reg->off, size);
    rc = check_bounds(v, regno, off, size,
                      is_table ? map->def.max_entries * 8 : map->def.value_size, zero_ok);
    if (rc || !map->record)
        return rc;
    for (uint32_t i = 0; i < map->record->count; i++) {
        const struct special_field *field = &map->record->fields[i];

        /* [smin + off, umax + off + size) touches the member */
        if (reg->v.smin + off < (int64_t)field->offset + field->size &&
            (int64_t)field->offset < (int64_t)reg->v.umax + off + size)
            return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                              "%s cannot be accessed directly by load/store",
                              record_special_name((enum special)field->what));
    }
    return 0;
}

/* -- loads and stores -------------------------------------------------------------------------- */

struct touch {
    uint32_t regno;
    struct reg *reg;
    int32_t off; /* the pointer's fixed offset included */
    uint32_t size;
    enum access access;
    int value_reg;
    bool is_signed;
};

static struct reg *loaded(struct verifier *v, const struct touch *t)
{
    return t->access == ACCESS_READ && t->value_reg >= 0 ? verifier_reg(v, (uint32_t)t->value_reg)
                                                         : NULL;
}

static int load_unknown(struct verifier *v, const struct touch *t)
{
    struct reg *dst = loaded(v, t);

    if (dst)
        reg_set_unknown(dst);
    return 0;
}

static bool is_pointer_value(const struct verifier *v, int regno)
{
    return regno >= 0 && !v->can_leak && state_regs(v->cur)[regno].kind != REG_SCALAR;
}

/* An address must not be stored where others can read it. */
static int check_leak(struct verifier *v, const struct touch *t, const char *where)
{
    if (t->access == ACCESS_WRITE && is_pointer_value(v, t->value_reg))
        return reject_reg(v, CODE_POINTER_LEAK, (uint32_t)t->value_reg, "R%d leaks addr into %s",
                          t->value_reg, where);
    return 0;
}

static int cannot_write(struct verifier *v, const struct touch *t)
{
    return reject_reg(v, CODE_READ_ONLY, t->regno, "R%u cannot write into %s", t->regno,
                      reg_kind_name(t->reg));
}

static int access_map_key(struct verifier *v, const struct touch *t)
{
    int rc;

    if (t->access == ACCESS_WRITE)
        return reject_reg(v, CODE_READ_ONLY, t->regno, "write to change key R%u not allowed",
                          t->regno);
    rc = check_bounds(v, t->regno, t->off, t->size, t->reg->map->def.key_size, false);
    return rc ? rc : load_unknown(v, t);
}

/* Constant content of frozen maps is part of the program. */
static bool load_constant(struct verifier *v, const struct touch *t, struct reg *dst)
{
    const struct verify_map *map = t->reg->map;
    const uint8_t *at;
    uint64_t value = 0;

    if (!map->data || map->def.max_entries != 1 || !range_is_const(&t->reg->v))
        return false;
    at = map->data + t->off + t->reg->v.bits.value;
    switch (t->size) {
    case 1:
        value = t->is_signed ? (uint64_t)(int8_t)*at : *at;
        break;
    case 2:
        value = load_u16(at, v->is_big);
        value = t->is_signed ? (uint64_t)(int16_t)value : value;
        break;
    case 4:
        value = load_u32(at, v->is_big);
        value = t->is_signed ? (uint64_t)(int32_t)value : value;
        break;
    default:
        value = load_u64(at, v->is_big);
        break;
    }
    reg_set_const(dst, value);
    return true;
}

/*
 * Entries of a jump table are what a jump by register takes; which of them is a matter of the offset. A whole entry inside the
 * table, whatever the offset: what is read is a code address, and nothing else may be taken for one.
 */
static int access_jump_table(struct verifier *v, const struct touch *t)
{
    struct reg entry = *t->reg, *dst = loaded(v, t);
    int rc;

    if (!dst || t->size != 8)
        return reject_reg(v, CODE_READ_ONLY, t->regno, "jump tables can only be read by 8 bytes");
    rc = memory_map_value(v, t->regno, t->off, t->size, false, t->access);
    if (rc)
        return rc;
    if (!tnum_is_aligned(tnum_add(t->reg->v.bits, tnum_const((uint64_t)(int64_t)t->off)), 8))
        return reject_reg(v, CODE_ALIGNMENT, t->regno, "misaligned read of jump table %s off %d",
                          t->reg->map->def.name, t->off);
    entry.kind = REG_INSN;
    entry.off = t->off;
    *dst = entry;
    return 0;
}

static int access_map_value(struct verifier *v, const struct touch *t)
{
    const struct special_field *kptr = NULL;
    struct reg *dst;
    int rc;

    if (t->reg->map->def.type == SKEP_MAP_TYPE_INSN_ARRAY)
        return access_jump_table(v, t);
    rc = check_leak(v, t, "map");
    if (rc)
        return rc;
    if (t->reg->map->record && range_is_const(&t->reg->v))
        kptr =
            special_kptr_at(t->reg->map->record, t->off + (int64_t)t->reg->v.bits.value, t->size);
    if (kptr)
        return special_kptr_access(v, t->regno, t->off, t->size, t->access, t->value_reg, kptr);
    rc = memory_map_value(v, t->regno, t->off, t->size, false, t->access);
    dst = loaded(v, t);
    if (rc || !dst)
        return rc;
    return load_constant(v, t, dst) ? 0 : load_unknown(v, t);
}

static int access_mem(struct verifier *v, const struct touch *t)
{
    bool is_untrusted = (t->reg->mods & MOD_RDONLY) && (t->reg->mods & MOD_UNTRUSTED);
    int rc = 0;

    if (t->access == ACCESS_WRITE && (t->reg->mods & MOD_RDONLY))
        return cannot_write(v, t);
    rc = check_leak(v, t, "mem");
    if (!rc && !is_untrusted) /* reads of those cannot fault */
        rc = check_bounds(v, t->regno, t->off, t->size, t->reg->mem_size, false);
    return rc ? rc : load_unknown(v, t);
}

static void yield(struct verifier *v, struct reg *dst, const struct platform_access *access)
{
    static const uint8_t kinds[] = {
        [YIELD_SCALAR] = REG_SCALAR,
        [YIELD_PACKET] = REG_PACKET,
        [YIELD_PACKET_END] = REG_PACKET_END,
        [YIELD_PACKET_META] = REG_PACKET_META,
        [YIELD_SOCKET] = REG_SOCKET,
        [YIELD_SOCK_COMMON] = REG_SOCK_COMMON,
        [YIELD_FLOW_KEYS] = REG_FLOW_KEYS,
        [YIELD_TP_BUFFER] = REG_TP_BUFFER,
        [YIELD_BTF] = REG_BTF,
    };
    uint8_t kind = access->yields < ARRAY_SIZE(kinds) ? kinds[access->yields] : (uint8_t)REG_SCALAR;

    if (kind == REG_SCALAR) {
        reg_set_unknown(dst);
        return;
    }
    reg_set_pointer(dst, (enum reg_kind)kind, access->is_maybe_null ? MOD_MAYBE_NULL : 0);
    if (access->is_maybe_null)
        dst->id = verifier_new_id(v);
    if (kind == REG_BTF) {
        dst->mods |= MOD_TRUSTED;
        dst->space = SPACE_KERNEL;
    }
}

static int access_ctx(struct verifier *v, const struct touch *t)
{
    struct platform_access access;
    struct reg *dst = loaded(v, t);
    int rc = check_leak(v, t, "ctx");

    if (!rc &&
        v->type ==
            SKEP_PROG_TYPE_MEMORY) /* skep's own type: how many bytes there are the run knows, and checks */
        return load_unknown(v, t);
    if (!rc)
        rc = memory_unmodified(v, t->reg, t->regno, false);
    if (rc)
        return rc;
    if (v->target.is_typed) {
        struct reg scratch = {0};

        if (t->access == ACCESS_WRITE)
            return reject_reg(v, CODE_CTX_ACCESS, t->regno,
                              "invalid bpf_context access off=%d size=%u", t->off, t->size);
        return target_load(v, (uint32_t)t->off, t->size, dst ? dst : &scratch);
    }
    if (t->off < 0 ||
        !platform_context_access(v->type, v->attach_type, v->can_bpf, (uint32_t)t->off, t->size,
                                 t->access == ACCESS_WRITE, &access) ||
        (t->is_signed && access.is_32bit_view))
        return reject_reg(v, CODE_CTX_ACCESS, t->regno, "invalid bpf_context access off=%d size=%u",
                          t->off, t->size);
    if (!dst)
        return 0;
    yield(v, dst, &access);
    if (dst->kind == REG_BTF) {
        uint32_t id = v->kernel_btf
                          ? btf_find_next(v->kernel_btf, access.btf_type, BTF_MASK(BTF_STRUCT), 0)
                          : 0;
        if (!id)
            return reject(v, CODE_NO_BTF, "the kernel's struct %s is not known here",
                          access.btf_type);
        dst->btf_id = id;
    }
    return 0;
}

static int access_stack(struct verifier *v, const struct touch *t)
{
    int32_t off = t->off - t->reg->off; /* stack.c adds it */

    if (t->access == ACCESS_WRITE)
        return stack_store(v, t->reg, off, t->size, t->value_reg, v->insn);
    return stack_load(v, t->reg, off, t->size, t->value_reg);
}

/* Types whose packet may be read but not written. */
bool memory_may_write_packet(const struct verifier *v)
{
    switch (v->type) {
    case SKEP_PROG_TYPE_SCHED_CLS:
    case SKEP_PROG_TYPE_SCHED_ACT:
    case SKEP_PROG_TYPE_XDP:
    case SKEP_PROG_TYPE_LWT_XMIT:
    case SKEP_PROG_TYPE_SK_SKB:
    case SKEP_PROG_TYPE_SK_MSG:
    case SKEP_PROG_TYPE_CGROUP_SOCKOPT:
        return true;
    default:
        return false;
    }
}

static int access_packet(struct verifier *v, const struct touch *t)
{
    int rc;

    if (t->access == ACCESS_WRITE && !memory_may_write_packet(v))
        return reject_reg(v, CODE_READ_ONLY, t->regno, "cannot write into packet");
    rc = check_leak(v, t, "packet");
    if (!rc)
        rc = packet_bounds(v, t->regno, t->off, t->size, false);
    return rc ? rc : load_unknown(v, t);
}

static int access_flow_keys(struct verifier *v, const struct touch *t)
{
    int rc = check_leak(v, t, "flow keys");

    if (rc)
        return rc;
    if (t->off < 0 || !platform_flow_keys_access((uint32_t)t->off, t->size))
        return reject_reg(v, CODE_MEM_BOUNDS, t->regno,
                          "invalid access to flow keys off=%d size=%u", t->off, t->size);
    return load_unknown(v, t);
}

static int access_sock(struct verifier *v, const struct touch *t)
{
    enum platform_sock kind = t->reg->kind == REG_SOCKET        ? PLATFORM_SOCK
                              : t->reg->kind == REG_SOCK_COMMON ? PLATFORM_SOCK_COMMON
                              : t->reg->kind == REG_TCP_SOCK    ? PLATFORM_TCP_SOCK
                                                                : PLATFORM_XDP_SOCK;
    struct platform_access access;

    if (t->access == ACCESS_WRITE)
        return cannot_write(v, t);
    if (t->reg->v.smin < 0)
        return reject_reg(
            v, CODE_MEM_BOUNDS, t->regno,
            "R%u min value is negative, either use unsigned index or do a if (index >=0) check",
            t->regno);
    if (!reg_has_fixed_offset(t->reg) || t->off < 0 ||
        !platform_sock_access(kind, (uint32_t)t->off, t->size, false, &access))
        return reject_reg(v, CODE_MEM_BOUNDS, t->regno, "R%u invalid %s access off=%d size=%u",
                          t->regno, reg_kind_name(t->reg), t->off, t->size);
    return load_unknown(v, t);
}

/* Buffers whose size the attach target knows: only when it attaches can the kernel compare. */
static int access_buffer(struct verifier *v, const struct touch *t)
{
    if (t->access == ACCESS_WRITE && (t->reg->mods & MOD_RDONLY))
        return cannot_write(v, t);
    if (t->off < 0)
        return reject_reg(v, CODE_MEM_BOUNDS, t->regno,
                          "R%u invalid %s buffer access: off=%d, size=%u", t->regno,
                          t->reg->kind == REG_TP_BUFFER ? "tracepoint" : "rdwr", t->off, t->size);
    if (!reg_has_fixed_offset(t->reg))
        return reject_reg(v, CODE_MEM_BOUNDS, t->regno,
                          "R%u invalid variable buffer offset: off=%d", t->regno, t->off);
    if (t->reg->kind == REG_BUF && t->reg->mem_size &&
        (uint64_t)t->off + t->size > t->reg->mem_size)
        return out_of_bounds(v, t->reg, t->regno, t->off, t->size, t->reg->mem_size);
    return load_unknown(v, t);
}

/* The members of struct bpf_map and what contains it: read by offset in the kernel's types. */
static int access_map_pointer(struct verifier *v, const struct touch *t)
{
    return special_map_access(v, t->regno, t->off, t->size, t->access, t->value_reg);
}

static int access_btf(struct verifier *v, const struct touch *t)
{
    return btf_access(v, t->regno, t->off - t->reg->off, t->size, t->access, t->value_reg);
}

typedef int (*touch_fn)(struct verifier *, const struct touch *);

static const touch_fn kinds[REG_KINDS] = {
    [REG_CTX] = access_ctx,
    [REG_MAP] = access_map_pointer,
    [REG_MAP_VALUE] = access_map_value,
    [REG_MAP_KEY] = access_map_key,
    [REG_STACK] = access_stack,
    [REG_PACKET] = access_packet,
    [REG_PACKET_META] = access_packet,
    [REG_FLOW_KEYS] = access_flow_keys,
    [REG_SOCKET] = access_sock,
    [REG_SOCK_COMMON] = access_sock,
    [REG_TCP_SOCK] = access_sock,
    [REG_XDP_SOCK] = access_sock,
    [REG_TP_BUFFER] = access_buffer,
    [REG_BUF] = access_buffer,
    [REG_BTF] = access_btf,
    [REG_MEM] = access_mem,
    [REG_ARENA] = load_unknown,
};

/* x86 takes any alignment; the stack is followed by slots, so it has to be aligned everywhere. Packets start 2 bytes after
 * a multiple of 4, so that their IP header is aligned where alignment matters (NET_IP_ALIGN). */
int memory_aligned(struct verifier *v, const struct reg *reg, uint32_t regno, int32_t off,
                   uint32_t size, bool is_strict)
{
    bool is_packet = reg_is_packet(reg);
    int64_t total = (int64_t)reg->off + off + (is_packet ? 2 : 0);

    if (reg->kind != REG_STACK && !v->is_strict && !is_strict)
        return 0;
    if (!tnum_is_aligned(tnum_add(reg->v.bits, tnum_const((uint64_t)total)), size))
        return reject_reg(v, CODE_ALIGNMENT, regno, "misaligned %s access off 0x%llx+%d+%d size %u",
                          is_packet ? "packet" : reg_kind_name(reg),
                          (unsigned long long)reg->v.bits.value, reg->off, off, size);
    return 0;
}

#define LOADED(max)                                                                                \
    {                                                                                              \
        {0, (max)}, 0, (int64_t)(max), 0, (max), 0, (int32_t)(max), 0, (max)                       \
    }
/* What loads of 1, 2 and 4 unknown bytes give. */
static const struct range loaded_ranges[] = {
    [1] = LOADED(UINT8_MAX),
    [2] = LOADED(UINT16_MAX),
    [4] = {{0, UINT32_MAX}, 0, UINT32_MAX, 0, UINT32_MAX, INT32_MIN, INT32_MAX, 0, UINT32_MAX},
};

static void narrow_loaded(struct reg *dst, uint32_t size, bool is_signed)
{
    if (size >= 8 || dst->kind != REG_SCALAR)
        return;
    if (!is_signed && dst->v.bits.mask == UINT64_MAX && range_is_unknown(&dst->v)) {
        dst->v = loaded_ranges[size];
        return;
    }
    if (is_signed)
        range_sign_extend(&dst->v, (uint8_t)size, 8);
    else
        range_zero_extend(&dst->v, (uint8_t)size);
    if (is_signed)
        reg_forget_identity(dst);
}

int memory_access(struct verifier *v, uint32_t regno, int32_t off, uint32_t size,
                  enum access access, int value_reg, bool is_strict, bool is_sign_extending)
{
    struct reg *reg = verifier_reg(v, regno);
    struct touch t = {regno, reg, off, size, access, value_reg, is_sign_extending};
    int rc;

    if (!check_add(off, reg->off, &t.off))
        return reject_reg(v, CODE_POINTER_BOUNDS, regno, "%s pointer offset %d is not allowed",
                          reg_kind_name(reg), reg->off);
    if (reg->kind == REG_NONE || reg->kind == REG_SCALAR || !kinds[reg->kind] ||
        reg_may_be_null(reg)) {
        if (reg_may_be_null(reg))
            return reject_reg(v, CODE_NULL_DEREF, regno, "R%u invalid mem access '%s'", regno,
                              reg_kind_name(reg));
        return reject_reg(v, CODE_INVALID_MEM, regno, "R%u invalid mem access '%s'", regno,
                          reg_kind_name(reg));
    }
    rc = memory_aligned(v, reg, regno, off, size, is_strict);
    if (!rc)
        rc = kinds[reg->kind](v, &t);
    if (!rc && access == ACCESS_READ && value_reg >= 0)
        narrow_loaded(verifier_reg(v, (uint32_t)value_reg), size, is_sign_extending);
    return rc;
}

/* -- atomic operations ------------------------------------------------------------------------- */

static bool atomic_is_refused(const struct reg *reg)
{
    switch (reg->kind) {
    case REG_CTX:
    case REG_PACKET:
    case REG_PACKET_META:
    case REG_FLOW_KEYS:
    case REG_SOCKET:
    case REG_SOCK_COMMON:
    case REG_TCP_SOCK:
    case REG_XDP_SOCK:
        return true;
    default:
        return false;
    }
}

static int atomic_refuse(struct verifier *v, uint32_t regno)
{
    return reject_reg(v, CODE_INVALID_MEM, regno, "BPF_ATOMIC stores into R%u %s is not allowed",
                      regno, reg_kind_name(verifier_reg(v, regno)));
}

/* Where the old value goes: src for fetches, r0 for compare-exchange, nowhere else. */
static int fetched_reg(const struct skep_insn *insn, const struct isa_op *op)
{
    if (op->does == ISA_DO_CMPXCHG)
        return 0;
    return isa_writes_src(op) ? SKEP_INSN_SRC(insn) : -1;
}

static int load_acquire(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t src = SKEP_INSN_SRC(insn), dst = SKEP_INSN_DST(insn);
    int rc = explore_read_reg(v, src);

    if (!rc)
        rc = explore_write_reg(v, dst);
    if (rc)
        return rc;
    if (atomic_is_refused(verifier_reg(v, src)))
        return reject_reg(v, CODE_INVALID_MEM, src, "BPF_ATOMIC loads from R%u %s is not allowed",
                          src, reg_kind_name(verifier_reg(v, src)));
    rc = explore_pointer_kind(v, src, false);
    return rc ? rc
              : memory_access(v, src, insn->off, op->width, ACCESS_READ, (int)dst, true, false);
}

static int store_release(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t src = SKEP_INSN_SRC(insn), dst = SKEP_INSN_DST(insn);
    int rc = explore_read_reg(v, src);

    if (!rc)
        rc = explore_read_reg(v, dst);
    if (rc)
        return rc;
    if (is_pointer_value(v, (int)src))
        return reject_reg(v, CODE_POINTER_LEAK, src, "R%u leaks addr into mem", src);
    if (atomic_is_refused(verifier_reg(v, dst)))
        return atomic_refuse(v, dst);
    rc = explore_pointer_kind(v, dst, false);
    return rc ? rc
              : memory_access(v, dst, insn->off, op->width, ACCESS_WRITE, (int)src, true, false);
}

int memory_atomic(struct verifier *v, const struct skep_insn *insn, const struct insn_info *info)
{
    const struct isa_op *op = info->op;
    uint32_t src = SKEP_INSN_SRC(insn), dst = SKEP_INSN_DST(insn);
    int fetched = fetched_reg(insn, op), rc;
    struct reg old = {0};

    if (op->does == ISA_DO_LOAD_ACQ)
        return load_acquire(v, insn, op);
    if (op->does == ISA_DO_STORE_REL)
        return store_release(v, insn, op);
    rc = explore_read_reg(v, src);
    if (!rc)
        rc = explore_read_reg(v, dst);
    if (!rc && fetched >= 0)
        rc = explore_write_reg(v, (uint32_t)fetched);
    if (!rc && op->does == ISA_DO_CMPXCHG) {
        rc = explore_read_reg(v, 0);
        if (!rc && is_pointer_value(v, 0))
            return reject_reg(v, CODE_POINTER_LEAK, 0, "R0 leaks addr into mem");
    }
    if (rc)
        return rc;
    if (is_pointer_value(v, (int)src))
        return reject_reg(v, CODE_POINTER_LEAK, src, "R%u leaks addr into mem", src);
    if (atomic_is_refused(verifier_reg(v, dst)))
        return atomic_refuse(v, dst);
    /* May it be read at all, and not as an address? Only then is it loaded. */
    rc = memory_access(v, dst, insn->off, op->width, ACCESS_READ, -1, true, false);
    if (rc)
        return rc;
    if (fetched >= 0 &&
        (uint32_t)fetched == dst) { /* the address is lost only after the write half */
        struct reg value;

        old = *verifier_reg(v, dst);
        rc = memory_access(v, dst, insn->off, op->width, ACCESS_READ, fetched, true, false);
        if (rc)
            return rc;
        value = *verifier_reg(v, dst);
        *verifier_reg(v, dst) = old;
        rc = memory_access(v, dst, insn->off, op->width, ACCESS_WRITE, -1, true, false);
        *verifier_reg(v, dst) = value;
        return rc ? rc : explore_pointer_kind_of(v, &old, false);
    }
    if (fetched >= 0)
        rc = memory_access(v, dst, insn->off, op->width, ACCESS_READ, fetched, true, false);
    if (!rc)
        rc = explore_pointer_kind(v, dst, false);
    /* What is stored is not followed: the bytes hold some number afterwards. */
    return rc ? rc : memory_access(v, dst, insn->off, op->width, ACCESS_WRITE, -1, true, false);
}

/* -- regions given to functions ---------------------------------------------------------------- */

int memory_region(struct verifier *v, uint32_t regno, uint32_t size, enum access access,
                  bool zero_ok, struct call_meta *meta)
{
    struct reg *reg = verifier_reg(v, regno);
    bool is_write = access & ACCESS_WRITE;

    switch (reg_may_be_null(reg) ? REG_NONE : reg->kind) {
    case REG_PACKET:
    case REG_PACKET_META:
        if (is_write && !memory_may_write_packet(v))
            return reject_reg(v, CODE_READ_ONLY, regno, "cannot write into packet");
        return packet_bounds(v, regno, reg->off, size, zero_ok);
    case REG_MAP_KEY:
        if (is_write)
            return reject_reg(v, CODE_READ_ONLY, regno, "R%u cannot write into %s", regno,
                              reg_kind_name(reg));
        return check_bounds(v, regno, reg->off, size, reg->map->def.key_size, zero_ok);
    case REG_MAP_VALUE:
        return memory_map_value(v, regno, reg->off, size, zero_ok, access);
    case REG_MEM:
        if (is_write && (reg->mods & MOD_RDONLY))
            return reject_reg(v, CODE_READ_ONLY, regno, "R%u cannot write into %s", regno,
                              reg_kind_name(reg));
        return check_bounds(v, regno, reg->off, size, reg->mem_size, zero_ok);
    case REG_BUF:
    case REG_TP_BUFFER: {
        struct touch t = {regno, reg,  reg->off, size, is_write ? ACCESS_WRITE : ACCESS_READ,
                          -1,    false};

        if (reg->kind == REG_TP_BUFFER)
            break;
        return access_buffer(v, &t);
    }
    case REG_STACK:
        return stack_region(v, regno, 0, size, zero_ok, access, meta);
    case REG_BTF:
        return btf_access(v, regno, 0, size, ACCESS_READ, -1);
    case REG_CTX:
        /* Only programs whose context is plain memory give it to functions. */
        if (v->type == SKEP_PROG_TYPE_SYSCALL || v->type == SKEP_PROG_TYPE_MEMORY) {
            if (size == 0)
                return zero_ok ? 0
                               : reject_reg(v, CODE_CALL_SIZE, regno, "R%u invalid zero-sized read",
                                            regno);
            return memory_access(v, regno, (int32_t)size - 1, 1,
                                 is_write ? ACCESS_WRITE : ACCESS_READ, -1, false, false);
        }
        break;
    default:
        if (zero_ok && size == 0 && reg_is_null(reg))
            return precision_mark(v, regno);
        break;
    }
    return reject_reg(v, CODE_CALL_ARG, regno, "R%u type=%s expected=%s", regno, reg_kind_name(reg),
                      "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_");
}

int memory_region_sized(struct verifier *v, uint32_t regno, uint32_t size_regno, enum access access,
                        bool zero_ok, struct call_meta *meta)
{
    const struct reg *size = verifier_reg(v, size_regno);
    int rc;

    if (meta)
        meta->max_size = (int64_t)size->v.umax;
    /* A function may fill less than it could: then what it left must have been initialised before. */
    if (!range_is_const(&size->v))
        meta = NULL;
    if (size->v.smin < 0)
        return reject_reg(v, CODE_CALL_SIZE, size_regno,
                          "R%u min value is negative, either use unsigned or 'var &= const'",
                          size_regno);
    if (size->v.umin == 0 && !zero_ok)
        return reject_reg(v, CODE_CALL_SIZE, size_regno,
                          "R%u invalid zero-sized read: u64=[%llu,%llu]", size_regno,
                          (unsigned long long)size->v.umin, (unsigned long long)size->v.umax);
    if (size->v.umax >= MAX_VAR_OFF)
        return reject_reg(v, CODE_CALL_SIZE, size_regno,
                          "R%u unbounded memory access, use 'var &= const' or 'if (var < const)'",
                          size_regno);
    rc = memory_region(v, regno, (uint32_t)size->v.umax, access, zero_ok, meta);
    return rc ? rc : precision_mark(v, size_regno);
}
