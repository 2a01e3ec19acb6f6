/* platform.h - what a program type may see and call, as tables. No code decides here; everybody
 * reads.
 *
 * The rows live in *.def files: program types and their section names, attach types, map types,
 * helper and kfunc prototypes, context layouts. Numbers and facts are Linux 6.18's
 * (uapi/linux/bpf.h and the kernel's documentation).
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/platform.h>

/* Attach types by Linux's numbers: enum bpf_attach_type of uapi/linux/bpf.h. */
enum platform_attach {
#define ATTACH(constant, number, name, since) constant = number,
#include "platform/attach.def"
#undef ATTACH
    ATTACH_COUNT
};

/* -- contexts: the program's view of what r1 points at, and where the host keeps it ------------ */
/* What a load of a field gives the program. */
enum platform_yield {
    YIELD_SCALAR,
    YIELD_PACKET,      /* the packet's first byte */
    YIELD_PACKET_END,  /* the end of the packet's linear part */
    YIELD_PACKET_META, /* the first byte of metadata */
    YIELD_SOCKET,      /* a full socket: struct bpf_sock (access.h) */
    YIELD_SOCK_COMMON, /* any socket, request and timewait sockets too */
    YIELD_FLOW_KEYS,   /* struct bpf_flow_keys */
    YIELD_TP_BUFFER,   /* what a writable tracepoint passes */
    YIELD_BTF          /* a trusted pointer to a struct of the kernel */
};
enum { FIELD_SCALAR = YIELD_SCALAR };
/* What Linux allows: an access is aligned to its own size and, unless a flag says more, as wide as
 * the field. */
enum {
    FIELD_R = 1 << 0,
    FIELD_W = 1 << 1,
    /* May be read in parts (1, 2, 4 bytes that do not leave the element); written only whole. */
    FIELD_NARROW = 1 << 2,
    /* Plain bytes: any aligned access of 1, 2, 4, 8 within all elements, reads and writes alike;
     * the host keeps them side by side in the program's layout (skb's cb). */
    FIELD_BYTES = 1 << 3,
    FIELD_NARROW_LOW = 1 << 4,  /* read in parts, but only from the element's first byte */
    FIELD_NARROW_HIGH = 1 << 5, /* read in parts, but not from its first byte */
    FIELD_NARROW_HALF = 1 << 6, /* with FIELD_NARROW: but not byte by byte */
    FIELD_PAIR = 1 << 7,        /* two elements at once as well, at a multiple of 8 */
    FIELD_WORD = 1 << 8,        /* of 2 bytes: as 4 bytes as well, reads only */
    FIELD_MAYBE_NULL = 1 << 9,
    FIELD_R_CAP = 1 << 10, /* only programs with CAP_BPF may read it */
    FIELD_W_CAP = 1 << 11  /* only programs with CAP_BPF may write it */
};
/* Which attach types may touch a field; one for all types that have some of them (access.c). */
enum platform_field_who {
    FOR_ALL,
    FOR_DEVMAP,
    FOR_SOCK_LIFE, /* a socket's creation and release */
    FOR_POST_BIND4,
    FOR_POST_BIND6,
    FOR_POST_BIND,
    FOR_INET4,
    FOR_INET6,
    FOR_SENDMSG4,
    FOR_SENDMSG6,
    FOR_GETSOCKOPT,
    FOR_SETSOCKOPT_W /* all may read, setsockopt may write */
};
enum { FIELD_NO_HOST = 0xffff };
struct platform_field {
    const char *name, *type; /* as C declares it: "data", "__u32"; arrays have one row per element,
                                name "cb", and count > 1 on the first */
    uint16_t offset, size;   /* in the program's view */
    /* Elements, 1 for plain fields; offset and host_offset step by size and host_size. */
    uint16_t count;
    uint8_t kind /* enum platform_yield */, who;
    uint16_t access;
    uint16_t host_offset, host_size; /* in the host's struct (context.h); FIELD_NO_HOST, 0: no
                                        engine of ours has this type yet */
    const char *btf_type;            /* YIELD_BTF: name of the kernel's struct */
};
enum platform_ctx_kind {
    CTX_FIELDS, /* accessed field by field through the table */
    CTX_MEMORY  /* plain bytes: raw tracepoint arguments, syscall programs, MEMORY */
};
struct platform_ctx {
    const char *name; /* "struct xdp_md" without "struct" */
    uint8_t kind;
    uint16_t size; /* of the view, bytes */
    const struct platform_field *fields;
    size_t field_count;
    bool is_read_only; /* CTX_MEMORY: the program may not write to it */
    const char *what;  /* CTX_MEMORY: what its bytes are, for messages */
};
/* The field that holds the byte at `offset` of the program's view, and which element of it (may be
 * NULL); NULL: no field does (padding, or the type may not see it). */
const struct platform_field *platform_field(const struct platform_ctx *, uint32_t offset,
                                            uint32_t *element);
/* Whether the type may make this access of `size` bytes at `offset`, whoever asks (access.h knows
 * attach types and capabilities); NULL if not. Then as platform_field. */
