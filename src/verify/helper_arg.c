/* helper_arg.c - arguments of helpers, one after the other: is the register what the prototype wants, and is what it points at
 * good for what the helper does there?
 *
 * A kind of argument takes certain kinds of registers (`accepted`), each with certain marks and no others; flags of the
 * argument forgive some marks. What is learned on the way (the map, sizes, references) is gathered in call_meta.
 */
#include "verify/helper.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "verify/btf_access.h"
#include "verify/kfunc.h"
#include "verify/log.h"
#include "verify/memory.h"

struct arg {
    struct call_meta *meta;
    const struct platform_helper *proto;
    uint32_t n, regno, insn;
    uint16_t type; /* enum platform_arg; maps may change it */
};

static uint16_t kind_of(const struct arg *arg)
{
    return arg->type & ARG_KIND;
}

/* -- which registers ---------------------------------------------------------------------------------- */

struct accepted {
    const char *names; /* as Linux lists them */
    struct {
        uint8_t kind; /* enum reg_kind; 0 ends the list */
        uint16_t mods;
    } regs[10];
};
#define MEMORY                                                                                     \
    {                                                                                              \
        "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",              \
            {{REG_STACK, 0},         {REG_PACKET, 0},    {REG_PACKET_META, 0},                     \
             {REG_MAP_KEY, 0},       {REG_MAP_VALUE, 0}, {REG_MEM, 0},                             \
             {REG_MEM, MOD_RINGBUF}, {REG_BUF, 0},       {REG_BTF, MOD_TRUSTED}},                  \
    }
#define NUMBER                                                                                     \
    {                                                                                              \
        "scalar", {{REG_SCALAR, 0}},                                                               \
    }
static const struct accepted accepted[ARG_KINDS] = {
    [ARG_SCALAR] = NUMBER,
    [ARG_CTX] = {"ctx", {{REG_CTX, 0}}},
    [ARG_MAP] = {"map_ptr", {{REG_MAP, 0}}},
    [ARG_MAP_KEY] = MEMORY,
    [ARG_MAP_VALUE] = MEMORY,
    [ARG_MEM] = MEMORY,
    [ARG_SIZE] = NUMBER,
    [ARG_SIZE_OR_ZERO] = NUMBER,
    [ARG_ALLOC_SIZE] = NUMBER,
    [ARG_STR] = {"map_value", {{REG_MAP_VALUE, 0}}},
    [ARG_FUNC] = {"func", {{REG_FUNC, 0}}},
    [ARG_STACK] = {"fp", {{REG_STACK, 0}}},
    [ARG_SOCK_COMMON] =
        {"sock_common, sock, tcp_sock, xdp_sock",
         {{REG_SOCK_COMMON, 0}, {REG_SOCKET, 0}, {REG_TCP_SOCK, 0}, {REG_XDP_SOCK, 0}}},
    [ARG_SOCKET] = {"sock", {{REG_SOCKET, 0}}},
    [ARG_BTF] = {"ptr_, trusted_ptr_, rcu_ptr_",
                 {{REG_BTF, 0}, {REG_BTF, MOD_TRUSTED}, {REG_BTF, MOD_RCU}}},
    [ARG_BTF_SOCK] = {"sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_",
                      {{REG_SOCK_COMMON, 0},
                       {REG_SOCKET, 0},
                       {REG_TCP_SOCK, 0},
                       {REG_XDP_SOCK, 0},
                       {REG_BTF, 0},
                       {REG_BTF, MOD_TRUSTED}}},
    [ARG_PERCPU_BTF] = {"percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
                        {{REG_BTF, MOD_PERCPU},
                         {REG_BTF, MOD_PERCPU | MOD_RCU},
                         {REG_BTF, MOD_PERCPU | MOD_TRUSTED}}},
    [ARG_SPIN_LOCK] = {"map_value, ptr_", {{REG_MAP_VALUE, 0}, {REG_BTF, MOD_ALLOC}}},
    [ARG_TIMER] = {"map_value", {{REG_MAP_VALUE, 0}}},
    [ARG_KPTR] = {"map_value, ptr_", {{REG_MAP_VALUE, 0}, {REG_BTF, MOD_ALLOC}}},
    [ARG_DYNPTR] = {"fp, dynptr_ptr", {{REG_STACK, 0}, {REG_DYNPTR, 0}}},
    [ARG_RECORD] = {"ringbuf_mem", {{REG_MEM, MOD_RINGBUF}}}};

