/* reference.c - references to counted objects, and everything that stops being valid when something happens: a release, a
 * change of the packet, the end of a read section. */
#include "verify/iterator.h"

uint32_t reference_acquire(struct verifier *v, uint32_t insn)
{
    uint32_t id = state_ref_add(v, v->cur, REF_POINTER, verifier_new_id(v), NULL);

    if (id)
        v->cur->refs[v->cur->ref_count - 1].insn = insn;
    return id;
}

/* Whoever may see addresses may keep looking at a dead pointer as a number; others may not read it at all. */
static void invalidate(struct verifier *v, struct reg *reg)
{
    if (v->can_leak)
        reg_set_unknown(reg);
    else
        reg_set_none(reg);
}

/* A spilled register that dies leaves bytes that may be read as a number. */
static void invalidate_at(struct verifier *v, struct reg *reg, struct slot *slot)
{
    invalidate(v, reg);
    if (slot)
        for (int i = 0; i < 8; i++)
            slot->bytes[i] = BYTE_MISC;
}

int reference_release(struct verifier *v, uint32_t ref)
{
    struct reg *reg;
    struct slot *slot;

    if (!state_ref_remove(v->cur, REF_POINTER, ref))
        return reject(v, CODE_REF_RELEASE, "reference %u is not held", ref);
    STATE_EACH_REG(v->cur, reg, slot)
    {
        if (reg->ref == ref) {
            STATE_OWN_REG(v, v->cur, reg, slot);
            invalidate_at(v, reg, slot);
        }
    }
    return 0;
}

static void invalidate_all(struct verifier *v, bool (*is_over)(const struct reg *))
{
    struct reg *reg;
    struct slot *slot;

    STATE_EACH_REG(v->cur, reg, slot)
    {
        if (is_over(reg)) {
            STATE_OWN_REG(v, v->cur, reg, slot);
            invalidate_at(v, reg, slot);
        }
    }
}

static bool leads_to_packet(const struct reg *reg)
{
    return reg_is_packet(reg) || reg->kind == REG_PACKET_END ||
           (reg->kind == REG_MEM && (reg->mods & MOD_PACKET_SLICE));
}

void reference_invalidate_packets(struct verifier *v)
{
    invalidate_all(v, leads_to_packet);
}

static bool is_slice(const struct reg *reg)
{
    return reg->kind == REG_MEM && (reg->mods & MOD_DYNPTR_DATA);
}

void reference_invalidate_slices(struct verifier *v)
{
    invalidate_all(v, is_slice);
}

static bool is_non_owning(const struct reg *reg)
{
    return reg->kind == REG_BTF && (reg->mods & MOD_NON_OWNING);
}

void reference_invalidate_non_owning(struct verifier *v)
{
    invalidate_all(v, is_non_owning);
}

bool reference_in_rcu(const struct verifier *v)
{
    /* A program that cannot sleep runs as a whole in a read section. */
    return v->cur->rcu_depth > 0 || v->cur->lock_count > 0 || !v->cur->may_sleep;
}

void reference_end_rcu(struct verifier *v)
{
    struct reg *reg;
    struct slot *slot;

    STATE_EACH_REG(v->cur, reg, slot)
    {
        if (!(reg->mods & MOD_RCU))
            continue;
        STATE_OWN_REG(v, v->cur, reg, slot);
        reg->mods = (uint16_t)((reg->mods & ~(MOD_RCU | MOD_MAYBE_NULL)) | MOD_UNTRUSTED);
    }
    iterator_end_rcu(v);
}
