/* kfunc_arg.c - the arguments of a kernel function, one after the other.
 *
 * Three things decide what an argument must be: its type and the suffix of its name (kfunc.c made a kind of them), the flags
 * of the function (trusted, rcu: how alive pointers must be), and, where the prototype only says "pointer", what the register
 * holds: a kernel object is compared by type, everything else is memory.
 */
#include <string.h>

#include "base/check.h"
#include "verify/btf_access.h"
#include "verify/kfunc.h"

/* What is being looked at; one per argument. */
struct place {
    struct call_meta *meta;
    struct kfunc_state *call;
    const struct kfunc_arg *arg;
    uint32_t index, regno, insn;
    struct reg *reg;
};

/* Whatever else than these a pointer's modifiers say, it makes the pointer unfit. */
static bool has_unsafe_mods(const struct reg *reg)
{
    return reg->mods & ~(MOD_ALLOC | MOD_TRUSTED | MOD_NON_OWNING);
}

/* The kernel's type of pointers that have a kind of their own; NULL: none. */
static const char *type_of_kind(uint8_t kind)
{
    switch (kind) {
    case REG_SOCKET:
        return "sock";
    case REG_SOCK_COMMON:
        return "sock_common";
    case REG_TCP_SOCK:
        return "tcp_sock";
    case REG_MAP:
        return "bpf_map";
    default:
        return NULL;
    }
}

static const char *kind_title(const struct verifier *v, uint32_t type)
{
    return btf_kind_title(btf_kind_of(v->kernel_btf, type));
}

static bool is_allocated(const struct reg *reg) /* by bpf_obj_new, owned */
{
    return reg->kind == REG_BTF && reg->mods == MOD_ALLOC;
}

/* -- numbers --------------------------------------------------------------------------------------- */

static int set_const(struct verifier *v, struct call_meta *meta, uint32_t regno)
{
    const struct reg *reg = verifier_reg(v, regno);

    if (meta->has_const)
        return reject_internal(v, "only one constant argument permitted");
    if (!reg_is_const(reg))
        return reject_reg(v, CODE_CALL_ARG, regno, "R%u must be a known constant", regno);
    meta->has_const = true;
    meta->const_value = range_value(&reg->v);
    return 0;
}

static int check_buf_size(struct verifier *v, struct place *at)
{
    if (at->call->has_ret_size)
        return reject(v, CODE_CALL_ARG, "2 or more rdonly/rdwr_buf_size parameters for kfunc");
    if (!reg_is_const(at->reg))
        return reject_reg(v, CODE_CALL_ARG, at->regno, "R%u is not a const", at->regno);
    at->call->ret_size = range_value(&at->reg->v);
    at->call->is_ret_read_only = at->arg->is_read_only;
    at->call->has_ret_size = at->call->ret_size != 0;
    if (at->call->ret_size > UINT32_MAX)
        return reject_reg(v, CODE_CALL_SIZE, at->regno, "R%u rdonly/rdwr_buf_size exceeds u32 max",
                          at->regno);
    return precision_mark(v, at->regno);
}

static int check_number(struct verifier *v, struct place *at)
{
    int code;

    if (!reg_is_scalar(at->reg))
        return reject_reg(v, CODE_CALL_ARG, at->regno, "R%u is not a scalar", at->regno);
    if (at->arg->kind == KARG_BUF_SIZE)
        return check_buf_size(v, at);
    if (at->arg->kind != KARG_CONST)
        return 0;
    code = set_const(v, at->meta, at->regno);
    return code ? code : precision_mark(v, at->regno);
}

/* -- kernel objects -------------------------------------------------------------------------------- */

static int check_type(struct verifier *v, struct place *at, uint32_t wanted)
{
    const struct kfunc *kfunc = at->call->kfunc;
    const char *of_kind = type_of_kind(at->reg->kind), *wanted_name, *name;
    uint8_t space = SPACE_KERNEL;
    uint32_t type;
    bool is_strict;

    if (at->reg->kind == REG_BTF) {
        space = at->reg->space;
        type = at->reg->btf_id;
    } else {
        type = btf_kernel_struct(v, of_kind);
    }
    type = btf_resolve(verifier_btf(v, space), type);
    name = btf_name_of(verifier_btf(v, space), type);
    wanted_name = btf_name_of(v->kernel_btf, wanted);
    is_strict = ((kfunc->flags & KFUNC_RELEASE) && at->reg->ref) ||
                btf_type_is_alias(v, space, type, SPACE_KERNEL, wanted);
    if (kfunc_is_projection(wanted_name, name) ||
        btf_type_matches(v, space, type, at->reg->off, SPACE_KERNEL, wanted, is_strict))
        return 0;
    return reject_reg(
        v, CODE_CALL_ARG, at->regno,
        "kernel function %s args#%u expected pointer to %s %s but R%u has a pointer to %s %s",
        kfunc->name, at->index, kind_title(v, wanted), wanted_name, at->regno,
        btf_kind_title(btf_kind_of(verifier_btf(v, space), type)), name);
}

