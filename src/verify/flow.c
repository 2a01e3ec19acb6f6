/* flow.c - the second pass: in which order blocks and functions are looked at, and how states meet.
 *
 *     functions   callees first, for any arguments: what they return
 *                 callers first, with the arguments that all calls have in common
 *     a function  blocks in reverse postorder: what leads to a block comes before it, but for edges back to a loop's head
 *
 *            ┌────────► head ──────► exit       1. until nothing grows: at a head, bounds that grew go to the next
 *            │            │                        threshold (widening), so that each turn of a long loop is not one here
 *            └─── latch ◄─┘                     2. once more from the start, with what came back over `latch` in 1 (narrowing):
 *                                                  a head is no more than what enters and what comes back
 *
 * A function without loops takes one turn, and its states are freed as soon as they were used. Step 2 is sound because step 1
 * found states that hold all executions: what it yields from those, for any part of the graph in any order, holds them too.
 */
#include "verify/flow.h"

#include <stdlib.h>
#include <string.h>

enum {
    CALM = 2,             /* visits of a head before its states widen */
    PATIENCE = 24,        /* and before what grows becomes unknown */
    ENTRIES = 4,          /* times that arguments may grow before they are unknown */
    WORK = 32,            /* edges that may be looked at, for each instruction */
    MOST_BYTES = 48 << 20 /* of states: rather no ranges than more */
};

/* -- ranges ------------------------------------------------------------------------------------ */

static uint32_t hash_of(const struct range *r)
{
    uint64_t h = r->bits.value * UINT64_C(0x9e3779b97f4a7c15) ^ r->bits.mask;

    h = (h ^ r->umin) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 29 ^ r->umax) * UINT64_C(0xc4ceb9fe1a85ec53);
    h = (h ^ (uint64_t)r->smin) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 32 ^ (uint64_t)r->smax) * UINT64_C(0xff51afd7ed558ccd);
    h ^= (uint64_t)r->umin32 << 32 | r->umax32;
    h = (h ^ h >> 31 ^ ((uint64_t)(uint32_t)r->smin32 << 32 | (uint32_t)r->smax32)) *
        UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(h >> 32);
}

static bool grow_ranges(struct ranges *ranges)
{
    uint32_t room = ranges->room ? ranges->room * 2 : 256, mask = room * 2 - 1;
    struct range *items = realloc(ranges->items, room * sizeof *items);
    uint32_t *table;

    if (!items)
        return false;
    ranges->items = items;
    table = calloc((size_t)mask + 1, sizeof *table);
    if (!table)
        return false;
    for (uint32_t i = 0; i < ranges->count; i++) {
        uint32_t at = hash_of(&items[i]) & mask;

        while (table[at])
            at = (at + 1) & mask;
        table[at] = i + 1;
    }
    free(ranges->table);
    ranges->table = table;
    ranges->table_mask = mask;
    ranges->room = room;
    return true;
}

uint32_t flow_intern(struct flow *f, const struct range *range)
{
    struct ranges *ranges = &f->ranges;
    uint32_t at;

    if (ranges->count == ranges->room && !grow_ranges(ranges)) {
        f->has_failed = true;
        return RANGE_UNKNOWN;
    }
    at = hash_of(range) & ranges->table_mask;
    while (ranges->table[at]) {
        if (range_equal(&ranges->items[ranges->table[at] - 1], range))
            return ranges->table[at] - 1;
        at = (at + 1) & ranges->table_mask;
    }
    ranges->items[ranges->count] = *range;
    ranges->table[at] = ++ranges->count;
    return ranges->count - 1;
}

