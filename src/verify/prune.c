/* prune.c - checkpoints: where paths meet, a state that is covered by one already proven ends its path.
 *
 * Not every meeting point gets a checkpoint at every visit: comparing costs too, and most states on a straight way help
 * nobody. The rules of thumb are Linux's (two branches and eight instructions since the last one; give up on those that
 * never hit), because which states are kept decides which programs stay below the limit.
 */
#include "verify/prune.h"

#include <string.h>

#include "verify/iterator.h"
#include "verify/precision.h"

struct explored {
    struct state **at; /* by instruction */
};

int prune_init(struct verifier *v)
{
    v->explored = arena_alloc(&v->memory, sizeof *v->explored);
    v->idmap = equal_idmap_new(v);
    v->loops = loops_new(v);
    if (!v->explored || !v->idmap || !v->loops)
        return reject_memory(v);
    precision_prepare(v);
    v->explored->at = arena_alloc(&v->memory, v->insn_count * sizeof(struct state *));
    return v->explored->at ? 0 : reject_memory(v);
}

/* Between functions that are verified on their own: states of one say nothing about another. */
void prune_free(struct verifier *v)
{
    if (!v->explored || !v->explored->at)
        return;
    for (uint32_t i = 0; i < v->insn_count; i++) {
        struct state *s = v->explored->at[i];

        while (s) {
            struct state *next = s->next;

            state_free(v, s);
            s = next;
        }
        v->explored->at[i] = NULL;
    }
    loops_forget(v->loops);
}

uint16_t prune_live_regs(const struct verifier *v, const struct state *s, uint32_t f)
{
    uint32_t insn = f == s->depth ? s->insn : s->frames[f + 1]->callsite;

    return insn < v->insn_count ? v->info[insn].live_regs : 0x7ff;
}

static bool same_calls(const struct state *a, const struct state *b)
{
    if (a->depth != b->depth)
        return false;
    for (uint32_t f = 1; f <= a->depth; f++)
        if (a->frames[f]->callsite != b->frames[f]->callsite)
            return false;
    return true;
}

struct state *prune_previous(struct verifier *v, const struct state *s, uint32_t insn)
{
    struct state *parent = s ? s->parent : NULL;

    while (parent && (parent->insn != insn || !same_calls(parent, v->cur)))
        parent = parent->parent;
    return parent;
}

struct state *prune_previous_iteration(struct verifier *v, uint32_t insn)
{
    return prune_previous(v, v->cur->parent, insn);
}

/* -- the end of a path ------------------------------------------------------------------------- */

void prune_path_done(struct verifier *v, struct state *s)
{
    while (s) {
        struct state *parent = s->parent;

        if (--s->branches)
            break;
        loops_leave(v, s);
        if (s->is_evicted && !loops_is_incomplete(v, s)) {
            v->state_count--;
            state_free(v, s);
        }
        s = parent;
    }
}

/* -- visiting ---------------------------------------------------------------------------------- */

enum hit { MISS, HIT, HIT_LOOP, REJECTED };

/* Since the checkpoint something advanced that cannot do so for ever: an iterator that is still the same one, the count of
 * may_goto, a function that calls back. Without it, coming back in a covered state would be a loop without an end. */
static bool has_progress(const struct state *old, const struct state *cur)
{
    if (old->may_goto_depth != cur->may_goto_depth || old->callback_unroll != cur->callback_unroll)
        return true;
    for (uint32_t f = 0; f <= old->depth; f++) {
        const struct frame *a = old->frames[f], *b = cur->frames[f];

        for (uint32_t i = 0; i < a->slot_count && i < b->slot_count; i++) {
            const struct slot *x = frame_slot(a, i), *y = frame_slot(b, i);

            if (x->bytes[0] == BYTE_ITER && y->bytes[0] == BYTE_ITER && x->reg.ref == y->reg.ref &&
                x->reg.ref && x->reg.iter.depth != y->reg.iter.depth)
                return true;
        }
    }
    return false;
}