/* In words, for the note. */
static const char *meaning(const struct arg *arg, char *text, size_t room)
{
    static const char *const plain[ARG_KINDS] = {[ARG_SCALAR] = "a number",
                                                 [ARG_CTX] = "the program's context",
                                                 [ARG_MAP] = "a map",
                                                 [ARG_MAP_KEY] = "a pointer to the map's key",
                                                 [ARG_MAP_VALUE] =
                                                     "a pointer to a value for the map",
                                                 [ARG_SIZE] = "a size in bytes, not zero",
                                                 [ARG_SIZE_OR_ZERO] = "a size in bytes",
                                                 [ARG_ALLOC_SIZE] = "a size that is a constant",
                                                 [ARG_STR] = "a constant string",
                                                 [ARG_FUNC] = "a function of the program",
                                                 [ARG_STACK] = "a pointer to the stack",
                                                 [ARG_SOCK_COMMON] = "a socket",
                                                 [ARG_SOCKET] = "a full socket",
                                                 [ARG_BTF_SOCK] = "a socket",
                                                 [ARG_PERCPU_BTF] = "a per-CPU variable",
                                                 [ARG_SPIN_LOCK] = "a struct bpf_spin_lock",
                                                 [ARG_TIMER] = "a struct bpf_timer in a map value",
                                                 [ARG_KPTR] = "the place of a kernel pointer",
                                                 [ARG_DYNPTR] = "a struct bpf_dynptr on the stack",
                                                 [ARG_RECORD] = "a record of a ring buffer"};
    const char *or_null = arg->type & ARG_OR_NULL ? ", or NULL" : "";

    if (kind_of(arg) == ARG_BTF)
        snprintf(text, room, "a struct %s of the kernel%s", arg->proto->btf ? arg->proto->btf : "",
                 or_null);
    else if (kind_of(arg) == ARG_MEM)
        snprintf(text, room, "memory that it %s%s", arg->type & ARG_WRITES ? "writes" : "reads",
                 or_null);
    else
        snprintf(text, room, "%s%s", plain[kind_of(arg)] ? plain[kind_of(arg)] : "a number",
                 or_null);
    return text;
}

static void note(struct verifier *v, const struct arg *arg)
{
    char text[120];

    reject_note(v, arg->insn, "argument %u of %s is %s", arg->n + 1, arg->proto->name,
                meaning(arg, text, sizeof text));
}

static int reject_kind(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);
    bool is_null_only = reg_may_be_null(reg) && !(arg->type & ARG_OR_NULL);
    char have[96];
    int code = reject_reg(v, is_null_only ? CODE_NULL_DEREF : CODE_CALL_ARG, arg->regno,
                          "R%u type=%s expected=%s", arg->regno,
                          log_reg_type(v, reg, have, sizeof have), accepted[kind_of(arg)].names);

    note(v, arg);
    return code;
}

/* Marks that say where memory came from and do not matter here. */
static uint16_t marks_of(const struct reg *reg, const struct arg *arg)
{
    uint16_t mods = reg->mods & (uint16_t)~MOD_DYNPTR_DATA;

    if (arg->type & ARG_RDONLY)
        mods &= (uint16_t)~MOD_RDONLY;
    if (arg->type & ARG_OR_NULL)
        mods &= (uint16_t)~MOD_MAYBE_NULL;
    if (kind_of(arg) == ARG_MEM)
        mods &= (uint16_t) ~(MOD_SLICE | MOD_PACKET_SLICE);
    /* Objects of the program's own types may be put where kernel pointers are kept. */
    if (arg->meta->id == HELPER_KPTR_XCHG && arg->n == 1 && mods & MOD_ALLOC)
        mods &= (uint16_t) ~(MOD_ALLOC | MOD_PERCPU);
    return mods;
}

static bool is_accepted(const struct reg *reg, const struct arg *arg)
{
    const struct accepted *row = &accepted[kind_of(arg)];
    uint16_t mods = marks_of(reg, arg);

    for (size_t i = 0; i < ARRAY_SIZE(row->regs) && row->regs[i].kind; i++)
        if (row->regs[i].kind == reg->kind && row->regs[i].mods == mods)
            return true;
    return false;
}

/* -- kernel objects ------------------------------------------------------------------------------------ */

