/* facts.c - what the compiler may rely on: gathered from the walk and from a second pass, kept in a few bytes an instruction.
 *
 * The contract: a fact holds for every execution of the program. The walk does not see every execution. A path ends where a
 * checkpoint covers it, and one state covers another although numbers differ that nothing depended on: what the walk knew of
 * those numbers behind the checkpoint is true of the paths it followed, and of no others. So it matters where a fact is from.
 *
 *   from the walk    what the comparison of states guarantees for pruned paths as well:
 *
 *      reached, edges   A path pruned at a checkpoint would have gone no way that paths from the checkpoint did not go. Where
 *                       the walk decides a branch by numbers it marks them precise first, so the pruned path's numbers lie
 *                       within those that decided. Where it decides by a pointer (never null, at the packet's end), kinds,
 *                       marks and spans of live pointers are compared exactly. Iterators, callbacks and may_goto follow both
 *                       ways. Paths cut at an open loop are compared in all numbers.
 *      kinds, maps      Pointers in live registers and slots are compared by kind, marks and map; what the access was on the
 *                       checkpoint's paths it is on the pruned one. Where paths differ the walk says "mixed".
 *
 *   from flow.c      everything about numbers. It looks at no path but at the whole graph: a state before an instruction is
 *                    joined over all ways that lead there, so it needs no pruning and no precision. It uses only the facts
 *                    above: edges that were never taken are left out, and memory accesses touch what the walk says.
 *
 * Numbers are those that registers really hold, of pointers too: "not null" is a range without 0.
 *
 * Storage: 16 bytes an instruction, with the ranges of the operands dst and src as numbers in a pool of distinct ranges (0:
 * unknown). What else is known (arguments of calls, exact places) is in a list that is searched by instruction.
 */
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "verify/explore.h"
#include "verify/flow.h"

enum { FLAG_REACHED = 1, FLAG_FALLS = 2, FLAG_JUMPS = 4, FLAG_MIXED = 8, FLAG_ACCESS = 16 };
enum { NO_MAP = UINT16_MAX, NO_REG = 15 };

struct fact_insn {
    uint32_t dst, src; /* ranges of the registers that `regs` names */
    uint16_t map;      /* index, NO_MAP: none */
    uint16_t mods;
    uint8_t kind; /* enum reg_kind */
    uint8_t flags;
    uint8_t regs; /* dst | src << 4; NO_REG: none is read there */
};
struct fact_more { /* of a register that is neither of the two, or an exact place */
    uint32_t insn, range;
    uint8_t regno;
    struct fact_address address;
};
struct facts {
    struct fact_insn *by_insn;
    uint32_t insn_count, range_count;
    struct range *ranges;
    VEC(struct fact_more) more; /* in the instructions' order once facts are complete */
    uint64_t peak_bytes;
    bool is_out; /* of memory, while they are collected */
};

/* -- questions --------------------------------------------------------------------------------- */

static const struct fact_insn *fact_at(const struct facts *facts, uint32_t insn)
{
    return facts && insn < facts->insn_count ? &facts->by_insn[insn] : NULL;
}

bool facts_is_dead(const struct facts *facts, uint32_t insn)
{
    const struct fact_insn *fact = fact_at(facts, insn);

    return fact && !(fact->flags & FLAG_REACHED);
}

bool facts_edge_is_dead(const struct facts *facts, uint32_t insn, enum facts_way way)
{
    const struct fact_insn *fact = fact_at(facts, insn);

    return fact && !(fact->flags & (way == FACTS_JUMPS ? FLAG_JUMPS : FLAG_FALLS));
}

static const struct fact_more *find_more(const struct facts *facts, uint32_t insn, uint32_t regno)
{
    size_t low = 0, high = facts->more.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fact_more *more = &facts->more.items[middle];

        if (more->insn < insn || (more->insn == insn && more->regno < regno))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == facts->more.count || facts->more.items[low].insn != insn ||
        facts->more.items[low].regno != regno)
        return NULL;
    return &facts->more.items[low];
}

void facts_range(const struct facts *facts, uint32_t insn, uint32_t regno, struct range *out)
{
    const struct fact_insn *fact = fact_at(facts, insn);
    const struct fact_more *more;
    uint32_t range = 0;

    if (fact && (fact->regs & 15) == regno) {
        range = fact->dst;
    } else if (fact && fact->regs >> 4 == regno) {
        range = fact->src;
    } else if (fact) {
        more = find_more(facts, insn, regno);
        range = more ? more->range : 0;
    }
    if (range)
        *out = facts->ranges[range];
    else
        range_set_unknown(out);
}

bool facts_pointer(const struct facts *facts, uint32_t insn, struct fact_pointer *out)
{
    const struct fact_insn *fact = fact_at(facts, insn);

    *out = (struct fact_pointer){.map = INSN_NONE};
    if (!fact || !(fact->flags & FLAG_ACCESS))
        return false;
    *out = (struct fact_pointer){.kind = fact->kind,
                                 .is_mixed = fact->flags & FLAG_MIXED,
                                 .mods = fact->mods,
                                 .map = facts_map(facts, insn)};
    return true;
}