static bool depths_differ(const struct state *old, const struct state *cur)
{
    for (uint32_t f = 0; f <= old->depth; f++) {
        const struct frame *a = old->frames[f], *b = cur->frames[f];

        for (uint32_t i = 0; i < a->slot_count && i < b->slot_count; i++) {
            const struct slot *x = frame_slot(a, i), *y = frame_slot(b, i);

            if (x->bytes[0] == BYTE_ITER && y->bytes[0] == BYTE_ITER &&
                x->reg.iter.state == ITER_ACTIVE && x->reg.iter.depth != y->reg.iter.depth)
                return true;
        }
    }
    return false;
}

static bool iterator_is_active(const struct verifier *v)
{
    const struct reg *arg = verifier_reg((struct verifier *)v, 1);
    const struct frame *frame;
    int64_t off;
    uint32_t slot;

    if (arg->kind != REG_STACK || !range_is_const(&arg->v))
        return false;
    off = arg->off + (int64_t)arg->v.bits.value;
    frame = v->cur->frames[arg->frame];
    slot = (uint32_t)(-off - 1) / 8;
    return off < 0 && frame_slot(frame, slot)->bytes[0] == BYTE_ITER &&
           frame_slot(frame, slot)->reg.iter.state == ITER_ACTIVE;
}

/* The checkpoint's paths are not finished: this one came from it. *may_add: a further checkpoint makes sense. */
static enum hit visit_open(struct verifier *v, struct state *old, uint32_t insn)
{
    const struct insn_info *info = &v->info[insn];
    struct state *cur = v->cur;
    const struct frame *a = old->frames[old->depth], *b = state_frame(cur);

    if (old->depth != cur->depth)
        return MISS;
    if (a->callback == CALLBACK_ASYNC && a->async_entries != b->async_entries)
        return MISS; /* another entry of the callback, not another turn of a loop */
    if (info->is_iter_next)
        return iterator_is_active(v) && has_progress(old, cur) &&
                       prune_equal(v, old, cur, EQUAL_WITHIN)
                   ? HIT_LOOP
                   : MISS;
    if (info->is_may_goto && old->may_goto_depth != cur->may_goto_depth &&
        prune_equal(v, old, cur, EQUAL_WITHIN))
        return HIT_LOOP;
    if (info->calls_callback)
        return has_progress(old, cur) && prune_equal(v, old, cur, EQUAL_WITHIN) ? HIT_LOOP : MISS;
    if (old->may_goto_depth == cur->may_goto_depth &&
        old->callback_unroll == cur->callback_unroll && prune_equal(v, old, cur, EQUAL_EXACT) &&
        !depths_differ(old, cur)) {
        reject(v, CODE_LOOP, "infinite loop detected at insn %u", insn);
        return REJECTED;
    }
    return MISS;
}

static void evict(struct verifier *v, struct state **link)
{
    struct state *s = *link;

    *link = s->next;
    if (s->branches == 0 && !loops_is_incomplete(v, s)) {
        v->state_count--;
        state_free(v, s);
        return;
    }
    s->is_evicted = true; /* paths from it go on, and their marks are made in it */
}

static int covered(struct verifier *v, struct state *old, uint32_t insn, bool is_loop)
{
    int rc = 0;

    old->hits++;
    if (v->info[insn].is_jump_point)
        rc = precision_step(v, v->cur, 0, 0, 0);
    stack_reads_grow(old, v->cur);
    if (!rc)
        rc = precision_propagate(v, old, v->cur);
    if (!rc && is_loop)
        rc = loops_add_backedge(v, old, v->cur);
    return rc ? rc : 1;
}

/* Identities of the numbers in a state, and whether more than one has it. */
enum { KNOWN_MAX = 64 };
struct known_ids {
    uint32_t ids[KNOWN_MAX];
    bool is_shared[KNOWN_MAX];
    uint32_t count, single;
};

static uint32_t known_at(const struct known_ids *known, uint32_t id)
{
    uint32_t i = 0;

    while (i < known->count && known->ids[i] != id)
        i++;
    return i;
}

