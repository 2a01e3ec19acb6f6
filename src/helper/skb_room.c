/* skb_room.c - room around a socket buffer's bytes, and the helpers that use it at both ends. */
#include "helper/skb_room.h"

#include <string.h>

#include "base/check.h"

void skb_settle(struct skep_call *call, struct skb_ctx *skb)
{
    skb->data_meta = skb->data;
    skb->len = (uint32_t)(skb->data_end - skb->data);
    body_packet_changed(call);
}

static void move(struct skb_ctx *skb, ptrdiff_t by)
{
    uint8_t *start = skb->mac_header < skb->data ? skb->mac_header : skb->data;

    memmove(start + by, start, (size_t)(skb->data_end - start));
    skb->data += by;
    skb->data_end += by;
    skb->data_meta += by;
    skb->mac_header += by;
    skb->network_header += by;
}

int skb_make_room(struct skb_ctx *skb, size_t head, size_t tail)
{
    const uint8_t *start = skb->mac_header < skb->data ? skb->mac_header : skb->data;
    size_t front = (size_t)(start - skb->hard_start);
    size_t back = (size_t)(skb->hard_end - skb->data_end);

    if (head <= front && tail <= back)
        return 0;
    if (head > front + back || tail > front + back - head)
        return -SKEP_ENOMEM;
    if (head > front)
        move(skb, (ptrdiff_t)(head - front));
    else
        move(skb, -(ptrdiff_t)(tail - back));
    return 0;
}

void skb_take_head(struct skb_ctx *skb, uint32_t size)
{
    if ((int64_t)size > skb_headroom(skb)) {
        uint32_t more = (uint32_t)round_up(size - (uint32_t)skb_headroom(skb), SKB_HEADROOM);
        skb->head_taken -= (int32_t)more;
        skb->transport = (uint16_t)(skb->transport + more);
    }
}

/* -- head and tail ----------------------------------------------------------------------------- */

/* The headers that trimming must leave. */
static uint32_t min_length(const struct skb_ctx *skb)
{
    uint32_t length = 0;

    if (skb->network_header > skb->data)
        length = (uint32_t)(skb->network_header - skb->data);
    if (skb->transport && skb->transport - 1 > skb_headroom(skb))
        length = (uint32_t)(skb->transport - 1 - skb_headroom(skb));
    return length;
}

HELPER_BODY(helper_skb_change_tail)
{
    struct skb_ctx *skb = body_skb(call);
    uint32_t length = (uint32_t)b;
    int rc;

    if (!skb)
        return 0;
    if (c || length > SKB_LEN_MAX || length < min_length(skb))
        return body_code(-SKEP_EINVAL);
    if (skb->is_encapsulated)
        return body_code(-SKEP_ENOTSUPP);
    if (length > skb->len) {
        rc = skb_make_room(skb, 0, length - skb->len);
        if (rc)
            return body_code(rc);
        memset(skb->data_end, 0, length - skb->len);
    }
    skb->data_end = skb->data + length;
    if (skb->gso_size)
        skb->gso_size = skb->gso_segs = 0; /* skb_gso_reset */
    skb_settle(call, skb);
    return 0;
}

HELPER_BODY(helper_skb_change_head)
{
    struct skb_ctx *skb = body_skb(call);
    uint32_t room = (uint32_t)b;
    int rc;

    if (!skb)
        return 0;
    if (c || room > INT32_MAX || (!skb->gso_size && skb->len + room > SKB_LEN_MAX))
        return body_code(-SKEP_EINVAL);
    rc = skb_make_room(skb, room, 0);
    if (rc)
        return body_code(rc);
    skb_take_head(skb, room);
    skb->head_taken += (int32_t)room;
    skb->data -= room;
    memset(skb->data, 0, room);
    skb->mac_header = skb->data;
    skb->mac_len = (uint16_t)(skb->network_header - skb->mac_header);
    skb_settle(call, skb);
    return 0;
}
