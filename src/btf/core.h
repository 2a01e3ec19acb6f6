/* core.h - CO-RE: what a program compiled against one kernel's types means with another's.
 *
 * A relocation names a type of the object, an access ("0:1:2": the first struct, its member 1, that
 * one's member 2) and a question (which byte offset? does it exist?). Resolving finds the same
 * names in the target's types and answers; patching writes the answer into one instruction. Rules
 * and corner cases follow libbpf 1.6.
 */
#ifndef BTF_CORE_H
#define BTF_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/insn.h>

#include "btf/btf.h"

enum core_kind { /* enum bpf_core_relo_kind of linux/bpf.h */
                 CORE_FIELD_BYTE_OFFSET,
                 CORE_FIELD_BYTE_SIZE,
                 CORE_FIELD_EXISTS,
                 CORE_FIELD_SIGNED,
                 CORE_FIELD_LSHIFT_U64,
                 CORE_FIELD_RSHIFT_U64,
                 CORE_TYPE_ID_LOCAL,
                 CORE_TYPE_ID_TARGET,
                 CORE_TYPE_EXISTS,
                 CORE_TYPE_SIZE,
                 CORE_ENUMVAL_EXISTS,
                 CORE_ENUMVAL_VALUE,
                 CORE_TYPE_MATCHES,
                 CORE_KINDS
};
const char *core_kind_name(uint32_t kind); /* "byte_off"; "unknown" past the last */

/* Where types are looked for: the first BTF of the list with a candidate of the name answers. A
 * target that *is* the local BTF (the same pointer) answers with the local type itself. Remembers
 * candidates per name; one thread. */
struct core;
int core_open(const struct skep_btf *local, const struct skep_btf *const *targets, size_t count,
              struct core **out, struct skep_error *err);
void core_free(struct core *core);

struct core_query {
    uint32_t type;      /* root, id in the local BTF */
    const char *access; /* "0:1:2" */
    uint32_t kind;      /* enum core_kind */
};
struct core_result {
    bool is_poison;        /* nobody has it: the instruction becomes core_poison's */
    uint64_t local, value; /* what the instruction holds now, what it shall hold */
    bool is_checked;       /* the instruction must hold `local` (not so where compilers are known to
                              differ) */
    /* For field byte offsets of an instruction that loads or stores: its access size may have to
     * change too. */
    bool has_sizes, is_unfit; /* is_unfit: sizes differ in a way that cannot be adjusted (signed,
                                 not a scalar) */
    uint32_t local_size, target_size;
    const struct skep_btf *target; /* the BTF that answered; NULL: none did */
    uint32_t target_type;          /* root type there, 0: none */
    char text[160];                /* what was asked and found, for the log */
};
/* 0 with *out filled (poison is an answer too), or an error: malformed access, ambiguous
 * candidates. */
int core_resolve(struct core *core, const struct core_query *query, struct core_result *out,
                 struct skep_error *err);

/* Apply a result to insns[index] (and the second half of a wide one). A poisoned instruction
 * becomes `call SKEP_POISON`, in both halves of a wide one. */
int core_patch(struct skep_insn *insns, size_t count, size_t index,
               const struct core_result *result, struct skep_error *err);
/* Poison one instruction (or both halves of a wide one) the way core_patch does. */
void core_poison(struct skep_insn *insns, size_t count, size_t index);

/* -- comparing types --------------------------------------------------------------------------- */
/* `steps` is what the comparison may cost and is counted down: types that use each other many times could go on for
 * ever. -SKEP_E2BIG when it is used up, -SKEP_EINVAL where types nest deeper than BTF_MAX_DEPTH. */
enum { CORE_STEPS = 1000000 };
/* Same kind and shape, names aside (TYPE_EXISTS, TYPE_SIZE, kfunc and ksym prototypes): 1 yes, 0 no, or an error. */
int core_types_compatible(const struct skep_btf *local, uint32_t local_type,
                          const struct skep_btf *target, uint32_t target_type, uint64_t *steps);
/* Same names, members and layout of meaning (TYPE_MATCHES): 1 yes, 0 no, or an error. */
int core_types_match(const struct skep_btf *local, uint32_t local_type,
                     const struct skep_btf *target, uint32_t target_type, uint64_t *steps);

#endif
