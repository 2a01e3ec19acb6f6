/* special.c - loads and stores that touch what is special in memory: kptrs in map values, and the map itself.
 *
 * A kptr is a pointer that the kernel keeps in a map value. Programs may load it (and get a pointer that may be stale unless a
 * read section protects it), and store NULL or a plain pointer of its type where it is not counted; counted ones are moved
 * with bpf_kptr_xchg.
 */
#include <string.h>

#include "base/check.h"
#include "verify/btf_access.h"
#include "verify/memory.h"
#include "verify/record.h"

static bool is_kptr(uint8_t what)
{
    return what == SPECIAL_KPTR_UNREF || what == SPECIAL_KPTR || what == SPECIAL_PERCPU_KPTR ||
           what == SPECIAL_UPTR;
}

const struct special_field *special_kptr_at(const struct record *record, int64_t off, uint32_t size)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct special_field *field = &record->fields[i];

        if (is_kptr(field->what) && off < (int64_t)field->offset + field->size &&
            (int64_t)field->offset < off + size)
            return field;
    }
    return NULL;
}

/* Types whose objects outlive an RCU grace period after their last reference; Linux's rcu_protected_types. */
static bool is_rcu_protected(const struct verifier *v, const struct special_field *field)
{
    static const char *const types[] = {"cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx"};
    const char *name;

    if (field->what == SPECIAL_PERCPU_KPTR)
        return true;
    if (field->what != SPECIAL_KPTR)
        return false;
    if (field->space == SPACE_PROGRAM)
        return true;
    name = btf_name_of(v->kernel_btf, field->btf_id);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(name, types[i]))
            return true;
    return false;
}

static void load_kptr(struct verifier *v, struct reg *dst, const struct special_field *field)
{
    uint16_t mods = MOD_MAYBE_NULL;

    if (field->what == SPECIAL_UPTR) { /* memory that user space shares */
        int64_t size = skep_btf_size(verifier_btf(v, field->space), field->btf_id);

        reg_set_pointer(dst, REG_MEM, mods);
        dst->mem_size = size > 0 ? (uint32_t)size : 0;
        dst->id = verifier_new_id(v);
        return;
    }
    if (is_rcu_protected(v, field) && reference_in_rcu(v)) {
        mods |= MOD_RCU;
        if (field->what == SPECIAL_PERCPU_KPTR)
            mods |= MOD_PERCPU;
        else if (field->space == SPACE_PROGRAM)
            mods |= MOD_ALLOC;
    } else {
        mods |= MOD_UNTRUSTED;
    }
    reg_set_pointer(dst, REG_BTF, mods);
    dst->space = field->space;
    dst->btf_id = field->btf_id;
    dst->id = verifier_new_id(v);
}

int special_kptr_match(struct verifier *v, uint32_t regno, const struct special_field *field)
{
    const struct reg *reg = verifier_reg(v, regno);
    uint16_t allowed = MOD_MAYBE_NULL;
    int rc;

    if (reg->kind == REG_BTF && reg->space == SPACE_KERNEL) {
        allowed |= MOD_TRUSTED | MOD_RCU;
        if (field->what == SPECIAL_KPTR_UNREF)
            allowed |= MOD_UNTRUSTED;
    } else {
        allowed |= MOD_ALLOC;
        if (field->what == SPECIAL_PERCPU_KPTR)
            allowed |= MOD_PERCPU;
    }
    if (reg->kind != REG_BTF || (reg->mods & ~allowed))
        return reject_reg(
            v, CODE_CALL_ARG, regno, "invalid kptr access, R%u type=%s expected=ptr_%s", regno,
            reg_kind_name(reg), btf_name_of(verifier_btf(v, field->space), field->btf_id));
    rc = memory_unmodified(v, reg, regno, true);
    if (rc)
        return rc;
    if (!btf_type_matches(v, reg->space, reg->btf_id, reg->off, field->space, field->btf_id,
                          field->what != SPECIAL_KPTR_UNREF))
        return reject_reg(v, CODE_CALL_ARG, regno,
                          "invalid kptr access, R%u type=ptr_%s expected=ptr_%s", regno,
                          btf_name_of(verifier_btf(v, reg->space), reg->btf_id),
                          btf_name_of(verifier_btf(v, field->space), field->btf_id));
    return 0;
}

int special_kptr_access(struct verifier *v, uint32_t regno, int32_t off, uint32_t size,
                        enum access access, int value_reg, const struct special_field *field)
{
    const struct isa_op *op = v->info[v->insn].op;
    const struct reg *ptr = verifier_reg(v, regno);
    const char *name = record_special_name((enum special)field->what);

