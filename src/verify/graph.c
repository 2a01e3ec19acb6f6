/* graph.c - the walk over the graph: what can be reached, where checkpoints may stand, which instructions form loops.
 *
 * One depth-first walk for each function finds everything (Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972): a
 * node's `low` is the smallest number of a node on the component stack that it leads to; where a node's low is its own
 * number, what lies above it on that stack is a strongly connected component. The stacks are arrays, so the depth of a program does
 * not matter; the time is linear in instructions and jump table entries.
 *
 * Points (facts of Linux 6.18): checkpoints may stand at branches, where jumps and calls lead, behind calls and at calls that
 * call back; they must where a loop has no other (iterators, callbacks, may_goto). The history records how a place was
 * reached wherever there is more than one way: where jumps lead, and behind calls.
 */
#include "verify/cfg.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"

/* -- jump tables --------------------------------------------------------------------------------- */

enum { TABLE_VALUE = 16 }; /* of an instruction array; its first word is an instruction's index */

static const struct verify_map *table_at(const struct verifier *v, uint32_t index)
{
    const struct verify_map *map = v->in && v->in->maps ? v->in->maps + index : NULL;

    return map && map->def.type == SKEP_MAP_TYPE_INSN_ARRAY && map->data && map->def.max_entries
               ? map
               : NULL;
}

static uint32_t table_target(const struct verifier *v, const struct verify_map *map, uint32_t i)
{
    bool is_big = v->prog_btf ? v->prog_btf->is_big : HOST_IS_BIG;

    return load_u32(map->data + (size_t)i * TABLE_VALUE, is_big);
}

/* The function that a table is for: that of its first entry. */
static uint32_t table_owner(const struct verifier *v, const struct verify_map *map)
{
    uint32_t first = table_target(v, map, 0);

    return first < v->insn_count ? v->info[first].subprog : 0;
}

static int table_copy(struct verifier *v, const struct verify_map *map, const struct subprog *owner,
                      uint32_t *out)
{
    for (uint32_t i = 0; i < map->def.max_entries; i++) {
        uint32_t target = table_target(v, map, i);

        if (target < owner->start || target >= owner->end || !v->info[target].op)
            return reject(v, CODE_JUMP,
                          "jump table %s: entry %u is insn %u, which is not in function %s",
                          map->def.name, i, target, owner->name);
        out[i] = target;
    }
    return 0;
}

static int load_tables(struct verifier *v, struct graph *g)
{
    uint64_t total = 0;
    int code = 0;

    for (uint32_t m = 0; m < v->image->map_count; m++)
        total += table_at(v, m) ? v->in->maps[m].def.max_entries : 0;
    if (!total)
        return 0;
    g->first = calloc((size_t)v->subprog_count + 1, sizeof *g->first);
    g->targets = malloc(total * sizeof *g->targets);
    if (!g->first || !g->targets)
        return reject_memory(v);
    for (uint32_t s = 0; s < v->subprog_count; s++) {
        uint32_t *end = &g->first[s + 1];

        *end = g->first[s];
        for (uint32_t m = 0; code == 0 && m < v->image->map_count; m++) {
            const struct verify_map *map = table_at(v, m);

            if (!map || table_owner(v, map) != s)
                continue;
            code = table_copy(v, map, v->subprogs + s, g->targets + *end);
            *end += map->def.max_entries;
        }
    }
    return code;
}

int graph_open(struct verifier *v, struct graph *g)
{
    int code;

    *g = (struct graph){.v = v, .node_count = v->insn_count + v->subprog_count};
    code = load_tables(v, g);
    if (code)
        graph_close(g);
    return code;
}

void graph_close(struct graph *g)
{
    free(g->first);
    free(g->targets);
    *g = (struct graph){.v = g->v};
}

uint32_t graph_next(const struct graph *g, uint32_t node, uint32_t own[2], const uint32_t **next)
{
    const struct verifier *v = g->v;
    const struct isa_op *op;
    uint32_t count = 0;

    *next = own;
    if (node >= v->insn_count) {
        uint32_t subprog = node - v->insn_count;

        if (!g->targets)
            return 0;
        *next = g->targets + g->first[subprog];
        return g->first[subprog + 1] - g->first[subprog];
    }
    op = v->info[node].op;
    if (!op)
        return 0;
    if (op->does == ISA_DO_JUMP_REG) {
        own[0] = v->insn_count + v->info[node].subprog;
        return 1;
    }
    if (isa_falls_through(op))
        own[count++] = node + (isa_is_wide(op) ? 2 : 1);
    if (op->kind == ISA_KIND_JUMP || op->kind == ISA_KIND_BRANCH)
        own[count++] = (uint32_t)isa_target(op, v->insns + node, node);
    return count;
}

/* -- points -------------------------------------------------------------------------------------- */

