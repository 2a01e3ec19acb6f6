/* target.c - what typed programs attach to, and what their arguments are.
 *
 * Programs of the types tracing, lsm and struct_ops find their arguments at r1 as an array of 64-bit words; their types
 * are those of a function of the kernel, found in its BTF by the name in the program's section. Functions are judged by
 * name alone: no kernel needs to run. Rules: Linux 6.18's attach checks and context accesses.
 */
#include "verify/target.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "platform/access.h"
#include "platform/typed.h"
#include "verify/btf_access.h"

enum {
    WORD = 8,
    MOST_ARGS = 12,   /* of a function that is attached to: Linux's MAX_BPF_FUNC_ARGS */
    MOST_STRUCT = 16, /* bytes of a struct that is passed by value */
    UNTYPED_ARGS = 5
};
#define OPS_PREFIX "bpf_struct_ops_"

/* -- functions --------------------------------------------------------------------------------- */

static int missing(struct verifier *v, const char *what, const char *name)
{
    const char *colon = strchr(name, ':');

    reject(v, CODE_TARGET, "attach to %s: the kernel's types have no %s %s",
           v->image->target ? v->image->target : name, what, name);
    if (colon)
        reject_help(v, "the types of module %.*s are not given", (int)(colon - name), name);
    return -SKEP_EINVAL;
}

/* Bytes of an argument or result; 0: void, -1: what cannot be passed in registers. */
static int64_t passed_size(const struct skep_btf *btf, uint32_t type)
{
    type = btf_resolve(btf, type);
    if (!type)
        return 0;
    if (btf_is(btf, type, BTF_MASK(BTF_PTR)))
        return WORD;
    if (btf_is(btf, type, BTF_MASK(BTF_INT) | BTF_ENUMS | BTF_COMPOSITES))
        return btf_size_field(btf, type);
    return -1;
}

/* Trampolines can save and restore the arguments of such a function. */
static int check_prototype(struct verifier *v, uint32_t proto, const char *name)
{
    const struct skep_btf *btf = v->kernel_btf;
    uint32_t count = btf_length(btf, proto), result = btf_resolve(btf, btf_ref(btf, proto));
    int64_t size = passed_size(btf, result);

    if (count > MOST_ARGS)
        return reject(v, CODE_TARGET, "The function %s has %u arguments. Too many.", name, count);
    if (size < 0 || btf_is(btf, result, BTF_COMPOSITES))
        return reject(v, CODE_TARGET, "The function %s return type %s is unsupported.", name,
                      btf_kind_title(btf_kind_of(btf, result)));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type = btf_parameter_at(btf, proto, i).type;

        if (i == count - 1 && !type)
            return reject(v, CODE_TARGET, "The function %s with variable args is unsupported.",
                          name);
        size = passed_size(btf, type);
        if (size < 0 || size > MOST_STRUCT)
            return reject(v, CODE_TARGET, "The function %s arg%u type %s is unsupported.", name, i,
                          btf_kind_title(btf_kind_of(btf, btf_resolve(btf, type))));
        if (size == 0)
            return reject(v, CODE_TARGET, "The function %s has malformed void argument.", name);
    }
    return 0;
}

static int find_function(struct verifier *v, const char *prefix)
{
    struct target *target = &v->target;
    const char *name = arena_printf(&v->memory, "%s%s", prefix, v->image->target);

    if (!name)
        return reject_memory(v);
    target->func = btf_find_next(v->kernel_btf, name, BTF_MASK(BTF_FUNC), 0);
    if (!target->func)
        return missing(v, "function", name);
    target->proto = btf_ref(v->kernel_btf, target->func);
    target->name = name;
    return check_prototype(v, target->proto, name);
}

/* -- kinds of targets -------------------------------------------------------------------------- */

