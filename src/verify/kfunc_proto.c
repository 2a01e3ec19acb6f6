/* kfunc_proto.c - prototypes of kernel functions: the externs of a program are found in the kernel's BTF, once, and every
 * parameter gets a kind by its type and the suffix of its name. And what others ask about a kernel function.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "btf/core.h"
#include "verify/cfg.h"
#include "verify/iterator.h"
#include "verify/kfunc.h"

enum {
    KFUNCS_MAX = 256, /* Linux: different ones in one program */
    BTF_NUMBERS = BTF_MASK(BTF_INT) | BTF_MASK(BTF_ENUM)
};

/* -- questions --------------------------------------------------------------------------------- */

const struct kfunc *kfunc_at(const struct verifier *v, uint32_t insn)
{
    uint32_t index = insn < v->insn_count ? v->info[insn].kfunc : 0;

    return index ? &v->kfuncs[index - 1] : NULL;
}

bool kfunc_sleeps(const struct kfunc *kfunc)
{
    return kfunc->flags & KFUNC_SLEEPS;
}

bool kfunc_throws(const struct kfunc *kfunc)
{
    return kfunc->does == KFUNC_DOES_THROW;
}

bool kfunc_is_rbtree(const struct kfunc *kfunc)
{
    return kfunc->does >= KFUNC_DOES_RBTREE_ADD && kfunc->does <= KFUNC_DOES_RBTREE_RIGHT;
}

bool kfunc_calls_back(const struct kfunc *kfunc)
{
    return kfunc->does == KFUNC_DOES_RBTREE_ADD;
}

bool kfunc_calls_later(const struct kfunc *kfunc)
{
    return kfunc->does == KFUNC_DOES_WQ_SET_CALLBACK || kfunc->does == KFUNC_DOES_TASK_WORK;
}

bool kfunc_in_less(const struct verifier *v)
{
    for (uint32_t depth = v->cur->depth; depth; depth--) {
        const struct frame *frame = v->cur->frames[depth];
        const struct kfunc *kfunc;

        if (frame->callback != CALLBACK_SYNC || frame->callsite == INSN_NONE)
            continue;
        kfunc = kfunc_at(v, frame->callsite);
        if (kfunc && kfunc_is_rbtree(kfunc))
            return true;
    }
    return false;
}

bool kfunc_callee(const struct verifier *v, uint32_t external, struct cfg_callee *out)
{
    static const struct {
        uint32_t flag, effect;
    } effects[] = {{KFUNC_PACKET, EFFECT_CHANGES_PACKET},
                   {KFUNC_SLEEPS, EFFECT_SLEEPS},
                   {KFUNC_ITER_NEXT, EFFECT_ITER_NEXT},
                   {KFUNC_FASTCALL, EFFECT_FASTCALL}};
    const struct kfunc *kfunc = external < v->kfunc_room ? &v->kfuncs[external] : NULL;

    if (!kfunc || !kfunc->func)
        return false;
    *out = (struct cfg_callee){
        .is_void = kfunc->is_void,
        .arg_count = (uint8_t)(kfunc->arg_count < KFUNC_ARGS ? kfunc->arg_count : KFUNC_ARGS)};
    for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
        if (kfunc->flags & effects[i].flag)
            out->effects |= effects[i].effect;
    if (kfunc_calls_back(kfunc))
        out->effects |= EFFECT_CALLBACK;
    if (kfunc_calls_later(kfunc))
        out->effects |= EFFECT_ASYNC_CALLBACK;
    if (kfunc_throws(kfunc))
        out->effects |= EFFECT_THROWS;
    return true;
}

bool kfunc_iterator(const struct verifier *v, const struct kfunc *kfunc, uint32_t regno,
                    struct iterator_type *out)
{
    static const char prefix[] = "bpf_iter_";
    const struct kfunc_arg *arg = regno - 1 < KFUNC_ARGS ? &kfunc->args[regno - 1] : NULL;
    const char *name = arg ? btf_name_of(v->kernel_btf, arg->pointee) : "";

    if (!arg || arg->kind != KARG_ITER ||
        !btf_is(v->kernel_btf, arg->pointee, BTF_MASK(BTF_STRUCT)) ||
        strncmp(name, prefix, sizeof prefix - 1) != 0)
        return false;
    *out = (struct iterator_type){.btf_id = arg->pointee,
                                  .slots = btf_size_field(v->kernel_btf, arg->pointee) / 8,
                                  .name = name + sizeof prefix - 1,
                                  .kfunc = kfunc->name,
                                  .flags = (uint16_t)(kfunc->flags & KFUNC_ITER),
                                  .is_rcu = kfunc->flags & KFUNC_RCU_HELD};
    return true;
}

/* -- the context's type -------------------------------------------------------------------------- */