static void mark_lead(struct verifier *v, uint32_t insn)
{
    v->info[insn].is_prune_point = true;
    v->info[insn].is_jump_point = true;
}

static void mark_call(struct verifier *v, uint32_t insn)
{
    struct insn_info *info = v->info + insn;
    struct cfg_callee callee = {0};

    if (info->op->does == ISA_DO_CALL_LOCAL || info->op->does == ISA_DO_FUNC) {
        info->is_prune_point = true;
        mark_lead(v, (uint32_t)isa_target(info->op, v->insns + insn, insn));
    } else {
        cfg_callee(v, insn, &callee);
    }
    /* Otherwise each visit would queue the callback's body again. */
    if (callee.effects & EFFECT_ASYNC_CALLBACK)
        info->is_prune_point = true;
    if (callee.effects & EFFECT_CALLBACK) {
        info->calls_callback = true;
        info->is_force_point = true;
        mark_lead(v, insn);
    }
    if (callee.effects & EFFECT_ITER_NEXT) {
        info->is_iter_next = true;
        info->is_force_point = true;
        info->is_prune_point = true;
    }
    mark_lead(v, insn + (isa_is_wide(info->op) ? 2 : 1));
}

static void mark_points(struct verifier *v, const struct graph *g)
{
    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct isa_op *op = v->info[i].op;

        if (!op)
            continue;
        if (op->kind == ISA_KIND_CALL || op->does == ISA_DO_FUNC)
            mark_call(v, i);
        if (op->kind == ISA_KIND_BRANCH || op->does == ISA_DO_JUMP_REG)
            v->info[i].is_prune_point = true;
        if (op->does == ISA_DO_MAY_GOTO)
            v->info[i].is_may_goto = v->info[i].is_force_point = true;
        if ((op->kind == ISA_KIND_JUMP || op->kind == ISA_KIND_BRANCH) && isa_has_target(op))
            mark_lead(v, (uint32_t)isa_target(op, v->insns + i, i));
    }
    if (g->targets)
        for (uint32_t i = 0; i < g->first[v->subprog_count]; i++)
            mark_lead(v, g->targets[i]);
}

/* -- the walk ------------------------------------------------------------------------------------ */

enum { LOW_DONE = UINT32_MAX };

struct walk {
    struct verifier *v;
    const struct graph *g;
    uint32_t *number; /* by node, in the order of discovery; 0: not seen */
    uint32_t *low;    /* LOW_DONE: its component is complete */
    uint32_t *open;   /* the component stack */
    struct {
        uint32_t node, edge;
    } * path;
    uint32_t open_count, path_count, numbered;
};

static bool walk_open(struct walk *w, struct verifier *v, const struct graph *g)
{
    size_t count = g->node_count;

    *w = (struct walk){.v = v, .g = g};
    w->number = calloc(count, sizeof *w->number);
    w->low = malloc(count * sizeof *w->low);
    w->open = malloc(count * sizeof *w->open);
    w->path = malloc(count * sizeof *w->path);
    return w->number && w->low && w->open && w->path;
}

static void walk_close(struct walk *w)
{
    free(w->number);
    free(w->low);
    free(w->open);
    free(w->path);
}

static void enter(struct walk *w, uint32_t node)
{
    w->number[node] = w->low[node] = ++w->numbered;
    w->open[w->open_count++] = node;
    w->path[w->path_count].node = node;
    w->path[w->path_count++].edge = 0;
}

static bool follows_itself(const struct walk *w, uint32_t node)
{
    const uint32_t *next;
    uint32_t own[2], count = graph_next(w->g, node, own, &next);

    for (uint32_t i = 0; i < count; i++)
        if (next[i] == node)
            return true;
    return false;
}

/* All nodes from `root` on on the component stack are one component. Only loops get a number; a call that calls back is one,
 * because its callback returns to it. */
static void close_component(struct walk *w, uint32_t root)
{
    struct verifier *v = w->v;
    bool is_loop = w->open[w->open_count - 1] != root || follows_itself(w, root) ||
                   (root < v->insn_count && v->info[root].calls_callback);
    uint32_t node, scc = is_loop ? ++v->scc_count : 0;

    do {
        node = w->open[--w->open_count];
        w->low[node] = LOW_DONE;
        if (node < v->insn_count)
            v->info[node].scc = scc;
    } while (node != root);
}

static void leave(struct walk *w)
{
    uint32_t node = w->path[--w->path_count].node, low = w->low[node];

    if (low == w->number[node])
        close_component(w, node);
    else if (w->path_count && low < w->low[w->path[w->path_count - 1].node])
        w->low[w->path[w->path_count - 1].node] = low;
}