/* btf_trace_NAME is a pointer to a function of the arguments, without names; __bpf_trace_NAME has them, where it exists. */
static int resolve_tracepoint(struct verifier *v)
{
    struct target *target = &v->target;
    const struct skep_btf *btf = v->kernel_btf;
    char name[160];
    uint32_t type, func;

    snprintf(name, sizeof name, "btf_trace_%s", v->image->target);
    type = btf_find_next(btf, name, BTF_MASK(BTF_TYPEDEF), 0);
    if (!type)
        return missing(v, "tracepoint", v->image->target);
    snprintf(name, sizeof name, "__bpf_trace_%s", v->image->target);
    func = btf_find_next(btf, name, BTF_MASK(BTF_FUNC), 0);
    target->proto = func ? btf_ref(btf, func) : btf_ref(btf, btf_ref(btf, type));
    if (!btf_is(btf, target->proto, BTF_MASK(BTF_FUNC_PROTO)) || !btf_length(btf, target->proto))
        return reject(v, CODE_TARGET, "type %s is not one of a tracepoint", btf_name_of(btf, type));
    target->name = v->image->target;
    target->is_raw_tracepoint = true;
    typed_null_args(target->name, &target->null_args, &target->scalar_args);
    return 0;
}

static int resolve_iterator(struct verifier *v)
{
    char name[160];
    int code = find_function(v, "bpf_iter_");

    if (code)
        return code;
    snprintf(name, sizeof name, "bpf_iter__%s", v->image->target);
    if (!btf_kernel_struct(v, name))
        return reject(v, CODE_TARGET, "%s is not an iterator that programs can be attached to",
                      v->image->target);
    return 0;
}

/* May its return value be changed? Whether the kernel is built for error injection shows in its types. */
static bool may_fail(const struct verifier *v, const char *name, bool *sleeps)
{
    enum typed_fail how = typed_may_fail(name, sleeps);

    if (how == FAIL_INJECTED &&
        !btf_find_next(v->kernel_btf, "within_error_injection_list", BTF_MASK(BTF_FUNC), 0))
        how = FAIL_NEVER;
    *sleeps = *sleeps && how != FAIL_NEVER;
    return how != FAIL_NEVER;
}

/* fentry, fexit, fmod_ret */
static int resolve_function(struct verifier *v)
{
    const char *name;
    bool sleeps, is_changeable;
    int code = find_function(v, "");

    if (code)
        return code;
    name = v->target.name;
    is_changeable = may_fail(v, name, &sleeps);
    if (v->is_sleepable && !sleeps)
        return reject(v, CODE_SLEEP, "%s is not sleepable", name);
    if (!v->is_sleepable && v->attach_type == ATTACH_MODIFY_RETURN && !is_changeable &&
        strncmp(name, "security_", 9) != 0)
        return reject(v, CODE_TARGET, "%s() is not modifiable", name);
    if (!typed_may_trace(name))
        return reject(v, CODE_TARGET, "%s() cannot be traced: tracing calls it itself", name);
    if (v->attach_type != ATTACH_TRACE_FENTRY && !typed_returns(name))
        return reject(v, CODE_TARGET,
                      "Attaching fexit/fmod_ret to __noreturn functions is rejected.");
    v->target.is_return_visible = v->attach_type != ATTACH_TRACE_FENTRY;
    return 0;
}

static int resolve_tracing(struct verifier *v)
{
    switch (v->attach_type) {
    case ATTACH_TRACE_RAW_TP:
        return resolve_tracepoint(v);
    case ATTACH_TRACE_ITER:
        return resolve_iterator(v);
    case ATTACH_TRACE_FENTRY:
    case ATTACH_TRACE_FEXIT:
    case ATTACH_MODIFY_RETURN:
        return resolve_function(v);
    default:
        return reject(v, CODE_TARGET, "tracing programs have no attach type %u", v->attach_type);
    }
}