    if (op->kind != ISA_KIND_LOAD && op->kind != ISA_KIND_STORE)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                          "%s can only be accessed by plain loads and stores", name);
    if (op->does == ISA_DO_LOADSX || size != 8)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "%s access size must be BPF_DW", name);
    if ((int64_t)ptr->v.bits.value + off != field->offset)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "%s access misaligned expected=%u off=%lld",
                          name, field->offset, (long long)ptr->v.bits.value + off);
    if (access == ACCESS_READ) {
        if (value_reg >= 0)
            load_kptr(v, verifier_reg(v, (uint32_t)value_reg), field);
        return 0;
    }
    if (field->what == SPECIAL_UPTR)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "store to uptr disallowed");
    if (field->what != SPECIAL_KPTR_UNREF)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "store to referenced kptr disallowed");
    if (value_reg >= 0)
        return reg_is_null(verifier_reg(v, (uint32_t)value_reg))
                   ? precision_mark(v, (uint32_t)value_reg)
                   : special_kptr_match(v, (uint32_t)value_reg, field);
    if (v->insns[v->insn].imm != 0)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                          "BPF_ST imm must be 0 when storing to kptr at off=%u", field->offset);
    return 0;
}

/* What the kernel calls the struct behind a map of each type; others are plain struct bpf_map. */
static const char *map_struct(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } rows[] = {
        {SKEP_MAP_TYPE_HASH, "bpf_htab"},
        {SKEP_MAP_TYPE_PERCPU_HASH, "bpf_htab"},
        {SKEP_MAP_TYPE_LRU_HASH, "bpf_htab"},
        {SKEP_MAP_TYPE_LRU_PERCPU_HASH, "bpf_htab"},
        {SKEP_MAP_TYPE_HASH_OF_MAPS, "bpf_htab"},
        {SKEP_MAP_TYPE_ARRAY, "bpf_array"},
        {SKEP_MAP_TYPE_PERCPU_ARRAY, "bpf_array"},
        {SKEP_MAP_TYPE_PROG_ARRAY, "bpf_array"},
        {SKEP_MAP_TYPE_PERF_EVENT_ARRAY, "bpf_array"},
        {SKEP_MAP_TYPE_CGROUP_ARRAY, "bpf_array"},
        {SKEP_MAP_TYPE_ARRAY_OF_MAPS, "bpf_array"},
        {SKEP_MAP_TYPE_REUSEPORT_SOCKARRAY, "reuseport_array"},
        {SKEP_MAP_TYPE_STACK_TRACE, "bpf_stack_map"},
        {SKEP_MAP_TYPE_LPM_TRIE, "lpm_trie"},
        {SKEP_MAP_TYPE_DEVMAP, "bpf_dtab"},
        {SKEP_MAP_TYPE_DEVMAP_HASH, "bpf_dtab"},
        {SKEP_MAP_TYPE_CPUMAP, "bpf_cpu_map"},
        {SKEP_MAP_TYPE_XSKMAP, "xsk_map"},
        {SKEP_MAP_TYPE_SOCKMAP, "bpf_stab"},
        {SKEP_MAP_TYPE_SOCKHASH, "bpf_shtab"},
        {SKEP_MAP_TYPE_CGROUP_STORAGE, "bpf_cgroup_storage_map"},
        {SKEP_MAP_TYPE_PERCPU_CGROUP_STORAGE, "bpf_cgroup_storage_map"},
        {SKEP_MAP_TYPE_QUEUE, "bpf_queue_stack"},
        {SKEP_MAP_TYPE_STACK, "bpf_queue_stack"},
        {SKEP_MAP_TYPE_SK_STORAGE, "bpf_local_storage_map"},
        {SKEP_MAP_TYPE_INODE_STORAGE, "bpf_local_storage_map"},
        {SKEP_MAP_TYPE_TASK_STORAGE, "bpf_local_storage_map"},
        {SKEP_MAP_TYPE_CGRP_STORAGE, "bpf_local_storage_map"},
        {SKEP_MAP_TYPE_RINGBUF, "bpf_ringbuf_map"},
        {SKEP_MAP_TYPE_USER_RINGBUF, "bpf_ringbuf_map"},
        {SKEP_MAP_TYPE_BLOOM_FILTER, "bpf_bloom_filter"},
        {SKEP_MAP_TYPE_ARENA, "bpf_arena"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].type == type)
            return rows[i].name;
    return "bpf_map";
}

int special_map_access(struct verifier *v, uint32_t regno, int32_t off, uint32_t size,
                       enum access access, int value_reg)
{
    const char *name = map_struct(verifier_reg(v, regno)->map->def.type);
    uint32_t id;

    if (!v->kernel_btf)
        return reject_reg(v, CODE_NO_BTF, regno,
                          "map_ptr access not supported without the kernel's types");
    id = btf_find_next(v->kernel_btf, name, BTF_MASK(BTF_STRUCT), 0);
    if (!id)
        return reject_reg(v, CODE_NO_BTF, regno, "map_ptr access: the kernel has no struct %s",
                          name);
    if (!v->can_leak)
        return reject_reg(v, CODE_PRIVILEGE, regno,
                          "'struct %s' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN",
                          name);
    if (off < 0)
        return reject_reg(v, CODE_BTF_ACCESS, regno, "R%u is %s invalid negative access: off=%d",
                          regno, name, off);
    if (access != ACCESS_READ)
        return reject_reg(v, CODE_READ_ONLY, regno, "only read from %s is supported", name);
    return btf_load_plain(v, regno, id, (uint32_t)off, size, value_reg);
}
