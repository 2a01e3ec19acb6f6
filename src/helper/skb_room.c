/* skb_room.c - helpers that make a socket buffer longer or shorter: head, tail, the middle, VLAN tags, IP versions.
 *
 *     hard_start      data = mac_header     network_header                 data_end      hard_end
 *     |---------------|---------------------|------------------------------|-------------|
 *
 * Growing at the front moves `data` down; where there is no room in front the packet first moves up, which programs
 * cannot tell from Linux's new allocation: their packet pointers are stale either way.
 */
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "helper/body.h"

enum { ETH_HLEN = 14, ETH_ALEN = 6, VLAN_HLEN = 4, IPV4_HLEN = 20, IPV6_HLEN = 40 };
enum { ETH_P_IP = 0x0800, ETH_P_IPV6 = 0x86dd, ETH_P_8021Q = 0x8100, ETH_P_8021AD = 0x88a8 };
enum { EALREADY_LINUX = 114 };

static uint16_t protocol_of(const struct skb_ctx *skb)
{
    uint16_t raw = (uint16_t)skb->protocol;

    return load_u16(&raw, true);
}

static void set_protocol(struct skb_ctx *skb, uint16_t type)
{
    uint16_t raw;

    store_u16(&raw, type, true);
    skb->protocol = raw;
}

static bool is_vlan(uint16_t type)
{
    return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

/* The packet's bytes changed place or number: what follows from data and data_end. */
static void settle(struct skep_call *call, struct skb_ctx *skb)
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

/* -- Linux's headroom: nothing is kept there, but how much of it is left decides what the kernel thinks the transport
 * header is. Growing it adds the difference to the header's 16-bit offset even where that says "not set", and
 * bpf_skb_change_tail never cuts into that header. ------------------------------------------------ */

static int32_t headroom(const struct skb_ctx *skb)
{
    return SKB_HEADROOM - skb->head_taken;
}

/* Linux's skb_cow_head. */
static void take_head(struct skb_ctx *skb, uint32_t size)
{
    if ((int64_t)size > headroom(skb)) {
        uint32_t more = (uint32_t)round_up(size - (uint32_t)headroom(skb), SKB_HEADROOM);
        skb->head_taken -= (int32_t)more;
        skb->transport = (uint16_t)(skb->transport + more);
    }
}

static bool is_transport_at_network(const struct skb_ctx *skb)
{
    ptrdiff_t network = headroom(skb) + (skb->network_header - skb->data);

    return skb->transport == (uint16_t)(network + 1);
}

static void set_transport(struct skb_ctx *skb, ptrdiff_t offset)
{
    skb->transport = (uint16_t)(headroom(skb) + offset + 1);
}

/* Room for `head` more bytes in front and `tail` behind; 0 or -SKEP_ENOMEM. */
static int make_room(struct skb_ctx *skb, size_t head, size_t tail)
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

/* -- head and tail ----------------------------------------------------------------------------- */

/* The headers that trimming must leave. */
static uint32_t min_length(const struct skb_ctx *skb)
{
    uint32_t length = 0;

    if (skb->network_header > skb->data)
        length = (uint32_t)(skb->network_header - skb->data);
    if (skb->transport && skb->transport - 1 > headroom(skb))
        length = (uint32_t)(skb->transport - 1 - headroom(skb));
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
        rc = make_room(skb, 0, length - skb->len);
        if (rc)
            return body_code(rc);
        memset(skb->data_end, 0, length - skb->len);
    }
    skb->data_end = skb->data + length;
    if (skb->gso_size)
        skb->gso_size = skb->gso_segs = 0; /* skb_gso_reset */
    settle(call, skb);
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
    rc = make_room(skb, room, 0);
    if (rc)
        return body_code(rc);
    take_head(skb, room);
    skb->head_taken += (int32_t)room;
    skb->data -= room;
    memset(skb->data, 0, room);
    skb->mac_header = skb->data;
    skb->mac_len = (uint16_t)(skb->network_header - skb->mac_header);
    settle(call, skb);
    return 0;
}

/* -- the middle: what stands before `offset` keeps its place at the front ----------------------- */