uint32_t kfunc_ctx_type(const struct verifier *v, bool is_kernel)
{
    const struct platform_prog_type *type = platform_prog_type(v->type);
    char name[96] = "BPF_PROG_TYPE_";
    uint32_t convert;
    size_t length = strlen(name);
    struct btf_field field;

    if (!v->kernel_btf || !type)
        return 0;
    for (const char *from = type->name; *from && length < sizeof name - 8; from++)
        name[length++] = (char)(*from >= 'a' && *from <= 'z' ? *from - 32 : *from);
    snprintf(name + length, sizeof name - length, "%s", is_kernel ? "_kern" : "_prog");
    convert = btf_find_next(v->kernel_btf, "bpf_ctx_convert", BTF_MASK(BTF_STRUCT), 0);
    if (!convert || !btf_find_field(v->kernel_btf, convert, name, &field))
        return 0;
    return field.type;
}

bool kfunc_is_projection(const char *view, const char *kernel)
{
    return (strcmp(view, "__sk_buff") == 0 && strcmp(kernel, "sk_buff") == 0) ||
           (strcmp(view, "xdp_md") == 0 && strcmp(kernel, "xdp_buff") == 0);
}

/* A pointer to `type` (in the BTF of a space; the pointer's target, unresolved) means the program's context. */
static bool is_ctx(const struct verifier *v, uint8_t space, uint32_t type)
{
    const struct skep_btf *btf = verifier_btf(v, space);
    uint32_t ctx = kfunc_ctx_type(v, false), bare;
    const char *name, *view;

    /* Kprobes: the register set goes by a typedef of its own. */
    if (v->type == SKEP_PROG_TYPE_KPROBE) {
        for (bare = type; btf_is(btf, bare, BTF_MODIFIERS & ~BTF_MASK(BTF_TYPEDEF));)
            bare = btf_ref(btf, bare);
        if (btf_is(btf, bare, BTF_MASK(BTF_TYPEDEF)) &&
            strcmp(btf_name_of(btf, bare), "bpf_user_pt_regs_t") == 0)
            return true;
    }
    bare = btf_resolve(btf, type);
    if (!ctx || !btf_is(btf, bare, BTF_MASK(BTF_STRUCT)))
        return false;
    name = btf_name_of(btf, bare);
    view = btf_name_of(v->kernel_btf, ctx);
    if (*view && (strcmp(view, name) == 0 || kfunc_is_projection(view, name)))
        return true;
    if (!btf_is(v->kernel_btf, ctx, BTF_MODIFIERS))
        return false;
    view = btf_name_of(v->kernel_btf, btf_resolve(v->kernel_btf, ctx));
    return *view && strcmp(view, name) == 0;
}

/* -- prototypes ---------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);

    return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

bool kfunc_is_plain_struct(const struct skep_btf *btf, uint32_t type, uint32_t depth)
{
    if (!btf_is(btf, type, BTF_COMPOSITES))
        return false;
    for (uint32_t i = 0; i < btf_length(btf, type); i++) {
        uint32_t member = btf_resolve(btf, btf_field_at(btf, type, i).type);

        if (btf_is(btf, member, BTF_COMPOSITES)) {
            if (depth >= 3 || !kfunc_is_plain_struct(btf, member, depth + 1))
                return false;
            continue;
        }
        if (btf_is(btf, member, BTF_MASK(BTF_ARRAY))) {
            struct btf_elements elements = btf_elements_of(btf, member);

            if (!elements.count)
                return false;
            member = btf_resolve(btf, elements.type);
        }
        if (!btf_is(btf, member, BTF_NUMBERS))
            return false;
    }
    return true;
}

static uint8_t kind_by_type(const char *pointee)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } types[] = {{"bpf_dynptr", KARG_DYNPTR},       {"bpf_list_head", KARG_LIST_HEAD},
                 {"bpf_list_node", KARG_LIST_NODE}, {"bpf_rb_root", KARG_RB_ROOT},
                 {"bpf_rb_node", KARG_RB_NODE},     {"bpf_wq", KARG_WORKQUEUE},
                 {"bpf_task_work", KARG_TASK_WORK}, {"bpf_res_spin_lock", KARG_RES_LOCK}};

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i].name, pointee) == 0)
            return types[i].kind;
    return KARG_POINTER;
}

/* In Linux's order: what matches first counts. */
static uint8_t kind_of_pointer(const struct verifier *v, const struct kfunc *kfunc, uint32_t index,
                               const struct kfunc_arg *arg)
{
    const struct skep_btf *btf = v->kernel_btf;
    bool is_struct = btf_is(btf, arg->pointee, BTF_MASK(BTF_STRUCT));
    uint8_t by_type = is_struct ? kind_by_type(btf_name_of(btf, arg->pointee)) : KARG_POINTER;

    if (kfunc->does == KFUNC_DOES_CAST_TO_KERN_CTX ||
        is_ctx(v, SPACE_KERNEL, btf_ref(btf, arg->type)))
        return KARG_CTX;
    if (ends_with(arg->name, "__alloc"))
        return KARG_ALLOC;
    if (ends_with(arg->name, "__refcounted_kptr"))
        return KARG_REFCOUNTED;
    if (by_type == KARG_DYNPTR)
        return by_type;
    if (kfunc->flags & KFUNC_ITER ? index == 0 : ends_with(arg->name, "__iter"))
        return KARG_ITER;
    if (by_type == KARG_LIST_HEAD || by_type == KARG_LIST_NODE || by_type == KARG_RB_ROOT ||
        by_type == KARG_RB_NODE)
        return by_type;
    if (ends_with(arg->name, "__str"))
        return KARG_STRING;
    if (ends_with(arg->name, "__map"))
        return KARG_MAP;
    if (by_type == KARG_WORKQUEUE || by_type == KARG_TASK_WORK)
        return by_type;
    if (ends_with(arg->name, "__irq_flag"))
        return KARG_IRQ_FLAG;
    return by_type;
}