static int check_object(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);
    const char *want = kind_of(arg) == ARG_BTF ? arg->proto->btf : "sock_common";
    bool is_release = arg->type & ARG_RELEASE;
    uint32_t want_id;
    int code;

    if (reg_may_be_null(reg) && (is_release || !(arg->type & ARG_OR_NULL))) {
        code = reject_reg(v, CODE_NULL_DEREF, arg->regno,
                          "Possibly NULL pointer passed to helper arg%u", arg->regno);
        note(v, arg);
        return code;
    }
    if (arg->meta->id == HELPER_KPTR_XCHG)
        return special_kptr_match(v, arg->regno, arg->meta->field);
    want_id = btf_kernel_struct(v, want);
    if (!want_id)
        return reject(v, CODE_NO_BTF, "the kernel's struct %s is not known", want);
    /* Sockets of all kinds are given back as what they begin with. */
    if (btf_type_matches(v, reg->space, reg->btf_id, reg->off, SPACE_KERNEL, want_id,
                         is_release && arg->meta->id != HELPER_SK_RELEASE))
        return 0;
    code = reject_reg(v, CODE_CALL_ARG, arg->regno, "R%u is of type %s but %s is expected",
                      arg->regno, btf_name_of(verifier_btf(v, reg->space), reg->btf_id), want);
    note(v, arg);
    return code;
}

static int check_kind(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);
    char have[96];

    if (!is_accepted(reg, arg))
        return reject_kind(v, arg);
    if (reg->kind != REG_BTF)
        return 0;
    switch (kind_of(arg)) {
    case ARG_MAP_KEY:
    case ARG_MAP_VALUE:
    case ARG_MEM:
        if (arg->type & ARG_RDONLY)
            return 0;
        return reject_reg(v, CODE_READ_ONLY, arg->regno,
                          "%s() may write into memory pointed by R%u type=%s", arg->proto->name,
                          arg->regno, log_reg_type(v, reg, have, sizeof have));
    case ARG_BTF:
    case ARG_BTF_SOCK:
        return check_object(v, arg);
    default: /* locks, kptrs, per-CPU variables: judged by what they are for */
        return 0;
    }
}

/* Which pointers may have moved from where they began. */
static int check_offset(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);

    if (arg->type & ARG_RELEASE) {
        if (kind_of(arg) == ARG_DYNPTR && reg->kind == REG_STACK)
            return 0;
        if (reg->off)
            return reject_reg(v, CODE_REF_RELEASE, arg->regno,
                              "R%u must have zero offset when passed to release func", arg->regno);
        return memory_unmodified(v, reg, arg->regno, false);
    }
    return memory_may_be_moved(v, reg, arg->regno);
}

/* -- references ---------------------------------------------------------------------------------------- */

static int check_reference(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);
    struct call_meta *meta = arg->meta;
    int code;

    if (arg->type & ARG_RELEASE) {
        if (kind_of(arg) == ARG_DYNPTR) {
            const struct reg *dynptr = dynptr_of(v, reg);

            if (reg->kind != REG_STACK)
                return reject_reg(v, CODE_REF_RELEASE, arg->regno,
                                  "cannot release unowned const bpf_dynptr");
            if (!dynptr || !dynptr->ref)
                return reject_reg(v, CODE_REF_RELEASE, arg->regno,
                                  "arg %u is an unacquired reference", arg->regno);
        } else if (!reg->ref && !reg_is_null(reg)) {
            code = reject_reg(v, CODE_REF_RELEASE, arg->regno,
                              "R%u must be referenced when passed to release function", arg->regno);
            note(v, arg);
            return code;
        }
        meta->release_reg = (uint8_t)arg->regno;
    }
    if (!reg->ref || kind_of(arg) == ARG_KPTR)
        return 0;
    if (meta->ref)
        return reject_reg(v, CODE_CALL_ARG, arg->regno,
                          "more than one arg with ref_obj_id R%u %u %u", arg->regno, reg->ref,
                          meta->ref);
    meta->ref = reg->ref;
    return 0;
}

/* -- what is behind it ---------------------------------------------------------------------------------- */

/* A pointer that may be NULL is good for what it points at if it is not. */
static int check_region(struct verifier *v, const struct arg *arg, uint32_t regno, uint32_t size,
                        uint32_t size_regno, uint16_t type, bool zero_ok)
{
    struct reg *reg = verifier_reg(v, regno);
    enum access access = type & ARG_WRITES ? ACCESS_WRITE : ACCESS_READ;
    bool maybe_null = type & ARG_OR_NULL && reg_may_be_null(reg);
    int rc;

    arg->meta->is_raw = type & ARG_UNINIT;
    if (maybe_null)
        reg->mods &= (uint16_t)~MOD_MAYBE_NULL;
    rc = size_regno ? memory_region_sized(v, regno, size_regno, access, zero_ok, arg->meta)
                    : memory_region(v, regno, size, access, zero_ok, arg->meta);
    if (maybe_null)
        verifier_reg(v, regno)->mods |= MOD_MAYBE_NULL;
    return rc;
}