static int resolve_lsm(struct verifier *v)
{
    const struct platform_lsm_hook *hook = platform_lsm_hook(v->image->target);
    int code;

    if (v->attach_type != ATTACH_LSM_MAC && v->attach_type != ATTACH_LSM_CGROUP)
        return reject(v, CODE_TARGET, "lsm programs have no attach type %u", v->attach_type);
    code = find_function(v, "bpf_lsm_");
    if (code)
        return code;
    if (v->is_sleepable && (!hook || !(hook->flags & LSM_SLEEPS)))
        return reject(v, CODE_SLEEP, "%s is not sleepable", v->target.name);
    if (!v->is_gpl)
        return reject(v, CODE_LICENSE, "LSM programs must have a GPL compatible license");
    if (!hook)
        return reject(v, CODE_TARGET, "%s is not a security hook", v->target.name);
    if (hook->flags & LSM_DISABLED)
        return reject(v, CODE_TARGET, "%s points to disabled hook", v->target.name);
    v->target.is_return_visible = true;
    return 0;
}

static bool find_member(const struct skep_btf *btf, uint32_t ops, const char *name,
                        uint32_t *member)
{
    for (uint32_t i = 0; i < btf_length(btf, ops); i++)
        if (strcmp(btf_field_at(btf, ops, i).name, name) == 0) {
            *member = i;
            return true;
        }
    return false;
}

/* A section names a member only: the struct_ops is one that has it, those that the object has a type of first. */
static uint32_t find_ops(const struct verifier *v, const char *name, uint32_t *member)
{
    const struct skep_btf *btf = v->kernel_btf;
    uint32_t first = 0, first_member = 0;

    for (uint32_t id = btf_next(btf, BTF_MASK(BTF_STRUCT), 0); id;
         id = btf_next(btf, BTF_MASK(BTF_STRUCT), id)) {
        const char *value = btf_name_of(btf, id), *ops_name = value + sizeof OPS_PREFIX - 1;
        uint32_t ops;

        if (strncmp(value, OPS_PREFIX, sizeof OPS_PREFIX - 1) != 0)
            continue;
        ops = btf_find_next(btf, ops_name, BTF_MASK(BTF_STRUCT), 0);
        if (!ops || !find_member(btf, ops, name, member))
            continue;
        if (v->prog_btf && btf_find_next(v->prog_btf, ops_name, BTF_MASK(BTF_STRUCT), 0))
            return ops;
        if (!first) {
            first = ops;
            first_member = *member;
        }
    }
    *member = first_member;
    return first;
}

static int resolve_ops(struct verifier *v)
{
    struct target *target = &v->target;
    const struct skep_btf *btf = v->kernel_btf;
    const char *name = v->image->target ? v->image->target : v->image->name, *ops;
    struct btf_field field;

    if (!v->is_gpl)
        return reject(v, CODE_LICENSE, "struct ops programs must have a GPL compatible license");
    target->ops_type = find_ops(v, name, &target->member);
    if (!target->ops_type)
        target->ops_type = find_ops(v, v->image->name, &target->member);
    if (!target->ops_type)
        return reject(v, CODE_TARGET, "no struct_ops of the kernel has a member %s", name);
    ops = btf_name_of(btf, target->ops_type);
    field = btf_field_at(btf, target->ops_type, target->member);
    target->name = field.name;
    target->proto = btf_resolve(btf, field.type);
    if (btf_is(btf, target->proto, BTF_MASK(BTF_PTR)))
        target->proto = btf_resolve(btf, btf_ref(btf, target->proto));
    if (!btf_is(btf, target->proto, BTF_MASK(BTF_FUNC_PROTO)))
        return reject(v, CODE_TARGET, "attach to invalid member %s(@idx %u) of struct %s",
                      field.name, target->member, ops);
    if (!typed_ops_calls(ops, field.name) ||
        (v->is_sleepable && !typed_ops_sleeps(ops, field.name)))
        return reject(v, v->is_sleepable ? CODE_SLEEP : CODE_TARGET,
                      "attach to unsupported member %s of struct %s", field.name, ops);
    v->attach_type = target->member;
    return 0;
}