const struct platform_field *platform_field_access(const struct platform_ctx *, uint32_t offset,
                                                   uint32_t size, bool is_write, uint32_t *element);

/* -- program types ----------------------------------------------------------------------------- */
struct platform_prog_type {
    uint32_t number;
    const char *name, *since;
    const struct platform_ctx *ctx; /* NULL: typed by BTF (tracing, lsm, struct_ops, ext) */
    bool is_runnable;               /* this build's own engine can test-run it */
    bool is_ret32;                  /* r0's low 32 bits are the verdict */
};
extern const struct platform_ctx context_xdp, context_socket_filter, context_sched,
    context_raw_tracepoint, context_syscall, context_memory;
/* Described, but not run by this build's own engine. */
extern const struct platform_ctx context_cgroup_skb, context_lwt, context_sk_skb,
    context_flow_dissector, context_cgroup_sock, context_sock_addr, context_sock_ops,
    context_sk_msg, context_sk_reuseport, context_sk_lookup, context_cgroup_device, context_sysctl,
    context_sockopt, context_kprobe, context_perf_event, context_tracepoint,
    context_raw_tp_writable, context_lirc, context_netfilter;
/* What socket pointers point at. */
extern const struct platform_ctx context_sock, context_sock_common, context_tcp_sock,
    context_xdp_sock;
const struct platform_prog_type *platform_prog_type(uint32_t number); /* NULL: unknown */
const struct platform_prog_type *
platform_prog_type_at(size_t index); /* every row; NULL past the end */
/* Whether the section's name is one of libbpf's, without target or anything else after it. */
bool platform_section_is_exact(const char *name);

/* -- map types --------------------------------------------------------------------------------- */
struct platform_map_type {
    uint32_t number;
    const char *name, *since;
    bool is_percpu, holds_maps, holds_progs;
    bool is_runnable; /* this build's own engine has it */
};
const struct platform_map_type *platform_map_type(uint32_t number); /* NULL: unknown */
const struct platform_map_type *platform_map_type_at(size_t index);

/* -- helpers ----------------------------------------------------------------------------------- */
/* What an argument must be: one kind and flags (enum bpf_arg_type of linux/bpf.h). */
enum platform_arg {
    ARG_NONE,  /* and nothing after it */
    ARG_ANY,   /* whatever the register holds, if it holds something */
    ARG_LOOSE, /* not looked at, not even whether it was ever written */
    ARG_SCALAR,
    ARG_CTX,
    ARG_MAP,
    ARG_MAP_KEY,   /* key_size bytes of the ARG_MAP before it */
    ARG_MAP_VALUE, /* value_size bytes */
    ARG_MEM,       /* bytes; their number is the next argument, or arg_size with ARG_FIXED */
    ARG_SIZE,      /* > 0 */
    ARG_SIZE_OR_ZERO,
    ARG_ALLOC_SIZE, /* a constant: the bytes of what is returned */
    ARG_STR,        /* NUL-terminated, constant */
    ARG_FUNC,       /* a callback */
    ARG_STACK,      /* callback context */
    ARG_SOCK_COMMON,
    ARG_SOCKET,
    ARG_BTF,      /* a kernel object of type `btf` */
    ARG_BTF_SOCK, /* a socket pointer, or a kernel object that begins with struct sock_common */
    ARG_PERCPU_BTF,
    ARG_SPIN_LOCK,
    ARG_TIMER,
    ARG_KPTR, /* where a kernel pointer is kept */
    ARG_DYNPTR,
    ARG_RECORD, /* a record of a ring buffer */
    ARG_KINDS,
    ARG_KIND = 0x1f, /* mask */
    /* flags */
    ARG_OR_NULL = 1 << 5, /* NULL is fine, and then the size is 0 */
    ARG_WRITES = 1 << 6,  /* the helper writes there */
    ARG_UNINIT = 1 << 7,  /* and reads nothing */
    ARG_RDONLY = 1 << 8,  /* read-only memory is fine; dynptrs: the dynptr itself is not changed */
    ARG_FIXED = 1 << 9,
    ARG_ALIGNED = 1 << 10,
    ARG_RELEASE = 1 << 11, /* the reference is given back */
    ARG_LOCAL = 1 << 12,   /* dynptrs: over the program's memory */
    ARG_RINGBUF = 1 << 13  /* dynptrs: over a record of a ring buffer */
};
/* What r0 is: one kind and flags. */
enum platform_ret {
    RET_INTEGER,
    RET_VOID,
    RET_MAP_VALUE, /* of the ARG_MAP; the inner map for maps of maps */
    RET_SOCKET,
    RET_SOCK_COMMON,
    RET_TCP_SOCK,
    RET_MEM,        /* as many bytes as the ARG_ALLOC_SIZE said */
    RET_MEM_OR_BTF, /* what the ARG_PERCPU_BTF is on one CPU */
    RET_BTF,        /* a kernel object of type `ret_btf` */
    RET_KIND = 0xf, /* mask */
    /* flags */
    RET_OR_NULL = 1 << 4,
    RET_RDONLY = 1 << 5,
    RET_RINGBUF = 1 << 6,
    RET_TRUSTED = 1 << 7
};
enum {
    HELPER_GPL = 1 << 0,
    HELPER_SLEEPS = 1 << 1,
    HELPER_CHANGES_PACKET = 1 << 2, /* packet pointers are stale afterwards */
    HELPER_READS_PACKET = 1 << 3,   /* packet pointers may be passed where memory is wanted */
    HELPER_CALLBACK = 1 << 4,       /* calls back, any number of times, before it returns */
    HELPER_CALLBACK_LATER = 1 << 5, /* calls back after it has returned */
    HELPER_ACQUIRES = 1 << 6,
    HELPER_RELEASES = 1 << 7,
    HELPER_CASTS = 1 << 8,      /* r0 is the argument under another type: they share a reference */
    HELPER_FASTCALL = 1 << 9,   /* x86-64 inlines it: r1 .. r5 survive if spilled around it */
    HELPER_RET_SIZED = 1 << 10, /* returns at most the size argument, or an error */
    HELPER_BPF = 1 << 11,       /* needs CAP_BPF whatever the program's type needs */
    HELPER_PERFMON = 1 << 12,   /* likewise CAP_PERFMON */
    HELPER_ADMIN = 1 << 13,     /* likewise CAP_SYS_ADMIN */
    HELPER_OPTIONAL = 1 << 14,  /* Linux may be built or locked without it; its distributors do */
    HELPER_RUNS = 1 << 15       /* this build's own engine has a body */
};
struct platform_helper {
    uint32_t id;
    const char *name, *since;
    uint8_t ret;
    uint16_t args[5];
    uint16_t flags;
    uint16_t arg_size;         /* of ARG_FIXED */
    uint16_t arg_size2;        /* for the second such argument, where it differs; else 0 */
    const char *btf, *ret_btf; /* kernel structs: of the ARG_BTF, of the RET_BTF */
};
const struct platform_helper *platform_helper(uint32_t id); /* NULL: unknown */
/* Bytes of argument n (0 ..), which is ARG_FIXED. */
static inline uint32_t platform_fixed_size(const struct platform_helper *helper, int n)
{
    while (n-- > 0)
        if (helper->args[n] & ARG_FIXED && helper->arg_size2)
            return helper->arg_size2;
    return helper->arg_size;
}
size_t platform_helper_count(void); /* ids are 1 .. count - 1 */

