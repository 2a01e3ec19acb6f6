/* loops.c - loops that are not finished: whose states' marks are incomplete, and how they are completed.
 *
 *      ┌──► A: for (...)  ◄──┐          A is open until both ways from it are proven. A path that comes back to A in a state
 *      │    B: body ─────────┘          that A covers ends there: a back edge. But what A's own paths will read and need is
 *      └──── C: after the loop          not known yet, so neither is what B's need.
 *
 * A visit is one passage of a path through a strongly connected component of the control flow, with given calls around it.
 * While a visit has back edges, its states are compared in everything (as if all numbers were precise and all slots read).
 * When its first checkpoint is finished, what A reads and needs is given to the back edges, and from them to the states
 * between, until nothing changes.
 */
#include <string.h>

#include "verify/precision.h"
#include "verify/prune.h"

struct place {
    uint32_t scc;
    uint32_t count;
    uint32_t calls[MAX_FRAMES]; /* call sites of the frames above the component */
};
struct backedge {
    struct state state, *old;
    struct backedge *next;
};
struct visit {
    struct place place;
    struct state *entry; /* first checkpoint of the passage that is under way, NULL: none */
    struct backedge *backedges;
    struct visit *next;
};
enum { BUCKETS = 256 };
struct loops {
    struct visit *visits[BUCKETS];
    bool *has_exit; /* by component */
};

/* The outermost component that the state is in; false: in none. */
static bool find_place(const struct verifier *v, const struct state *s, struct place *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t f = 0; f <= s->depth; f++) {
        uint32_t insn = f == s->depth ? s->insn : s->frames[f + 1]->callsite;

        if (insn >= v->insn_count)
            return false;
        if (v->info[insn].scc) {
            out->scc = v->info[insn].scc;
            return true;
        }
        out->calls[out->count++] = insn;
    }
    return false;
}

/* Can control leave a component from this instruction? By an edge, by the end of the program, or by a call that does not come
 * back: tail calls, and functions that may throw. */
static bool leaves(const struct verifier *v, uint32_t insn)
{
    const struct insn_info *info = &v->info[insn];
    const struct isa_op *op = info->op;

    switch (op->kind) {
    case ISA_KIND_EXIT:
    case ISA_KIND_CALL:
    case ISA_KIND_PACKET:
        return true;
    default:
        break;
    }
    if (op->does == ISA_DO_JUMP_REG)
        return true;
    if (isa_falls_through(op) && v->info[insn + (isa_is_wide(op) ? 2 : 1)].scc != info->scc)
        return true;
    return isa_ends_block(op) && v->info[isa_target(op, &v->insns[insn], insn)].scc != info->scc;
}

struct loops *loops_new(struct verifier *v)
{
    struct loops *loops = arena_alloc(&v->memory, sizeof *loops);

    if (!loops || !v->scc_count)
        return loops;
    loops->has_exit = arena_alloc(&v->memory, v->scc_count + 1);
    if (!loops->has_exit)
        return NULL;
    for (uint32_t i = 0; i < v->insn_count; i++)
        if (v->info[i].op && v->info[i].scc && leaves(v, i))
            loops->has_exit[v->info[i].scc] = true;
    return loops;
}

void loops_forget(struct loops *loops)
{
    memset(loops->visits, 0, sizeof loops->visits);
}

bool loops_is_endless(const struct verifier *v, uint32_t insn)
{
    return v->info[insn].scc && !v->loops->has_exit[v->info[insn].scc];
}

bool loops_is_inside(const struct verifier *v, const struct state *s)
{
    struct place place;

    return v->scc_count && find_place(v, s, &place);
}

static struct visit **bucket(struct loops *loops, const struct place *place)
{
    return &loops->visits[place->scc % BUCKETS];
}

static struct visit *find(struct verifier *v, const struct place *place)
{
    struct visit *visit = *bucket(v->loops, place);

    while (visit && memcmp(&visit->place, place, sizeof *place))
        visit = visit->next;
    return visit;
}

/* The visit of the loop that the state is in; NULL: of none. */
static struct visit *visit_of(struct verifier *v, const struct state *s)
{
    struct place place;

    return v->scc_count && find_place(v, s, &place) ? find(v, &place) : NULL;
}

int loops_enter(struct verifier *v, struct state *s)
{
    struct place place;
    struct visit *visit;

    if (!v->scc_count || !find_place(v, s, &place))
        return 0;
    visit = find(v, &place);
    if (!visit) {
        visit = arena_alloc(&v->memory, sizeof *visit);
        if (!visit)
            return reject_memory(v);
        visit->place = place;
        visit->next = *bucket(v->loops, &place);
        *bucket(v->loops, &place) = visit;
    }
    if (!visit->entry)
        visit->entry = s;
    return 0;
}

/* Give each back edge what the state that covered it came to need, until nobody learns anything new. */
static int complete(struct verifier *v, struct visit *visit)
{
    enum { TURNS_MAX = 64 };
    bool changed = true;
    struct backedge *edge;
    int rc = 0;

    for (int turn = 0; changed && !rc && turn < TURNS_MAX; turn++) {
        changed = false;
        for (edge = visit->backedges; edge && !rc; edge = edge->next) {
            if (stack_reads_grow(edge->old, &edge->state))
                changed = true;
            rc = precision_propagate_changed(v, edge->old, &edge->state, &changed);
        }
    }
    if (changed && !rc) /* so many turns are not seen in practice: everything counts then */
        for (edge = visit->backedges; edge; edge = edge->next) {
            precision_mark_all(&edge->state);
            for (uint32_t f = 0; f <= edge->state.depth; f++)
                stack_mark_read(&edge->state, f, UINT64_MAX);
        }
    while (visit->backedges) {
        edge = visit->backedges;
        visit->backedges = edge->next;
        state_clear(v, &edge->state);
        pool_give(v, edge, sizeof *edge);
    }
    return rc;
}

int loops_leave(struct verifier *v, struct state *s)
{
    struct visit *visit = visit_of(v, s);

    if (!visit || visit->entry != s)
        return 0;
    visit->entry = NULL;
    return visit->backedges ? complete(v, visit) : 0;
}

int loops_add_backedge(struct verifier *v, struct state *old, struct state *cur)
{
    struct visit *visit = visit_of(v, old);
    struct backedge *edge;

    if (!visit)
        return reject_internal(v, "a back edge outside of a loop");
    edge = pool_take(v, sizeof *edge);
    if (!edge)
        return reject_memory(v);
    memset(edge, 0, sizeof *edge);
    if (!state_copy(v, &edge->state, cur))
        return reject_memory(v);
    edge->old = old;
    edge->next = visit->backedges;
    visit->backedges = edge;
    return 0;
}

bool loops_is_incomplete(struct verifier *v, const struct state *s)
{
    struct visit *visit = visit_of(v, s);

    return visit && visit->backedges;
}
