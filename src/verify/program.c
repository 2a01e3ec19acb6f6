/* program.c - what is asked before the first instruction: who may load such a program, with which flags and attach type,
 * and whether the maps and kernel variables that it names fit. Rules: Linux 6.18's BPF_PROG_LOAD.
 */
#include "verify/program.h"

#include <string.h>

#include "base/check.h"
#include "platform/access.h"
#include "platform/typed.h"
#include "verify/btf_access.h"
#include "verify/record.h"
#include "verify/target.h"

enum {
    LD_IMM64 = 0x18,
    MOST_MAPS = 64,
    MOST_OFFSET = 1 << 29, /* of a direct value */
    FLAG_TOKEN = 1 << 16,  /* BPF_F_TOKEN_FD */
    KNOWN_FLAGS = 0xff | FLAG_TOKEN
};

bool program_is_gpl(const char *license)
{
    static const char *const names[] = {"GPL",          "GPL v2",       "GPL and additional rights",
                                        "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

    for (size_t i = 0; license && i < ARRAY_SIZE(names); i++)
        if (strcmp(license, names[i]) == 0)
            return true;
    return false;
}

/* -- who loads what ---------------------------------------------------------------------------- */

static bool has_cap(const struct verifier *v, uint32_t cap)
{
    return v->in->caps & (cap | CAP_SYS_ADMIN);
}

static void derive(struct verifier *v)
{
    const struct skep_image *image = v->image = v->in->image;
    uint32_t flags = v->in->flags;

    v->insns = image->insns;
    v->insn_count = image->insn_count;
    v->type = image->type;
    v->attach_type = platform_attach_effective(image->type, image->attach_type);
    v->prog_type = platform_prog_type(image->type);
    v->kernel_btf = v->in->kernel_btf;
    v->prog_btf = image->btf;
    v->can_bpf = has_cap(v, CAP_BPF);
    v->can_leak = v->can_read_uninit_stack = v->bypasses_spectre = has_cap(v, CAP_PERFMON);
    v->is_strict = flags & FLAG_STRICT_ALIGNMENT && !(flags & FLAG_ANY_ALIGNMENT);
    v->is_sleepable = flags & FLAG_SLEEPABLE;
    v->tests_every_state = v->can_bpf && flags & FLAG_TEST_STATE_FREQ;
    v->is_gpl = program_is_gpl(image->license);
}

static int check_powers(struct verifier *v)
{
    uint32_t powers = typed_power(v->type);
    const char *name = v->prog_type->name;

    if (!(powers & POWER_GUEST) && !v->can_bpf)
        return reject(v, CODE_PRIVILEGE, "%s programs need CAP_BPF", name);
    if (powers & POWER_NET && !has_cap(v, CAP_NET_ADMIN))
        return reject(v, CODE_PRIVILEGE, "%s programs need CAP_NET_ADMIN", name);
    if (powers & POWER_PERFMON && !has_cap(v, CAP_PERFMON))
        return reject(v, CODE_PRIVILEGE, "%s programs need CAP_PERFMON", name);
    return 0;
}

static int check_kind(struct verifier *v)
{
    enum platform_sleep sleep;

    if (!v->prog_type || v->type == SKEP_PROG_TYPE_UNSPEC)
        return reject(v, CODE_PROGRAM, "unknown program type %u", v->type);
    if (v->in->flags & ~(uint32_t)KNOWN_FLAGS)
        return reject(v, CODE_PROGRAM, "unknown program flags 0x%x",
                      v->in->flags & ~(uint32_t)KNOWN_FLAGS);
    if (check_powers(v))
        return -SKEP_EPERM;
    if (!platform_attach_fits(v->type, v->image->attach_type)) {
        const char *attach = skep_attach_type_name(v->image->attach_type);

        return reject(v, CODE_PROGRAM, "%s programs cannot have attach type %s (%u)",
                      v->prog_type->name, attach ? attach : "unknown", v->image->attach_type);
    }
    sleep = platform_sleep(v->type, v->attach_type);
    if (sleep == SLEEP_MUST && !v->is_sleepable)
        return reject(v, CODE_SLEEP, "Syscall programs can only be sleepable");
    if (sleep == SLEEP_NEVER && v->is_sleepable)
        return reject(v, CODE_SLEEP,
                      "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can "
                      "be sleepable");
    return 0;
}

/* -- maps -------------------------------------------------------------------------------------- */

static int check_members(struct verifier *v, const struct verify_map *map)
{
    static const struct {
        enum special what;
        const char *name;
    } untraced[] = {{SPECIAL_LIST_HEAD, "bpf_{list_head,rb_root}"},
                    {SPECIAL_RB_ROOT, "bpf_{list_head,rb_root}"},
                    {SPECIAL_SPIN_LOCK, "bpf_spin_lock"},
                    {SPECIAL_RES_SPIN_LOCK, "bpf_spin_lock"},
                    {SPECIAL_TIMER, "bpf_timer"},
                    {SPECIAL_WORKQUEUE, "bpf_wq"}};
    uint32_t mask = map->record ? map->record->mask : 0;

    if (mask & (1u << SPECIAL_SPIN_LOCK | 1u << SPECIAL_RES_SPIN_LOCK) &&
        v->type == SKEP_PROG_TYPE_SOCKET_FILTER)
        return reject(v, CODE_MAP_FORBIDDEN,
                      "map %s: socket filter progs cannot use bpf_spin_lock yet", map->def.name);
    if (!platform_is_tracing(v->type))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(untraced); i++)
        if (mask >> untraced[i].what & 1)
            return reject(v, CODE_MAP_FORBIDDEN, "map %s: tracing progs cannot use %s yet",
                          map->def.name, untraced[i].name);
    return 0;
}