/* -- who may call them ------------------------------------------------------------------------- */
enum { /* capabilities(7) */
       PLATFORM_CAP_BPF = 1,
       PLATFORM_CAP_PERFMON = 2,
       PLATFORM_CAP_NET_ADMIN = 4,
       PLATFORM_CAP_SYS_ADMIN = 8 /* has the others too */
};
struct platform_caller {
    uint32_t prog_type, attach_type; /* of what an extension (ext) replaces, not ext */
    bool is_sleepable;
    uint32_t caps;
    /* Typed programs: the function attached to ("bpf_iter_task", "security_file_open"; for LSM
     * hooks with or without "bpf_lsm_"); struct_ops: the kernel's struct, and its member. NULL:
     * unknown, which allows nothing that depends on it. */
    const char *target, *member;
};
enum platform_denied {
    DENIED_NOT,
    DENIED_UNKNOWN,  /* there is no such helper */
    DENIED_TYPE,     /* programs of this type never may */
    DENIED_ATTACH,   /* others of this type may, with another attach type */
    DENIED_TARGET,   /* ... attached to something else */
    DENIED_CAP,      /* ... with more capabilities: see the row's flags */
    DENIED_OPTIONAL, /* Linux may be built with it; the default is that it is not */
    DENIED_SLEEP     /* it sleeps, the program may not */
};
/* Licences are the caller's to check (HELPER_GPL of platform_helper_proto). */
enum platform_denied platform_helper_check(const struct platform_caller *, uint32_t id);
/* The prototype that this caller's calls have: platform_helper's, or a variant of it. NULL: unknown.
 */
const struct platform_helper *platform_helper_proto(const struct platform_caller *, uint32_t id);
/* Whether any program of this type may call it, whatever it attaches to. MEMORY programs: what takes
 * no context. */
bool platform_helper_allowed(uint32_t prog_type, uint32_t id);

/* -- which maps go with what: rule.c ----------------------------------------------------------- */
/* Whether calls of the helper may be given a map of this type, whoever calls. */
bool platform_map_fits_helper(uint32_t map_type, uint32_t id);
/* Sockmaps and sockhashes may be changed by bpf_map_update_elem and bpf_map_delete_elem only where
 * no socket is locked. */
bool platform_may_change_sockmap(uint32_t prog_type, uint32_t attach_type, uint32_t id);
/* Programs that may be called anywhere in the kernel: no locks, timers, lists for them. */
bool platform_is_tracing(uint32_t prog_type);
bool platform_map_may_sleep(uint32_t map_type);    /* sleepable programs may use it */
bool platform_map_has_for_each(uint32_t map_type); /* bpf_for_each_map_elem walks it */

#endif