static void prepare_ranges(struct flow *f)
{
    static const struct {
        uint8_t bytes;
        bool is_signed;
    } loads[RANGE_FIXED] = {
        [RANGE_U8] = {1, false}, [RANGE_U16] = {2, false}, [RANGE_U32] = {4, false},
        [RANGE_S8] = {1, true},  [RANGE_S16] = {2, true},  [RANGE_S32] = {4, true}};

    for (uint32_t i = 0; i < RANGE_FIXED; i++) {
        struct range range;

        range_set_unknown(&range);
        if (loads[i].is_signed)
            range_sign_extend(&range, loads[i].bytes, 8);
        else if (loads[i].bytes)
            range_zero_extend(&range, loads[i].bytes);
        flow_intern(f, &range);
    }
}

/* -- joins ------------------------------------------------------------------------------------- */

enum meeting { MEET_JOIN, MEET_WIDEN, MEET_GIVE_UP };

static uint32_t join_ranges(struct flow *f, uint32_t a, uint32_t b, enum meeting how)
{
    struct range range;

    if (a == b)
        return a;
    if (!a || !b || how == MEET_GIVE_UP)
        return RANGE_UNKNOWN;
    range = *flow_range(f, a);
    if (range_contains(&range, flow_range(f, b)))
        return a;
    if (how == MEET_WIDEN)
        range_widen(&range, flow_range(f, b));
    else
        range_join(&range, flow_range(f, b));
    return flow_intern(f, &range);
}

static bool is_same_place(struct place a, struct place b)
{
    return a.kind == b.kind && a.index == b.index && a.off == b.off;
}

static struct place join_places(struct flow *f, struct place a, struct place b)
{
    bool may_be_stack = a.kind == PLACE_ANY || b.kind == PLACE_ANY || a.kind == PLACE_STACK ||
                        b.kind == PLACE_STACK;

    if (is_same_place(a, b))
        return a;
    if (a.kind == PLACE_FUNC || b.kind == PLACE_FUNC)
        flow_enter_callbacks(f);
    return (struct place){.kind = may_be_stack ? PLACE_ANY : PLACE_OTHER};
}

/* Whether `into` grew. */
static bool join_cell(struct flow *f, struct cell *into, const struct cell *from, enum meeting how)
{
    struct cell was = *into;

    if (was.range == from->range && was.same == from->same && was.size == from->size &&
        is_same_place(was.place, from->place))
        return false;
    if (was.size !=
        from->size) { /* a slot that does not hold the same bytes of a number on both ways */
        into->size = 0;
        into->range = RANGE_UNKNOWN;
    } else {
        into->range = join_ranges(f, was.range, from->range, how);
    }
    if (was.same != from->same)
        into->same = 0;
    into->place = join_places(f, was.place, from->place);
    return into->range != was.range || into->same != was.same || into->size != was.size ||
           !is_same_place(into->place, was.place);
}

/* -- states ------------------------------------------------------------------------------------ */

struct free_cells {
    struct free_cells *next;
};

static struct cell *take_cells(struct flow *f)
{
    size_t size = f->cell_count * sizeof(struct cell);
    struct free_cells *first = f->free_cells;

    if (first) {
        f->free_cells = first->next;
        return (struct cell *)first;
    }
    if (f->bytes + size > MOST_BYTES) {
        f->has_failed = true;
        return NULL;
    }
    first = malloc(size);
    if (!first) {
        f->has_failed = true;
        return NULL;
    }
    f->bytes += size;
    if (f->bytes > f->peak_bytes)
        f->peak_bytes = f->bytes;
    return (struct cell *)first;
}

static void give_cells(struct flow *f, struct cell **cells)
{
    struct free_cells *first = (struct free_cells *)*cells;

    if (!first)
        return;
    first->next = f->free_cells;
    f->free_cells = first;
    *cells = NULL;
}

static void drop_free_cells(struct flow *f)
{
    while (f->free_cells) {
        struct free_cells *next = ((struct free_cells *)f->free_cells)->next;

        free(f->free_cells);
        f->bytes -= f->cell_count * sizeof(struct cell);
        f->free_cells = next;
    }
}

