/* access.h - what Linux decides before and around a program's own instructions: accesses to its
 * context and to the structs behind socket pointers, return values, sleeping, attach types, LSM
 * hooks.
 *
 * All of it is rows (context.def, return.def, attach_fit.def, lsm.def). The interpreter asks
 * platform_field_access for the bare row; the verifier asks here, where the attach type and the
 * program's capabilities count too.
 *
 * Not here: contexts typed by BTF. Programs of the types tracing (raw_tp, fentry, fexit,
 * modify_return, iter), lsm, struct_ops and ext get their arguments by the prototype of what they
 * attach to; so does every kfunc pointer. platform_context_access says no to all of theirs.
 */
#ifndef PLATFORM_ACCESS_H
#define PLATFORM_ACCESS_H

#include "platform/platform.h"

struct platform_access {
    uint8_t yields;     /* enum platform_yield: what a load gives; a scalar has `size` bytes */
    bool is_maybe_null; /* ... or NULL */
    bool is_32bit_view; /* a __u32 that yields a whole pointer: sign-extending loads are refused */
    const char *btf_type; /* YIELD_BTF: the kernel's struct, trusted */
};
/* Whether a program of this type and expected attach type may load or store `size` bytes at
 * `offset` of its context, as Linux on x86-64 says; on success `out` is filled (may be NULL).
 * Offsets are fixed: the context pointer itself must not have been changed. Alignment is judged here
 * for every type, with and without BPF_F_STRICT_ALIGNMENT. Atomic operations on contexts are never
 * allowed; a load into a register yields what `out` says, whatever its width. has_bpf: the program
 * has CAP_BPF (or CAP_SYS_ADMIN); Linux asks for no other capability here. */
bool platform_context_access(uint32_t prog_type, uint32_t attach_type, bool has_bpf,
                             uint32_t offset, uint32_t size, bool is_write,
                             struct platform_access *out);

/* -- behind pointers --------------------------------------------------------------------------- */
enum platform_sock {
    PLATFORM_SOCK,        /* struct bpf_sock of a full socket */
    PLATFORM_SOCK_COMMON, /* the part of it that every socket has */
    PLATFORM_TCP_SOCK,    /* struct bpf_tcp_sock */
    PLATFORM_XDP_SOCK     /* struct bpf_xdp_sock */
};
/* Nothing may be written; everything yields a scalar. */
bool platform_sock_access(enum platform_sock, uint32_t offset, uint32_t size, bool is_write,
                          struct platform_access *out);
/* struct bpf_flow_keys: any bytes of it, read and written, aligned or not (unless
 * BPF_F_STRICT_ALIGNMENT asks for it). */
enum { PLATFORM_FLOW_KEYS_SIZE = 56 };
bool platform_flow_keys_access(uint32_t offset, uint32_t size);

/* What programs may do with the packet pointers they loaded, beyond reading. */
enum platform_packet_args { /* passing them to helpers that take memory */
                            PACKET_ARGS_NONE,
                            PACKET_ARGS_MARKED, /* to those with HELPER_READS_PACKET */
                            PACKET_ARGS_ALL
};
struct platform_packet_use {
    bool may_write;
    uint8_t args; /* enum platform_packet_args */
};
struct platform_packet_use platform_packet_use(uint32_t prog_type);

/* -- loading ----------------------------------------------------------------------------------- */
/* The attach type Linux takes in place of 0 where user space has always left it out. */
uint32_t platform_attach_effective(uint32_t prog_type, uint32_t attach_type);
/* Whether a program of this type may be loaded with this expected attach type (as user space gives
 * it). For typed programs what they attach to decides further. */
bool platform_attach_fits(uint32_t prog_type, uint32_t attach_type);
/* BPF_F_SLEEPABLE: whether it may or must be set. For kprobe programs only uprobes can be attached
 * then; for LSM the hook decides further, for tracing the function. */
enum platform_sleep { SLEEP_NEVER, SLEEP_MAY, SLEEP_MUST };
enum platform_sleep platform_sleep(uint32_t prog_type, uint32_t attach_type);
/* Whether the arguments are typed by BTF: there is no context of fixed layout. */
bool platform_is_typed(uint32_t prog_type);

/* -- return values ----------------------------------------------------------------------------- */
/* The values that main programs may return, ends included; false: any (lsm: ask
 * platform_lsm_return; a struct_ops member that returns nothing need not set r0). r0 must be a
 * scalar. All 64 bits must lie within, except where platform_return_is_32bit says otherwise. */
bool platform_return_range(uint32_t prog_type, uint32_t attach_type, int32_t *min, int32_t *max);
bool platform_return_is_32bit(uint32_t prog_type, uint32_t attach_type);

/* -- LSM hooks --------------------------------------------------------------------------------- */
enum platform_lsm_type { LSM_INT, LSM_BOOL, LSM_VOID };
enum {
    LSM_DISABLED = 1,    /* programs cannot attach */
    LSM_SLEEPS = 2,      /* programs may sleep */
    LSM_UNTRUSTED = 4,   /* its arguments may be half made or half gone: not trusted pointers */
    LSM_SOCK_LOCKED = 8, /* cgroup programs may call {get,set}sockopt: the socket is locked ... */
    LSM_SOCK_NEW = 16    /* ... or nobody else has it yet */
};
struct platform_lsm_hook {
    const char *name; /* "file_open" */
    uint8_t returns, flags;
};
/* By name, with or without "bpf_lsm_"; NULL: no such hook. */
const struct platform_lsm_hook *platform_lsm_hook(const char *name);
const struct platform_lsm_hook *platform_lsm_hook_at(size_t index); /* NULL past the end */
/* What a program at this hook may return; false: anything, r0 need not even be set (void hooks
 * with attach type lsm_mac), or no such hook. */
bool platform_lsm_return(const char *name, uint32_t attach_type, int32_t *min, int32_t *max);

#endif
