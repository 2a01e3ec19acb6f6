/* exit.c - the end of programs, functions and callbacks: what they return, and that they hold nothing any more. */
#include "platform/access.h"
#include "verify/btf_access.h"
#include "verify/exit.h"
#include "verify/explore.h"
#include "verify/memory.h"

/* -- what is held ------------------------------------------------------------------------------ */

static int check_references(struct verifier *v)
{
    const struct state *s = v->cur;
    uint32_t count = 0, first = 0;

    for (uint32_t i = 0; i < s->ref_count; i++) {
        if (s->refs[i].kind != REF_POINTER)
            continue;
        if (!count++)
            first = i;
    }
    if (!count)
        return 0;
    reject(v, CODE_REF_LEAK, "Unreleased reference id=%u alloc_insn=%u", s->refs[first].id,
           s->refs[first].insn);
    reject_note(v, s->refs[first].insn, "the reference was acquired here");
    return -SKEP_EVERIFY;
}

static int check_sections(struct verifier *v, const char *what)
{
    const struct state *s = v->cur;

    if (s->lock_count)
        return reject(v, CODE_LOCK, "%s cannot be used inside bpf_spin_lock-ed region", what);
    if (s->irq_id)
        return reject(v, CODE_SECTION, "%s cannot be used inside bpf_local_irq_save-ed region",
                      what);
    if (s->rcu_depth)
        return reject(v, CODE_SECTION, "%s cannot be used inside bpf_rcu_read_lock-ed region",
                      what);
    if (s->preempt_depth)
        return reject(v, CODE_SECTION, "%s cannot be used inside bpf_preempt_disable-ed region",
                      what);
    return 0;
}

int exit_check_held(struct verifier *v, const char *what)
{
    int rc = check_references(v);

    return rc ? rc : check_sections(v, what);
}

/* -- values ------------------------------------------------------------------------------------ */

static int out_of_range(struct verifier *v, uint32_t regno, const char *where, int64_t min,
                        int64_t max)
{
    const struct range *r = &verifier_reg(v, regno)->v;

    if (range_is_unknown(r))
        return reject_reg(
            v, CODE_RETURN_VALUE, regno,
            "%s the register R%u has unknown scalar value should have been in [%lld, %lld]", where,
            regno, (long long)min, (long long)max);
    return reject_reg(
        v, CODE_RETURN_VALUE, regno,
        "%s the register R%u has smin=%lld smax=%lld should have been in [%lld, %lld]", where,
        regno, (long long)r->smin, (long long)r->smax, (long long)min, (long long)max);
}

static bool is_within(const struct range *r, int64_t min, int64_t max, bool is_32)
{
    return is_32 ? r->smin32 >= min && r->smax32 <= max : r->smin >= min && r->smax <= max;
}

int exit_callback_value(struct verifier *v, const struct frame *callee)
{
    const struct reg *r0 = &callee->regs[0];
    int rc;

    if (r0->kind == REG_NONE)
        return explore_read_reg(v, 0);
    if (r0->kind != REG_SCALAR)
        return reject_reg(v, CODE_RETURN_POINTER, 0,
                          "R0 not a scalar value: a callback returns a number");
    rc = precision_mark(v, 0);
    if (rc || !callee->has_ret_range)
        return rc;
    return is_within(&r0->v, callee->ret_min, callee->ret_max, false)
               ? 0
               : out_of_range(v, 0, "At callback return", callee->ret_min, callee->ret_max);
}

/* Does the attach target return nothing (LSM hooks, struct_ops members)? */
static bool target_is_void(const struct verifier *v)
{
    return v->target.proto && v->target.btf &&
           !btf_resolve(v->target.btf, btf_ref(v->target.btf, v->target.proto));
}