static int check_object(struct verifier *v, struct place *at, uint32_t wanted)
{
    bool is_good =
        at->reg->kind == REG_BTF && (!has_unsafe_mods(at->reg) || (at->reg->mods & MOD_RCU));

    if (!is_good && !type_of_kind(at->reg->kind))
        return reject_reg(v, CODE_UNTRUSTED, at->regno, "arg#%u is %s expected %s or socket",
                          at->index, reg_kind_name(at->reg),
                          at->reg->kind == REG_BTF ? "ptr_" : reg_kind_name(at->reg));
    return check_type(v, at, wanted);
}

static bool is_trusted(const struct reg *reg)
{
    return btf_is_trusted(reg) || (reg->kind == REG_MAP && !reg->mods);
}

/* The flags of the function: how alive a pointer must be. */
static int check_trust(struct verifier *v, struct place *at)
{
    uint32_t flags = at->call->kfunc->flags;

    if (!(flags & (KFUNC_TRUSTED | KFUNC_RCU)) || is_trusted(at->reg))
        return 0;
    if (!(flags & KFUNC_RCU))
        return reject_reg(v, CODE_UNTRUSTED, at->regno, "R%u must be referenced or trusted",
                          at->regno);
    if (!(at->reg->mods & MOD_RCU))
        return reject_reg(v, CODE_UNTRUSTED, at->regno, "R%u must be a rcu pointer", at->regno);
    return 0;
}

static int check_map(struct verifier *v, struct place *at)
{
    const struct verify_map *map = at->reg->kind == REG_MAP ? at->reg->map : NULL;
    struct call_meta *meta = at->meta;

    if (at->reg->kind != REG_MAP && at->reg->kind != REG_BTF)
        return reject_reg(v, CODE_CALL_ARG, at->regno, "pointer in R%u isn't map pointer",
                          at->regno);
    /* What was set up in one map's value must not get another map, equal as their definitions may be. */
    if (meta->map && (meta->map != map || meta->map_uid != at->reg->map_uid))
        return reject_reg(
            v, CODE_MAP_TYPE, at->regno,
            "%s pointer in R%u map_uid=%u doesn't match map pointer in R%u map_uid=%u",
            at->call->kfunc->does == KFUNC_DOES_TASK_WORK ? "bpf_task_work" : "workqueue",
            at->regno - 1, meta->map_uid, at->regno, map ? at->reg->map_uid : 0);
    meta->map = map;
    meta->map_uid = map ? at->reg->map_uid : 0;
    return 0;
}

/* -- memory and functions ---------------------------------------------------------------------------- */

/* While a pointer is looked at as if it were not null; NULL itself is for the caller to allow. */
static int check_region(struct verifier *v, struct place *at, int64_t size)
{
    uint16_t null_mod = at->reg->mods & MOD_MAYBE_NULL;
    int code = 0;

    at->reg->mods &= (uint16_t)~MOD_MAYBE_NULL;
    for (enum access access = ACCESS_READ; access <= ACCESS_WRITE && !code; access++) {
        struct call_meta scratch = {.kfunc = at->call->kfunc, .subprog = -1};

        if (access == ACCESS_WRITE && at->arg->is_read_only && reg_is_packet(at->reg))
            break; /* who may not write packets may have them read */
        code = size >= 0 ? memory_region(v, at->regno, (uint32_t)size, access, true, &scratch)
                         : memory_region_sized(v, at->regno, at->regno + 1, access, true, &scratch);
    }
    at->reg = verifier_reg(v, at->regno);
    at->reg->mods |= null_mod;
    return code;
}