int target_resolve(struct verifier *v)
{
    v->target = (struct target){.space = SPACE_KERNEL, .btf = v->kernel_btf};
    if (!platform_is_typed(v->type))
        return 0;
    v->target.is_typed = true;
    if (v->type == SKEP_PROG_TYPE_EXT) {
        reject(v, CODE_TARGET,
               "an extension replaces a function of a program that runs, which an "
               "object alone does not name");
        reject_help(v, "load the program to be extended first, and the extension against it");
        return -SKEP_EINVAL;
    }
    if (!v->kernel_btf)
        return reject(v, CODE_NO_BTF, "%s programs need the kernel's types", v->prog_type->name);
    if (v->type == SKEP_PROG_TYPE_STRUCT_OPS)
        return resolve_ops(v);
    if (!v->image->target || !v->image->target[0])
        return reject(v, CODE_TARGET, "the section %s does not name what to attach to",
                      v->image->section ? v->image->section : "");
    return v->type == SKEP_PROG_TYPE_LSM ? resolve_lsm(v) : resolve_tracing(v);
}

/* -- arguments that come with something ---------------------------------------------------------- */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);

    return length > tail && strcmp(name + length - tail, suffix) == 0;
}

/* A function of the kernel with a struct_ops member's prototype, whose parameters have names that say more: STRUCT__MEMBER. */
static uint32_t find_stub(const struct verifier *v)
{
    const struct skep_btf *btf = v->kernel_btf;
    uint32_t func, proto;
    char name[160];

    if (!v->target.ops_type)
        return 0;
    snprintf(name, sizeof name, "%s__%s", btf_name_of(btf, v->target.ops_type), v->target.name);
    func = btf_find_next(btf, name, BTF_MASK(BTF_FUNC), 0);
    proto = func ? btf_ref(btf, func) : 0;
    return proto && btf_length(btf, proto) == btf_length(btf, v->target.proto) ? proto : 0;
}

static bool stub_says(const struct verifier *v, uint32_t stub, uint32_t arg, const char *suffix)
{
    return stub && arg < btf_length(v->kernel_btf, stub) &&
           has_suffix(btf_parameter_at(v->kernel_btf, stub, arg).name, suffix);
}

/* What marks the reference of argument `arg` among a state's: no other has this pointer. */
static const void *reference_key(const struct verifier *v, uint32_t arg)
{
    return btf_record(v->kernel_btf, v->target.proto) + 3 + (size_t)arg * 2;
}

int target_enter(struct verifier *v)
{
    uint32_t stub = find_stub(v);

    for (uint32_t i = 0; stub && i < btf_length(v->kernel_btf, stub); i++)
        if (stub_says(v, stub, i, "__ref") &&
            !state_ref_add(v, v->cur, REF_POINTER, verifier_new_id(v), reference_key(v, i)))
            return reject_memory(v);
    return 0;
}

bool target_has_references(const struct verifier *v)
{
    uint32_t stub = find_stub(v);

    for (uint32_t i = 0; stub && i < btf_length(v->kernel_btf, stub); i++)
        if (stub_says(v, stub, i, "__ref"))
            return true;
    return false;
}

/* -- loading an argument ------------------------------------------------------------------------ */

/* Which argument begins at `offset` bytes: structs by value take two words. `count`: the result; beyond it: nothing. */
static uint32_t argument_at(const struct skep_btf *btf, uint32_t proto, uint32_t offset)
{
    uint32_t count = btf_length(btf, proto), end = 0;

    for (uint32_t i = 0; i <= count; i++) {
        uint32_t type = btf_resolve(btf, i < count ? btf_parameter_at(btf, proto, i).type
                                                   : btf_ref(btf, proto));
        int64_t size = passed_size(btf, type);

        end += (uint32_t)round_up(size > 0 ? (uint64_t)size : 0, WORD);
        if (offset < end)
            return i;
    }
    return count + 1;
}

static bool are_args_trusted(const struct verifier *v)
{
    const struct platform_lsm_hook *hook;

    if (v->type == SKEP_PROG_TYPE_STRUCT_OPS)
        return true;
    if (v->type != SKEP_PROG_TYPE_LSM)
        return v->attach_type == ATTACH_TRACE_RAW_TP || v->attach_type == ATTACH_TRACE_ITER;
    hook = platform_lsm_hook(v->target.name);
    return hook && !(hook->flags & LSM_UNTRUSTED);
}