static void count_id(struct known_ids *known, const struct reg *reg)
{
    uint32_t i;

    if (reg->kind != REG_SCALAR || !reg->id)
        return;
    i = known_at(known, reg->id);
    if (i < known->count) {
        known->single -= !known->is_shared[i];
        known->is_shared[i] = true;
    } else if (i < KNOWN_MAX) {
        known->ids[i] = reg->id;
        known->is_shared[i] = false;
        known->count++;
        known->single++;
    }
}

static bool is_single(const struct known_ids *known, const struct reg *reg)
{
    uint32_t i;

    if (reg->kind != REG_SCALAR || !reg->id)
        return false;
    i = known_at(known, reg->id);
    return i < known->count && !known->is_shared[i];
}

/* From here on no number has decided anything yet. *known: the identities; objects: slots with objects, by frame. */
static void forget_precision(struct state *s, struct known_ids *known, uint64_t *objects)
{
    known->count = known->single = 0;
    for (uint32_t f = 0; f <= s->depth; f++) {
        struct frame *frame = s->frames[f];

        for (uint32_t i = 0; i < 10; i++) {
            frame->regs[i].is_precise = false;
            count_id(known, &frame->regs[i]);
        }
        frame->precise = 0;
        for (uint32_t g = 0; g * GROUP_SLOTS < frame->slot_count; g++) {
            const struct slot_group *group = frame_noted_group(frame, g);

            if (!group)
                continue;
            objects[f] |= (uint64_t)group->objects << (g * GROUP_SLOTS);
            for (uint32_t left = group->identities; left; left &= left - 1)
                count_id(known, &group->slots[__builtin_ctz(left)]->reg);
        }
    }
}

/* An identity that only one register has says nothing, and keeps states from being equal. */
static void forget_single_ids(struct verifier *v, struct state *s, const struct known_ids *known)
{
    for (uint32_t f = 0; f <= s->depth; f++) {
        struct frame *frame = s->frames[f];

        for (uint32_t i = 0; i < 10; i++)
            if (is_single(known, &frame->regs[i]))
                reg_forget_identity(&frame->regs[i]);
        for (uint32_t g = 0; g * GROUP_SLOTS < frame->slot_count; g++) {
            const struct slot_group *group = frame_noted_group(frame, g);

            for (uint32_t left = group ? group->identities : 0; left; left &= left - 1) {
                uint32_t i = g * GROUP_SLOTS + (uint32_t)__builtin_ctz(left);

                if (is_single(known, &frame_slot(frame, i)->reg))
                    reg_forget_identity(&frame_own_slot(v, frame, i)->reg);
            }
        }
    }
}

static int add_checkpoint(struct verifier *v, uint32_t insn)
{
    struct state *cur = v->cur, *s = state_new(v);
    struct known_ids known;

    if (!s)
        return reject_memory(v);
    v->last_jumps_processed = v->jumps_processed;
    v->last_processed = v->processed;
    forget_precision(cur, &known, s->objects);
    if (known.single)
        forget_single_ids(v, cur, &known);
    cur->insn = insn;
    if (!state_copy(v, s, cur))
        return reject_memory(v);
    s->branches = 1;
    s->callsite = state_frame(s)->callsite;
    v->state_count++;
    if (v->state_count > v->peak_states)
        v->peak_states = v->state_count;
    v->states_made++;
    s->next = v->explored->at[insn];
    v->explored->at[insn] = s;
    cur->parent = s;
    cur->first_insn = insn;
    cur->step_count = 0;
    cur->traced = 0;
    cur->traced_slots = 0;
    for (uint32_t f = 0; f <= cur->depth; f++)
        cur->frames[f]->written = 0;
    return loops_enter(v, s);
}

static bool can_merge(const struct reg *old, const struct reg *cur)
{
    return old->kind == REG_SCALAR && cur->kind == REG_SCALAR && !range_contains(&old->v, &cur->v);
}

static void merge_reg(const struct reg *old, struct reg *cur)
{
    range_widen(&cur->v, &old->v);
    range_sync(&cur->v);
    reg_forget_identity(cur);
}