/* Not only a pointer to numbers: void too where a size follows. */
static int check_memory(struct verifier *v, struct place *at, const struct kfunc_arg *size_arg)
{
    const struct kfunc_arg *arg = at->arg;
    int64_t size;
    int code;

    if (!arg->is_plain && !(size_arg && arg->pointee == 0))
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "arg#%u pointer type %s %s must point to %sscalar, or struct with scalar",
                          at->index, kind_title(v, arg->pointee),
                          btf_name_of(v->kernel_btf, arg->pointee), size_arg ? "void, " : "");
    if (!size_arg) {
        size = skep_btf_size(v->kernel_btf, arg->pointee);
        if (size < 0)
            return reject(v, CODE_CALL_ARG,
                          "arg#%u reference type('%s %s') size cannot be determined", at->index,
                          kind_title(v, arg->pointee), btf_name_of(v->kernel_btf, arg->pointee));
        return reg_is_null(at->reg) ? precision_mark(v, at->regno) : check_region(v, at, size);
    }
    if (!reg_is_null(at->reg) || !arg->is_optional) {
        code = check_region(v, at, -1);
        if (code) {
            reject_note(v, v->insn, "arg#%u arg#%u memory, len pair leads to invalid memory access",
                        at->index, at->index + 1);
            return code;
        }
        /* What comes back may be a pointer to the buffer. */
        if (at->call->kfunc->does == KFUNC_DOES_DYNPTR_SLICE_RDWR)
            stack_untrack(v, at->regno, (uint32_t)verifier_reg(v, at->regno + 1)->v.umax);
    } else {
        code = precision_mark(v, at->regno);
        if (code)
            return code;
    }
    return size_arg->is_const_size ? set_const(v, at->meta, at->regno + 1) : 0;
}

/* The argument after this one, if it is this one's size. */
static const struct kfunc_arg *size_after(struct verifier *v, const struct place *at)
{
    const struct kfunc *kfunc = at->call->kfunc;
    const struct kfunc_arg *next = &kfunc->args[at->index + 1];

    if (at->index + 1 >= kfunc->arg_count || at->index + 1 >= KFUNC_ARGS)
        return NULL;
    if (!(next->is_size || next->is_const_size) || !reg_is_scalar(verifier_reg(v, at->regno + 1)))
        return NULL;
    return next;
}

static bool is_object(const struct reg *reg)
{
    return reg->kind == REG_BTF || type_of_kind(reg->kind);
}

static int check_pointer(struct verifier *v, struct place *at, const struct kfunc_arg *size_arg)
{
    if (is_object(at->reg))
        return check_object(v, at, at->arg->pointee);
    if (!at->arg->is_function)
        return check_memory(v, at, size_arg);
    if (at->reg->kind != REG_FUNC)
        return reject_reg(v, CODE_CALL_ARG, at->regno, "arg%u expected pointer to func", at->index);
    at->meta->subprog = (int32_t)at->reg->subprog;
    return 0;
}

/* -- contexts, the program's own objects ---------------------------------------------------------------- */

static int check_ctx(struct verifier *v, struct place *at)
{
    uint32_t type;

    if (at->reg->kind != REG_CTX)
        return reject_reg(v, CODE_CALL_ARG, at->regno, "arg#%u expected pointer to ctx, but got %s",
                          at->index, reg_kind_name(at->reg));
    if (at->call->kfunc->does != KFUNC_DOES_CAST_TO_KERN_CTX)
        return 0;
    type = btf_resolve(v->kernel_btf, kfunc_ctx_type(v, true));
    if (!btf_is(v->kernel_btf, type, BTF_COMPOSITES))
        return reject(v, CODE_CALL_ARG, "kern ctx type id %u is not a struct", type);
    at->meta->ret_space = SPACE_KERNEL;
    at->meta->ret_btf_id = type;
    return 0;
}

static int need_reference(struct verifier *v, const struct place *at)
{
    if (at->reg->ref)
        return 0;
    return reject_reg(v, CODE_REF_RELEASE, at->regno, "allocated object must be referenced");
}

static int check_allocated(struct verifier *v, struct place *at)
{
    uint8_t does = at->call->kfunc->does;
    bool is_percpu = at->reg->mods == (MOD_ALLOC | MOD_PERCPU);

    if (at->reg->kind != REG_BTF || (at->reg->mods != MOD_ALLOC && !is_percpu))
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "arg#%u expected pointer to allocated object", at->index);
    if (!is_percpu && does != KFUNC_DOES_OBJ_DROP)
        return reject_reg(v, CODE_CALL_ARG, at->regno, "arg#%u expected for bpf_obj_drop_impl()",
                          at->index);
    if (is_percpu && does != KFUNC_DOES_PERCPU_OBJ_DROP)
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "arg#%u expected for bpf_percpu_obj_drop_impl()", at->index);
    at->meta->space = at->reg->space;
    at->meta->btf_id = at->reg->btf_id;
    return need_reference(v, at);
}