/* struct_ops members that return a pointer: NULL, or a reference of that type which the kernel takes over. */
static int return_pointer(struct verifier *v, bool *is_done)
{
    const struct skep_btf *btf = v->target.btf;
    uint32_t type;
    struct reg *r0 = verifier_reg(v, 0);

    *is_done = false;
    if (v->type != SKEP_PROG_TYPE_STRUCT_OPS || !v->target.proto || !btf)
        return 0;
    type = btf_resolve(btf, btf_ref(btf, v->target.proto));
    if (!btf_is(btf, type, BTF_MASK(BTF_PTR)))
        return 0;
    type = btf_resolve(btf, btf_ref(btf, type));
    if (!btf_is(btf, type, BTF_MASK(BTF_STRUCT)))
        return 0;
    *is_done = true;
    if (reg_is_null(r0))
        return precision_mark(v, 0);
    if (r0->kind != REG_BTF || !btf_is_trusted(r0) ||
        !btf_type_matches(v, r0->space, r0->btf_id, r0->off, SPACE_KERNEL, type, false))
        return reject_reg(v, CODE_RETURN_POINTER, 0,
                          "At program exit the register R0 is not a pointer to struct %s",
                          btf_name_of(btf, type));
    return r0->ref ? reference_release(v, r0->ref) : 0;
}

/*
 * What R`regno` of the current frame may be when the outermost frame is left with it. That frame says which rules hold: a throw
 * leaves all frames at once, and what it throws is always what the program returns, from inside a global function too.
 */
static int return_value(struct verifier *v, uint32_t regno, bool is_thrown)
{
    const struct frame *frame = v->cur->frames[0];
    struct reg *value = verifier_reg(v, regno);
    const char *where = "At program exit";
    bool has_range, is_32 = false, is_pointer = false;
    int32_t min = 0, max = 0;
    int rc;

    if (frame->callback == CALLBACK_ASYNC) {
        where = "At async callback return";
        has_range = frame->has_ret_range;
        min = frame->ret_min;
        max = frame->ret_max;
    } else if (frame->subprog && frame->callback != CALLBACK_EXCEPTION && !is_thrown) {
        rc = explore_read_reg(v, regno);
        if (rc)
            return rc;
        if (value->kind != REG_SCALAR)
            return reject_reg(v, CODE_RETURN_POINTER, regno,
                              "At subprogram exit the register R%u is not a scalar value (%s)",
                              regno, reg_kind_name(value));
        return 0;
    } else {
        if (v->type == SKEP_PROG_TYPE_STRUCT_OPS && target_is_void(v))
            return 0;
        if (v->type == SKEP_PROG_TYPE_LSM) {
            has_range = platform_lsm_return(v->target.name ? v->target.name : "", v->attach_type,
                                            &min, &max);
            if (!has_range && target_is_void(v))
                return 0;
        } else {
            has_range = platform_return_range(v->type, v->attach_type, &min, &max);
            is_32 = platform_return_is_32bit(v->type, v->attach_type);
        }
    }
    rc = explore_read_reg(v, regno);
    if (!rc)
        rc = regno == 0 ? return_pointer(v, &is_pointer) : 0;
    if (rc || is_pointer)
        return rc;
    if (value->kind != REG_SCALAR && !v->can_leak)
        return reject_reg(v, CODE_POINTER_LEAK, regno, "R%u leaks addr as return value", regno);
    if (!has_range)
        return 0;
    if (value->kind != REG_SCALAR)
        return reject_reg(v, CODE_RETURN_POINTER, regno,
                          "%s the register R%u is not a known value (%s)", where, regno,
                          reg_kind_name(value));
    rc = precision_mark(v, regno);
    if (rc)
        return rc;
    return is_within(&value->v, min, max, is_32) ? 0 : out_of_range(v, regno, where, min, max);
}

int exit_step(struct verifier *v, bool is_from_throw)
{
    bool gives_pointer = v->type == SKEP_PROG_TYPE_STRUCT_OPS && state_frame(v->cur)->subprog == 0;
    int rc = 0;

    if (is_from_throw) {
        /* Without a callback for exceptions what is thrown is what the program returns. */
        if (!v->exception_callback)
            rc = return_value(v, 1, true);
        return rc ? rc : exit_check_held(v, "bpf_throw");
    }
    /* A reference that is returned is given up: so before they are counted. */
    if (gives_pointer)
        rc = return_value(v, 0, false);
    if (!rc)
        rc = exit_check_held(v, "BPF_EXIT instruction in main prog");
    return rc || gives_pointer ? rc : return_value(v, 0, false);
}
