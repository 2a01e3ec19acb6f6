/* helper.c - bodies by id, and what they share about the run. */
#include "helper/helper.h"

#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "helper/body.h"
#include "os/os.h"

#include <skep/runtime.h>

static const helper_fn bodies[] = {
#define BODY(id, name) [id] = name,
#include "helper/bodies.def"
#undef BODY
};

struct exec_helper helper_find(uint32_t id)
{
    return (struct exec_helper){id < ARRAY_SIZE(bodies) ? bodies[id] : NULL, platform_helper(id)};
}

/* -- contexts ---------------------------------------------------------------------------------- */

struct xdp_ctx *body_xdp(struct skep_call *call)
{
    if (call->prog_type == SKEP_PROG_TYPE_XDP)
        return call->ctx;
    exec_fault(call, -SKEP_ENOHELPER, "programs of this type have no XDP packet");
    return NULL;
}

struct skb_ctx *body_skb(struct skep_call *call)
{
    if (call->prog_type == SKEP_PROG_TYPE_SCHED_CLS ||
        call->prog_type == SKEP_PROG_TYPE_SCHED_ACT ||
        call->prog_type == SKEP_PROG_TYPE_SOCKET_FILTER)
        return call->ctx;
    exec_fault(call, -SKEP_ENOHELPER, "programs of this type have no struct __sk_buff");
    return NULL;
}

void body_packet_changed(struct skep_call *call)
{
    if (call->prog_type == SKEP_PROG_TYPE_XDP) {
        const struct xdp_ctx *xdp = call->ctx;
        exec_region_set(call, REGION_PACKET, xdp->data_meta,
                        (uint64_t)(xdp->data_end - xdp->data_meta), true, "packet");
    } else if (call->prog_type != SKEP_PROG_TYPE_SOCKET_FILTER) {
        const struct skb_ctx *skb = call->ctx;
        exec_region_set(call, REGION_PACKET, skb->data_meta,
                        (uint64_t)(skb->data_end - skb->data_meta), true, "packet");
    }
}

/* -- memory that the prototype does not vouch for ---------------------------------------------- */

const void *body_peek(struct skep_call *call, uint64_t address, uint64_t size)
{
    const void *bytes;

    if (call->code_result)
        return NULL;
    bytes = exec_memory(call, address, size, false);
    if (!bytes)
        call->code_result = 0; /* an address that is no memory is an answer here, not a fault */
    return bytes;
}

int body_read(struct skep_call *call, void *to, uint64_t address, uint32_t size)
{
    const void *from = body_peek(call, address, size);

    if (from) {
        memmove(to, from, size);
        return 0;
    }
    if (!(call->host->allow & SKEP_ALLOW_PROBE_READ))
        return -SKEP_EPERM;
    return os_memory_read(to, address, size) ? 0 : -SKEP_EFAULT;
}

int body_read_string(struct skep_call *call, char *to, uint64_t address, uint32_t room)
{
    uint32_t length = 0;

    /* By pieces that cross no 64 bytes, and where that fails by single ones: the string may end
     * just before the end of its memory. */
    while (length < room) {
        uint32_t piece = 64 - (uint32_t)((address + length) % 64);
        const char *end;
        int rc;

        if (piece > room - length)
            piece = room - length;
        rc = body_read(call, to + length, address + length, piece);
        if (rc && piece > 1) {
            piece = 1;
            rc = body_read(call, to + length, address + length, piece);
        }
        if (rc)
            return rc;
        end = memchr(to + length, '\0', piece);
        if (end)
            return (int)(end - to) + 1;
        length += piece;
    }
    if (room)
        to[room - 1] = '\0';
    return (int)room;
}

size_t body_text_size(struct skep_call *call, uint64_t address, size_t limit)
{
    size_t size = 0;

    while (size < limit) {
        size_t piece = 64 - (size_t)((address + size) % 64);
        const char *text, *end;

        if (piece > limit - size)
            piece = limit - size;
        text = body_peek(call, address + size, piece);
        if (!text) { /* up to where the memory ends */
            piece = 1;
            text = body_peek(call, address + size, piece);
        }
        if (!text)
            break;
        end = memchr(text, '\0', piece);
        if (end)
            return size + (size_t)(end - text) + 1;
        size += piece;
    }
    return size;
}

/* -- loops ------------------------------------------------------------------------------------- */

bool body_continue(struct skep_call *call)
{
    if (call->code_result)
        return false;
    if (call->cancel && atomic_load_explicit(call->cancel, memory_order_relaxed))
        exec_fault(call, -SKEP_ECANCELED, "the run was cancelled");
    else if (call->max_insns && (int64_t)call->insns > 0 && call->insns >= call->max_insns)
        /* In the middle of a run the count lacks the place that each run stands at, so that early on it may be
         * less than zero. */
        exec_fault(call, -SKEP_EFUEL, "the budget of %llu instructions is used up",
                   (unsigned long long)call->max_insns);
    return !call->code_result;
}