static int check_refcounted(struct verifier *v, struct place *at)
{
    const struct record *record;

    if (at->reg->kind != REG_BTF || !(at->reg->mods & MOD_ALLOC))
        return reject_reg(v, CODE_CALL_ARG, at->regno, "arg#%u is neither owning or non-owning ref",
                          at->index);
    if (!(at->reg->mods & MOD_NON_OWNING) && at->reg->ref)
        at->call->is_owning = true;
    record = kfunc_record(v, at->reg);
    if (!record || record->refcount_off < 0)
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "arg#%u doesn't point to a type with bpf_refcount field", at->index);
    at->meta->space = at->reg->space;
    at->meta->btf_id = at->reg->btf_id;
    return 0;
}

/* -- lists and trees -------------------------------------------------------------------------------------- */

static bool is_map_value(const struct reg *reg)
{
    return reg->kind == REG_MAP_VALUE && !reg->mods;
}

static int check_root(struct verifier *v, struct place *at)
{
    int code = 0;

    if (!is_map_value(at->reg) && !is_allocated(at->reg))
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "arg#%u expected pointer to map value or allocated object", at->index);
    if (!is_map_value(at->reg))
        code = need_reference(v, at);
    return code ? code : kfunc_graph_root(v, at->regno, at->call);
}

static int check_node(struct verifier *v, struct place *at)
{
    const struct kfunc *kfunc = at->call->kfunc;
    bool is_inside = at->arg->kind == KARG_RB_NODE && kfunc->does != KFUNC_DOES_RBTREE_ADD;

    if (is_inside) {
        if (!(at->reg->mods & MOD_NON_OWNING) && !at->reg->ref)
            return reject_reg(v, CODE_CALL_ARG, at->regno,
                              "%s can only take non-owning or refcounted bpf_rb_node pointer",
                              kfunc->name);
        if (kfunc_in_less(v))
            return reject(v, CODE_CALLBACK, "%s not allowed in rbtree cb", kfunc->name);
    } else {
        int code;

        if (!is_allocated(at->reg))
            return reject_reg(v, CODE_CALL_ARG, at->regno,
                              "arg#%u expected pointer to allocated object", at->index);
        code = need_reference(v, at);
        if (code)
            return code;
    }
    return kfunc_graph_node(v, at->regno, at->meta, at->call);
}

/* -- objects on the stack ---------------------------------------------------------------------------------- */

static int check_dynptr(struct verifier *v, struct place *at)
{
    static const uint8_t made[] = {[KFUNC_DOES_DYNPTR_FROM_SKB] = DYNPTR_SKB,
                                   [KFUNC_DOES_DYNPTR_FROM_XDP] = DYNPTR_XDP,
                                   [KFUNC_DOES_DYNPTR_FROM_SKB_META] = DYNPTR_SKB_META};
    const struct kfunc *kfunc = at->call->kfunc;
    uint32_t kind = kfunc->does < ARRAY_SIZE(made) ? made[kfunc->does] : DYNPTR_NONE, ref = 0;
    uint32_t flags = at->reg->kind == REG_DYNPTR ? DYNPTR_ARG_CONST : 0;
    const struct reg *dynptr;
    int code;

    if (at->arg->is_uninit && at->reg->kind == REG_DYNPTR)
        return reject_reg(v, CODE_DYNPTR, at->regno, "arg#%u expected an uninitialized dynptr",
                          at->index);
    if (at->arg->is_uninit)
        flags |= DYNPTR_ARG_UNINIT;
    if (at->arg->is_uninit && kfunc->does == KFUNC_DOES_DYNPTR_CLONE) {
        kind = at->meta->dynptr_kind;
        ref = at->call->dynptr_ref;
        if (kind == DYNPTR_NONE)
            return reject_internal(v, "no dynptr type for parent of clone");
    }
    code = dynptr_arg(v, at->regno, at->insn, flags | kind << DYNPTR_ARG_KIND_SHIFT, ref, at->meta);
    if (code || at->arg->is_uninit)
        return code;
    dynptr = dynptr_of(v, verifier_reg(v, at->regno));
    if (!dynptr)
        return reject_internal(v, "failed to obtain dynptr id");
    at->meta->dynptr_id = dynptr->id;
    at->meta->dynptr_kind = dynptr->dynptr.kind;
    at->call->dynptr_ref = dynptr->ref;
    return 0;
}

