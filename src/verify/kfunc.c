/* kfunc.c - calls of kernel functions: may it be called here, are its arguments right (kfunc_arg.c), what does the call change,
 * and what is in r0 afterwards.
 *
 * A prototype says most of it (kfunc_proto.c). Flags (platform/kfunc.def) say the rest, and a few functions (`does`) are known
 * one by one.
 */
#include "verify/kfunc.h"

#include <string.h>

#include "verify/iterator.h"
#include "verify/memory.h"

enum {
    PERCPU_OBJ_MAX = 512, /* bytes of bpf_percpu_obj_new's type */
    ERRNO_MAX = 4095,     /* the most negative error number */
    BTF_NUMBERS = BTF_MASK(BTF_INT) | BTF_MASK(BTF_ENUM)
};

/* -- where it is called ---------------------------------------------------------------------------- */

static int check_context(struct verifier *v, const struct kfunc *kfunc)
{
    const struct state *s = v->cur;

    if (!kfunc->is_allowed)
        return reject(v, CODE_CALL_FORBIDDEN, "calling kernel function %s is not allowed",
                      kfunc->name);
    if (s->lock_count && !(kfunc->flags & KFUNC_LOCKED))
        return reject(v, CODE_LOCK, "function calls are not allowed while holding a lock (%s)",
                      kfunc->name);
    if (kfunc->does == KFUNC_DOES_TRAP)
        return reject(v, CODE_PROGRAM, "unexpected __bpf_trap() due to uninitialized variable?");
    if ((kfunc->flags & KFUNC_DESTRUCTIVE) && !(v->in->caps & CAP_SYS_ADMIN))
        return reject(v, CODE_PRIVILEGE, "destructive kfunc calls require CAP_SYS_BOOT capability");
    if (kfunc_sleeps(kfunc) && !s->may_sleep)
        return reject(v, CODE_SLEEP, "program must be sleepable to call sleepable kfunc %s",
                      kfunc->name);
    return 0;
}

/* The lock may not be had (deadlock, timeout): a path on which it is not held, with an error number in r0. */
static int fork_without_lock(struct verifier *v, uint32_t insn)
{
    struct state *other = explore_push(v, insn + 1, insn, v->cur->is_speculative);
    struct reg *regs;

    if (!other)
        return -SKEP_EVERIFY; /* explore_push has said why */
    regs = state_regs(other);
    for (uint32_t i = 0; i <= 5; i++)
        reg_set_none(&regs[i]);
    reg_set_unknown(&regs[0]);
    range_set_signed(&regs[0].v, -ERRNO_MAX, -1);
    regs[0].origin = insn;
    return 0;
}

/* Sections: what is open, what opens and closes now, and that nothing sleeps in one. */
static int enter_rcu(struct verifier *v, const struct kfunc *kfunc)
{
    bool is_lock = kfunc->does == KFUNC_DOES_RCU_READ_LOCK;
    bool is_unlock = kfunc->does == KFUNC_DOES_RCU_READ_UNLOCK;
    struct state *s = v->cur;

    if (s->rcu_depth && (is_lock || is_unlock) && kfunc_in_less(v))
        return reject(v, CODE_SECTION,
                      "Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback");
    if (s->rcu_depth && is_lock)
        return reject(v, CODE_SECTION, "nested rcu read lock (kernel function %s)", kfunc->name);
    if (s->rcu_depth && kfunc_sleeps(kfunc))
        return reject(v, CODE_SLEEP, "kernel func %s is sleepable within rcu_read_lock region",
                      kfunc->name);
    if (!s->rcu_depth && is_unlock)
        return reject(v, CODE_SECTION, "unmatched rcu read unlock (kernel function %s)",
                      kfunc->name);
    if (is_lock)
        s->rcu_depth = 1;
    if (is_unlock) {
        s->rcu_depth = 0;
        reference_end_rcu(v);
    }
    return 0;
}

