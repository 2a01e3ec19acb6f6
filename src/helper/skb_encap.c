/* skb_encap.c - helpers that open and close a gap in the middle of a socket buffer: for tunnel
 * headers (bpf_skb_adjust_room) and between IP versions (bpf_skb_change_proto).
 */
#include "helper/skb_room.h"

#include <string.h>

enum { EALREADY_LINUX = 114 };

static bool is_transport_at_network(const struct skb_ctx *skb)
{
    ptrdiff_t network = skb_headroom(skb) + (skb->network_header - skb->data);

    return skb->transport == (uint16_t)(network + 1);
}

static void set_transport(struct skb_ctx *skb, ptrdiff_t offset)
{
    skb->transport = (uint16_t)(skb_headroom(skb) + offset + 1);
}

/* -- the middle: what stands before `offset` keeps its place at the front -----------------------
 */

static int push_middle(struct skb_ctx *skb, uint32_t offset, uint32_t size)
{
    bool is_same;
    /* Linux does not ask whether the packet is as long as the headers in front of the gap; then
     * they end behind it. */
    int rc = skb_make_room(skb, size, offset > skb->len ? offset - skb->len : 0);

    if (rc)
        return rc;
    skb_take_head(skb, size);
    is_same = is_transport_at_network(skb);
    skb->head_taken += (int32_t)size;
    skb->data -= size;
    memmove(skb->data, skb->data + size, offset);
    memset(skb->data + offset, 0, size);
    skb->mac_header -= size;
    skb->network_header -= size;
    if (is_same)
        set_transport(skb, skb->network_header - skb->data);
    return 0;
}

static int pop_middle(struct skb_ctx *skb, uint32_t offset, uint32_t size)
{
    bool is_same = is_transport_at_network(skb);

    if ((uint64_t)offset + size > skb->len)
        return -SKEP_ENOMEM;
    memmove(skb->data + size, skb->data, offset);
    skb->head_taken -= (int32_t)size;
    skb->data += size;
    skb->mac_header += size;
    skb->network_header += size;
    if (is_same)
        set_transport(skb, skb->network_header - skb->data);
    return 0;
}

/* -- bpf_skb_adjust_room ----------------------------------------------------------------------- */

enum {
    FIXED_GSO = 1 << 0,
    ENCAP_IPV4 = 1 << 1,
    ENCAP_IPV6 = 1 << 2,
    ENCAP_GRE = 1 << 3,
    ENCAP_UDP = 1 << 4,
    NO_CSUM_RESET = 1 << 5,
    ENCAP_ETH = 1 << 6,
    DECAP_IPV4 = 1 << 7,
    DECAP_IPV6 = 1 << 8,
    ENCAP_L2_SHIFT = 56 /* the length of the inner link header stands above */
};
#define ENCAP_L2_MASK (UINT64_C(0xff) << ENCAP_L2_SHIFT)

/* What an encapsulation asks for makes sense. */
static int check_encap(const struct skb_ctx *skb, uint32_t size, uint64_t flags)
{
    uint32_t inner_mac_len = (uint32_t)(flags >> ENCAP_L2_SHIFT);

    if ((flags & ENCAP_IPV4 && flags & ENCAP_IPV6) || (flags & ENCAP_GRE && flags & ENCAP_UDP) ||
        (flags & ENCAP_ETH && inner_mac_len < ETH_HLEN))
        return -SKEP_EINVAL;
    if (skb->is_encapsulated)
        return -EALREADY_LINUX;
    return inner_mac_len > size ? -SKEP_EINVAL : 0;
}

static int grow_room(struct skb_ctx *skb, uint32_t offset, uint32_t size, uint64_t flags)
{
    bool is_encap = flags & (ENCAP_IPV4 | ENCAP_IPV6);
    ptrdiff_t mac_len = skb->network_header - skb->mac_header;
    int rc;

    if (skb->gso_size) /* its type is unknown here, as in Linux's test runs */
        return -SKEP_ENOTSUPP;
    skb_take_head(skb, size);
    rc = is_encap ? check_encap(skb, size, flags) : 0;
    if (!rc)
        rc = push_middle(skb, offset, size);
    if (rc || !is_encap)
        return rc;
    skb->is_encapsulated = 1;
    skb->network_header = skb->data + mac_len;
    if (flags & (ENCAP_GRE | ENCAP_UDP))
        set_transport(skb, mac_len + (flags & ENCAP_IPV6 ? IPV6_HLEN : IPV4_HLEN));
    if (skb_get_protocol(skb) == ETH_P_IP && flags & ENCAP_IPV6)
        skb_set_protocol(skb, ETH_P_IPV6);
    else if (skb_get_protocol(skb) == ETH_P_IPV6 && flags & ENCAP_IPV4)
        skb_set_protocol(skb, ETH_P_IP);
    return 0;
}