static void describe_arg(const struct verifier *v, struct kfunc *kfunc, uint32_t index)
{
    const struct skep_btf *btf = v->kernel_btf;
    struct btf_parameter parameter = btf_parameter_at(btf, kfunc->proto, index);
    struct kfunc_arg *arg = &kfunc->args[index];

    arg->name = parameter.name;
    arg->type = btf_resolve(btf, parameter.type);
    arg->is_nullable = ends_with(arg->name, "__nullable");
    arg->is_uninit = ends_with(arg->name, "__uninit");
    arg->is_optional = ends_with(arg->name, "__opt");
    if (ends_with(arg->name, "__ign")) {
        arg->kind = KARG_IGNORED;
    } else if (ends_with(arg->name, "__prog")) {
        arg->kind = KARG_PROG;
    } else if (btf_is(btf, arg->type, BTF_NUMBERS)) {
        arg->is_size = ends_with(arg->name, "__sz");
        arg->is_const_size = ends_with(arg->name, "__szk");
        arg->is_read_only = strcmp(arg->name, "rdonly_buf_size") == 0;
        arg->kind = ends_with(arg->name, "__k")                                    ? KARG_CONST
                    : arg->is_read_only || strcmp(arg->name, "rdwr_buf_size") == 0 ? KARG_BUF_SIZE
                                                                                   : KARG_SCALAR;
    } else if (btf_is(btf, arg->type, BTF_MASK(BTF_PTR))) {
        arg->is_read_only = btf_is(btf, btf_ref(btf, arg->type), BTF_MASK(BTF_CONST));
        arg->pointee = btf_resolve(btf, btf_ref(btf, arg->type));
        arg->is_function = btf_is(btf, arg->pointee, BTF_MASK(BTF_FUNC_PROTO));
        arg->is_plain =
            btf_is(btf, arg->pointee, BTF_NUMBERS) || kfunc_is_plain_struct(btf, arg->pointee, 0);
        arg->kind = kind_of_pointer(v, kfunc, index, arg);
    } else {
        arg->kind = KARG_UNSUPPORTED;
    }
}

static void describe(const struct verifier *v, struct kfunc *kfunc)
{
    const struct skep_btf *btf = v->kernel_btf;

    kfunc->arg_count = btf_length(btf, kfunc->proto);
    for (uint32_t i = 0; i < kfunc->arg_count && i < KFUNC_ARGS; i++)
        describe_arg(v, kfunc, i);
    kfunc->ret = btf_resolve(btf, btf_ref(btf, kfunc->proto));
    kfunc->is_void = kfunc->ret == 0;
    if (btf_is(btf, kfunc->ret, BTF_MASK(BTF_PTR)))
        kfunc->ret_pointee = btf_resolve(btf, btf_ref(btf, kfunc->ret));
}

/* -- externs --------------------------------------------------------------------------------------- */

/* Whether what the program declared is what the kernel has: names aside, as libbpf compares. */
static int compare_prototype(struct verifier *v, const struct skep_image_extern *wanted,
                             struct kfunc *kfunc)
{
    uint64_t steps = CORE_STEPS;

    if (!v->prog_btf || !btf_is(v->prog_btf, wanted->type, BTF_MASK(BTF_FUNC)))
        return 0;
    if (core_types_compatible(v->prog_btf, btf_ref(v->prog_btf, wanted->type), v->kernel_btf,
                              kfunc->proto, &steps) == 1)
        return 0;
    if (!wanted->is_weak)
        return reject(v, CODE_SIGNATURE,
                      "extern %s is declared with another prototype than the kernel's",
                      wanted->name);
    kfunc->func = kfunc->proto = 0;
    return 0;
}