static int check_map(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);
    struct call_meta *meta = arg->meta;

    /* A timer came first: it must be the map's own, and so of the same inner map. */
    if (meta->map && (meta->map != reg->map || meta->map_uid != reg->map_uid))
        return reject_reg(
            v, CODE_CALL_ARG, arg->regno,
            "timer pointer in R1 map_uid=%u doesn't match map pointer in R2 map_uid=%u",
            meta->map_uid, reg->map_uid);
    meta->map = reg->map;
    meta->map_uid = reg->map_uid;
    return 0;
}

static int check_key(struct verifier *v, const struct arg *arg)
{
    int rc;

    if (!arg->meta->map)
        return reject_internal(v, "a key before its map");
    rc = memory_region(v, arg->regno, arg->meta->map->def.key_size, ACCESS_READ, false, NULL);
    return rc ? rc : helper_constant_key(v, arg->regno, arg->meta);
}

static int check_value(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);

    if (arg->type & ARG_OR_NULL && reg_is_null(reg))
        return 0;
    return check_region(v, arg, arg->regno, arg->meta->map->def.value_size, 0, arg->type, false);
}

static int check_fixed(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);
    uint32_t size = platform_fixed_size(arg->proto, (int)arg->n);
    int rc = check_region(v, arg, arg->regno, size, 0, arg->type, false);

    if (rc || !(arg->type & ARG_ALIGNED))
        return rc;
    /* The helper stores a whole number. */
    return memory_aligned(v, reg, arg->regno, 0, size, true);
}

static int check_percpu(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);

    if (!reg->btf_id)
        return reject_reg(v, CODE_CALL_ARG, arg->regno, "Helper has invalid btf_id in R%u",
                          arg->regno);
    arg->meta->ret_space = reg->space;
    arg->meta->ret_btf_id = reg->btf_id;
    return 0;
}

static int check_dynptr(struct verifier *v, const struct arg *arg)
{
    uint32_t kind = arg->type & ARG_LOCAL     ? DYNPTR_LOCAL
                    : arg->type & ARG_RINGBUF ? DYNPTR_RINGBUF
                                              : DYNPTR_NONE;
    uint32_t flags = kind << DYNPTR_ARG_KIND_SHIFT;

    if (arg->type & ARG_UNINIT)
        flags |= DYNPTR_ARG_UNINIT;
    if (arg->type & ARG_RDONLY)
        flags |= DYNPTR_ARG_CONST;
    return dynptr_arg(v, arg->regno, arg->insn, flags, 0, arg->meta);
}

static int check_constant(struct verifier *v, const struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);

    if (!reg_is_const(reg))
        return reject_reg(v, CODE_CALL_SIZE, arg->regno, "R%u is not a known constant", arg->regno);
    arg->meta->mem_size = range_value(&reg->v);
    return precision_mark(v, arg->regno);
}

static int check_lock(struct verifier *v, const struct arg *arg)
{
    if (kfunc_in_less(v))
        return reject(v, CODE_LOCK, "can't spin_{lock,unlock} in rbtree cb");
    return lock_arg(v, arg->regno, arg->meta->id == HELPER_SPIN_LOCK, LOCK_SPIN);
}

static int check_meaning(struct verifier *v, const struct arg *arg)
{
    switch (kind_of(arg)) {
    case ARG_MAP:
        return check_map(v, arg);
    case ARG_MAP_KEY:
        return check_key(v, arg);
    case ARG_MAP_VALUE:
        return check_value(v, arg);
    case ARG_MEM: /* without a fixed size it waits for the argument after it */
        return arg->type & ARG_FIXED ? check_fixed(v, arg) : 0;
    case ARG_SIZE:
    case ARG_SIZE_OR_ZERO:
        return check_region(v, arg, arg->regno - 1, 0, arg->regno, arg->proto->args[arg->n - 1],
                            kind_of(arg) == ARG_SIZE_OR_ZERO);
    case ARG_ALLOC_SIZE:
        return check_constant(v, arg);
    case ARG_STR:
        return string_arg(v, arg->regno);
    case ARG_FUNC:
        arg->meta->subprog = (int32_t)verifier_reg(v, arg->regno)->subprog;
        return 0;
    case ARG_PERCPU_BTF:
        return check_percpu(v, arg);
    case ARG_SPIN_LOCK:
        return check_lock(v, arg);
    case ARG_TIMER:
        return timer_arg(v, arg->regno, SPECIAL_TIMER, arg->meta);
    case ARG_KPTR:
        return helper_kptr_arg(v, arg->regno, arg->meta);
    case ARG_DYNPTR:
        return check_dynptr(v, arg);
    default:
        return 0;
    }
}