static int push_middle(struct skb_ctx *skb, uint32_t offset, uint32_t size)
{
    bool is_same;
    /* Linux does not ask whether the packet is as long as the headers in front of the gap; then they
     * end behind it. */
    int rc = make_room(skb, size, offset > skb->len ? offset - skb->len : 0);

    if (rc)
        return rc;
    take_head(skb, size);
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
    take_head(skb, size);
    rc = is_encap ? check_encap(skb, size, flags) : 0;
    if (!rc)
        rc = push_middle(skb, offset, size);
    if (rc || !is_encap)
        return rc;
    skb->is_encapsulated = 1;
    skb->network_header = skb->data + mac_len;
    if (flags & (ENCAP_GRE | ENCAP_UDP))
        set_transport(skb, mac_len + (flags & ENCAP_IPV6 ? IPV6_HLEN : IPV4_HLEN));
    if (protocol_of(skb) == ETH_P_IP && flags & ENCAP_IPV6)
        set_protocol(skb, ETH_P_IPV6);
    else if (protocol_of(skb) == ETH_P_IPV6 && flags & ENCAP_IPV4)
        set_protocol(skb, ETH_P_IP);
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
    if (protocol_of(skb) == ETH_P_IP && flags & DECAP_IPV6)
        set_protocol(skb, ETH_P_IPV6);
    else if (protocol_of(skb) == ETH_P_IPV6 && flags & DECAP_IPV4)
        set_protocol(skb, ETH_P_IP);
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
    type = protocol_of(skb);
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
    settle(call, skb);
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
    from = protocol_of(skb);
    offset = (uint32_t)(skb->network_header - skb->mac_header);
    if (from == ETH_P_IP && to == ETH_P_IPV6)
        rc = push_middle(skb, offset, DIFFERENCE);
    else if (from == ETH_P_IPV6 && to == ETH_P_IP)
        rc = pop_middle(skb, offset, DIFFERENCE);
    else
        rc = -SKEP_ENOTSUPP;
    if (!rc) {
        set_protocol(skb, to);
        skb_clear_hash(skb);
    }
    settle(call, skb);
    return body_code(rc);
}

/* -- VLAN tags: the outermost one is beside the packet, not in it ------------------------------- */

static void put_tag(struct skb_ctx *skb, uint16_t type, uint16_t tci)
{
    uint16_t raw;

    store_u16(&raw, type, true);
    skb->vlan_present = 1;
    skb->vlan_proto = raw;
    skb->vlan_tci = tci;
}

/* The tag beside the packet goes into it. */
static int insert_tag(struct skb_ctx *skb)
{
    uint16_t type = (uint16_t)skb->vlan_proto;
    int rc = make_room(skb, VLAN_HLEN, 0);

    if (rc)
        return rc;
    take_head(skb, VLAN_HLEN);
    skb->head_taken += VLAN_HLEN;
    skb->data -= VLAN_HLEN;
    memmove(skb->data, skb->data + VLAN_HLEN, 2 * ETH_ALEN);
    skb->mac_header -= VLAN_HLEN;
    memcpy(skb->data + 2 * ETH_ALEN, &type, 2);
    store_u16(skb->data + 2 * ETH_ALEN + 2, (uint16_t)skb->vlan_tci, true);
    skb->protocol = type;
    skb->network_header -= VLAN_HLEN;
    return 0;
}

/* The first tag in the packet comes out of it. */
static int remove_tag(struct skb_ctx *skb, uint16_t *tci)
{
    uint16_t type;
    int rc = skb_make_writable(skb, ETH_HLEN + VLAN_HLEN);

    if (rc)
        return rc;
    *tci = load_u16(skb->data + ETH_HLEN, true);
    type = load_u16(skb->data + ETH_HLEN + 2, true);
    if (type < 0x600) /* an 802.3 length: what kind of frame follows */
        type = skb->len >= ETH_HLEN + VLAN_HLEN + 2 &&
                       load_u16(skb->data + ETH_HLEN + VLAN_HLEN, true) == 0xffff
                   ? 0x0001
                   : 0x0004;
    set_protocol(skb, type);
    memmove(skb->data + VLAN_HLEN, skb->data, 2 * ETH_ALEN);
    skb->head_taken -= VLAN_HLEN;
    skb->data += VLAN_HLEN;
    skb->len -= VLAN_HLEN;
    skb->mac_header += VLAN_HLEN;
    if (skb->network_header - skb->data < ETH_HLEN)
        skb->network_header = skb->data + ETH_HLEN;
    skb->mac_len = (uint16_t)(skb->network_header - skb->mac_header);
    return 0;
}

HELPER_BODY(helper_skb_vlan_push)
{
    struct skb_ctx *skb = body_skb(call);
    uint16_t raw = (uint16_t)b, type = load_u16(&raw, true);
    int rc = 0;

    if (!skb)
        return 0;
    if (!is_vlan(type))
        type = ETH_P_8021Q;
    if (skb->vlan_present)
        rc = insert_tag(skb);
    if (!rc)
        put_tag(skb, type, (uint16_t)c);
    skb->mac_len = (uint16_t)(skb->network_header - skb->mac_header);
    settle(call, skb);
    return body_code(rc);
}

static int pop_tag(struct skb_ctx *skb)
{
    uint16_t type, tci;
    int rc;

    if (skb->vlan_present) {
        skb->vlan_present = skb->vlan_proto = skb->vlan_tci = 0;
    } else {
        if (!is_vlan(protocol_of(skb)))
            return 0;
        rc = remove_tag(skb, &tci);
        if (rc)
            return rc;
    }
    /* The next tag, if there is one, takes the place beside the packet. */
    type = protocol_of(skb);
    if (!is_vlan(type))
        return 0;
    rc = remove_tag(skb, &tci);
    if (!rc)
        put_tag(skb, type, tci);
    return rc;
}

HELPER_BODY(helper_skb_vlan_pop)
{
    struct skb_ctx *skb = body_skb(call);
    int rc;

    if (!skb)
        return 0;
    rc = pop_tag(skb);
    settle(call, skb);
    return body_code(rc);
}
