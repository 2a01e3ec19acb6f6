/* fastcall.c - spills and fills around calls that would not need them.
 *
 * A bpf_fastcall function changes only its arguments and its result. Compilers that know keep values in the other registers
 * across the call and, for kernels that do not know, still save them around it, at the deepest places of the stack:
 *
 *     *(u64 *)(r10 - 8) = r1
 *     *(u64 *)(r10 - 16) = r2        the innermost pair has the function's lowest offset
 *     call bpf_get_smp_processor_id
 *     r2 = *(u64 *)(r10 - 16)
 *     r1 = *(u64 *)(r10 - 8)
 *
 * Pairs are matched from the call outwards, from the lowest offset up by 8 (Linux 6.18). If nothing else touches that part of
 * the stack, Linux removes the pairs, and the stack they took does not count (depth.c).
 */
#include "verify/cfg.h"

#include <stdlib.h>

enum { CODE_SPILL = 0x7b, CODE_FILL = 0x79, CALLER_SAVED = 0x3f /* r0 to r5 */, MOST_PAIRS = 6 };

static bool is_spill(const struct skep_insn *insn)
{
    return insn->code == CODE_SPILL && SKEP_INSN_DST(insn) == 10;
}

static bool is_fill(const struct skep_insn *insn)
{
    return insn->code == CODE_FILL && SKEP_INSN_SRC(insn) == 10;
}

static int16_t lowest_spill(const struct verifier *v, const struct subprog *subprog)
{
    int16_t lowest = 0;

    for (uint32_t i = subprog->start; i < subprog->end; i++)
        if (v->info[i].op && is_spill(v->insns + i) && v->insns[i].off < lowest)
            lowest = v->insns[i].off;
    return lowest;
}

/* What the call may change if it is a bpf_fastcall one. */
static uint32_t changed_regs(const struct cfg_callee *callee)
{
    return ((1u << callee->arg_count) - 1) << 1 | !callee->is_void;
}

static void mark_call(struct verifier *v, struct subprog *subprog, uint32_t call, int16_t lowest,
                      const uint8_t *is_target)
{
    struct cfg_callee callee;
    uint32_t kept, n = 1;
    int off = lowest;

    if (!cfg_callee(v, call, &callee))
        return;
    kept = CALLER_SAVED & ~changed_regs(&callee);
    for (; kept && n <= MOST_PAIRS && n <= call && call + n < v->insn_count; n++, off += 8) {
        const struct skep_insn *spill = v->insns + call - n, *fill = v->insns + call + n;
        uint32_t reg = 1u << SKEP_INSN_SRC(spill);

        /* It runs as a whole or not at all: jumps may lead to the first spill only. */
        if (is_target[call - n + 1] || is_target[call + n])
            break;
        if (!is_spill(spill) || !is_fill(fill) || SKEP_INSN_SRC(spill) != SKEP_INSN_DST(fill) ||
            !(kept & reg) || spill->off != off || fill->off != off)
            break;
        kept &= ~reg;
        v->info[call - n].is_fastcall = true;
        v->info[call + n].is_fastcall = true;
    }
    if (n == 1)
        return;
    /* A newer compiler may know more such functions than Linux replaces: the pattern is one, but its stack stays. */
    if (callee.effects & EFFECT_FASTCALL)
        v->info[call].fastcall_spills = (uint8_t)(n - 1);
    else
        subprog->keeps_fastcall_stack = true;
    if (subprog->fastcall_stack_off == INT16_MIN || off < subprog->fastcall_stack_off)
        subprog->fastcall_stack_off = (int16_t)off;
}

static void mark_targets(struct verifier *v, const struct graph *g, uint8_t *is_target)
{
    for (uint32_t i = 0; i < v->insn_count; i++)
        if (v->info[i].op && isa_has_target(v->info[i].op))
            is_target[isa_target(v->info[i].op, v->insns + i, i)] = 1;
    if (g->targets)
        for (uint32_t i = 0; i < g->first[v->subprog_count]; i++)
            is_target[g->targets[i]] = 1;
}

void cfg_mark_fastcall(struct verifier *v)
{
    uint8_t *is_target = calloc(v->insn_count, 1);
    struct graph g;

    /* Without memory there are no patterns: spills and fills stay what they are. */
    if (!is_target || graph_open(v, &g))
        goto out;
    mark_targets(v, &g, is_target);
    graph_close(&g);
    for (uint32_t s = 0; s < v->subprog_count; s++) {
        struct subprog *subprog = v->subprogs + s;
        int16_t lowest = lowest_spill(v, subprog);

        for (uint32_t i = subprog->start; lowest < 0 && i < subprog->end; i++)
            if (v->info[i].op && v->info[i].op->kind == ISA_KIND_CALL)
                mark_call(v, subprog, i, lowest, is_target);
    }
out:
    free(is_target);
}
