/* subprog.c - calls between functions of the program.
 *
 * A static function is walked through at every call, with what its caller knows. A global one is verified once, on its own,
 * for all arguments that its prototype allows; its callers only have to keep to that.
 */
#include "verify/btf_access.h"
#include "verify/exit.h"
#include "verify/explore.h"
#include "verify/log.h"
#include "verify/memory.h"
#include "verify/prune.h"
#include "verify/signature.h"
#include "verify/subprog.h"
#include "verify/target.h"

/* -- arguments of global functions ------------------------------------------------------------- */

/* Where packets may not be written Linux lets functions do so. Here they are verified, again if need be, with an argument that
 * may only be read. */
static void make_read_only(struct subprog *callee, struct subprog_arg *arg)
{
    if (arg->mods & MOD_RDONLY)
        return;
    arg->mods |= MOD_RDONLY;
    callee->is_verified = false;
}

static int arg_mem(struct verifier *v, uint32_t regno, struct subprog *callee,
                   struct subprog_arg *arg)
{
    struct reg *reg = verifier_reg(v, regno), saved = *reg;
    int rc;

    if (!arg->may_be_null && (reg_may_be_null(reg) || reg_is_null(reg)))
        return reject_reg(v, CODE_NULL_DEREF, regno, "arg#%u is expected to be non-NULL",
                          regno - 1);
    if (reg_is_null(reg))
        return precision_mark(v, regno);
    if (reg_is_packet(reg) && !memory_may_write_packet(v))
        make_read_only(callee, arg);
    branch_set_not_null(reg);
    rc = memory_may_be_moved(v, &saved, regno);
    if (!rc)
        rc = memory_region(v, regno, arg->mem_size, ACCESS_READ, true, NULL);
    if (!rc && !(arg->mods & MOD_RDONLY))
        rc = memory_region(v, regno, arg->mem_size, ACCESS_WRITE, true, NULL);
    *verifier_reg(v, regno) = saved;
    return rc;
}

static int arg_btf(struct verifier *v, uint32_t regno, const struct subprog_arg *arg)
{
    const struct reg *reg = verifier_reg(v, regno);
    uint16_t mods = reg->mods & (uint16_t) ~(arg->may_be_null ? MOD_MAYBE_NULL : 0);
    char have[96];

    if (reg_is_null(reg) && arg->may_be_null)
        return precision_mark(v, regno);
    if (reg->kind != REG_BTF || (mods && mods != MOD_TRUSTED && mods != MOD_RCU))
        return reject_reg(v, mods & MOD_UNTRUSTED ? CODE_UNTRUSTED : CODE_CALL_ARG, regno,
                          "R%u type=%s expected=ptr_, trusted_ptr_, rcu_ptr_", regno,
                          log_reg_type(v, reg, have, sizeof have));
    if (!btf_type_matches(v, reg->space, reg->btf_id, reg->off, arg->space, arg->btf_id, false))
        return reject_reg(v, CODE_CALL_ARG, regno, "R%u is of type %s but %s is expected", regno,
                          btf_name_of(verifier_btf(v, reg->space), reg->btf_id),
                          btf_name_of(verifier_btf(v, arg->space), arg->btf_id));
    return memory_unmodified(v, reg, regno, true);
}

static int check_arg(struct verifier *v, uint32_t regno, struct subprog *callee)
{
    struct subprog_arg *arg = &callee->args[regno - 1];
    struct reg *reg = verifier_reg(v, regno);
    struct call_meta meta = {0};
    int rc = explore_read_reg(v, regno);

    if (rc || (arg->mods & MOD_UNTRUSTED)) /* what may be anything is read with care */
        return rc;
    switch (arg->kind) {
    case SUBARG_SCALAR:
        if (reg->kind != REG_SCALAR)
            return reject_reg(v, CODE_CALL_ARG, regno, "R%u is not a scalar", regno);
        return 0;
    case SUBARG_CTX:
        if (reg->kind != REG_CTX)
            return reject_reg(v, CODE_CALL_ARG, regno, "arg#%u expects pointer to ctx", regno - 1);
        return memory_unmodified(v, reg, regno, false);
    case SUBARG_MEM:
        return arg_mem(v, regno, callee, arg);
    case SUBARG_DYNPTR:
        if (reg->kind == REG_DYNPTR && memory_unmodified(v, reg, regno, false))
            return -SKEP_EVERIFY;
        return dynptr_arg(v, regno, v->insn, DYNPTR_ARG_CONST, 0, &meta);
    case SUBARG_BTF:
        return arg_btf(v, regno, arg);
    case SUBARG_ARENA:
        if (reg->kind != REG_ARENA && reg->kind != REG_SCALAR)
            return reject_reg(v, CODE_CALL_ARG, regno, "R%u is not a pointer to arena or scalar",
                              regno);
        return 0;
    default:
        return reject_internal(v, "an argument of no kind");
    }
}

static int call_global(struct verifier *v, uint32_t subprog)
{
    struct subprog *callee = &v->subprogs[subprog];
    struct state *s = v->cur;
    bool may_sleep = s->may_sleep && !s->preempt_depth && !s->rcu_depth && !s->irq_id;
    int rc = signature_prepare(v, subprog);

    for (uint32_t i = 0; !rc && i < callee->arg_count; i++)
        rc = check_arg(v, i + 1, callee);
    if (rc) {
        reject_note(v, v->insn, "the caller passes invalid arguments into global function '%s'",
                    callee->name ? callee->name : "?");
        return rc;
    }
    if (s->lock_count)
        return reject(v, CODE_LOCK,
                      "global function calls are not allowed while holding a lock, use static "
                      "function instead");
    if (callee->may_sleep && !may_sleep)
        return reject(
            v, CODE_SLEEP,
            "global functions that may sleep are not allowed in non-sleepable context, i.e., in a "
            "RCU/IRQ/preempt-disabled section, or in a non-sleepable BPF program context");
    if (callee->may_throw) {
        rc = exit_check_held(v, "bpf_throw");
        if (rc)
            return rc;
    }
    if (callee->changes_packet)
        reference_invalidate_packets(v);
    callee->is_called = true;
    explore_clobber(v);
    reg_set_unknown(&state_regs(s)[0]);
    state_regs(s)[0].origin = v->insn;
    return 0;
}