/* Where Linux gives up, states are made one instead: what was known of numbers becomes what is true in both. That may be too
 * little to prove the rest, but never wrong. Not in loops: there a number may be what ends them. True: `cur` knows less now. */
static bool merge(struct verifier *v, const struct state *old, uint32_t callsite)
{
    struct state *cur = v->cur;
    bool is_merged = false;

    if (loops_is_inside(v, cur))
        return false;
    while (old && (old->callsite != callsite || !same_calls(old, cur)))
        old = old->next;
    for (uint32_t f = 0; old && f <= cur->depth; f++) {
        const struct frame *a = old->frames[f];
        struct frame *b = cur->frames[f];

        for (uint32_t i = 0; i < 10; i++) {
            if (!can_merge(&a->regs[i], &b->regs[i]))
                continue;
            merge_reg(&a->regs[i], &b->regs[i]);
            is_merged = true;
        }
        for (uint32_t i = 0; i < a->slot_count && i < b->slot_count; i++) {
            const struct slot *x = frame_slot(a, i), *y = frame_slot(b, i);

            if (x->bytes[0] != BYTE_SPILL || y->bytes[0] != BYTE_SPILL ||
                !can_merge(&x->reg, &y->reg))
                continue;
            merge_reg(&x->reg, &frame_own_slot(v, b, i)->reg);
            is_merged = true;
        }
    }
    return is_merged;
}

/* The checkpoints of an instruction lie anywhere in memory: the next one comes while this one is compared. */
static void prefetch(const struct state *s)
{
    if (s == NULL)
        return;
    __builtin_prefetch(s);
    __builtin_prefetch((const char *)s + 64);
    __builtin_prefetch((const char *)s + 128);
}

int prune_visit(struct verifier *v, uint32_t insn)
{
    enum { STEPS_MAX = 40, OLD_LOOP_JUMPS = 20, OLD_LOOP_INSNS = 100, GUEST_STATES = 64 };
    bool is_forced =
        v->tests_every_state || v->info[insn].is_force_point || v->cur->step_count > STEPS_MAX;
    uint32_t jumps = v->jumps_processed - v->last_jumps_processed,
             insns = v->processed - v->last_processed, count = 0;
    bool may_add = is_forced || (jumps >= 2 && insns >= 8);
    struct state **link = &v->explored->at[insn];
    uint32_t callsite = state_frame(v->cur)->callsite;

    v->cur->insn = insn;
    if (loops_is_endless(v, insn))
        return reject(v, CODE_LOOP, "infinite loop detected at insn %u: no path leaves the loop",
                      insn);
    if (v->is_merging && merge(v, *link, callsite))
        is_forced = may_add = true;
    while (*link) {
        struct state *old = *link;
        uint32_t patience;

        prefetch(old->next);
        if (old->callsite != callsite) { /* another call of the function is another place */
            link = &old->next;
            continue;
        }
        count++;
        if (!old->branches) {
            bool is_loop = loops_is_incomplete(v, old);

            if (prune_equal(v, old, v->cur, is_loop ? EQUAL_WITHIN : EQUAL_PRUNE))
                return covered(v, old, insn, is_loop);
        } else {
            enum hit hit = visit_open(v, old, insn);

            if (hit == REJECTED)
                return -SKEP_EVERIFY;
            if (hit == HIT_LOOP)
                return covered(v, old, insn, true);
            /* Turns of one loop differ from each other: not each is worth a checkpoint. */
            if (!is_forced && jumps < OLD_LOOP_JUMPS && insns < OLD_LOOP_INSNS)
                may_add = false;
        }
        if (may_add)
            old->misses++;
        patience = v->info[insn].is_force_point && old->branches ? 64 : 3;
        if (old->misses > old->hits * patience + patience)
            evict(v, link);
        else
            link = &old->next;
    }
    if (!v->can_bpf && count > GUEST_STATES)
        return 0;
    return may_add ? add_checkpoint(v, insn) : 0;
}