/* css_task iterators take a lock that other programs might run under. */
static bool may_walk_css_tasks(const struct verifier *v)
{
    enum { TRACE_ITER = 28 }; /* enum bpf_attach_type */

    if (v->type == SKEP_PROG_TYPE_LSM)
        return true;
    if (v->type == SKEP_PROG_TYPE_TRACING && v->attach_type == TRACE_ITER)
        return true;
    return v->cur->may_sleep;
}

static int check_iterator(struct verifier *v, struct place *at)
{
    if (at->call->kfunc->does == KFUNC_DOES_ITER_CSS_TASK_NEW && !may_walk_css_tasks(v))
        return reject(v, CODE_CALL_FORBIDDEN,
                      "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs");
    return iterator_arg(v, at->regno, at->insn, at->meta);
}

static int check_irq_flag(struct verifier *v, struct place *at)
{
    uint8_t does = at->call->kfunc->does;

    if (at->reg->kind != REG_STACK)
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "arg#%u doesn't point to an irq flag on stack", at->index);
    return irq_arg(v, at->regno, at->meta,
                   does == KFUNC_DOES_LOCAL_IRQ_SAVE || does == KFUNC_DOES_RES_SPIN_LOCK_IRQSAVE);
}

/* -- members of map values ---------------------------------------------------------------------------------- */

static int need_map_value(struct verifier *v, const struct place *at, const char *what)
{
    if (is_map_value(at->reg))
        return 0;
    return reject_reg(v, CODE_CALL_ARG, at->regno, "arg#%u doesn't point to a %s", at->index, what);
}

static int check_res_lock(struct verifier *v, struct place *at)
{
    uint8_t does = at->call->kfunc->does;
    bool is_lock = does == KFUNC_DOES_RES_SPIN_LOCK || does == KFUNC_DOES_RES_SPIN_LOCK_IRQSAVE;
    bool is_irq =
        does == KFUNC_DOES_RES_SPIN_LOCK_IRQSAVE || does == KFUNC_DOES_RES_SPIN_UNLOCK_IRQRESTORE;

    if (!is_map_value(at->reg) && !is_allocated(at->reg))
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "arg#%u doesn't point to map value or allocated object", at->index);
    return lock_arg(v, at->regno, is_lock, is_irq ? LOCK_RES_IRQ : LOCK_RES);
}

/* -- one argument ------------------------------------------------------------------------------------------- */

/* Which pointers may have moved from where they began, and how. */
static int check_offset(struct verifier *v, const struct place *at)
{
    const struct reg *reg = at->reg;

    if ((at->call->kfunc->flags & KFUNC_RELEASE) && reg->ref) {
        if (reg->off)
            return reject_reg(
                v, CODE_REF_RELEASE, at->regno,
                "R%u must have zero offset when passed to release func or trusted arg to kfunc",
                at->regno);
        return memory_unmodified(v, reg, at->regno, false);
    }
    return memory_may_be_moved(v, reg, at->regno);
}

static int note_reference(struct verifier *v, struct place *at)
{
    bool is_release = at->call->kfunc->flags & KFUNC_RELEASE;

    if (!at->reg->ref)
        return 0;
    if (is_release && at->meta->ref)
        return reject_internal(v, "more than one referenced argument of a release function");
    at->meta->ref = at->reg->ref;
    if (is_release)
        at->meta->release_reg = (uint8_t)at->regno;
    return 0;
}

