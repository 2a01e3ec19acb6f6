/* typed.h - what Linux knows of its own types beyond their BTF: which members can be trusted, which arguments may be null,
 * which functions may be traced, what may be written. Questions to the rows of typed.def, all by name.
 */
#ifndef PLATFORM_TYPED_H
#define PLATFORM_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a pointer is that was read from this member of a trusted object; `pointee` is the struct that it points at. */
enum typed_safe { SAFE_NOT, SAFE_RCU, SAFE_RCU_OR_NULL, SAFE_TRUSTED, SAFE_TRUSTED_OR_NULL };
enum typed_safe typed_safe(const char *type, const char *member, const char *pointee);

/* -- arguments --------------------------------------------------------------------------------- */
/* Bit n: argument n of this tracepoint may be null, or an error pointer. False: it is not in the list. */
bool typed_null_args(const char *tracepoint, uint32_t *nulls, uint32_t *errors);
enum { ITER_NULLABLE = 1, ITER_TRUSTED = 2, ITER_BUFFER = 4, ITER_READS = 8 };
/* What the iterator says of this argument; negative: nothing, it is trusted. */
int typed_iter_arg(const char *iterator, uint32_t argument);

/* -- functions --------------------------------------------------------------------------------- */
bool typed_may_trace(const char *function); /* fentry, fexit, fmod_ret */
bool typed_returns(const char *function);   /* fexit, fmod_ret */
/* How programs on a function may change what it returns (fmod_ret): not at all, always, or only where Linux is built with
 * CONFIG_FUNCTION_ERROR_INJECTION. *sleeps: programs on it may then sleep too. */
enum typed_fail { FAIL_NEVER, FAIL_ALWAYS, FAIL_INJECTED };
enum typed_fail typed_may_fail(const char *function, bool *sleeps);

/* -- struct_ops -------------------------------------------------------------------------------- */
bool typed_ops_calls(const char *ops, const char *member); /* the kernel calls a program there */
bool typed_ops_sleeps(const char *ops, const char *member);

/* -- writing ----------------------------------------------------------------------------------- */
enum typed_span { SPAN_EXACT, SPAN_RANGE, SPAN_STRING };
struct typed_write { /* what may be written: typed.def, WRITES */
    uint32_t prog_type;
    const char *ops; /* NULL: any */
    const char *type, *member, *cast, *cast_member;
    uint8_t span; /* enum typed_span */
};
const struct typed_write *typed_write_at(size_t index); /* NULL past the end */

/* -- the rest ---------------------------------------------------------------------------------- */
/* The function that gives a reference to such an object back when its map goes; NULL: maps cannot own one. */
const char *typed_release(const char *type);

struct typed_context {
    uint32_t prog_type;
    const char *name;   /* "__sk_buff"; for kprobes the typedef bpf_user_pt_regs_t */
    const char *kernel; /* "sk_buff"; NULL: no struct */
};
const struct typed_context *typed_context(uint32_t prog_type); /* NULL: no context with a name */

enum { POWER_NET = 1, POWER_PERFMON = 2, POWER_GUEST = 4 };
uint32_t typed_power(uint32_t prog_type); /* 0: CAP_BPF only */

#endif
