/* callback.c - functions of the program that helpers and kfuncs call: in a loop while they run, or later on their own.
 *
 *     call ──► callback ──► call ──► callback ──► ... ──► the instruction behind the call
 *
 * A callback in a loop is a path from the call into the callback and back to the call, any number of times; going on behind
 * the call is the other path. A later one starts with an empty stack and holds nothing.
 */
#include "verify/explore.h"
#include "verify/kfunc.h"
#include "verify/subprog.h"

int callback_push(struct verifier *v, uint32_t insn, uint32_t subprog, callback_set_fn set,
                  bool is_async)
{
    struct frame *caller = state_frame(v->cur), *callee;
    struct state *state;

    v->subprogs[subprog].is_callback = true;
    if (is_async) {
        v->subprogs[subprog].is_async_callback = true;
        state = explore_push_fresh(v, subprog, insn);
        if (!state)
            return -SKEP_EVERIFY;
        callee = state->frames[0];
        callee->callback = CALLBACK_ASYNC;
        callee->async_entries = caller->async_entries + 1;
        callee->has_ret_range = true;
        state->may_sleep =
            kfunc_at(v, insn) != NULL; /* work queues and task work run in tasks, timers do not */
        return set(v, caller, callee, insn);
    }
    state = explore_push(v, v->subprogs[subprog].start, insn, false);
    if (!state)
        return -SKEP_EVERIFY;
    callee = subprog_push_frame(v, state, subprog, insn);
    if (!callee)
        return -SKEP_EVERIFY;
    callee->callback = CALLBACK_SYNC;
    callee->has_ret_range = true;
    callee->ret_max = 1;
    state->callback_unroll++;
    state->frames[state->depth - 1]->callback_depth++;
    caller->callback_depth = 0;
    return set(v, state->frames[state->depth - 1], callee, insn);
}
