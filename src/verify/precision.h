/* precision.h - registers and stack slots that are one number, as a step of a path's history remembers them.
 *
 * When a branch narrows a number, everything that is the same number (or at a constant distance) is narrowed with it. If one
 * of them is needed later, all of them count from there backwards.
 */
#ifndef VERIFY_PRECISION_H
#define VERIFY_PRECISION_H

#include "verify/verifier.h"

struct linked_item {
    uint8_t frame;
    bool is_slot;
    uint8_t index; /* register or slot */
};
enum { LINKED_MAX = 6 }; /* what fits in 64 bits of a step; further ones lose the link */
struct linked {
    uint32_t count;
    struct linked_item items[LINKED_MAX];
};

static inline const struct reg *linked_reg(const struct state *s, const struct linked_item *item)
{
    const struct frame *frame = s->frames[item->frame];

    return item->is_slot ? &frame_slot(frame, item->index)->reg : &frame->regs[item->index];
}
/* Adds all scalars with that id; those that do not fit get an identity of none. */
void linked_collect(struct verifier *, struct state *, uint32_t id, struct linked *);
int precision_step_linked(struct verifier *, struct state *, const struct linked *);

void precision_prepare(struct verifier *);
/* As precision_propagate; *changed: something was marked that was not before. */
int precision_propagate_changed(struct verifier *, const struct state *old, struct state *cur,
                                bool *changed);

#endif