static void set_object(struct verifier *v, struct reg *dst, uint32_t id, uint32_t mods)
{
    reg_set_pointer(dst, REG_BTF, (uint16_t)mods);
    dst->space = SPACE_KERNEL;
    dst->btf_id = id;
    if (mods & MOD_MAYBE_NULL)
        dst->id = verifier_new_id(v);
}

/* What iterators and struct_ops say of an argument that points at a struct. False: nothing. */
static bool set_described(struct verifier *v, struct reg *dst, uint32_t arg, uint32_t pointee)
{
    uint32_t stub = find_stub(v), mods;
    int said;

    if (v->attach_type == ATTACH_TRACE_ITER && v->type == SKEP_PROG_TYPE_TRACING) {
        said = typed_iter_arg(v->image->target, arg);
        if (said < 0)
            return false;
        mods =
            (said & ITER_NULLABLE ? MOD_MAYBE_NULL : 0u) | (said & ITER_TRUSTED ? MOD_TRUSTED : 0u);
        set_object(v, dst, pointee, mods);
        return true;
    }
    if (!stub_says(v, stub, arg, "__nullable") && !stub_says(v, stub, arg, "__ref"))
        return false;
    set_object(v, dst, pointee,
               MOD_TRUSTED | (stub_says(v, stub, arg, "__nullable") ? MOD_MAYBE_NULL : 0u));
    if (stub_says(v, stub, arg, "__ref")) {
        const void *key = reference_key(v, arg);

        for (uint32_t i = 0; i < v->cur->ref_count; i++)
            if (v->cur->refs[i].ptr == key)
                dst->ref = v->cur->refs[i].id;
    }
    return true;
}

static bool set_buffer(struct verifier *v, struct reg *dst, uint32_t arg)
{
    int said = v->type == SKEP_PROG_TYPE_TRACING && v->attach_type == ATTACH_TRACE_ITER
                   ? typed_iter_arg(v->image->target, arg)
                   : -1;

    if (said < 0 || !(said & ITER_BUFFER))
        return false;
    reg_set_pointer(dst, REG_BUF,
                    (uint16_t)(MOD_MAYBE_NULL | (said & ITER_READS ? MOD_RDONLY : 0u)));
    dst->id = verifier_new_id(v);
    return true;
}

static uint32_t tag_mods(const struct skep_btf *btf, uint32_t type)
{
    const char *tag = btf_name_of(btf, type);

    if (!btf_is(btf, type, BTF_MASK(BTF_TYPE_TAG)) || btf_flag(btf, type))
        return 0;
    return strcmp(tag, "user") == 0 ? MOD_USER : strcmp(tag, "percpu") == 0 ? MOD_PERCPU : 0u;
}

static bool is_ops(const struct verifier *v, const char *ops)
{
    return v->target.ops_type && strcmp(btf_name_of(v->kernel_btf, v->target.ops_type), ops) == 0;
}

/* A pointer argument: `type` is the PTR, `param` its parameter. */
static int load_pointer(struct verifier *v, uint32_t arg, const char *param, uint32_t type,
                        struct reg *dst)
{
    const struct skep_btf *btf = v->kernel_btf;
    const struct target *target = &v->target;
    uint32_t pointee = btf_resolve(btf, btf_ref(btf, type)), mods;

    if (set_buffer(v, dst, arg))
        return 0;
    if (btf_is(btf, pointee, BTF_MASK(BTF_VOID) | BTF_MASK(BTF_INT)))
        return 0; /* a number to the verifier: it cannot be followed */
    if (set_described(v, dst, arg, pointee)) {
        if (stub_says(v, find_stub(v), arg, "__ref") && !dst->ref)
            return reject(
                v, CODE_REF_RELEASE,
                "invalid bpf_context access: reference of argument %u may already be released",
                arg);
        return 0;
    }
    mods = are_args_trusted(v) ? MOD_TRUSTED : 0u;
    if (has_suffix(param, "__nullable") || target->null_args >> arg & 1)
        mods |= MOD_MAYBE_NULL;
    mods |= tag_mods(btf, btf_ref(btf, type));
    if (!btf_is(btf, pointee, BTF_COMPOSITES))
        return reject(v, CODE_CTX_ACCESS, "func '%s' arg%u type %s is not a struct", target->name,
                      arg, btf_kind_title(btf_kind_of(btf, pointee)));
    if (target->scalar_args >> arg & 1)
        return 0;
    set_object(v, dst, pointee, mods);
    return 0;
}

