/* state.c - making, copying and walking states, and the memory that they live in.
 *
 * A verification makes and drops millions of states and few sizes: pieces go back to a list by size class and are used
 * again; blocks are freed when the verification ends.
 */
#include "verify/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/poison.h"
#include "verify/verifier.h"

/* -- pool -------------------------------------------------------------------------------------- */

enum {
    POOL_BLOCK = 256 * 1024,
    POOL_ALIGN = 16,
    POOL_MIN_ORDER = 5,
    POOL_MIN = 1 << POOL_MIN_ORDER
};

/* 32, 48, 64, 96, 128 ..: two classes a power of two. */
static uint32_t class_of(size_t size, size_t *rounded)
{
    uint32_t order;

    if (size <= POOL_MIN) {
        *rounded = POOL_MIN;
        return 0;
    }
    order = 63 - (uint32_t)__builtin_clzll(size - 1); /* the power of two below it */
    if (size <= (size_t)3 << (order - 1)) {
        *rounded = (size_t)3 << (order - 1);
        return (order - POOL_MIN_ORDER) * 2 + 1;
    }
    *rounded = (size_t)2 << order;
    return (order - POOL_MIN_ORDER) * 2 + 2;
}

static void *block_new(struct verifier *v, size_t size)
{
    struct pool *pool = &v->pool;
    uint64_t limit = v->in->max_bytes;
    char *block;

    if (limit && pool->bytes + size > limit)
        return NULL;
    block = malloc(size);
    if (!block)
        return NULL;
    memcpy(block, &pool->blocks, sizeof pool->blocks);
    pool->blocks = block;
    pool->bytes += size;
    return block + POOL_ALIGN;
}

void *pool_take(struct verifier *v, size_t size)
{
    struct pool *pool = &v->pool;
    size_t rounded;
    uint32_t class = class_of(size, &rounded);
    char *piece;

    if (class >= POOL_CLASSES)
        return block_new(v, rounded + POOL_ALIGN); /* never given back before the end */
    piece = pool->free[class];
    if (piece) {
        UNPOISON(piece, rounded);
        memcpy(&pool->free[class], piece, sizeof(void *));
        return piece;
    }
    if ((size_t)(pool->end - pool->at) < rounded) {
        size_t block = rounded + POOL_ALIGN > POOL_BLOCK ? rounded + POOL_ALIGN : POOL_BLOCK;

        pool->at = block_new(v, block);
        if (!pool->at) {
            pool->end = NULL;
            return NULL;
        }
        pool->end = pool->at + (block - POOL_ALIGN);
    }
    piece = pool->at;
    pool->at += rounded;
    return piece;
}

void pool_give(struct verifier *v, void *piece, size_t size)
{
    size_t rounded;
    uint32_t class = class_of(size, &rounded);

    if (!piece || class >= POOL_CLASSES)
        return;
    memcpy(piece, &v->pool.free[class], sizeof(void *));
    POISON(piece, rounded);
    v->pool.free[class] = piece;
}

void pool_free(struct verifier *v)
{
    void *block = v->pool.blocks;

    while (block) {
        void *next;

        memcpy(&next, block, sizeof next);
        free(block);
        block = next;
    }
    memset(&v->pool, 0, sizeof v->pool);
}

/* Make room for `count` items in an array of the pool; what it held stays. */
static bool array_grow(struct verifier *v, void **items, uint32_t *room, uint32_t used,
                       uint32_t count, size_t item)
{
    uint32_t more = *room ? *room : 4;
    void *grown;

    if (count <= *room)
        return true;
    while (more < count)
        more *= 2;
    grown = pool_take(v, more * item);
    if (!grown)
        return false;
    if (*items) {
        memcpy(grown, *items, used * item);
        pool_give(v, *items, *room * item);
    }
    *items = grown;
    *room = more;
    return true;
}

/* -- registers --------------------------------------------------------------------------------- */

bool reg_is_packet(const struct reg *reg)
{
    return reg->kind == REG_PACKET || reg->kind == REG_PACKET_META;
}

void reg_give_identity(struct verifier *v, struct reg *reg)
{
    if (reg->kind != REG_SCALAR || range_is_const(&reg->v))
        return;
    if (reg->has_delta)
        reg_forget_identity(reg);
    if (!reg->id)
        reg->id = verifier_new_id(v);
}

/* The head of a register: all but its range. */
static void reg_clear(struct reg *reg)
{
    uint32_t origin = reg->origin;

    memset(reg, 0, offsetof(struct reg, v));
    reg->origin = origin;
}

void reg_set_none(struct reg *reg)
{
    reg_clear(reg);
    range_set_unknown(&reg->v);
}

void reg_set_unknown(struct reg *reg)
{
    reg_clear(reg);
    reg->kind = REG_SCALAR;
    range_set_unknown(&reg->v);
}

void reg_set_const(struct reg *reg, uint64_t value)
{
    reg_clear(reg);
    reg->kind = REG_SCALAR;
    range_set_const(&reg->v, value);
}