/* What nobody will read is unknown, so that it is equal everywhere. */
static void copy_live(const struct flow *f, struct cell *to, const struct cell *from, uint32_t insn)
{
    uint16_t live = f->v->info[insn].live_regs;

    memcpy(to, from, f->cell_count * sizeof *to);
    for (uint32_t i = 0; i < FLOW_REGS; i++)
        if (!(live >> i & 1))
            to[i] = (struct cell){0};
}

/* Whether *into grew; `from` has live registers only. */
static bool meet(struct flow *f, struct cell **into, const struct cell *from, enum meeting how)
{
    bool is_grown = false;

    if (!*into) {
        *into = take_cells(f);
        if (*into)
            memcpy(*into, from, f->cell_count * sizeof **into);
        return *into != NULL;
    }
    for (uint32_t i = 0; i < f->cell_count; i++)
        is_grown |= join_cell(f, &(*into)[i], &from[i], how);
    return is_grown;
}

/* What the pass may cost is in proportion to the program: one that is all jumps between tables has no ranges. */
static void spend(struct flow *f)
{
    const _Atomic uint32_t *cancel = f->v->in->cancel;

    if (f->work++ > (uint64_t)WORK * (f->v->insn_count + 1024))
        f->has_failed = true;
    if (f->work % 4096 == 0 && cancel && atomic_load_explicit(cancel, memory_order_relaxed))
        f->has_failed = true;
}

/* -- one block --------------------------------------------------------------------------------- */

struct pass {
    uint32_t lowest; /* of the blocks that wait */
    bool is_narrowing, frees;
    struct cell *out, *live; /* scratch */
};

static void arrive(struct flow *f, struct pass *pass, uint32_t from, uint32_t to,
                   const struct cell *state)
{
    struct flow_block *block = &f->blocks[to];
    bool is_back = block->order <= f->blocks[from].order;
    enum meeting how = MEET_JOIN;

    if (block->order == INSN_NONE) /* cannot be: the order has all that can be reached */
        f->has_failed = true;
    spend(f);
    if (f->has_failed || (is_back && pass->is_narrowing))
        return;
    copy_live(f, pass->live, state, block->first);
    if (block->is_head && !pass->is_narrowing) {
        if (is_back)
            meet(f, &block->back, pass->live, MEET_JOIN);
        how = block->visits > PATIENCE          ? MEET_GIVE_UP
              : is_back && block->visits > CALM ? MEET_WIDEN
                                                : MEET_JOIN;
    }
    if (!meet(f, &block->cells, pass->live, how))
        return;
    block->is_waiting = true;
    if (block->order < pass->lowest)
        pass->lowest = block->order;
}

/* Over one of the two edges of the block's last instruction. */
static void leave(struct flow *f, struct pass *pass, uint32_t index, enum facts_way way,
                  struct cell *state)
{
    struct flow_block *block = &f->blocks[index];
    const struct isa_op *op = f->v->info[block->end - 1].op;
    uint32_t last = op ? block->end - 1 : block->end - 2;

    if (block->next[way] == INSN_NONE || !flow_branch(f, state, last, way))
        return;
    if (f->is_recording)
        facts_record_edge(f->facts, last, way);
    arrive(f, pass, index, block->next[way], state);
}

static void leave_by_table(struct flow *f, struct pass *pass, uint32_t index,
                           const struct cell *state)
{
    const uint32_t *next;
    uint32_t own[2], count = graph_next(&f->graph, f->v->insn_count + f->function, own, &next);

    for (uint32_t i = 0; i < count; i++)
        if (f->v->info[next[i]].is_seen)
            arrive(f, pass, index, f->block_at[next[i]], state);
}

/* What the function returns is asked of the first phase only: then it holds for any arguments. */
static void finish(struct flow *f, const struct cell *state)
{
    if (!f->is_first_phase)
        return;
    f->result =
        f->has_result ? join_ranges(f, f->result, state[0].range, MEET_JOIN) : state[0].range;
    f->has_result = true;
}

