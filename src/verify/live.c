/* live.c - registers that may be read before they are written again, before each instruction.
 *
 * The usual equations, solved backwards to the smallest fixed point: live before = (live after without what is written) and
 * what is read; live after = all that is live before a successor. What becomes live before an instruction is handed to those that
 * it follows, and they wait to be looked at again. Sets only grow, by at most eleven registers, so each edge is used a few
 * times, however loops nest.
 *
 * A call reads its arguments: as many as the helper's or kfunc's prototype has, all five of the program's own functions
 * (Linux 6.18). States compare live registers only, so this decides how soon paths are recognised as known.
 */
#include "verify/cfg.h"

#include <stdlib.h>

struct flow {
    const struct graph *g;
    uint16_t *live, *after; /* by node: registers live before it, after it */
    /* Predecessors of node n: before[before_at[n]] to before[before_at[n + 1] - 1]. */
    uint32_t *before, *before_at;
    uint32_t *work;
    uint8_t *is_waiting;
    uint32_t work_count;
};

static bool collect_edges(struct flow *flow)
{
    const struct graph *g = flow->g;
    const uint32_t *next;
    uint32_t own[2], count;

    flow->before_at = calloc((size_t)g->node_count + 2, sizeof *flow->before_at);
    if (!flow->before_at)
        return false;
    /* Counted two places ahead: filling moves each start to where the next one belongs. */
    for (uint32_t node = 0; node < g->node_count; node++) {
        count = graph_next(g, node, own, &next);
        for (uint32_t i = 0; i < count; i++)
            flow->before_at[next[i] + 2]++;
    }
    for (uint32_t node = 0; node < g->node_count; node++)
        flow->before_at[node + 2] += flow->before_at[node + 1];
    flow->before = malloc(((size_t)flow->before_at[g->node_count + 1] + 1) * sizeof *flow->before);
    if (!flow->before)
        return false;
    for (uint32_t node = 0; node < g->node_count; node++) {
        count = graph_next(g, node, own, &next);
        for (uint32_t i = 0; i < count; i++)
            flow->before[flow->before_at[next[i] + 1]++] = node;
    }
    return true;
}

/* r1 .. rN */
static uint16_t argument_regs(uint32_t count)
{
    return (uint16_t)(((1u << count) - 1) << 1);
}

static void reads_and_writes(const struct verifier *v, uint32_t node, uint16_t *reads,
                             uint16_t *writes)
{
    const struct isa_op *op = node < v->insn_count ? v->info[node].op : NULL;
    struct cfg_callee callee;

    *reads = *writes = 0;
    if (!op) /* a hub */
        return;
    *reads = isa_reads(op, v->insns + node);
    *writes = isa_writes(op, v->insns + node);
    if (op->kind == ISA_KIND_CALL && cfg_callee(v, node, &callee))
        *reads = argument_regs(callee.arg_count);
}

static uint16_t live_before(const struct flow *flow, uint32_t node)
{
    uint16_t reads, writes;

    reads_and_writes(flow->g->v, node, &reads, &writes);
    return (uint16_t)((flow->after[node] & ~writes) | reads);
}

static void look_again(struct flow *flow, uint32_t node)
{
    if (flow->is_waiting[node])
        return;
    flow->is_waiting[node] = 1;
    flow->work[flow->work_count++] = node;
}

static void solve(struct flow *flow)
{
    /* Taken from the end: the last instructions first, which is nearly the order in which values flow backwards. */
    for (uint32_t node = 0; node < flow->g->node_count; node++)
        look_again(flow, node);
    while (flow->work_count) {
        uint32_t node = flow->work[--flow->work_count];
        uint16_t live;

        flow->is_waiting[node] = 0;
        live = live_before(flow, node);
        if (live == flow->live[node])
            continue;
        flow->live[node] = live;
        for (uint32_t i = flow->before_at[node]; i < flow->before_at[node + 1]; i++) {
            flow->after[flow->before[i]] |= live;
            look_again(flow, flow->before[i]);
        }
    }
}

int cfg_live_regs(struct verifier *v)
{
    struct graph g;
    struct flow flow = {.g = &g};
    int code = graph_open(v, &g);

    if (code)
        return code;
    flow.live = calloc(g.node_count, sizeof *flow.live);
    flow.after = calloc(g.node_count, sizeof *flow.after);
    flow.work = malloc(g.node_count * sizeof *flow.work);
    flow.is_waiting = calloc(g.node_count, 1);
    if (!flow.live || !flow.after || !flow.work || !flow.is_waiting || !collect_edges(&flow)) {
        code = reject_memory(v);
        goto out;
    }
    solve(&flow);
    for (uint32_t i = 0; i < v->insn_count; i++)
        v->info[i].live_regs = flow.live[i];
out:
    free(flow.live);
    free(flow.after);
    free(flow.work);
    free(flow.is_waiting);
    free(flow.before);
    free(flow.before_at);
    graph_close(&g);
    return code;
}