static int check_by_kind(struct verifier *v, struct place *at, const struct kfunc_arg *size_arg)
{
    int code;

    switch (at->arg->kind) {
    case KARG_CTX:
        return check_ctx(v, at);
    case KARG_ALLOC:
        return check_allocated(v, at);
    case KARG_REFCOUNTED:
        return check_refcounted(v, at);
    case KARG_DYNPTR:
        return check_dynptr(v, at);
    case KARG_ITER:
        return check_iterator(v, at);
    case KARG_LIST_HEAD:
    case KARG_RB_ROOT:
        return check_root(v, at);
    case KARG_LIST_NODE:
    case KARG_RB_NODE:
        return check_node(v, at);
    case KARG_STRING:
        code = need_map_value(v, at, "const string");
        return code ? code : string_arg(v, at->regno);
    case KARG_MAP:
        return check_object(v, at, btf_kernel_struct(v, "bpf_map"));
    case KARG_WORKQUEUE:
        code = need_map_value(v, at, "map value");
        return code ? code : timer_arg(v, at->regno, SPECIAL_WORKQUEUE, at->meta);
    case KARG_TASK_WORK:
        code = need_map_value(v, at, "map value");
        return code ? code : timer_arg(v, at->regno, SPECIAL_TASK_WORK, at->meta);
    case KARG_IRQ_FLAG:
        return check_irq_flag(v, at);
    case KARG_RES_LOCK:
        return check_res_lock(v, at);
    default:
        return check_pointer(v, at, size_arg);
    }
}

static int check_any_pointer(struct verifier *v, struct place *at, const struct kfunc_arg *size_arg)
{
    const struct kfunc *kfunc = at->call->kfunc;
    int code;

    if ((kfunc->flags & (KFUNC_TRUSTED | KFUNC_RCU)) && !at->arg->is_nullable &&
        (reg_is_null(at->reg) || reg_may_be_null(at->reg)))
        return reject_reg(v, CODE_NULL_DEREF, at->regno,
                          "Possibly NULL pointer passed to trusted arg%u", at->index);
    code = note_reference(v, at);
    if (code)
        return code;
    if (at->arg->kind != KARG_CTX && at->arg->is_nullable && reg_is_null(at->reg))
        return precision_mark(v, at->regno);
    if (at->arg->kind == KARG_POINTER && is_object(at->reg) &&
        !btf_is(v->kernel_btf, at->arg->pointee, BTF_COMPOSITES))
        return reject_reg(v, CODE_CALL_ARG, at->regno,
                          "kernel function %s args#%u pointer type %s %s is not supported",
                          kfunc->name, at->index, kind_title(v, at->arg->pointee),
                          btf_name_of(v->kernel_btf, at->arg->pointee));
    if (at->arg->kind == KARG_MAP)
        code = check_map(v, at);
    if (!code && (at->arg->kind == KARG_MAP || at->arg->kind == KARG_ALLOC ||
                  (at->arg->kind == KARG_POINTER && is_object(at->reg))))
        code = check_trust(v, at);
    if (!code)
        code = check_offset(v, at);
    return code ? code : check_by_kind(v, at, size_arg);
}

int kfunc_check_args(struct verifier *v, struct call_meta *meta, struct kfunc_state *call,
                     uint32_t insn)
{
    const struct kfunc *kfunc = call->kfunc;
    int code = 0;

    if (kfunc->arg_count > KFUNC_ARGS)
        return reject(v, CODE_CALL_FORBIDDEN, "Function %s has %u > %d args", kfunc->name,
                      kfunc->arg_count, KFUNC_ARGS);
    for (uint32_t i = 0; i < kfunc->arg_count && !code; i++) {
        const struct kfunc_arg *size_arg;
        struct place at = {.meta = meta,
                           .call = call,
                           .arg = &kfunc->args[i],
                           .index = i,
                           .regno = i + 1,
                           .insn = insn,
                           .reg = verifier_reg(v, i + 1)};

        switch (at.arg->kind) {
        case KARG_IGNORED:
        case KARG_PROG:
            break;
        case KARG_SCALAR:
        case KARG_CONST:
        case KARG_BUF_SIZE:
            code = check_number(v, &at);
            break;
        case KARG_UNSUPPORTED:
            code = reject(v, CODE_CALL_FORBIDDEN, "Unrecognized arg#%u type %s", i,
                          kind_title(v, at.arg->type));
            break;
        default:
            size_arg = at.arg->kind == KARG_POINTER && !is_object(at.reg) && !at.arg->is_function
                           ? size_after(v, &at)
                           : NULL;
            /* NULL for a nullable buffer: its size is a number like others. */
            if (size_arg && at.arg->is_nullable && reg_is_null(at.reg))
                size_arg = NULL;
            code = check_any_pointer(v, &at, size_arg);
            i += size_arg != NULL;
        }
    }
    if (code)
        return code;
    if ((kfunc->flags & KFUNC_RELEASE) && !meta->release_reg)
        return reject(v, CODE_REF_RELEASE,
                      "release kernel function %s expects refcounted PTR_TO_BTF_ID", kfunc->name);
    return 0;
}
