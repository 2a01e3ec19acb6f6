/* body.h - what the bodies of helpers share. Private to helper/.
 *
 * A body gets what the prototype in platform/helper.def promises: maps, contexts and memory as host
 * pointers that were checked. Two things it checks itself: that a map is of a type the helper is
 * for, and that the context is the one it knows (the verifier would have said both before).
 */
#ifndef HELPER_BODY_H
#define HELPER_BODY_H

#include <skep/error.h>

#include "exec/exec.h"
#include "platform/context.h"

#define HELPER_UNUSED __attribute__((unused))
#define HELPER_BODY(name)                                                                          \
    uint64_t name(uint64_t a HELPER_UNUSED, uint64_t b HELPER_UNUSED, uint64_t c HELPER_UNUSED,    \
                  uint64_t d HELPER_UNUSED, uint64_t e HELPER_UNUSED,                              \
                  struct skep_call *call HELPER_UNUSED)

/* An argument that is a host pointer. */
static inline void *body_pointer(uint64_t argument)
{
    return (void *)(uintptr_t)argument;
}

/* A code as programs see it in r0. */
static inline uint64_t body_code(int64_t code)
{
    return (uint64_t)code;
}

/* The packet behind the context, or NULL after exec_fault: this type has none. */
struct xdp_ctx *body_xdp(struct skep_call *);
struct skb_ctx *body_skb(struct skep_call *);
/* After the packet moved, grew or shrank. */
void body_packet_changed(struct skep_call *);

/* Host pointer for `size` bytes that the program itself may read, else NULL; ends no run. */
const void *body_peek(struct skep_call *, uint64_t address, uint64_t size);
/* Memory wherever it lies, for bpf_probe_read and %s: what the program may read, and with the power
 * SKEP_ALLOW_PROBE_READ the host's. Returns 0, -SKEP_EFAULT, or -SKEP_EPERM where only the power is
 * missing. */
int body_read(struct skep_call *, void *to, uint64_t address, uint32_t size);
/* The same for a string: copied with its NUL, cut to `room` bytes; bytes written (> 0) or a
 * negative code. */
int body_read_string(struct skep_call *, char *to, uint64_t address, uint32_t room);

/* Bytes from `address` on that the program may read: at most `limit`, and none after the first NUL.
 */
size_t body_text_size(struct skep_call *, uint64_t address, size_t limit);

/* Whether the run should go on: not cancelled, budget left. For bodies that loop. */
bool body_continue(struct skep_call *);

enum { BODY_PRINT_ARGS = 12 /* MAX_BPRINTF_VARARGS */ };
/* bpf_bprintf_prepare and bstr_printf: text into `out` (cut and NUL-terminated if there is room at
 * all). The length it has uncut, or a negative code: -SKEP_EINVAL for a format that the kernel
 * refuses. */
int body_format(struct skep_call *, char *out, size_t room, const char *format, size_t format_size,
                const uint64_t *args, uint32_t arg_count);

/* Internet checksums in the host's order of 16-bit words. */
uint32_t csum_bytes(const void *bytes, size_t size, uint32_t sum); /* csum_partial */
uint32_t csum_add(uint32_t a, uint32_t b);
uint16_t csum_fold(uint32_t sum); /* complemented */

/* Make the skb's bytes [0, length) writable: all of it is; -SKEP_ENOMEM if it is shorter. */
static inline int skb_make_writable(const struct skb_ctx *skb, uint64_t length)
{
    return length <= skb->len ? 0 : -SKEP_ENOMEM;
}
static inline void skb_clear_hash(struct skb_ctx *skb)
{
    skb->hash = 0;
    skb->has_hash = 0;
}

/* Every body, by the helper's name without bpf_. */
#define BODY(id, name) HELPER_BODY(name);
#include "helper/bodies.def"
#undef BODY

#endif