static void run_block(struct flow *f, struct pass *pass, uint32_t index)
{
    struct flow_block *block = &f->blocks[index];
    struct cell *state = block->cells;
    const struct isa_op *op = NULL;

    block->is_waiting = false;
    block->visits++;
    if (!pass->frees) {
        state = pass->out;
        memcpy(state, block->cells, f->cell_count * sizeof *state);
    }
    for (uint32_t insn = block->first; insn < block->end; insn++) {
        if (!f->v->info[insn].op)
            continue;
        op = f->v->info[insn].op;
        if (f->is_recording)
            facts_record(f, state, insn);
        flow_step(f, state, insn);
    }
    if (op && op->kind == ISA_KIND_EXIT)
        finish(f, state);
    if (block->is_table) {
        leave_by_table(f, pass, index, state);
    } else if (block->next[FACTS_FALLS] != INSN_NONE && block->next[FACTS_JUMPS] != INSN_NONE) {
        struct cell *other = take_cells(f);

        if (other) {
            memcpy(other, state, f->cell_count * sizeof *other);
            leave(f, pass, index, FACTS_FALLS, other);
            leave(f, pass, index, FACTS_JUMPS, state);
            give_cells(f, &other);
        }
    } else {
        leave(f, pass, index, FACTS_FALLS, state);
        leave(f, pass, index, FACTS_JUMPS, state);
    }
    if (pass->frees)
        give_cells(f, &block->cells);
}

/* -- one function ------------------------------------------------------------------------------ */

static void set_entry(struct flow *f, struct cell *cells, uint16_t live)
{
    const struct flow_function *function = &f->functions[f->function];

    memset(cells, 0, f->cell_count * sizeof *cells);
    for (uint32_t i = 1; i <= 5; i++) {
        if (!(live >> i & 1))
            continue;
        if (f->is_first_phase || function->is_unknown)
            cells[i].place.kind =
                f->function ? PLACE_ANY : PLACE_OTHER; /* the program's own: the context */
        else
            cells[i] = function->args[i - 1];
    }
}

static void run_blocks(struct flow *f, struct pass *pass)
{
    for (uint32_t i = 0; i < f->order_count && !f->has_failed;) {
        if (!f->blocks[f->order[i]].is_waiting) {
            i++;
            continue;
        }
        pass->lowest = i + 1;
        run_block(f, pass, f->order[i]);
        i = pass->lowest;
    }
}

static void start(struct flow *f, struct cell *scratch)
{
    struct flow_block *entry = &f->blocks[f->order[0]];

    set_entry(f, scratch, f->v->info[entry->first].live_regs);
    meet(f, &entry->cells, scratch, MEET_JOIN);
    entry->is_waiting = true;
}

static void drop_states(struct flow *f)
{
    for (uint32_t i = 0; i < f->order_count; i++) {
        give_cells(f, &f->blocks[f->order[i]].cells);
        give_cells(f, &f->blocks[f->order[i]].back);
        f->blocks[f->order[i]].visits = 0;
    }
}

static void run_states(struct flow *f, bool has_loop, bool records)
{
    struct pass pass = {.frees = !has_loop, .out = take_cells(f), .live = take_cells(f)};

    if (!f->has_failed) {
        f->is_recording = records && !has_loop;
        start(f, pass.live);
        run_blocks(f, &pass);
    }
    if (has_loop && records && !f->has_failed) {
        pass.is_narrowing = pass.frees = f->is_recording = true;
        for (uint32_t i = 0; i < f->order_count; i++)
            give_cells(f, &f->blocks[f->order[i]].cells);
        start(f, pass.live);
        for (uint32_t i = 0; i < f->order_count && !f->has_failed; i++) {
            struct flow_block *block = &f->blocks[f->order[i]];

            if (block->back)
                meet(f, &block->cells, block->back, MEET_JOIN);
            if (block->cells)
                run_block(f, &pass, f->order[i]);
        }
    }
    f->is_recording = false;
    give_cells(f, &pass.out);
    give_cells(f, &pass.live);
    drop_states(f);
    drop_free_cells(f);
}