/* Two struct_ops see some arguments as more than their prototypes say. */
static void promote(struct verifier *v, uint32_t arg, struct reg *dst)
{
    if (dst->kind == REG_BTF && is_ops(v, "tcp_congestion_ops") &&
        !(dst->mods & (uint16_t) ~(MOD_TRUSTED | MOD_ALLOC | MOD_NON_OWNING)) &&
        dst->btf_id == btf_kernel_struct(v, "sock"))
        dst->btf_id = btf_kernel_struct(v, "tcp_sock");
    if (arg == 2 && is_ops(v, "Qdisc_ops") && strcmp(v->target.name, "enqueue") == 0)
        set_object(v, dst, btf_kernel_struct(v, "bpf_sk_buff_ptr"), MOD_TRUSTED);
}

static int no_argument(struct verifier *v, uint32_t arg)
{
    return reject(v, CODE_CTX_ACCESS, "func '%s' doesn't have %u-th argument", v->target.name,
                  arg + 1);
}

int target_load(struct verifier *v, uint32_t offset, uint32_t size, struct reg *dst)
{
    const struct skep_btf *btf = v->kernel_btf;
    const struct target *target = &v->target;
    uint32_t skipped = target->is_raw_tracepoint, count, arg, type;
    const char *param = "";
    int32_t min, max;
    int code;

    if (offset >= MOST_ARGS * WORD || offset % size)
        return reject(v, CODE_CTX_ACCESS, "invalid bpf_context access off=%u size=%u", offset,
                      size);
    if (offset % WORD)
        return reject(v, CODE_CTX_ACCESS, "func '%s' offset %u is not multiple of 8", target->name,
                      offset);
    /* A tracepoint's first parameter is not one of its arguments. */
    count = btf_length(btf, target->proto) - skipped;
    arg = argument_at(btf, target->proto, offset);
    if (arg > count || (arg == count && !target->is_return_visible))
        return no_argument(v, arg);
    reg_set_unknown(dst);
    dst->origin = v->insn;
    if (arg == count) {
        type = btf_resolve(btf, btf_ref(btf, target->proto));
        if (v->attach_type == ATTACH_MODIFY_RETURN && !btf_is(btf, type, BTF_MASK(BTF_INT)))
            return reject(v, CODE_CTX_ACCESS, "ret type %s not allowed for fmod_ret",
                          btf_kind_title(btf_kind_of(btf, type)));
    } else {
        struct btf_parameter parameter = btf_parameter_at(btf, target->proto, arg + skipped);

        type = btf_resolve(btf, parameter.type);
        param = parameter.name;
    }
    if ((btf_is(btf, type, BTF_MASK(BTF_INT) | BTF_ENUMS) && btf_size_field(btf, type) <= WORD) ||
        btf_is(btf, type, BTF_COMPOSITES)) {
        /* What the hook has returned so far is one of its return values. */
        if (arg == count && v->type == SKEP_PROG_TYPE_LSM && v->attach_type == ATTACH_LSM_MAC &&
            platform_lsm_return(target->name, v->attach_type, &min, &max))
            range_set_signed(&dst->v, min, max);
        return 0;
    }
    if (!btf_is(btf, type, BTF_MASK(BTF_PTR)))
        return reject(
            v, CODE_CTX_ACCESS, "func '%s' arg%u '%s' has type %s. Only pointer access is allowed",
            target->name, arg, btf_name_of(btf, type), btf_kind_title(btf_kind_of(btf, type)));
    if (size != WORD)
        return reject(v, CODE_CTX_ACCESS, "func '%s' size %u must be 8", target->name, size);
    code = load_pointer(v, arg, param, type, dst);
    if (code)
        return code;
    promote(v, arg, dst);
    dst->origin = v->insn;
    return 0;
}