void reg_set_pointer(struct reg *reg, enum reg_kind kind, uint16_t mods)
{
    reg_clear(reg);
    reg->kind = (uint8_t)kind;
    reg->mods = mods;
    range_set_const(&reg->v, 0);
}

/* -- frames and states ------------------------------------------------------------------------- */

const struct slot slot_nothing = {.reg = {.v = {.bits = {0, UINT64_MAX},
                                                .smin = INT64_MIN,
                                                .smax = INT64_MAX,
                                                .umax = UINT64_MAX,
                                                .smin32 = INT32_MIN,
                                                .smax32 = INT32_MAX,
                                                .umax32 = UINT32_MAX}}};

static void slot_drop(struct verifier *v, struct slot *slot)
{
    if (slot && --slot->refs == 0)
        pool_give(v, slot, sizeof *slot);
}

static void group_drop(struct verifier *v, struct slot_group *group)
{
    if (!group || --group->refs)
        return;
    for (uint32_t i = 0; i < GROUP_SLOTS; i++)
        slot_drop(v, group->slots[i]);
    pool_give(v, group, sizeof *group);
}

static void groups_drop(struct verifier *v, struct frame *frame)
{
    for (uint32_t i = 0; i * GROUP_SLOTS < frame->slot_count; i++)
        group_drop(v, frame->groups[i]);
}

static void take_notes(struct slot_group *group)
{
    group->is_noted = true;
    group->identities = group->named = group->objects = 0;
    for (uint32_t i = 0; i < GROUP_SLOTS; i++) {
        const struct slot *slot = group->slots[i];

        if (!slot)
            continue;
        if (slot->reg.id || slot->reg.ref)
            group->named |= (uint8_t)(1u << i);
        if (slot->bytes[0] >= BYTE_DYNPTR)
            group->objects |= (uint8_t)(1u << i);
        else if (slot->bytes[0] == BYTE_SPILL && slot->reg.kind == REG_SCALAR && slot->reg.id)
            group->identities |= (uint8_t)(1u << i);
    }
}

const struct slot_group *frame_noted_group(struct frame *frame, uint32_t group)
{
    struct slot_group *found = frame->groups[group];

    if (found && !found->is_noted)
        take_notes(found);
    return found;
}

/* The group that the frame has alone, to be written; NULL: no memory. */
static struct slot_group *own_group(struct verifier *v, struct slot_group **link)
{
    struct slot_group *old = *link, *own;

    if (old && old->refs == 1) {
        old->is_noted = false;
        return old;
    }
    own = pool_take(v, sizeof *own);
    if (!own)
        return NULL;
    if (old) {
        *own = *old;
        for (uint32_t i = 0; i < GROUP_SLOTS; i++)
            if (own->slots[i])
                own->slots[i]->refs++;
        old->refs--;
    } else {
        memset(own, 0, sizeof *own);
    }
    own->refs = 1;
    own->is_noted = false;
    return *link = own;
}

struct slot *frame_own_slot(struct verifier *v, struct frame *frame, uint32_t i)
{
    struct slot_group *group = own_group(v, &frame->groups[i / GROUP_SLOTS]);
    struct slot **link = group ? &group->slots[i % GROUP_SLOTS] : NULL, *own;

    if (link && *link && (*link)->refs == 1)
        return *link;
    own = group ? pool_take(v, sizeof *own) : NULL;
    if (!own) {
        v->is_out_of_memory = true;
        v->spare_slot = slot_nothing;
        return &v->spare_slot;
    }
    *own = *link ? **link : slot_nothing;
    own->refs = 1;
    slot_drop(v, *link);
    return *link = own;
}

/* Over a frame that holds no group. */
static void frame_copy(struct frame *to, const struct frame *from)
{
    memcpy(to, from, sizeof *to);
    for (uint32_t i = 0; i * GROUP_SLOTS < from->slot_count; i++)
        if (to->groups[i])
            to->groups[i]->refs++;
}

struct frame *frame_new(struct verifier *v)
{
    struct frame *frame = pool_take(v, sizeof *frame);

    if (!frame)
        return NULL;
    memset(frame, 0, sizeof *frame);
    for (int i = 0; i < 11; i++)
        reg_set_none(&frame->regs[i]);
    return frame;
}

void frame_free(struct verifier *v, struct frame *frame)
{
    if (!frame)
        return;
    groups_drop(v, frame);
    pool_give(v, frame, sizeof *frame);
}

static bool refs_copy(struct verifier *v, struct state *to, const struct state *from)
{
    if (from->ref_count &&
        !array_grow(v, (void **)&to->refs, &to->ref_room, 0, from->ref_count, sizeof(struct ref)))
        return false;
    if (from->ref_count)
        memcpy(to->refs, from->refs, from->ref_count * sizeof(struct ref));
    to->ref_count = from->ref_count;
    return true;
}

static bool steps_copy(struct verifier *v, struct state *to, const struct state *from)
{
    if (from->step_count && !array_grow(v, (void **)&to->steps, &to->step_room, 0, from->step_count,
                                        sizeof(struct step)))
        return false;
    if (from->step_count)
        memcpy(to->steps, from->steps, from->step_count * sizeof(struct step));
    to->step_count = from->step_count;
    return true;
}

