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

/* -- contexts: the program's view of what r1 points at, and where the host keeps it ------------ */
enum platform_field_kind {
    FIELD_SCALAR,
    FIELD_PACKET,      /* yields the packet's first byte */
    FIELD_PACKET_END,  /* yields the end of the packet's linear part */
    FIELD_PACKET_META, /* yields the first byte of metadata */
    FIELD_POINTER      /* yields a host pointer that only helpers understand */
};
/* What Linux allows: an access is aligned to its own size and, unless a flag says more, as wide as
 * the field. */
enum {
    FIELD_R = 1,
    FIELD_W = 2,
    FIELD_NARROW = 4, /* may be read in parts (1, 2, 4 bytes that do not leave the element); written
                         only whole */
    FIELD_BYTES =
        8, /* plain bytes: any aligned access of 1, 2, 4, 8 within all elements, reads and writes
              alike; the host keeps them side by side in the program's layout (skb's cb) */
    FIELD_DEVMAP = 16 /* only for attach type xdp_devmap */
};
struct platform_field {
    const char *name, *type; /* as C declares it: "data", "__u32"; arrays have one row per element,
                                name "cb", and count > 1 on the first */
    uint16_t offset, size;   /* in the program's view */
    uint16_t
        count; /* elements, 1 for plain fields; offset and host_offset step by size and host_size */
    uint8_t kind, access;
    uint16_t host_offset, host_size; /* in the host's struct (context.h) */
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
/* Whether the type may make this access of `size` bytes at `offset`; NULL if not. Then as
 * platform_field. */
const struct platform_field *platform_field_access(const struct platform_ctx *, uint32_t offset,
                                                   uint32_t size, bool is_write, uint32_t *element);

/* -- program types ----------------------------------------------------------------------------- */
struct platform_prog_type {
    uint32_t number;
    const char *name, *since;
    const struct platform_ctx *ctx; /* NULL: not described yet */
    bool is_runnable;               /* this build's own engine can test-run it */
    bool is_ret32;                  /* r0's low 32 bits are the verdict */
};
extern const struct platform_ctx context_xdp, context_socket_filter, context_sched,
    context_raw_tracepoint, context_syscall, context_memory;
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
enum platform_arg {
    ARG_NONE, /* and nothing after it */
    ARG_ANY,  /* a scalar, or not looked at */
    ARG_CTX,
    ARG_MAP,
    ARG_MAP_KEY,          /* key_size bytes of the ARG_MAP before it */
    ARG_MAP_VALUE,        /* value_size bytes, read */
    ARG_MAP_VALUE_UNINIT, /* value_size bytes, written */
    ARG_MEM,              /* bytes read; their number is the next argument */
    ARG_MEM_UNINIT,       /* bytes written; likewise */
    ARG_MEM_RW,           /* read and written; likewise */
    ARG_SIZE,             /* > 0 */
    ARG_SIZE_OR_ZERO,
    ARG_MEM_FIXED,     /* `arg_size` bytes, read */
    ARG_MEM_FIXED_W,   /* `arg_size` bytes, written */
    ARG_STR,           /* NUL-terminated, read-only memory */
    ARG_FUNC,          /* a callback */
    ARG_STACK_OR_NULL, /* callback context */
    ARG_SOCK,          /* socket pointers, BTF pointers ... : opaque to the checked interpreter, not
                          dereferenced */
    ARG_BTF,
    ARG_SPIN_LOCK,
    ARG_TIMER,
    ARG_KPTR,
    ARG_DYNPTR,
    ARG_RING_MEM,      /* a record of a ring buffer, released */
    ARG_OR_NULL = 0x80 /* flag: NULL is fine, and then the size is 0 */
};
enum platform_ret {
    RET_INTEGER,
    RET_VOID,
    RET_MAP_VALUE_OR_NULL, /* of the ARG_MAP; the inner map for maps of maps */
    RET_MAP_VALUE,
    RET_MEM_OR_NULL, /* size: the argument after the map (ringbuf_reserve, dynptr_data) */
    RET_SOCK_OR_NULL,
    RET_BTF_OR_NULL,
    RET_BTF,
    RET_MEM_OR_BTF, /* per_cpu_ptr, this_cpu_ptr */
    RET_MEM_OR_BTF_OR_NULL
};
enum {
    HELPER_GPL = 1,
    HELPER_SLEEPS = 2,
    HELPER_CHANGES_PACKET = 4, /* packet pointers are stale afterwards */
    HELPER_CALLBACK = 8,
    HELPER_ACQUIRES = 16,
    HELPER_RELEASES = 32,
    HELPER_RUNS = 64 /* this build's own engine has a body */
};
struct platform_helper {
    uint32_t id;
    const char *name, *since;
    uint8_t ret;
    uint8_t args[5];
    uint16_t arg_size;  /* for ARG_MEM_FIXED* */
    uint16_t arg_size2; /* for the second such argument, where it differs; else 0 */
    uint8_t flags;
};
const struct platform_helper *platform_helper(uint32_t id); /* NULL: unknown */
/* Whether programs of this type may call it, as Linux says. MEMORY programs: what takes no context.
 */
bool platform_helper_allowed(uint32_t prog_type, uint32_t id);
size_t platform_helper_count(void); /* ids are 1 .. count - 1 */

#endif