uint32_t facts_map(const struct facts *facts, uint32_t insn)
{
    const struct fact_insn *fact = fact_at(facts, insn);

    return fact && fact->map != NO_MAP ? fact->map : INSN_NONE;
}

void facts_address(const struct facts *facts, uint32_t insn, uint32_t regno,
                   struct fact_address *out)
{
    const struct fact_more *more = facts && regno != 10 ? find_more(facts, insn, regno) : NULL;

    *out = more ? more->address : (struct fact_address){.where = FACT_ANYWHERE};
    if (facts && regno == 10)
        out->where = FACT_STACK;
}

uint64_t facts_bytes(const struct facts *facts)
{
    if (!facts)
        return 0;
    return sizeof *facts + facts->insn_count * sizeof *facts->by_insn +
           facts->range_count * sizeof *facts->ranges +
           facts->more.room * sizeof *facts->more.items;
}

uint64_t facts_peak_bytes(const struct facts *facts)
{
    return facts ? facts->peak_bytes : 0;
}

void facts_free(struct facts *facts)
{
    if (!facts)
        return;
    free(facts->by_insn);
    free(facts->ranges);
    free(facts->more.items);
    free(facts);
}

/* -- from the walk ----------------------------------------------------------------------------- */

static uint16_t index_of(const struct verifier *v, const struct verify_map *map)
{
    /* The template of an inner map stands for many. */
    if (map < v->in->maps || map >= v->in->maps + v->image->map_count ||
        map - v->in->maps >= NO_MAP)
        return NO_MAP;
    return (uint16_t)(map - v->in->maps);
}

static void from_walk(const struct verifier *v, uint32_t insn, struct fact_insn *fact)
{
    const struct insn_info *info = &v->info[insn];
    bool has_map = info->map && !info->is_mixed_map;

    *fact = (struct fact_insn){.map = NO_MAP, .regs = NO_REG | NO_REG << 4};
    if (!info->op || !info->is_seen)
        return;
    fact->flags = FLAG_REACHED | FLAG_FALLS | FLAG_JUMPS;
    if (info->op->kind == ISA_KIND_BRANCH)
        fact->flags = (uint8_t)(FLAG_REACHED | (info->edges & 1 ? FLAG_FALLS : 0) |
                                (info->edges & 2 ? FLAG_JUMPS : 0));
    if (info->op->kind == ISA_KIND_CALL) {
        fact->map = has_map ? index_of(v, info->map) : NO_MAP;
        return;
    }
    if (!info->ptr_kind)
        return;
    fact->kind = (uint8_t)(info->ptr_kind - 1);
    fact->flags |= FLAG_ACCESS | (info->is_mixed_kind ? FLAG_MIXED : 0);
    fact->mods =
        explore_compares_mods(fact->kind) ? info->ptr_mods : info->ptr_mods & MOD_UNTRUSTED;
    fact->map = has_map && fact->kind == REG_MAP_VALUE && !info->is_mixed_kind
                    ? index_of(v, info->map)
                    : NO_MAP;
}

/* -- from the second pass ---------------------------------------------------------------------- */

static const struct cell frame_pointer = {.place = {.kind = PLACE_STACK}};

static const struct cell *cell_of(const struct cell *state, uint32_t regno)
{
    return regno < FLOW_REGS ? &state[regno] : &frame_pointer;
}

static void add_more(struct facts *facts, uint32_t insn, uint32_t regno, const struct cell *cell)
{
    bool is_place =
        regno < FLOW_REGS && (cell->place.kind == PLACE_STACK || cell->place.kind == PLACE_MAP);
    struct fact_more *more;

    if (!cell->range && !is_place)
        return;
    more = VEC_PUSH(&facts->more);
    if (!more) {
        facts->is_out = true;
        return;
    }
    *more = (struct fact_more){.insn = insn, .range = cell->range, .regno = (uint8_t)regno};
    if (is_place)
        more->address =
            (struct fact_address){cell->place.kind == PLACE_STACK ? FACT_STACK : FACT_MAP_VALUE,
                                  cell->place.index, cell->place.off};
}

static void record_call(struct flow *f, const struct cell *state, uint32_t insn)
{
    struct cfg_callee callee = {.arg_count = 5};

    cfg_callee(f->v, insn, &callee);
    for (uint32_t i = 1; i <= callee.arg_count && i <= 5; i++)
        add_more(f->facts, insn, i, &state[i]);
}