static int walk_from(struct walk *w, uint32_t root)
{
    const uint32_t *next;
    uint32_t own[2];

    enter(w, root);
    while (w->path_count) {
        uint32_t at = w->path_count - 1, node = w->path[at].node, to;

        if (w->path[at].edge == graph_next(w->g, node, own, &next)) {
            leave(w);
            continue;
        }
        to = next[w->path[at].edge++];
        if (!w->number[to]) {
            enter(w, to);
            continue;
        }
        if (w->low[to] == LOW_DONE)
            continue;
        /* It lies on the way here, or on a loop with what does; the first such edge closes a loop. */
        if (!w->v->can_bpf) {
            w->v->insn = node < w->v->insn_count ? node : 0;
            return reject(w->v, CODE_LOOP, "back-edge from insn %u to %u", w->v->insn, to);
        }
        if (w->number[to] < w->low[node])
            w->low[node] = w->number[to];
    }
    return 0;
}

/* -- reachability -------------------------------------------------------------------------------- */

static int reject_unreachable(struct verifier *v, uint32_t insn)
{
    v->insn = insn;
    return reject(v, CODE_UNREACHABLE, "unreachable insn %u", insn);
}

static int check_tables(struct verifier *v, const struct graph *g)
{
    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct isa_op *op = v->info[i].op;
        uint32_t subprog = v->info[i].subprog;

        if (!op || op->does != ISA_DO_JUMP_REG ||
            (g->targets && g->first[subprog] != g->first[subprog + 1]))
            continue;
        v->insn = i;
        return reject(v, CODE_JUMP, "no jump tables found for subprog starting at %u",
                      v->subprogs[subprog].start);
    }
    return 0;
}

/* Functions are reached by calls and addresses in functions that are. */
static int walk_functions(struct walk *w, const struct call_graph *calls)
{
    struct verifier *v = w->v;
    uint8_t queue[MAX_SUBPROGS];
    bool is_queued[MAX_SUBPROGS] = {true};
    uint32_t count = 1;
    int code = 0;

    queue[0] = 0;
    if (v->exception_callback) {
        queue[count++] = (uint8_t)v->exception_callback;
        is_queued[v->exception_callback] = true;
    }
    for (uint32_t i = 0; i < count && code == 0; i++) {
        code = walk_from(w, v->subprogs[queue[i]].start);
        for (uint32_t to = 0; to < v->subprog_count; to++)
            if (!is_queued[to] && (call_graph_has(calls->calls[queue[i]], to) ||
                                   call_graph_has(calls->refs[queue[i]], to))) {
                is_queued[to] = true;
                queue[count++] = (uint8_t)to;
            }
    }
    return code;
}

/* What a function calls or gives away happens to itself. */
static void spread_effects(struct verifier *v, struct call_graph *calls)
{
    bool has_changed;

    do {
        has_changed = false;
        for (uint32_t from = v->subprog_count; from-- > 0;)
            for (uint32_t to = 0; to < v->subprog_count; to++) {
                uint32_t more = calls->effects[to] & ~calls->effects[from];

                if (!more || (!call_graph_has(calls->calls[from], to) &&
                              !call_graph_has(calls->refs[from], to)))
                    continue;
                calls->effects[from] |= more;
                has_changed = true;
            }
    } while (has_changed);
    for (uint32_t i = 0; i < v->subprog_count; i++) {
        v->subprogs[i].changes_packet = calls->effects[i] & EFFECT_CHANGES_PACKET;
        v->subprogs[i].may_sleep = calls->effects[i] & EFFECT_SLEEPS;
        v->subprogs[i].may_throw = calls->effects[i] & EFFECT_THROWS;
    }
}

static int count_components(struct verifier *v)
{
    v->scc_size = arena_alloc(&v->memory, (v->scc_count + (size_t)1) * sizeof *v->scc_size);
    if (!v->scc_size)
        return reject_memory(v);
    for (uint32_t i = 0; i < v->insn_count; i++)
        if (v->info[i].scc)
            v->scc_size[v->info[i].scc]++;
    return 0;
}

int cfg_check(struct verifier *v)
{
    struct call_graph *calls = malloc(sizeof *calls);
    struct graph g;
    struct walk w = {0};
    int code = graph_open(v, &g);

    if (code)
        goto out;
    if (!calls || !walk_open(&w, v, &g)) {
        code = reject_memory(v);
        goto out;
    }
    call_graph_fill(v, calls);
    code = check_tables(v, &g);
    if (code == 0) {
        mark_points(v, &g);
        code = walk_functions(&w, calls);
    }
    for (uint32_t i = 0; i < v->insn_count && code == 0; i++)
        if (v->info[i].op && !w.number[i])
            code = reject_unreachable(v, i);
    if (code == 0) {
        spread_effects(v, calls);
        code = count_components(v);
    }
    if (code == 0)
        v->insn = 0;
out:
    walk_close(&w);
    graph_close(&g);
    free(calls);
    return code;
}