/* -- static functions -------------------------------------------------------------------------- */

struct frame *subprog_push_frame(struct verifier *v, struct state *s, uint32_t subprog,
                                 uint32_t callsite)
{
    struct frame *frame;

    if (s->depth + 1 >= MAX_FRAMES) {
        reject(v, CODE_RECURSION, "the call stack of %u frames is too deep", s->depth + 2);
        return NULL;
    }
    frame = frame_new(v);
    if (!frame) {
        reject_memory(v);
        return NULL;
    }
    s->frames[++s->depth] = frame;
    frame->callsite = callsite;
    frame->subprog = subprog;
    frame->written = UINT64_MAX; /* nothing in it comes from an earlier frame of this depth */
    explore_init_frame(frame, s->depth);
    return frame;
}

int subprog_call(struct verifier *v, const struct skep_insn *insn, uint32_t at, uint32_t *next)
{
    struct state *s = v->cur;
    struct frame *caller = state_frame(s), *callee;
    uint32_t target = (uint32_t)((int64_t)at + 1 + insn->imm), subprog = cfg_subprog_at(v, target);

    if (subprog == INSN_NONE)
        return reject_internal(v, "a call into the middle of a function");
    if (v->subprogs[subprog].is_global)
        return call_global(v, subprog);
    callee = subprog_push_frame(v, s, subprog, at);
    if (!callee)
        return -SKEP_EVERIFY;
    for (int i = 1; i <= 5; i++)
        callee->regs[i] = caller->regs[i];
    for (int i = 0; i <= 5; i++)
        reg_set_none(&caller->regs[i]);
    *next = target;
    return 0;
}

int subprog_return(struct verifier *v, uint32_t *next)
{
    struct state *s = v->cur, *previous;
    struct frame *callee = state_frame(s), *caller = s->frames[s->depth - 1];
    struct reg *r0 = &callee->regs[0];
    bool is_callback = callee->callback != CALLBACK_NONE;
    int rc = 0;

    if (r0->kind == REG_STACK)
        return reject_reg(v, CODE_POINTER_LEAK, 0, "cannot return stack pointer to the caller");
    if (is_callback) {
        rc = exit_callback_value(v, callee);
        if (rc)
            return rc;
    } else {
        caller->regs[0] = *r0;
    }
    *next = is_callback ? callee->callsite : callee->callsite + 1;
    s->frames[s->depth--] = NULL;
    if (callee->untracked)
        reference_invalidate_slices(v);
    frame_free(v, callee);
    if (is_callback) {
        previous = prune_previous(v, s, *next);
        if (previous)
            prune_widen(v, previous, s);
    }
    return 0;
}

/* -- entries ----------------------------------------------------------------------------------- */

static int entry_arg(struct verifier *v, struct reg *reg, const struct subprog_arg *arg)
{
    uint16_t null = arg->may_be_null ? MOD_MAYBE_NULL : 0;

    switch (arg->kind) {
    case SUBARG_SCALAR:
        reg_set_unknown(reg);
        return 0;
    case SUBARG_CTX:
        reg_set_pointer(reg, REG_CTX, 0);
        return 0;
    case SUBARG_MEM:
        reg_set_pointer(reg, REG_MEM, arg->mods | null);
        reg->mem_size = arg->mem_size;
        break;
    case SUBARG_DYNPTR:
        reg_set_pointer(reg, REG_DYNPTR, 0);
        reg->dynptr.kind = DYNPTR_LOCAL;
        reg->dynptr.is_first = true;
        reg->id = verifier_new_id(v);
        return 0;
    case SUBARG_BTF:
        reg_set_pointer(reg, REG_BTF, arg->mods | null);
        reg->space = arg->space;
        reg->btf_id = arg->btf_id;
        break;
    case SUBARG_ARENA:
        reg_set_unknown(reg); /* a number that the function has to cast, as in Linux */
        return 0;
    default:
        return reject_internal(v, "an argument of no kind");
    }
    if (null)
        reg->id = verifier_new_id(v);
    return 0;
}

int subprog_entry_regs(struct verifier *v, uint32_t subprog)
{
    const struct subprog *entry = &v->subprogs[subprog];
    struct reg *regs = state_regs(v->cur);
    int rc = 0;

    if (entry->is_exception_callback) {
        rc = signature_prepare(v, subprog);
        if (!rc && (entry->arg_count != 1 || entry->args[0].kind != SUBARG_SCALAR))
            rc = reject(v, CODE_SIGNATURE, "exception cb only supports single integer argument");
        state_frame(v->cur)->callback = CALLBACK_EXCEPTION;
        reg_set_unknown(&regs[1]);
        return rc;
    }
    if (subprog) {
        rc = signature_prepare(v, subprog);
        for (uint32_t i = 0; !rc && i < entry->arg_count; i++)
            rc = entry_arg(v, &regs[i + 1], &entry->args[i]);
        return rc;
    }
    reg_set_pointer(&regs[1], REG_CTX, 0);
    if (v->type == SKEP_PROG_TYPE_MEMORY)
        reg_set_unknown(&regs[2]);
    return target_enter(v);
}