void facts_record(struct flow *f, const struct cell *state, uint32_t insn)
{
    const struct isa_op *op = f->v->info[insn].op;
    struct fact_insn *fact = &f->facts->by_insn[insn];
    uint32_t dst = SKEP_INSN_DST(&f->v->insns[insn]), src = SKEP_INSN_SRC(&f->v->insns[insn]);

    fact->flags |= FLAG_REACHED;
    if (op->kind != ISA_KIND_BRANCH)
        fact->flags |= FLAG_FALLS | FLAG_JUMPS;
    if (op->kind == ISA_KIND_CALL) {
        record_call(f, state, insn);
        return;
    }
    if (op->kind == ISA_KIND_EXIT) {
        fact->regs = NO_REG << 4;
        fact->dst = state[0].range;
        return;
    }
    fact->regs =
        (uint8_t)((isa_reads_dst(op) ? dst : NO_REG) | (isa_reads_src(op) ? src : NO_REG) << 4);
    fact->dst = isa_reads_dst(op) ? cell_of(state, dst)->range : 0;
    fact->src = isa_reads_src(op) ? cell_of(state, src)->range : 0;
    if (op->does == ISA_DO_CMPXCHG && dst && src)
        add_more(f->facts, insn, 0, &state[0]);
    if (op->kind == ISA_KIND_LOAD || op->does == ISA_DO_LOAD_ACQ)
        dst = src;
    else if (op->kind != ISA_KIND_STORE && op->kind != ISA_KIND_ATOMIC)
        return;
    if (dst < FLOW_REGS && cell_of(state, dst)->place.kind >= PLACE_STACK)
        add_more(f->facts, insn, dst, cell_of(state, dst));
}

void facts_record_edge(struct facts *facts, uint32_t insn, enum facts_way way)
{
    facts->by_insn[insn].flags |= way == FACTS_JUMPS ? FLAG_JUMPS : FLAG_FALLS;
}

void facts_forget(struct facts *facts, uint32_t first, uint32_t end, bool was_recorded)
{
    size_t kept = 0;

    for (uint32_t i = first; i < end; i++) {
        struct fact_insn *fact = &facts->by_insn[i];

        fact->dst = fact->src = 0;
        fact->regs = NO_REG | NO_REG << 4;
        fact->flags &= (uint8_t) ~(FLAG_REACHED | FLAG_FALLS | FLAG_JUMPS);
    }
    for (size_t i = 0; was_recorded && i < facts->more.count; i++)
        if (facts->more.items[i].insn < first || facts->more.items[i].insn >= end)
            facts->more.items[kept++] = facts->more.items[i];
    if (was_recorded)
        facts->more.count = kept;
}

/* -- keeping it -------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct fact_more *x = a, *y = b;

    return x->insn != y->insn ? (x->insn < y->insn ? -1 : 1) : (int)x->regno - (int)y->regno;
}

/* The number that a range has among those that are kept; *count grows with each new one. */
static uint32_t renumber(uint32_t range, uint32_t *numbers, uint32_t *count)
{
    if (range && !numbers[range])
        numbers[range] = (*count)++;
    return range ? numbers[range] : 0;
}

bool facts_keep(struct facts *facts, const struct range *ranges, uint32_t count)
{
    uint32_t *numbers = calloc(count ? count : 1, sizeof *numbers), kept = 1;
    struct range *pool;

    for (uint32_t i = 0; numbers && i < facts->insn_count; i++) {
        facts->by_insn[i].dst = renumber(facts->by_insn[i].dst, numbers, &kept);
        facts->by_insn[i].src = renumber(facts->by_insn[i].src, numbers, &kept);
    }
    for (size_t i = 0; numbers && i < facts->more.count; i++)
        facts->more.items[i].range = renumber(facts->more.items[i].range, numbers, &kept);
    pool = numbers && !facts->is_out ? malloc(kept * sizeof *pool) : NULL;
    if (pool) {
        range_set_unknown(&pool[0]);
        for (uint32_t i = 1; i < count; i++)
            if (numbers[i])
                pool[numbers[i]] = ranges[i];
        facts->ranges = pool;
        facts->range_count = kept;
        if (facts->more.count)
            qsort(facts->more.items, facts->more.count, sizeof *facts->more.items, by_place);
    }
    free(numbers);
    return pool != NULL;
}

/* What the walk alone knows. */
static void fill(const struct verifier *v, struct facts *facts)
{
    for (uint32_t i = 0; i < facts->insn_count; i++)
        from_walk(v, i, &facts->by_insn[i]);
    facts->more.count = 0;
}

/* Second halves of wide instructions are reached with the first. */
static void fill_halves(const struct verifier *v, struct facts *facts)
{
    for (uint32_t i = 1; i < facts->insn_count; i++)
        if (!v->info[i].op && facts->by_insn[i - 1].flags & FLAG_REACHED)
            facts->by_insn[i].flags = FLAG_REACHED | FLAG_FALLS | FLAG_JUMPS;
}

int facts_collect(struct verifier *v)
{
    struct facts *facts = calloc(1, sizeof *facts);

    if (facts)
        facts->by_insn = calloc(v->insn_count, sizeof *facts->by_insn);
    if (!facts || !facts->by_insn) {
        facts_free(facts);
        return 0;
    }
    facts->insn_count = v->insn_count;
    fill(v, facts);
    if (!flow_run(v, facts, &facts->peak_bytes))
        fill(v, facts);
    fill_halves(v, facts);
    facts->peak_bytes += facts_bytes(facts);
    v->result->facts = facts;
    return 0;
}
