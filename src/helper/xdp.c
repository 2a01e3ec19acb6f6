/* xdp.c - helpers on an XDP packet: its bytes, its room at both ends, its metadata. */
#include <string.h>

#include "helper/body.h"

enum { ETH_HLEN = 14 };

static uint64_t packet_size(const struct xdp_ctx *xdp)
{
    return (uint64_t)(xdp->data_end - xdp->data);
}

HELPER_BODY(helper_xdp_adjust_head)
{
    struct xdp_ctx *xdp = body_xdp(call);
    ptrdiff_t meta, by = (int32_t)b;

    if (!xdp)
        return 0;
    meta = xdp->data - xdp->data_meta;
    if (by < xdp->hard_start + XDP_FRAME_SIZE + meta - xdp->data ||
        by > xdp->data_end - xdp->data - ETH_HLEN)
        return body_code(-SKEP_EINVAL);
    memmove(xdp->data_meta + by, xdp->data_meta, (size_t)meta); /* metadata stays in front */
    xdp->data_meta += by;
    xdp->data += by;
    body_packet_changed(call);
    return 0;
}

HELPER_BODY(helper_xdp_adjust_tail)
{
    struct xdp_ctx *xdp = body_xdp(call);
    ptrdiff_t by = (int32_t)b;

    if (!xdp)
        return 0;
    if (by > xdp->hard_end - xdp->data_end || by < ETH_HLEN - (xdp->data_end - xdp->data))
        return body_code(-SKEP_EINVAL);
    if (by > 0)
        memset(xdp->data_end, 0, (size_t)by);
    xdp->data_end += by;
    body_packet_changed(call);
    return 0;
}

HELPER_BODY(helper_xdp_adjust_meta)
{
    enum { META_MAX = 255 }; /* what struct skb_shared_info can hold */
    struct xdp_ctx *xdp = body_xdp(call);
    ptrdiff_t meta;

    if (!xdp)
        return 0;
    meta = xdp->data - xdp->data_meta - (int32_t)b;
    if (meta < 0 || meta > xdp->data - xdp->hard_start - XDP_FRAME_SIZE)
        return body_code(-SKEP_EINVAL);
    if (meta % 4 || meta > META_MAX)
        return body_code(-SKEP_EACCES);
    xdp->data_meta = xdp->data - meta;
    body_packet_changed(call);
    return 0;
}

HELPER_BODY(helper_xdp_get_buff_len)
{
    const struct xdp_ctx *xdp = body_xdp(call);

    return xdp ? packet_size(xdp) : 0;
}

/* Where `length` bytes at `offset` lie, or NULL and a code. */
static uint8_t *bytes_at(const struct xdp_ctx *xdp, uint32_t offset, uint32_t length, int *code)
{
    *code = 0;
    if (offset > 0xffff || length > 0xffff) {
        *code = -SKEP_EFAULT;
        return NULL;
    }
    if ((uint64_t)offset + length > packet_size(xdp)) {
        *code = -SKEP_EINVAL;
        return NULL;
    }
    return xdp->data + offset;
}

HELPER_BODY(helper_xdp_load_bytes)
{
    const struct xdp_ctx *xdp = body_xdp(call);
    const uint8_t *from;
    int code;

    if (!xdp)
        return 0;
    from = bytes_at(xdp, (uint32_t)b, (uint32_t)d, &code);
    if (from)
        memmove(body_pointer(c), from, (uint32_t)d);
    return body_code(code);
}

HELPER_BODY(helper_xdp_store_bytes)
{
    const struct xdp_ctx *xdp = body_xdp(call);
    uint8_t *to;
    int code;

    if (!xdp)
        return 0;
    to = bytes_at(xdp, (uint32_t)b, (uint32_t)d, &code);
    if (to)
        memmove(to, body_pointer(c), (uint32_t)d);
    return body_code(code);
}
