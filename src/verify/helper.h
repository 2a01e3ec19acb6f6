/* helper.h - calls of helpers: what is shared among the files about them.
 *
 *     helper.c           may the program call it; what the call does; what r0 becomes
 *     helper_arg.c       one argument after the other
 *     helper_map.c       maps: does it go with the helper, constant keys, kptrs
 *     helper_callback.c  registers of the functions that helpers call back
 *     helper_format.c    formats of bpf_snprintf
 */
#ifndef VERIFY_HELPER_H
#define VERIFY_HELPER_H

#include "verify/verifier.h"

enum helper_id { /* those that need more than their row; uapi/linux/bpf.h */
                 HELPER_MAP_LOOKUP_ELEM = 1,
                 HELPER_MAP_UPDATE_ELEM = 2,
                 HELPER_MAP_DELETE_ELEM = 3,
                 HELPER_GET_SMP_PROCESSOR_ID = 8,
                 HELPER_TAIL_CALL = 12,
                 HELPER_GET_LOCAL_STORAGE = 81,
                 HELPER_SK_RELEASE = 86,
                 HELPER_MAP_PUSH_ELEM = 87,
                 HELPER_MAP_POP_ELEM = 88,
                 HELPER_MAP_PEEK_ELEM = 89,
                 HELPER_SPIN_LOCK = 93,
                 HELPER_SPIN_UNLOCK = 94,
                 HELPER_PER_CPU_PTR = 153,
                 HELPER_THIS_CPU_PTR = 154,
                 HELPER_FOR_EACH_MAP_ELEM = 164,
                 HELPER_SNPRINTF = 165,
                 HELPER_TIMER_SET_CALLBACK = 170,
                 HELPER_GET_FUNC_IP = 173,
                 HELPER_FIND_VMA = 180,
                 HELPER_LOOP = 181,
                 HELPER_SET_RETVAL = 187,
                 HELPER_KPTR_XCHG = 194,
                 HELPER_DYNPTR_FROM_MEM = 197,
                 HELPER_DYNPTR_WRITE = 202,
                 HELPER_DYNPTR_DATA = 203,
                 HELPER_USER_RINGBUF_DRAIN = 209
};

/* The prototype that the helper has in this program; NULL: there is none of that number. */
const struct platform_helper *helper_proto(const struct verifier *, uint32_t id);

/* -- helper_arg.c --------------------------------------------------------------------------------- */
int helper_check_args(struct verifier *, struct call_meta *, uint32_t insn);

/* -- helper_map.c --------------------------------------------------------------------------------- */
/* After the arguments: does the map go with the helper and the program? Remembers it for the instruction. */
int helper_check_map(struct verifier *, const struct call_meta *, uint32_t insn);
/* A lookup's key that is a known number on the stack: meta->has_const, const_value. */
int helper_constant_key(struct verifier *, uint32_t regno, struct call_meta *);
/* The element with that key surely exists: a lookup cannot fail. */
bool helper_has_element(const struct call_meta *);
/* bpf_kptr_xchg's destination: meta->field. */
int helper_kptr_arg(struct verifier *, uint32_t regno, struct call_meta *);

/* -- helper_callback.c ---------------------------------------------------------------------------- */
/* The helper calls back: pushes the path into meta->subprog. */
int helper_call_back(struct verifier *, const struct call_meta *, uint32_t insn);

/* -- helper_format.c ------------------------------------------------------------------------------ */
/* Is `text` a format that prints `args` numbers at most? NULL, or what is wrong; *at: where. */
const char *helper_format_error(const char *text, uint32_t args, uint32_t *at);

/* -- precision.c ---------------------------------------------------------------------------------- */
/* As precision_mark, for the scalar that is spilled in slots[slot] of v->cur->frames[frame]. */
int precision_mark_slot(struct verifier *, uint32_t frame, uint32_t slot);

#endif