/* -- order of blocks --------------------------------------------------------------------------- */

static uint32_t block_of(const struct flow *f, int64_t insn)
{
    return insn >= 0 && insn < f->v->insn_count && f->v->info[insn].is_seen ? f->block_at[insn]
                                                                            : INSN_NONE;
}

/* One block after the other that may follow; INSN_NONE past the last. *cursor begins at 0. */
static uint32_t follow(struct flow *f, uint32_t index, uint32_t *cursor)
{
    const struct flow_block *block = &f->blocks[index];
    const uint32_t *next = block->next;
    uint32_t own[2], count = 2;

    if (block->is_table)
        count =
            graph_next(&f->graph, f->v->insn_count + f->v->info[block->first].subprog, own, &next);
    while (*cursor < count) {
        uint32_t to = next[(*cursor)++];

        spend(f);
        if (block->is_table)
            to = block_of(f, to);
        if (to != INSN_NONE)
            return to;
    }
    return INSN_NONE;
}

static bool leaves_loop(const struct flow *f, uint32_t from, uint32_t to)
{
    return f->v->info[f->blocks[from].first].scc != f->v->info[f->blocks[to].first].scc;
}

struct walk {
    uint32_t block, cursor;
    /* First the ways out of the loop, then those within: so the loop comes before what follows it. */
    bool is_inside;
};

/* Reverse postorder from the function's first block; returns whether there is a loop. */
static bool order_blocks(struct flow *f, uint32_t entry, struct walk *stack)
{
    uint32_t depth = 0, count = 0;
    bool has_loop = false;

    stack[depth++] = (struct walk){.block = entry};
    f->blocks[entry].visits = 1;
    while (depth && !f->has_failed) {
        struct walk *top = &stack[depth - 1];
        uint32_t to = follow(f, top->block, &top->cursor);

        if (to == INSN_NONE && !top->is_inside) {
            top->is_inside = true;
            top->cursor = 0;
        } else if (to == INSN_NONE) {
            f->order[count++] = top->block;
            depth--;
        } else if (leaves_loop(f, top->block, to) != top->is_inside && !f->blocks[to].visits) {
            f->blocks[to].visits = 1;
            stack[depth++] = (struct walk){.block = to};
        }
    }
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t block = f->order[i];

        f->order[i] = f->order[count - 1 - i];
        f->order[count - 1 - i] = block;
    }
    f->order_count = count;
    for (uint32_t i = 0; i < count; i++) {
        f->blocks[f->order[i]].order = i;
        f->blocks[f->order[i]].visits = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t to, cursor = 0;

        while ((to = follow(f, f->order[i], &cursor)) != INSN_NONE)
            if (f->blocks[to].order <= i)
                has_loop = f->blocks[to].is_head = true;
    }
    return has_loop;
}

/* -- blocks ------------------------------------------------------------------------------------ */

static void mark_leader(struct flow *f, int64_t insn)
{
    if (insn >= 0 && insn < f->v->insn_count)
        f->block_at[insn] = 0;
}

/* Where blocks begin: at functions, where jumps lead and behind them. */
static void find_leaders(struct flow *f)
{
    const struct verifier *v = f->v;
    const uint32_t *next;
    uint32_t own[2], count;

    memset(f->block_at, 0xff, v->insn_count * sizeof *f->block_at);
    for (uint32_t s = 0; s < v->subprog_count; s++) {
        mark_leader(f, v->subprogs[s].start);
        count = graph_next(&f->graph, v->insn_count + s, own, &next);
        for (uint32_t i = 0; i < count; i++)
            mark_leader(f, next[i]);
    }
    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct isa_op *op = v->info[i].op;

        if (!op || !isa_ends_block(op))
            continue;
        mark_leader(f, (int64_t)i + 1);
        if (op->kind == ISA_KIND_BRANCH || op->does == ISA_DO_JUMP)
            mark_leader(f, isa_target(op, &v->insns[i], i));
    }
}