static int enter_preempt(struct verifier *v, const struct kfunc *kfunc)
{
    struct state *s = v->cur;

    if (kfunc->does == KFUNC_DOES_PREEMPT_DISABLE) {
        s->preempt_depth++;
    } else if (kfunc->does == KFUNC_DOES_PREEMPT_ENABLE) {
        if (!s->preempt_depth)
            return reject(v, CODE_SECTION,
                          "unmatched attempt to enable preemption (kernel function %s)",
                          kfunc->name);
        s->preempt_depth--;
    } else if (s->preempt_depth && kfunc_sleeps(kfunc)) {
        return reject(v, CODE_SLEEP, "kernel func %s is sleepable within non-preemptible region",
                      kfunc->name);
    }
    return 0;
}

static int enter_sections(struct verifier *v, const struct kfunc *kfunc)
{
    int code = enter_rcu(v, kfunc);

    if (!code)
        code = enter_preempt(v, kfunc);
    if (code)
        return code;
    if (v->cur->irq_id && kfunc_sleeps(kfunc))
        return reject(v, CODE_SLEEP, "kernel func %s is sleepable within IRQ-disabled region",
                      kfunc->name);
    if ((kfunc->flags & KFUNC_RCU_HELD) && !reference_in_rcu(v)) {
        reject_help(v, "call bpf_rcu_read_lock() first");
        return reject(v, CODE_SECTION, "kernel func %s requires RCU critical section protection",
                      kfunc->name);
    }
    return 0;
}

/* -- callbacks ------------------------------------------------------------------------------------- */

static void map_callback_regs(const struct reg *from, struct frame *callee)
{
    static const uint8_t kinds[] = {REG_NONE, REG_MAP, REG_MAP_KEY, REG_MAP_VALUE};
    const struct verify_map *map = from->map;
    uint32_t uid = from->map_uid;

    /* int (*)(struct bpf_map *map, void *key, void *value) */
    for (uint32_t i = 1; i <= 3; i++) {
        reg_set_pointer(&callee->regs[i], (enum reg_kind)kinds[i], 0);
        callee->regs[i].map = map;
        callee->regs[i].map_uid = uid;
    }
    reg_set_none(&callee->regs[4]);
    reg_set_none(&callee->regs[5]);
    callee->has_ret_range = true;
}

static int workqueue_regs(struct verifier *v, struct frame *caller, struct frame *callee,
                          uint32_t insn)
{
    (void)v;
    (void)insn;
    map_callback_regs(&caller->regs[1], callee);
    callee->ret_min = callee->ret_max = 0;
    return 0;
}

static int task_work_regs(struct verifier *v, struct frame *caller, struct frame *callee,
                          uint32_t insn)
{
    (void)v;
    (void)insn;
    map_callback_regs(&caller->regs[3], callee);
    callee->ret_min = INT32_MIN;
    callee->ret_max = INT32_MAX;
    return 0;
}

static int enter_callback(struct verifier *v, const struct kfunc *kfunc,
                          const struct call_meta *meta, uint32_t insn)
{
    callback_set_fn set = kfunc->does == KFUNC_DOES_RBTREE_ADD        ? kfunc_less_regs
                          : kfunc->does == KFUNC_DOES_WQ_SET_CALLBACK ? workqueue_regs
                                                                      : task_work_regs;

    if (!kfunc_calls_back(kfunc) && !kfunc_calls_later(kfunc))
        return 0;
    if (meta->subprog < 0)
        return reject_internal(v, "a kernel function that calls back got no function");
    return callback_push(v, insn, (uint32_t)meta->subprog, set, kfunc_calls_later(kfunc));
}

/* -- r0 -------------------------------------------------------------------------------------------- */

static void set_object(struct reg *r0, uint16_t mods, uint8_t space, uint32_t btf_id)
{
    reg_set_pointer(r0, REG_BTF, mods);
    r0->space = space;
    r0->btf_id = btf_id;
}

static int return_new(struct verifier *v, const struct call_meta *meta, const struct kfunc *kfunc,
                      struct reg *r0)
{
    bool is_percpu = kfunc->does == KFUNC_DOES_PERCPU_OBJ_NEW;
    const struct skep_btf *btf = v->prog_btf;
    uint32_t type = (uint32_t)meta->const_value;

