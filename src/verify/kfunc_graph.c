/* kfunc_graph.c - lists and trees: struct bpf_list_head and bpf_rb_root with their nodes.
 *
 * A root lies in a map's value or in an object of the program's own, beside the lock that protects it. Its declaration says
 * what it holds (__contains), so every node comes out as a pointer to the object around it: the type, with the node's offset.
 *
 *     owned ── push, add ──► non-owning ── unlock ──► nothing
 *       ▲                        │
 *       └──── pop, remove ───────┘
 *
 * Who puts a node in gives the object away, but may look at it as long as the lock is held: nobody can take it out meanwhile.
 */
#include <string.h>

#include "verify/kfunc.h"
#include "verify/record.h"

/* What the path says about a root or a node; both are members at a constant offset. */
static const struct special_field *member_at(struct verifier *v, uint32_t regno, enum special what,
                                             const struct record **record)
{
    const struct reg *reg = verifier_reg(v, regno);
    const struct special_field *field;
    int64_t offset;

    if (!range_is_const(&reg->v)) {
        reject_reg(v, CODE_SPECIAL_FIELD, regno,
                   "R%u doesn't have constant offset. %s has to be at the constant offset", regno,
                   record_special_name(what));
        return NULL;
    }
    offset = reg->off + (int64_t)range_value(&reg->v);
    *record = kfunc_record(v, reg);
    field = *record && offset >= 0 && offset <= UINT32_MAX
                ? record_field(*record, (uint32_t)offset, 1u << what)
                : NULL;
    if (!field)
        reject_reg(v, CODE_SPECIAL_FIELD, regno, "%s not found at offset=%lld",
                   record_special_name(what), (long long)offset);
    return field;
}

int kfunc_graph_root(struct verifier *v, uint32_t regno, struct kfunc_state *call)
{
    enum special what = kfunc_is_rbtree(call->kfunc) ? SPECIAL_RB_ROOT : SPECIAL_LIST_HEAD;
    const struct record *record;
    const struct special_field *field = member_at(v, regno, what, &record);

    if (!field)
        return -SKEP_EVERIFY; /* member_at has said why */
    if (!lock_is_held(v, verifier_reg(v, regno))) {
        if (v->cur->lock_count)
            reject_help(v, "take the lock that lies beside the %s", record_special_name(what));
        return reject_reg(v, CODE_LOCK, regno, "bpf_spin_lock at off=%d must be held for %s",
                          record->spin_lock_off, record_special_name(what));
    }
    if (call->root)
        return reject_internal(v, "a second root in one call");
    call->root = field;
    return 0;
}

int kfunc_graph_node(struct verifier *v, uint32_t regno, struct call_meta *meta,
                     struct kfunc_state *call)
{
    bool is_tree = kfunc_is_rbtree(call->kfunc);
    enum special what = is_tree ? SPECIAL_RB_NODE : SPECIAL_LIST_NODE;
    const char *root_name = record_special_name(is_tree ? SPECIAL_RB_ROOT : SPECIAL_LIST_HEAD);
    const struct reg *reg = verifier_reg(v, regno);
    const struct special_field *root = call->root;
    const struct record *record;
    const char *wanted;
    int64_t offset;

    if (!member_at(v, regno, what, &record))
        return -SKEP_EVERIFY; /* member_at has said why */
    if (!root)
        return reject_internal(v, "a node without a root");
    offset = reg->off + (int64_t)range_value(&reg->v);
    wanted = btf_name_of(verifier_btf(v, root->space), root->btf_id);
    if (!btf_type_matches(v, reg->space, reg->btf_id, 0, root->space, root->btf_id, true))
        return reject_reg(v, CODE_CALL_ARG, regno,
                          "operation on %s expects arg#1 %s at offset=%u in struct %s, but arg is "
                          "at offset=%lld in struct %s",
                          root_name, record_special_name(what), root->node_offset, wanted,
                          (long long)offset, btf_name_of(verifier_btf(v, reg->space), reg->btf_id));
    meta->space = reg->space;
    meta->btf_id = reg->btf_id;
    if (offset != root->node_offset)
        return reject_reg(v, CODE_CALL_ARG, regno,
                          "arg#1 offset=%lld, but expected %s at offset=%u in struct %s",
                          (long long)offset, record_special_name(what), root->node_offset, wanted);
    return 0;
}

void kfunc_graph_set(struct reg *reg, const struct special_field *root)
{
    reg_set_pointer(reg, REG_BTF, MOD_ALLOC);
    reg->space = root->space;
    reg->btf_id = root->btf_id;
    reg->off = (int32_t)root->node_offset;
}

/* An object that is counted stays memory of its type until the read section ends. */
int kfunc_set_non_owning(struct verifier *v, struct reg *reg)
{
    const struct record *record = kfunc_record(v, reg);

    if (!v->cur->lock_count)
        return reject_internal(v, "a non-owning reference without a lock");
    if (reg->mods & MOD_NON_OWNING)
        return reject_internal(v, "a reference that is non-owning already");
    reg->mods |= MOD_NON_OWNING;
    if (record && record->refcount_off >= 0)
        reg->mods |= MOD_RCU;
    return 0;
}

int kfunc_graph_give(struct verifier *v)
{
    uint32_t ref = verifier_reg(v, 2)->ref;
    struct reg *reg;
    struct slot *slot;

    if (!ref)
        return reject_internal(v, "a node that nobody owns");
    STATE_EACH_REG(v->cur, reg, slot)
    {
        int code;

        if (reg->ref != ref)
            continue;
        STATE_OWN_REG(v, v->cur, reg, slot);
        reg->ref = 0;
        code = kfunc_set_non_owning(v, reg);
        if (code)
            return code;
    }
    return reference_release(v, ref);
}

/* bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b): two nodes of the tree in r1 of the caller. */
int kfunc_less_regs(struct verifier *v, struct frame *caller, struct frame *callee, uint32_t insn)
{
    const struct reg *arg = &caller->regs[1];
    const struct record *record = kfunc_record(v, arg);
    const struct special_field *root =
        record ? record_field(record, (uint32_t)arg->off, 1u << SPECIAL_RB_ROOT) : NULL;
    int code = 0;

    (void)insn;
    if (!root || !root->btf_id)
        return reject_internal(v, "a tree without a type of its nodes");
    for (uint32_t i = 1; i <= 2 && !code; i++) {
        kfunc_graph_set(&callee->regs[i], root);
        code = kfunc_set_non_owning(v, &callee->regs[i]);
    }
    for (uint32_t i = 3; i <= 5; i++)
        reg_set_none(&callee->regs[i]);
    callee->has_ret_range = true;
    callee->ret_min = 0;
    callee->ret_max = 1;
    return code;
}