static int shrink_room(struct skb_ctx *skb, uint32_t offset, uint32_t size, uint64_t flags)
{
    int rc;

    if (flags & ~(uint64_t)(FIXED_GSO | DECAP_IPV4 | DECAP_IPV6 | NO_CSUM_RESET))
        return -SKEP_EINVAL;
    if (skb->gso_size)
        return -SKEP_ENOTSUPP;
    rc = pop_middle(skb, offset, size);
    if (rc)
        return rc;
    if (skb_get_protocol(skb) == ETH_P_IP && flags & DECAP_IPV6)
        skb_set_protocol(skb, ETH_P_IPV6);
    else if (skb_get_protocol(skb) == ETH_P_IPV6 && flags & DECAP_IPV4)
        skb_set_protocol(skb, ETH_P_IP);
    return 0;
}

HELPER_BODY(helper_skb_adjust_room)
{
    enum { MODE_NET, MODE_MAC };
    const uint64_t known = FIXED_GSO | ENCAP_IPV4 | ENCAP_IPV6 | ENCAP_GRE | ENCAP_UDP | ENCAP_ETH |
                           ENCAP_L2_MASK | DECAP_IPV4 | DECAP_IPV6 | NO_CSUM_RESET;
    struct skb_ctx *skb = body_skb(call);
    int32_t change = (int32_t)b;
    uint32_t size = change < 0 ? 0 - (uint32_t)change : (uint32_t)change;
    uint32_t base, least, offset, after;
    uint16_t type;
    int rc;

    if (!skb)
        return 0;
    if (d & ~known)
        return body_code(-SKEP_EINVAL);
    if (size > 0xfff)
        return body_code(-SKEP_EFAULT);
    type = skb_get_protocol(skb);
    if (type != ETH_P_IP && type != ETH_P_IPV6)
        return body_code(-SKEP_ENOTSUPP);
    base = type == ETH_P_IP ? IPV4_HLEN : IPV6_HLEN;
    offset = (uint32_t)(skb->network_header - skb->mac_header);
    if ((uint32_t)c == MODE_NET)
        offset += base;
    else if ((uint32_t)c != MODE_MAC)
        return body_code(-SKEP_ENOTSUPP);
    least = base;
    if (d & (DECAP_IPV4 | DECAP_IPV6)) {
        if (change >= 0 || (d & DECAP_IPV4 && d & DECAP_IPV6))
            return body_code(-SKEP_EINVAL);
        least = d & DECAP_IPV4 ? IPV4_HLEN : IPV6_HLEN;
    }
    after = skb->len - (uint32_t)(skb->network_header - skb->data);
    if (change < 0 ? size >= after || after - size < least
                   : skb->len + size > SKB_LEN_MAX && !skb->gso_size)
        return body_code(-SKEP_ENOTSUPP);
    rc = change < 0 ? shrink_room(skb, offset, size, d) : grow_room(skb, offset, size, d);
    if (!rc && !(d & NO_CSUM_RESET) && skb->checksum == SKB_CHECKSUM_UNNECESSARY)
        skb->checksum = SKB_CHECKSUM_NONE;
    skb_settle(call, skb);
    return body_code(rc);
}

/* -- bpf_skb_change_proto ---------------------------------------------------------------------- */

HELPER_BODY(helper_skb_change_proto)
{
    enum { DIFFERENCE = IPV6_HLEN - IPV4_HLEN };
    struct skb_ctx *skb = body_skb(call);
    uint16_t raw = (uint16_t)b, to = load_u16(&raw, true), from;
    uint32_t offset;
    int rc;

    if (!skb)
        return 0;
    if (c)
        return body_code(-SKEP_EINVAL);
    from = skb_get_protocol(skb);
    offset = (uint32_t)(skb->network_header - skb->mac_header);
    if (from == ETH_P_IP && to == ETH_P_IPV6)
        rc = push_middle(skb, offset, DIFFERENCE);
    else if (from == ETH_P_IPV6 && to == ETH_P_IP)
        rc = pop_middle(skb, offset, DIFFERENCE);
    else
        rc = -SKEP_ENOTSUPP;
    if (!rc) {
        skb_set_protocol(skb, to);
        skb_clear_hash(skb);
    }
    skb_settle(call, skb);
    return body_code(rc);
}
