/* facts.h - what the compiler may rely on about an accepted program, instruction by instruction.
 *
 * A fact holds for every execution, the ones whose paths were pruned too; facts.c says why. All questions are about the
 * moment before the instruction. Nothing of it refers to the verification or to what it was given: maps are indices.
 */
#ifndef VERIFY_FACTS_H
#define VERIFY_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/range.h"
#include "verify/state.h"

struct facts;
struct verifier;

/* Stage of verify_program, after a program was accepted: fills v->result->facts. Where there is no memory for them there are
 * fewer facts, or none (NULL): the verdict stands. */
int facts_collect(struct verifier *);
void facts_free(struct facts *);                 /* NULL is fine */
uint64_t facts_bytes(const struct facts *);      /* what they occupy */
uint64_t facts_peak_bytes(const struct facts *); /* what collecting them took */

/* -- questions; facts may be NULL: nothing is known ---------------------------------------------- */
/* No execution reaches it. */
bool facts_is_dead(const struct facts *, uint32_t insn);
enum facts_way { FACTS_FALLS, FACTS_JUMPS };
/* A branch that no execution leaves that way. */
bool facts_edge_is_dead(const struct facts *, uint32_t insn, enum facts_way);
/* The 64 bits of a register that the instruction reads (calls: their arguments; exit: r0), be it a number or a
 * pointer. Unknown if nothing is known. */
void facts_range(const struct facts *, uint32_t insn, uint32_t regno, struct range *out);

struct fact_pointer {
    uint8_t kind;  /* enum reg_kind; REG_NONE: not known */
    bool is_mixed; /* several kinds: stack, packet, map value, memory; `kind` is one of them */
    uint16_t mods; /* of context, sockets, BTF, arena: enum reg_mod; of others: MOD_UNTRUSTED */
    uint32_t map;  /* of a map value: index in the image; INSN_NONE: several, or an inner map */
};
/* What a load, store or atomic operation accesses; false: it is none, or never executed. */
bool facts_pointer(const struct facts *, uint32_t insn, struct fact_pointer *out);
/* The map (index in the image) that a call of a helper works on; INSN_NONE: none, several, or an inner map. */
uint32_t facts_map(const struct facts *, uint32_t insn);

enum fact_where {
    FACT_ANYWHERE,
    FACT_STACK /* of this function */,
    FACT_MAP_VALUE /* the first one of `map` */
};
struct fact_address {
    uint8_t where;  /* enum fact_where */
    uint32_t map;   /* index in the image */
    int32_t offset; /* from the frame pointer; from the value's first byte */
};
/* The exact place that a register points at, where that is always the same: base of an access, argument of a call. */
void facts_address(const struct facts *, uint32_t insn, uint32_t regno, struct fact_address *out);

#endif