static int check_map(struct verifier *v, const struct verify_map *map)
{
    int code = check_members(v, map);

    if (code)
        return code;
    if (map->def.type == SKEP_MAP_TYPE_STRUCT_OPS)
        return reject(v, CODE_MAP_FORBIDDEN, "bpf_struct_ops map cannot be used in prog");
    if (v->is_sleepable && !platform_map_may_sleep(map->def.type))
        return reject(v, CODE_MAP_FORBIDDEN,
                      "map %s: Sleepable programs can only use array, hash, ringbuf and local "
                      "storage maps",
                      map->def.name);
    return 0;
}

/* One arena, and one storage of each kind, for a program. */
static int check_first_use(struct verifier *v, const struct verify_map *map)
{
    uint32_t type = map->def.type;

    if (type == SKEP_MAP_TYPE_CGROUP_STORAGE || type == SKEP_MAP_TYPE_PERCPU_CGROUP_STORAGE)
        for (uint32_t i = 0; i < v->image->map_count; i++)
            if (&v->in->maps[i] != map && v->in->maps[i].def.type == type)
                return reject(v, CODE_MAP_FORBIDDEN,
                              "only one cgroup storage of each type is allowed");
    if (type != SKEP_MAP_TYPE_ARENA || v->arena == map)
        return 0;
    if (v->arena)
        return reject(v, CODE_MAP_FORBIDDEN, "Only one arena per program");
    if (!v->can_leak || !v->can_bpf)
        return reject(v, CODE_PRIVILEGE, "CAP_BPF and CAP_PERFMON are required to use arena");
    v->arena = map;
    return 0;
}

/* The address of a byte of a map's only value. */
static int check_direct_value(struct verifier *v, const struct verify_map *map, uint32_t offset)
{
    const struct skep_map_def *def = &map->def;
    uint64_t size = def->value_size;
    bool is_direct = def->type == SKEP_MAP_TYPE_ARRAY && def->max_entries == 1;

    if (offset >= MOST_OFFSET)
        return reject(v, CODE_MAP_BOUNDS, "direct value offset of %u is not allowed", offset);
    if (def->type == SKEP_MAP_TYPE_ARENA) {
        is_direct = true;
        size = (uint64_t)def->max_entries * 4096 + 1; /* pages */
    } else if (def->type == SKEP_MAP_TYPE_INSN_ARRAY) {
        is_direct = true;
        size = (uint64_t)def->max_entries * def->value_size;
    }
    if (!is_direct)
        return reject(v, CODE_MAP_TYPE, "map %s: no direct value access support for this map type",
                      def->name);
    if (offset >= size)
        return reject(v, CODE_MAP_BOUNDS,
                      "map %s: invalid access to map value pointer, value_size=%u off=%u",
                      def->name, def->value_size, offset);
    return 0;
}

static int check_map_load(struct verifier *v, const struct skep_insn *insn)
{
    const struct verify_map *map;
    int code;

    if ((uint32_t)insn->imm >= v->image->map_count)
        return reject(v, CODE_PROGRAM, "fd_idx %d is not one of the program's %u maps", insn->imm,
                      v->image->map_count);
    map = &v->in->maps[insn->imm];
    code = check_map(v, map);
    if (!code && SKEP_INSN_SRC(insn) == SKEP_PSEUDO_MAP_IDX && insn[1].imm)
        code = reject(v, CODE_INSN, "unrecognized bpf_ld_imm64 insn");
    if (!code && SKEP_INSN_SRC(insn) == SKEP_PSEUDO_MAP_IDX_VALUE)
        code = check_direct_value(v, map, (uint32_t)insn[1].imm);
    return code ? code : check_first_use(v, map);
}

