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
#include "verify/flow.h"

enum { FLAG_REACHED = 1, FLAG_FALLS = 2, FLAG_JUMPS = 4, FLAG_MIXED = 8, FLAG_ACCESS = 16 };

struct fact_insn {
    uint32_t dst, src; /* ranges */
    uint32_t map;      /* index, INSN_NONE: none */
    uint16_t mods;
    uint8_t kind;      /* enum reg_kind */
    uint8_t flags;
};
struct fact_more {
    uint32_t insn;
    uint32_t range;
    uint8_t regno;
    bool is_range; /* of a register that is neither dst nor src */
    struct fact_address address;
};
struct facts {
    const struct skep_insn *insns; /* while they are collected */
    struct fact_insn *by_insn;
    uint32_t insn_count;
    struct range *ranges;
    uint32_t range_count;
    VEC(struct fact_more) more;
    bool is_out; /* of memory */
    uint64_t peak_bytes;
};

/* -- questions --------------------------------------------------------------------------------- */

static const struct fact_insn *at(const struct facts *facts, uint32_t insn)
{
    return facts && insn < facts->insn_count ? &facts->by_insn[insn] : NULL;
}

bool facts_is_dead(const struct facts *facts, uint32_t insn)
{
    const struct fact_insn *fact = at(facts, insn);

    return fact && !(fact->flags & FLAG_REACHED);
}

bool facts_edge_is_dead(const struct facts *facts, uint32_t insn, enum facts_way way)
{
    const struct fact_insn *fact = at(facts, insn);

    return fact && !(fact->flags & (way == FACTS_JUMPS ? FLAG_JUMPS : FLAG_FALLS));
}

/* The first of an instruction in the list, which is in their order. */
static size_t more_of(const struct facts *facts, uint32_t insn)
{
    size_t low = 0, high = facts->more.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (facts->more.items[middle].insn < insn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct fact_more *find(const struct facts *facts, uint32_t insn, uint32_t regno, bool is_range)
{
    for (size_t i = more_of(facts, insn); i < facts->more.count && facts->more.items[i].insn == insn; i++)
        if (facts->more.items[i].regno == regno && facts->more.items[i].is_range == is_range)
            return &facts->more.items[i];
    return NULL;
}

/* Which registers `dst` and `src` of the table are about: bits of the instruction itself that the table keeps. */
static const struct fact_more *find_range(const struct facts *facts, uint32_t insn, uint32_t regno)
{
    return find(facts, insn, regno, true);
}