static void set_edges(struct flow *f, struct flow_block *block)
{
    uint32_t last = f->v->info[block->end - 1].op ? block->end - 1 : block->end - 2;
    const struct insn_info *info = &f->v->info[last];

    block->next[FACTS_FALLS] = block->next[FACTS_JUMPS] = INSN_NONE;
    if (isa_falls_through(info->op) && (info->op->kind != ISA_KIND_BRANCH || info->edges & 1))
        block->next[FACTS_FALLS] = block_of(f, block->end);
    if (info->op->does == ISA_DO_JUMP || (info->op->kind == ISA_KIND_BRANCH && info->edges & 2))
        block->next[FACTS_JUMPS] = block_of(f, isa_target(info->op, &f->v->insns[last], last));
    block->is_table = info->op->does == ISA_DO_JUMP_REG;
}

/* Of what the walk has seen. */
static bool make_blocks(struct flow *f)
{
    const struct verifier *v = f->v;
    uint32_t count = 0, leaders = 0;
    bool is_open = false;

    f->block_at = malloc(v->insn_count * sizeof *f->block_at);
    if (!f->block_at)
        return false;
    find_leaders(f);
    for (uint32_t i = 0; i < v->insn_count; i++)
        leaders += f->block_at[i] == 0;
    f->blocks = calloc(leaders, sizeof *f->blocks);
    f->order = malloc(leaders * sizeof *f->order);
    if (!f->blocks || !f->order)
        return false;
    for (uint32_t i = 0; i < v->insn_count; i++) {
        bool is_leader = f->block_at[i] == 0;

        if (v->info[i].op && !v->info[i].is_seen) {
            f->block_at[i] = INSN_NONE;
            is_open = false;
            continue;
        }
        if (is_leader) {
            f->block_at[i] = count;
            f->blocks[count++] = (struct flow_block){.first = i, .order = INSN_NONE};
            is_open = true;
        }
        if (is_open)
            f->blocks[count - 1].end = i + 1;
    }
    for (uint32_t i = 0; i < count; i++)
        set_edges(f, &f->blocks[i]);
    f->bytes +=
        leaders * (sizeof *f->blocks + sizeof *f->order) + v->insn_count * sizeof *f->block_at;
    return true;
}

/* -- functions --------------------------------------------------------------------------------- */

void flow_enter(struct flow *f, uint32_t index, const struct cell *args)
{
    struct flow_function *function = &f->functions[index];
    bool is_grown = !function->is_entered;

    if (f->is_first_phase || function->is_unknown)
        return;
    if (!args || function->entries > ENTRIES) {
        function->is_unknown = is_grown = true;
    } else if (is_grown) {
        memcpy(function->args, args, sizeof function->args);
    } else {
        for (uint32_t i = 0; i < 5; i++)
            is_grown |= join_cell(f, &function->args[i], &args[i], MEET_JOIN);
    }
    function->is_entered = true;
    function->entries += is_grown && function->is_done;
    function->is_waiting |= is_grown;
}

void flow_enter_callbacks(struct flow *f)
{
    for (uint32_t i = 0; i < f->v->subprog_count; i++)
        if (f->v->subprogs[i].is_callback)
            flow_enter(f, i, NULL);
}

static void run_function(struct flow *f, uint32_t index, struct walk *stack)
{
    struct flow_function *function = &f->functions[index];
    const struct subprog *subprog = &f->v->subprogs[index];
    uint32_t entry = block_of(f, subprog->start);

    function->is_waiting = false;
    if (entry == INSN_NONE)
        return;
    f->function = index;
    f->has_result = false;
    f->cell_count = FLOW_REGS + function->slots;
    if (!f->is_first_phase)
        facts_forget(f->facts, subprog->start, subprog->end, function->is_done);
    run_states(f, order_blocks(f, entry, stack), !f->is_first_phase);
    if (f->is_first_phase) {
        function->result = f->result;
        function->has_result = f->has_result;
    }
    function->is_done = !f->is_first_phase;
}