/* -- one argument ----------------------------------------------------------------------------------------- */

/* Packets may be given to helpers that read them in place, by programs that see packets in place. */
static bool may_pass_packet(const struct verifier *v, const struct call_meta *meta)
{
    switch (v->type) {
    case SKEP_PROG_TYPE_LWT_IN:
    case SKEP_PROG_TYPE_LWT_OUT:
    case SKEP_PROG_TYPE_LWT_SEG6LOCAL:
    case SKEP_PROG_TYPE_SK_REUSEPORT:
    case SKEP_PROG_TYPE_FLOW_DISSECTOR:
    case SKEP_PROG_TYPE_CGROUP_SKB:
    case SKEP_PROG_TYPE_SCHED_CLS:
    case SKEP_PROG_TYPE_SCHED_ACT:
    case SKEP_PROG_TYPE_XDP:
    case SKEP_PROG_TYPE_LWT_XMIT:
    case SKEP_PROG_TYPE_SK_SKB:
    case SKEP_PROG_TYPE_SK_MSG:
        return meta->proto->flags & HELPER_READS_PACKET;
    default: /* "packets" of cgroup_sockopt are the option's value */
        return v->type == SKEP_PROG_TYPE_CGROUP_SOCKOPT;
    }
}

/* Values of some maps are no plain bytes. */
static int adapt_value(struct verifier *v, struct arg *arg)
{
    if (!arg->meta->map)
        return reject_internal(v, "a value before its map");
    switch (arg->meta->map->def.type) {
    case SKEP_MAP_TYPE_SOCKMAP:
    case SKEP_MAP_TYPE_SOCKHASH:
        if (arg->type != ARG_MAP_VALUE)
            return reject(v, CODE_MAP_TYPE, "invalid arg_type for sockmap/sockhash");
        arg->type = ARG_BTF_SOCK;
        return 0;
    case SKEP_MAP_TYPE_BLOOM_FILTER: /* asks whether the value is there */
        if (arg->meta->id == HELPER_MAP_PEEK_ELEM)
            arg->type = ARG_MAP_VALUE;
        return 0;
    default:
        return 0;
    }
}

static int check_arg(struct verifier *v, struct arg *arg)
{
    const struct reg *reg = verifier_reg(v, arg->regno);
    int rc;

    if (kind_of(arg) == ARG_LOOSE)
        return 0;
    rc = explore_read_reg(v, arg->regno);
    if (rc)
        return rc;
    if (kind_of(arg) == ARG_ANY) {
        if (reg->kind != REG_SCALAR && !v->can_leak)
            return reject_reg(v, CODE_POINTER_LEAK, arg->regno,
                              "R%u leaks addr into helper function", arg->regno);
        return 0;
    }
    if (reg_is_packet(reg) && !may_pass_packet(v, arg->meta)) {
        rc = reject_reg(v, CODE_CALL_ARG, arg->regno, "helper access to the packet is not allowed");
        reject_help(v, "copy the bytes to the stack first; %s does not take packet pointers here",
                    arg->proto->name);
        return rc;
    }
    if (kind_of(arg) == ARG_MAP_VALUE)
        rc = adapt_value(v, arg);
    if (!rc && arg->type & ARG_OR_NULL && reg_is_null(reg)) {
        rc = precision_mark(v, arg->regno);
    } else if (!rc) {
        rc = check_kind(v, arg);
        if (!rc)
            rc = check_offset(v, arg);
    }
    if (!rc)
        rc = check_reference(v, arg);
    return rc ? rc : check_meaning(v, arg);
}

int helper_check_args(struct verifier *v, struct call_meta *meta, uint32_t insn)
{
    for (uint32_t n = 0; n < ARRAY_SIZE(meta->proto->args); n++) {
        struct arg arg = {meta, meta->proto, n, n + 1, insn, meta->proto->args[n]};
        int rc;

        if (arg.type == ARG_NONE)
            break;
        rc = check_arg(v, &arg);
        if (rc)
            return rc;
    }
    return 0;
}