struct step *state_step_add(struct verifier *v, struct state *s)
{
    if (!array_grow(v, (void **)&s->steps, &s->step_room, s->step_count, s->step_count + 1,
                    sizeof(struct step)))
        return NULL;
    return &s->steps[s->step_count++];
}

bool state_copy(struct verifier *v, struct state *to, const struct state *from)
{
    if (!refs_copy(v, to, from) || !steps_copy(v, to, from))
        return false;
    for (uint32_t i = from->depth + 1; i < MAX_FRAMES; i++) {
        frame_free(v, to->frames[i]);
        to->frames[i] = NULL;
    }
    for (uint32_t i = 0; i <= from->depth; i++) {
        if (to->frames[i])
            groups_drop(v, to->frames[i]);
        else
            to->frames[i] = pool_take(v, sizeof(struct frame));
        if (!to->frames[i])
            return false;
        frame_copy(to->frames[i], from->frames[i]);
    }
    to->depth = from->depth;
    to->insn = from->insn;
    to->lock_count = from->lock_count;
    to->lock_id = from->lock_id;
    to->lock_ptr = from->lock_ptr;
    to->irq_id = from->irq_id;
    to->preempt_depth = from->preempt_depth;
    to->rcu_depth = from->rcu_depth;
    to->may_sleep = from->may_sleep;
    to->is_speculative = from->is_speculative;
    to->parent = from->parent;
    to->traced = from->traced;
    to->traced_slots = from->traced_slots;
    to->branches = from->branches;
    to->first_insn = from->first_insn;
    to->last_insn = from->last_insn;
    to->may_goto_depth = from->may_goto_depth;
    to->callback_unroll = from->callback_unroll;
    return true;
}

struct state *state_new(struct verifier *v)
{
    struct state *state = pool_take(v, sizeof *state);

    if (state)
        memset(state, 0, sizeof *state);
    return state;
}

void state_clear(struct verifier *v, struct state *s)
{
    for (uint32_t i = 0; i < MAX_FRAMES; i++)
        frame_free(v, s->frames[i]);
    pool_give(v, s->refs, s->ref_room * sizeof(struct ref));
    pool_give(v, s->steps, s->step_room * sizeof(struct step));
}

void state_free(struct verifier *v, struct state *s)
{
    if (!s)
        return;
    state_clear(v, s);
    pool_give(v, s, sizeof *s);
}

struct reg *reg_own(struct verifier *v, const struct state *s, const struct reg_cursor *cursor,
                    struct reg *reg, struct slot **slot)
{
    if (!*slot)
        return reg;
    *slot = frame_own_slot(v, s->frames[cursor->frame], cursor->index - 1 - 11);
    return &(*slot)->reg;
}

/* -- references -------------------------------------------------------------------------------- */

static bool is_lock(enum ref_kind kind)
{
    return kind == REF_LOCK || kind == REF_RES_LOCK || kind == REF_RES_LOCK_IRQ;
}

uint32_t state_ref_add(struct verifier *v, struct state *s, enum ref_kind kind, uint32_t id,
                       const void *ptr)
{
    if (!array_grow(v, (void **)&s->refs, &s->ref_room, s->ref_count, s->ref_count + 1,
                    sizeof(struct ref)))
        return 0;
    s->refs[s->ref_count++] =
        (struct ref){.id = id, .insn = v->insn, .kind = (uint8_t)kind, .ptr = ptr};
    if (is_lock(kind)) {
        s->lock_count++;
        s->lock_id = id;
        s->lock_ptr = ptr;
    } else if (kind == REF_IRQ) {
        s->irq_id = id;
    }
    return id;
}

const struct ref *state_ref_find(const struct state *s, enum ref_kind kind, uint32_t id)
{
    for (uint32_t i = 0; i < s->ref_count; i++)
        if (s->refs[i].kind == kind && s->refs[i].id == id)
            return &s->refs[i];
    return NULL;
}

/* The innermost lock and irq flag are those taken last. */
static void find_innermost(struct state *s)
{
    s->lock_id = s->irq_id = 0;
    s->lock_ptr = NULL;
    for (uint32_t i = 0; i < s->ref_count; i++) {
        const struct ref *ref = &s->refs[i];

        if (is_lock((enum ref_kind)ref->kind)) {
            s->lock_id = ref->id;
            s->lock_ptr = ref->ptr;
        } else if (ref->kind == REF_IRQ) {
            s->irq_id = ref->id;
        }
    }
}

bool state_ref_remove(struct state *s, enum ref_kind kind, uint32_t id)
{
    for (uint32_t i = s->ref_count; i-- > 0;) { /* the innermost of two locks of one map */
        if (s->refs[i].kind != kind || s->refs[i].id != id)
            continue;
        s->ref_count--;
        memmove(&s->refs[i], &s->refs[i + 1], (s->ref_count - i) * sizeof s->refs[0]);
        if (is_lock(kind))
            s->lock_count--;
        if (kind != REF_POINTER)
            find_innermost(s);
        return true;
    }
    return false;
}