    if (meta->const_value > UINT32_MAX)
        return reject(v, CODE_CALL_ARG, "local type ID argument must be in range [0, U32_MAX]");
    if (!btf)
        return reject(v, CODE_NO_BTF, "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
    if (!btf_is(btf, type, BTF_MASK(BTF_STRUCT)))
        return reject(v, CODE_CALL_ARG,
                      "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
    if (is_percpu) {
        if (btf_size_field(btf, type) > PERCPU_OBJ_MAX)
            return reject(v, CODE_CALL_ARG, "bpf_percpu_obj_new type size (%u) is greater than %d",
                          btf_size_field(btf, type), PERCPU_OBJ_MAX);
        if (!kfunc_is_plain_struct(btf, type, 0))
            return reject(v, CODE_CALL_ARG,
                          "bpf_percpu_obj_new type ID argument must be of a struct of scalars");
        if (record_of_type(v, SPACE_PROGRAM, type))
            return reject(v, CODE_CALL_ARG,
                          "bpf_percpu_obj_new type ID argument must not contain special fields");
    }
    set_object(r0, (uint16_t)(MOD_ALLOC | (is_percpu ? MOD_PERCPU : 0)), SPACE_PROGRAM, type);
    return 0;
}

static int return_cast(struct verifier *v, const struct call_meta *meta, struct reg *r0)
{
    uint32_t type = (uint32_t)meta->const_value;

    if (meta->const_value >= v->kernel_btf->count)
        return reject(v, CODE_CALL_ARG, "Unknown type ID %lld passed to kfunc bpf_rdonly_cast",
                      (long long)meta->const_value);
    if (type == 0) {
        reg_set_pointer(r0, REG_MEM, MOD_RDONLY | MOD_UNTRUSTED);
        r0->mem_size = 0;
    } else if (btf_is(v->kernel_btf, type, BTF_COMPOSITES)) {
        set_object(r0, MOD_UNTRUSTED, SPACE_KERNEL, type);
    } else {
        return reject(v, CODE_CALL_ARG,
                      "kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
    }
    return 0;
}

static int return_slice(struct verifier *v, const struct call_meta *meta, const struct kfunc *kfunc,
                        struct reg *r0)
{
    bool is_read_only = kfunc->does == KFUNC_DOES_DYNPTR_SLICE;
    bool is_packet = meta->dynptr_kind == DYNPTR_SKB || meta->dynptr_kind == DYNPTR_XDP ||
                     meta->dynptr_kind == DYNPTR_SKB_META;

    if (!meta->has_const || !meta->dynptr_id)
        return reject_internal(v, "a slice without size or dynptr");
    if (!is_read_only && !memory_may_write_packet(v))
        return reject(v, CODE_READ_ONLY, "the prog does not allow writes to packet data");
    reg_set_pointer(r0, REG_MEM,
                    (uint16_t)(MOD_DYNPTR_DATA | MOD_SLICE | (is_read_only ? MOD_RDONLY : 0) |
                               (is_packet ? MOD_PACKET_SLICE : 0)));
    r0->mem_size = (uint32_t)meta->const_value;
    r0->dynptr_id = meta->dynptr_id;
    return 0;
}

static int return_memory(struct verifier *v, const struct call_meta *meta,
                         const struct kfunc_state *call, struct reg *r0)
{
    const struct kfunc *kfunc = call->kfunc;
    uint64_t size = call->ret_size;
    bool is_read_only = call->is_ret_read_only;

    if (!size) {
        int64_t known = skep_btf_size(v->kernel_btf, kfunc->ret_pointee);

        size = known > 0 ? (uint64_t)known : 0;
        is_read_only = true;
    }
    if (!size)
        return reject(v, CODE_CALL_FORBIDDEN,
                      "kernel function %s returns pointer type %s %s is not supported", kfunc->name,
                      btf_kind_title(btf_kind_of(v->kernel_btf, kfunc->ret_pointee)),
                      btf_name_of(v->kernel_btf, kfunc->ret_pointee));
    reg_set_pointer(r0, REG_MEM,
                    (uint16_t)((is_read_only ? MOD_RDONLY : 0) |
                               (kfunc->flags & KFUNC_RCU_HELD ? MOD_RCU : 0)));
    r0->mem_size = (uint32_t)size;
    r0->ref = meta->ref; /* dies with what it is part of */
    return 0;
}

/* Objects of the kernel. Iterators vouch for theirs, unless they are only valid within the read section; others are as good
 * as the reference that comes with them. */
static void return_kernel_object(const struct verifier *v, const struct call_meta *meta,
                                 const struct kfunc *kfunc, struct reg *r0)
{
    const struct frame *frame = v->cur->frames[meta->iter_frame];
    bool is_rcu = kfunc->flags & KFUNC_RCU_HELD;

    if (kfunc->flags & KFUNC_ITER_NEXT)
        is_rcu |= !!(frame_slot(frame, meta->iter_slot)->reg.mods & MOD_RCU);
    set_object(r0,
               kfunc->does == KFUNC_DOES_GET_KMEM_CACHE ? MOD_UNTRUSTED
               : is_rcu                                 ? MOD_RCU
               : kfunc->flags & KFUNC_ITER_NEXT         ? MOD_TRUSTED
                                                        : 0,
               SPACE_KERNEL, kfunc->ret_pointee);
}

static bool returns_node(const struct verifier *v, const struct kfunc *kfunc)
{
    const char *name = btf_name_of(v->kernel_btf, kfunc->ret_pointee);

    return kfunc->ret_pointee &&
           (strcmp(name, "bpf_list_node") == 0 || strcmp(name, "bpf_rb_node") == 0);
}

static int return_target(struct verifier *v, const struct call_meta *meta,
                         const struct kfunc_state *call, struct reg *r0)
{
    const struct kfunc *kfunc = call->kfunc;

    switch (kfunc->does) {
    case KFUNC_DOES_OBJ_NEW:
    case KFUNC_DOES_PERCPU_OBJ_NEW:
        return return_new(v, meta, kfunc, r0);
    case KFUNC_DOES_REFCOUNT_ACQUIRE:
        set_object(r0, MOD_ALLOC, meta->space, meta->btf_id);
        return 0;
    case KFUNC_DOES_CAST_TO_KERN_CTX:
        set_object(r0, MOD_TRUSTED, SPACE_KERNEL, meta->ret_btf_id);
        return 0;
    case KFUNC_DOES_RDONLY_CAST:
        return return_cast(v, meta, r0);
    case KFUNC_DOES_DYNPTR_SLICE:
    case KFUNC_DOES_DYNPTR_SLICE_RDWR:
        return return_slice(v, meta, kfunc, r0);
    default:
        break;
    }
    if (returns_node(v, kfunc) && call->root)
        kfunc_graph_set(r0, call->root);
    else if (!kfunc->ret_pointee) /* void *: as good as a number; arena pages too */
        reg_set_unknown(r0);
    else if (!btf_is(v->kernel_btf, kfunc->ret_pointee, BTF_COMPOSITES))
        return return_memory(v, meta, call, r0);
    else
        return_kernel_object(v, meta, kfunc, r0);
    return 0;
}

static int return_pointer(struct verifier *v, const struct call_meta *meta,
                          const struct kfunc_state *call, struct reg *r0, uint32_t insn)
{
    const struct kfunc *kfunc = call->kfunc;
    bool may_be_null = (kfunc->flags & KFUNC_RET_NULL) && !call->is_owning;
    const struct record *record;
    int code = return_target(v, meta, call, r0);

    if (code)
        return code;
    if (may_be_null) {
        r0->mods |= MOD_MAYBE_NULL;
        r0->id = verifier_new_id(v);
    }
    if (kfunc->flags & KFUNC_ACQUIRE) {
        uint32_t ref = reference_acquire(v, insn);

        if (!ref)
            return reject_memory(v);
        if (may_be_null)
            r0->id = ref;
        r0->ref = ref;
    } else if (returns_node(v, kfunc)) {
        code = kfunc_set_non_owning(v, r0);
        if (code)
            return code;
    }
    record = kfunc_record(v, r0);
    if (record && (record->mask & (1u << SPECIAL_SPIN_LOCK | 1u << SPECIAL_RES_SPIN_LOCK)) &&
        !r0->id)
        r0->id = verifier_new_id(v);
    return 0;
}

/* r1..r5 are gone, r0 is what the function returned. */
static int set_return(struct verifier *v, const struct call_meta *meta,
                      const struct kfunc_state *call, uint32_t insn)
{
    const struct kfunc *kfunc = call->kfunc;
    struct reg *regs = state_regs(v->cur);
    int code = 0;

    for (uint32_t i = 0; i <= 5; i++)
        reg_set_none(&regs[i]);
    if (btf_is(v->kernel_btf, kfunc->ret, BTF_NUMBERS)) {
        if (kfunc->does == KFUNC_DOES_RES_SPIN_LOCK ||
            kfunc->does == KFUNC_DOES_RES_SPIN_LOCK_IRQSAVE)
            reg_set_const(&regs[0], 0);
        else
            reg_set_unknown(&regs[0]);
    } else if (btf_is(v->kernel_btf, kfunc->ret, BTF_MASK(BTF_PTR))) {
        code = return_pointer(v, meta, call, &regs[0], insn);
    }
    regs[0].origin = insn;
    return code;
}

/* -- the call -------------------------------------------------------------------------------------- */

static int apply_effects(struct verifier *v, const struct call_meta *meta,
                         const struct kfunc *kfunc)
{
    if (meta->release_reg) {
        int code = reference_release(v, verifier_reg(v, meta->release_reg)->ref);

        if (code)
            return code;
    }
    if (kfunc->does == KFUNC_DOES_LIST_PUSH_FRONT || kfunc->does == KFUNC_DOES_LIST_PUSH_BACK ||
        kfunc->does == KFUNC_DOES_RBTREE_ADD)
        return kfunc_graph_give(v);
    return 0;
}

int kfunc_call(struct verifier *v, const struct skep_insn *insn_, uint32_t insn)
{
    const struct kfunc *kfunc = kfunc_at(v, insn);
    struct kfunc_state call = {.kfunc = kfunc};
    struct call_meta meta = {.kfunc = kfunc, .subprog = -1, .extra = &call};
    int code;

    (void)insn_;
    if (!kfunc)
        return reject_internal(v, "a kernel function that was not prepared");
    if (!kfunc->func)
        return reject(v, CODE_CALL_UNKNOWN,
                      "call of %s, which the kernel does not have: test that it exists first",
                      v->image->externs[(uint32_t)(kfunc - v->kfuncs)].name);
    code = check_context(v, kfunc);
    if (code)
        return code;
    if (kfunc->does == KFUNC_DOES_RES_SPIN_LOCK ||
        kfunc->does == KFUNC_DOES_RES_SPIN_LOCK_IRQSAVE) {
        code = fork_without_lock(v, insn);
        if (code)
            return code;
    }
    code = kfunc_check_args(v, &meta, &call, insn);
    if (!code)
        code = enter_callback(v, kfunc, &meta, insn);
    if (!code)
        code = enter_sections(v, kfunc);
    if (!code)
        code = apply_effects(v, &meta, kfunc);
    if (code)
        return code;
    if (kfunc_throws(kfunc))
        return exit_step(v, true);
    if (kfunc->does == KFUNC_DOES_SESSION_COOKIE)
        call.ret_size = sizeof(uint64_t);
    code = set_return(v, &meta, &call, insn);
    if (code)
        return code;
    if (kfunc->flags & KFUNC_PACKET)
        reference_invalidate_packets(v);
    return kfunc->flags & KFUNC_ITER_NEXT ? iterator_next(v, insn, &meta) : 0;
}
