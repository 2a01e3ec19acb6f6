/* depth.c - how much stack a chain of calls takes, and the other rules about chains.
 *
 * Chains are followed frame by frame, not one by one: for each of the eight frames and each function, the most stack that any
 * chain has used when the function becomes that frame. A ninth frame is refused, so recursion is too. There are at most
 * 8 * 256 such places, however many chains lead through them.
 *
 * Rules (Linux 6.18 with its compiler): a frame is rounded up to 16 bytes and a chain may use 512. Asynchronous callbacks
 * begin chains of their own. Tracing programs have private stacks: functions of 64 bytes and more that only the program itself reaches
 * do not count there. A function that tail-calls may have used 256 bytes before it, because what it calls keeps them. What
 * bpf_fastcall patterns alone need does not count.
 */
#include "verify/cfg.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { PRIVATE_MIN = 64, TAIL_CALL_MAX = 256, NOBODY = MAX_SUBPROGS };

struct place { /* a function as a certain frame */
    bool is_reached, in_callback;
    uint16_t caller; /* by whom at the most stack */
    uint32_t used;   /* counted stack of the frames before it */
    uint32_t taken;  /* the same, private stacks counted too */
};
struct chains {
    struct verifier *v;
    struct call_graph calls;
    struct place places[MAX_FRAMES][MAX_SUBPROGS];
    bool can_be_private;
    bool tail_calls; /* a function behind the first does */
};

/* -- one function -------------------------------------------------------------------------------- */

/* Patterns around calls that are replaced vanish, with the stack that nothing else uses. */
static void forget_fastcall_stack(struct verifier *v, struct subprog *subprog)
{
    bool has_pattern = false;

    for (uint32_t i = subprog->start; i < subprog->end; i++)
        has_pattern |= v->info[i].fastcall_spills > 0;
    if (has_pattern && !subprog->keeps_fastcall_stack && subprog->fastcall_stack_off != INT16_MIN)
        subprog->stack_depth = (uint32_t)-subprog->fastcall_stack_off;
}

static uint32_t frame_size(const struct subprog *subprog)
{
    return (uint32_t)round_up(subprog->stack_depth, 16);
}

static bool has_private_stacks(const struct verifier *v)
{
    for (uint32_t i = 0; i < v->subprog_count; i++)
        if (v->subprogs[i].has_tail_call)
            return false;
    switch (v->image->type) {
    case SKEP_PROG_TYPE_KPROBE:
    case SKEP_PROG_TYPE_TRACEPOINT:
    case SKEP_PROG_TYPE_PERF_EVENT:
    case SKEP_PROG_TYPE_RAW_TRACEPOINT:
        return true;
    case SKEP_PROG_TYPE_TRACING:
        return v->attach_type != ATTACH_TRACE_ITER;
    default:
        return false;
    }
}

/* -- refusals ------------------------------------------------------------------------------------ */

static uint32_t call_of(const struct verifier *v, uint32_t caller, uint32_t callee)
{
    for (uint32_t i = v->subprogs[caller].start; i < v->subprogs[caller].end; i++) {
        const struct isa_op *op = v->info[i].op;

        if (op && (op->does == ISA_DO_CALL_LOCAL || op->does == ISA_DO_FUNC) &&
            isa_target(op, v->insns + i, i) == v->subprogs[callee].start)
            return i;
    }
    return v->subprogs[caller].start;
}

/* The refusal stands at the function; notes name the calls that lead there, the nearest first. */
static int refuse_chain(struct chains *c, uint32_t frame, uint32_t subprog, int code)
{
    const struct verifier *v = c->v;

    for (; frame > 0; frame--) {
        uint32_t caller = c->places[frame][subprog].caller;

        reject_note(c->v, call_of(v, caller, subprog), "%s, whose frame has %u bytes, calls %s",
                    v->subprogs[caller].name, frame_size(v->subprogs + caller),
                    v->subprogs[subprog].name);
        subprog = caller;
    }
    return code;
}

static uint32_t first_of(const struct verifier *v, uint32_t subprog,
                         bool (*is)(const struct verifier *, uint32_t))
{
    for (uint32_t i = v->subprogs[subprog].start; i < v->subprogs[subprog].end; i++)
        if (v->info[i].op && is(v, i))
            return i;
    return v->subprogs[subprog].start;
}

static bool is_packet_load(const struct verifier *v, uint32_t insn)
{
    return v->info[insn].op->kind == ISA_KIND_PACKET;
}

static bool is_throw(const struct verifier *v, uint32_t insn)
{
    struct cfg_callee callee;

    return cfg_callee(v, insn, &callee) && callee.effects & EFFECT_THROWS;
}

static int check_callback_rules(struct chains *c, uint32_t frame, uint32_t subprog)
{
    struct verifier *v = c->v;
    int code = 0;

    if (!c->places[frame][subprog].in_callback)
        return 0;
    if (v->subprogs[subprog].has_ld_abs) {
        v->insn = first_of(v, subprog, is_packet_load);
        code = reject(v, CODE_CALLBACK, "cannot use BPF_LD_[ABS|IND] within callback");
    } else if (c->calls.effects[subprog] & EFFECT_THROWS) {
        v->insn = first_of(v, subprog, is_throw);
        code = reject(v, CODE_CALLBACK,
                      "bpf_throw kfunc (insn %u) cannot be called from callback subprog %u",
                      v->insn, subprog);
    }
    return code ? refuse_chain(c, frame, subprog, code) : 0;
}

/* -- one place ----------------------------------------------------------------------------------- */

