/* guest.h - what alu.c and branch.c ask for programs of guests; nothing happens for others. */
#ifndef VERIFY_GUEST_H
#define VERIFY_GUEST_H

#include "verify/verifier.h"

/* The way to `insn` is never taken: follow it as a wrong guess, with what `compared` compares unknown. */
int guest_follow_wrong_way(struct verifier *, uint32_t insn, const struct skep_insn *compared);
/* A sum of numbers: on another path it must not be one of pointers. */
int guest_number(struct verifier *, const struct isa_op *, uint32_t dst);

struct guest_move { /* between the two calls around one addition to a pointer */
    bool is_judged, is_left;
    uint8_t how;
    uint32_t limit;
};
int guest_before(struct verifier *, struct guest_move *, const struct isa_op *, uint32_t dst,
                 const struct reg *ptr, const struct range *by, bool is_dst_number);
int guest_after(struct verifier *, const struct guest_move *, const struct isa_op *, uint32_t dst);

#endif