/* Kernels since 6.10 mark kfuncs in their types; a function that is not marked there is none. */
static bool is_marked(const struct skep_btf *btf, uint32_t func)
{
    uint32_t tag = btf_find_next(btf, "bpf_kfunc", BTF_MASK(BTF_DECL_TAG), 0);

    if (!tag)
        return true;
    for (; tag; tag = btf_find_next(btf, "bpf_kfunc", BTF_MASK(BTF_DECL_TAG), tag))
        if (btf_ref(btf, tag) == func)
            return true;
    return false;
}

static int resolve(struct verifier *v, const struct skep_image_extern *wanted, struct kfunc *kfunc)
{
    size_t length = btf_essential_length(wanted->name);
    char *name = arena_copy(&v->memory, wanted->name, length + 1);
    int code;

    if (!name)
        return reject_memory(v);
    name[length] = '\0';
    kfunc->name = name;
    kfunc->func = btf_find_next(v->kernel_btf, name, BTF_MASK(BTF_FUNC), 0);
    if (!kfunc->func) {
        if (wanted->is_weak)
            return 0;
        return reject(v, CODE_CALL_UNKNOWN, "extern %s: the kernel has no function of that name",
                      wanted->name);
    }
    kfunc->proto = btf_ref(v->kernel_btf, kfunc->func);
    code = compare_prototype(v, wanted, kfunc);
    if (code || !kfunc->func)
        return code;
    kfunc->row = is_marked(v->kernel_btf, kfunc->func) ? platform_kfunc(name) : NULL;
    if (kfunc->row) {
        kfunc->flags = kfunc->row->flags;
        if (kfunc->flags & KFUNC_RELEASE) /* what is given back must be in order */
            kfunc->flags |= KFUNC_TRUSTED;
        kfunc->does = kfunc->row->does;
        kfunc->is_allowed = platform_kfunc_allowed(kfunc->row, v->type, v->attach_type,
                                                   v->in->flags & FLAG_XDP_DEV_BOUND_ONLY);
        if (platform_kfunc_needs_device(kfunc->row) && !(v->in->flags & FLAG_XDP_DEV_BOUND_ONLY))
            return reject(v, CODE_CALL_FORBIDDEN,
                          "metadata kfuncs require device-bound program (kernel function %s)",
                          name);
    }
    describe(v, kfunc);
    return 0;
}

/* What is refused for the mere presence of a call. */
static int check_presence(struct verifier *v)
{
    if (!v->can_bpf)
        return reject(v, CODE_PRIVILEGE, "calling kernel functions needs CAP_BPF");
    if (!v->kernel_btf) {
        reject_help(v, "give the kernel's types with --btf");
        return reject(v, CODE_NO_BTF, "kernel functions are known by the kernel's types only");
    }
    if (!v->is_gpl)
        return reject(v, CODE_LICENSE,
                      "cannot call kernel function from non-GPL compatible program");
    return 0;
}

static int prepare_call(struct verifier *v, uint32_t insn, bool *is_resolved)
{
    uint32_t which = (uint32_t)v->insns[insn].imm;
    const struct kfunc *kfunc;
    int code;

    v->insn = insn;
    code = check_presence(v);
    if (code)
        return code;
    if (which >= v->image->extern_count || !v->image->externs[which].is_func)
        return reject(v, CODE_CALL_UNKNOWN, "call of kernel function %u, which is not an extern",
                      which);
    if (!is_resolved[which]) {
        if (++v->kfunc_count > KFUNCS_MAX)
            return reject(v, CODE_COMPLEXITY, "too many different kernel function calls");
        code = resolve(v, &v->image->externs[which], &v->kfuncs[which]);
        if (code)
            return code;
        is_resolved[which] = true;
    }
    kfunc = &v->kfuncs[which];
    v->info[insn].kfunc = which + 1;
    v->info[insn].is_iter_next = kfunc->flags & KFUNC_ITER_NEXT;
    v->info[insn].calls_callback = kfunc_calls_back(kfunc);
    return 0;
}

int kfunc_prepare(struct verifier *v)
{
    uint32_t insn = v->insn, externs = v->image->extern_count;
    bool *is_resolved = arena_alloc(&v->memory, externs + 1);
    int code = 0;

    v->kfunc_room = externs;
    v->kfuncs = arena_alloc(&v->memory, (externs + 1) * sizeof *v->kfuncs);
    if (!v->kfuncs || !is_resolved)
        return reject_memory(v);
    for (uint32_t i = 0; i < v->insn_count && !code; i++)
        if (v->info[i].op && v->info[i].op->does == ISA_DO_CALL_KFUNC)
            code = prepare_call(v, i, is_resolved);
    if (!code)
        v->insn = insn;
    return code;
}