/* What the function adds to the chain. */
static uint32_t counted_size(const struct subprog *subprog)
{
    return subprog->is_private_stack ? 0 : frame_size(subprog);
}

static int check_stack(struct chains *c, uint32_t frame, uint32_t subprog)
{
    struct verifier *v = c->v;
    struct subprog *s = v->subprogs + subprog;
    uint32_t size = frame_size(s), used = c->places[frame][subprog].used;
    int code = 0;

    v->insn = s->start;
    s->is_private_stack = s->is_private_stack && c->can_be_private && size >= PRIVATE_MIN;
    if (subprog && s->has_tail_call && used >= TAIL_CALL_MAX)
        code = reject(v, CODE_TAIL_CALL,
                      "tail_calls are not allowed when call stack of previous frames is %u bytes. "
                      "Too large",
                      used);
    else if (s->is_private_stack && size > STACK_MAX)
        code =
            reject(v, CODE_STACK_SIZE, "stack size of subprog %u is %u. Too large", subprog, size);
    else if (used + counted_size(s) > STACK_MAX)
        code = reject(v, CODE_STACK_SIZE, "combined stack size of %u calls is %u. Too large",
                      frame + 1, used + counted_size(s));
    return code ? refuse_chain(c, frame, subprog, code) : 0;
}

static int check_edge(struct chains *c, uint32_t frame, uint32_t caller, uint32_t callee)
{
    struct verifier *v = c->v;

    v->insn = call_of(v, caller, callee);
    if (v->subprogs[callee].is_exception_callback)
        return reject(v, CODE_CALLBACK, "insn %u cannot call exception cb directly", v->insn);
    if (frame + 1 == MAX_FRAMES)
        return refuse_chain(c, frame, caller,
                            reject(v, CODE_RECURSION, "the call stack of %u frames is too deep !",
                                   (uint32_t)MAX_FRAMES));
    return 0;
}

static int follow_calls(struct chains *c, uint32_t frame, uint32_t caller)
{
    struct verifier *v = c->v;
    const struct place *from = &c->places[frame][caller];
    int code = 0;

    for (uint32_t callee = 0; code == 0 && callee < v->subprog_count; callee++) {
        bool is_called = call_graph_has(c->calls.calls[caller], callee);
        uint32_t used = from->used + counted_size(v->subprogs + caller);
        uint32_t taken = from->taken + frame_size(v->subprogs + caller);
        struct place *to;

        /* An asynchronous callback whose address is taken runs later, on a stack of its own. */
        if (!is_called && (!call_graph_has(c->calls.refs[caller], callee) ||
                           v->subprogs[callee].is_async_callback))
            continue;
        code = check_edge(c, frame, caller, callee);
        if (code)
            break;
        to = &c->places[frame + 1][callee];
        if (!to->is_reached || used > to->used)
            to->caller = (uint16_t)caller;
        to->used = !to->is_reached || used > to->used ? used : to->used;
        to->taken = taken > to->taken ? taken : to->taken;
        to->in_callback |= from->in_callback || v->subprogs[callee].is_callback;
        to->is_reached = true;
        c->tail_calls |= v->subprogs[callee].has_tail_call;
    }
    return code;
}

static int check_place(struct chains *c, uint32_t frame, uint32_t subprog)
{
    struct verifier *v = c->v;
    uint32_t taken = c->places[frame][subprog].taken + frame_size(v->subprogs + subprog);
    int code = check_callback_rules(c, frame, subprog);

    if (code == 0)
        code = check_stack(c, frame, subprog);
    if (code)
        return code;
    if (v->result && v->result->stack < taken)
        v->result->stack = taken;
    return follow_calls(c, frame, subprog);
}

/* -- all chains ---------------------------------------------------------------------------------- */

static int follow_from(struct chains *c, uint32_t root)
{
    struct verifier *v = c->v;
    const struct subprog *first = v->subprogs + root;
    int code = 0;

    memset(c->places, 0, sizeof c->places);
    c->tail_calls = false;
    c->places[0][root] =
        (struct place){.is_reached = true, .in_callback = first->is_callback, .caller = NOBODY};
    for (uint32_t frame = 0; frame < MAX_FRAMES; frame++)
        for (uint32_t i = 0; code == 0 && i < v->subprog_count; i++)
            if (c->places[frame][i].is_reached)
                code = check_place(c, frame, i);
    if (code || !c->tail_calls)
        return code;
    v->insn = first->start;
    if (first->is_exception_callback)
        return reject(v, CODE_TAIL_CALL, "cannot tail call within exception cb");
    v->is_tail_call_reachable |= root == 0;
    return 0;
}

int cfg_stack_depth(struct verifier *v)
{
    struct chains *c = calloc(1, sizeof *c);
    bool has_private = has_private_stacks(v);
    int code = 0;

    if (!c)
        return reject_memory(v);
    c->v = v;
    call_graph_fill(v, &c->calls);
    for (uint32_t i = 0; i < v->subprog_count; i++) {
        forget_fastcall_stack(v, v->subprogs + i);
        v->subprogs[i].is_private_stack = has_private;
    }
    v->is_tail_call_reachable |= v->subprogs[0].has_tail_call;
    /* The program last: by then the functions that asynchronous callbacks share with it are known, and have no private stack. */
    for (uint32_t i = v->subprog_count; i-- > 0 && code == 0;) {
        c->can_be_private = has_private && i == 0;
        if (i == 0 || v->subprogs[i].is_async_callback)
            code = follow_from(c, i);
    }
    free(c);
    return code;
}