static int check_loads(struct verifier *v)
{
    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct skep_insn *insn = &v->insns[i];
        int code = 0;

        if (insn->code != LD_IMM64)
            continue;
        v->insn = i;
        if (i + 1 == v->insn_count || insn[1].code || insn[1].regs || insn[1].off)
            return reject(v, CODE_INSN, "invalid bpf_ld_imm64 insn");
        switch (SKEP_INSN_SRC(insn)) {
        case 0:
        case SKEP_PSEUDO_FUNC:
            break;
        case SKEP_PSEUDO_BTF_ID:
            if ((uint32_t)insn->imm >= v->image->extern_count)
                code =
                    reject(v, CODE_PROGRAM, "ldimm64 insn specifies invalid extern %d", insn->imm);
            else
                code = program_ksym(v, (uint32_t)insn->imm, &(struct reg){0});
            break;
        case SKEP_PSEUDO_MAP_IDX:
        case SKEP_PSEUDO_MAP_IDX_VALUE:
            code = check_map_load(v, insn);
            break;
        default:
            code = reject(v, CODE_INSN, "unrecognized bpf_ld_imm64 insn");
        }
        if (code)
            return code;
        i++;
    }
    v->insn = 0;
    return 0;
}

static int prepare_maps(struct verifier *v)
{
    if (v->image->map_count > MOST_MAPS)
        return reject(v, CODE_PROGRAM,
                      "The total number of maps per program has reached the limit of %d",
                      MOST_MAPS);
    for (uint32_t i = 0; i < v->image->map_count; i++) {
        /* The records of an input's maps are for the verifier to fill: they are in its memory. */
        struct verify_map *map = (struct verify_map *)(uintptr_t)&v->in->maps[i];
        struct verify_map *inner = (struct verify_map *)(uintptr_t)map->inner;
        int code = record_of_map(v, map, &map->record);

        if (!code && inner)
            code = record_of_map(v, inner, &inner->record);
        if (code)
            return code;
    }
    return 0;
}

/* -- kernel variables -------------------------------------------------------------------------- */

static bool is_percpu(const struct skep_btf *btf, uint32_t var)
{
    uint32_t section = btf_find_next(btf, ".data..percpu", BTF_MASK(BTF_DATASEC), 0);

    for (uint32_t i = 0; section && i < btf_length(btf, section); i++)
        if (btf_placed_at(btf, section, i).type == var)
            return true;
    return false;
}

static void set_variable(const struct verifier *v, uint32_t var, struct reg *dst)
{
    const struct skep_btf *btf = v->kernel_btf;
    uint32_t type = btf_resolve(btf, btf_ref(btf, var));
    int64_t size = skep_btf_size(btf, type);

    if (is_percpu(btf, var) || btf_is(btf, type, BTF_COMPOSITES)) {
        reg_set_pointer(dst, REG_BTF, is_percpu(btf, var) ? MOD_PERCPU : 0);
        dst->space = SPACE_KERNEL;
        dst->btf_id = type;
        return;
    }
    reg_set_pointer(dst, REG_MEM, MOD_RDONLY);
    dst->mem_size = size > 0 ? (uint32_t)size : 0;
}

int program_ksym(struct verifier *v, uint32_t external, struct reg *dst)
{
    const struct skep_image_extern *wanted = &v->image->externs[external];
    bool is_typed = wanted->is_func ||
                    (wanted->type && v->prog_btf && skep_btf_size(v->prog_btf, wanted->type) > 0);
    uint32_t found = 0;

    if (!is_typed) {
        /* Where the running kernel has it: known when the program is loaded. */
        reg_set_unknown(dst);
        dst->origin = v->insn;
        return 0;
    }
    if (v->kernel_btf)
        found = btf_find_next(v->kernel_btf, wanted->name,
                              BTF_MASK(wanted->is_func ? BTF_FUNC : BTF_VAR), 0);
    if (!found && wanted->is_weak)
        reg_set_const(dst, 0);
    else if (!found)
        return reject(v, v->kernel_btf ? CODE_PROGRAM : CODE_NO_BTF,
                      "extern %s: the kernel's types have no %s of that name", wanted->name,
                      wanted->is_func ? "function" : "variable");
    else if (wanted->is_func)
        reg_set_pointer(dst, REG_MEM, MOD_RDONLY);
    else
        set_variable(v, found, dst);
    dst->origin = v->insn;
    return 0;
}

/* -- the whole --------------------------------------------------------------------------------- */

int program_prepare(struct verifier *v)
{
    const char *why;
    int code;

    derive(v);
    code = check_kind(v);
    if (!code)
        code = record_prepare(v, &why);
    if (code)
        return code;
    if (why) { /* as loaders do when the kernel refuses the object's types */
        log_text(v, 1, "the object's types are not used: %s\n", why);
        v->prog_btf = NULL;
    }
    code = target_resolve(v);
    if (!code)
        code = prepare_maps(v);
    return code ? code : check_loads(v);
}