/* Callers before callees; what is left of a cycle comes in any order. */
static void order_functions(const struct verifier *v, const struct call_graph *calls,
                            uint32_t index, uint8_t *seen, uint32_t *order, uint32_t *count)
{
    seen[index] = 1;
    for (uint32_t i = 0; i < v->subprog_count; i++)
        if (!seen[i] &&
            (call_graph_has(calls->calls[index], i) || call_graph_has(calls->refs[index], i)))
            order_functions(v, calls, i, seen, order, count);
    order[--*count] = index;
}

static void run_entered(struct flow *f, const uint32_t *order, struct walk *stack)
{
    for (uint32_t i = 0; i < f->v->subprog_count && !f->has_failed;) {
        if (f->functions[order[i]].is_waiting) {
            run_function(f, order[i], stack);
            i = 0;
        } else {
            i++;
        }
    }
}

static void run_functions(struct flow *f, const uint32_t *order, struct walk *stack)
{
    const struct verifier *v = f->v;

    f->is_first_phase = true;
    for (uint32_t i = v->subprog_count; i-- > 0 && !f->has_failed;)
        if (order[i] && !v->subprogs[order[i]].is_global)
            run_function(f, order[i], stack);
    f->is_first_phase = false;
    for (uint32_t i = 0; i < v->subprog_count; i++)
        if (!i || v->subprogs[i].is_global || v->subprogs[i].is_exception_callback)
            flow_enter(f, i, NULL);
    run_entered(f, order, stack);
    /* Callbacks that the walk entered and this pass did not find called. */
    for (uint32_t i = 0; i < v->subprog_count; i++)
        if (v->subprogs[i].is_callback && !f->functions[i].is_entered)
            flow_enter(f, i, NULL);
    run_entered(f, order, stack);
    for (uint32_t i = 0; i < v->subprog_count; i++)
        if (!f->functions[i].is_done)
            facts_forget(f->facts, v->subprogs[i].start, v->subprogs[i].end, false);
}

static bool prepare(struct flow *f)
{
    if (graph_open(f->v, &f->graph))
        return false;
    prepare_ranges(f);
    f->functions = calloc(f->v->subprog_count, sizeof *f->functions);
    if (!f->functions || f->has_failed || !make_blocks(f))
        return false;
    for (uint32_t i = 0; i < f->v->subprog_count; i++) {
        uint32_t slots = (f->v->subprogs[i].stack_depth + 7) / 8;

        f->functions[i].slots = slots < SLOTS_MAX ? slots : SLOTS_MAX;
    }
    return true;
}

bool flow_run(struct verifier *v, struct facts *facts, uint64_t *peak_bytes)
{
    struct flow f = {.v = v, .facts = facts};
    struct call_graph *calls = calloc(1, sizeof *calls);
    uint32_t *order = calloc(v->subprog_count, sizeof *order), count = v->subprog_count;
    uint8_t *seen = calloc(v->subprog_count, 1);
    struct walk *stack = NULL;
    bool is_done = false;

    if (!calls || !order || !seen || !prepare(&f))
        goto out;
    stack = malloc((v->insn_count + 1) * sizeof *stack);
    if (!stack)
        goto out;
    call_graph_fill(v, calls);
    for (uint32_t i = 0; i < v->subprog_count; i++)
        if (!seen[i])
            order_functions(v, calls, i, seen, order, &count);
    run_functions(&f, order, stack);
    is_done = !f.has_failed && facts_keep(facts, f.ranges.items, f.ranges.count);
out:
    *peak_bytes =
        f.peak_bytes + f.ranges.room * (sizeof *f.ranges.items + 2 * sizeof *f.ranges.table);
    free(stack);
    free(calls);
    free(order);
    free(seen);
    free(f.functions);
    free(f.blocks);
    free(f.order);
    free(f.block_at);
    free(f.ranges.items);
    free(f.ranges.table);
    graph_close(&f.graph);
    return is_done;
}
