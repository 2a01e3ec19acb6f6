/* skb.c - helpers on a socket buffer that keep its length: bytes in and out, hash, type, time.
 *
 * All bytes of a packet are in one piece here, so nothing needs to be pulled in; the checks and
 * codes are Linux's.
 */
#include <string.h>

#include "helper/skb_room.h"

/* -- bytes ------------------------------------------------------------------------------------- */

HELPER_BODY(helper_skb_load_bytes)
{
    const struct skb_ctx *skb = body_skb(call);
    uint32_t offset = (uint32_t)b, length = (uint32_t)d;

    if (!skb)
        return 0;
    if (offset > INT32_MAX || offset > skb->len || length > skb->len - offset) {
        memset(body_pointer(c), 0, length);
        return body_code(-SKEP_EFAULT);
    }
    memcpy(body_pointer(c), skb->data + offset, length);
    return 0;
}

HELPER_BODY(helper_skb_load_bytes_relative)
{
    enum { FROM_MAC = 0, FROM_NETWORK = 1 };
    const struct skb_ctx *skb = body_skb(call);
    uint32_t offset = (uint32_t)b, length = (uint32_t)d;
    const uint8_t *start = NULL;

    if (!skb)
        return 0;
    if ((uint32_t)e == FROM_MAC)
        start = skb->mac_header;
    else if ((uint32_t)e == FROM_NETWORK)
        start = skb->network_header;
    if (!start || offset > 0xffff || start > skb->data_end ||
        (uint64_t)offset + length > (uint64_t)(skb->data_end - start)) {
        memset(body_pointer(c), 0, length);
        return body_code(-SKEP_EFAULT);
    }
    memcpy(body_pointer(c), start + offset, length);
    return 0;
}

HELPER_BODY(helper_skb_store_bytes)
{
    enum { RECOMPUTE_CSUM = 1, INVALIDATE_HASH = 2 };
    struct skb_ctx *skb = body_skb(call);
    uint32_t offset = (uint32_t)b, length = (uint32_t)d;

    if (!skb)
        return 0;
    if (e & ~(uint64_t)(RECOMPUTE_CSUM | INVALIDATE_HASH))
        return body_code(-SKEP_EINVAL);
    if (offset > INT32_MAX || skb_make_writable(skb, (uint64_t)offset + length))
        return body_code(-SKEP_EFAULT);
    memmove(skb->data + offset, body_pointer(c), length); /* the source may be the packet */
    if (e & INVALIDATE_HASH)
        skb_clear_hash(skb);
    return 0;
}

HELPER_BODY(helper_skb_pull_data)
{
    struct skb_ctx *skb = body_skb(call);

    if (!skb)
        return 0;
    return body_code(skb_make_writable(skb, (uint32_t)b ? (uint32_t)b : skb->len));
}

/* -- hash -------------------------------------------------------------------------------------- */

/* The protocol under all VLAN tags, in the host's order; 0 if the tags do not end. */
static uint16_t inner_protocol(const struct skb_ctx *skb, uint32_t *offset)
{
    uint16_t type = skb_get_protocol(skb);
    uint32_t at = skb->mac_len ? skb->mac_len - (uint32_t)VLAN_HLEN : ETH_HLEN;

    if (type != ETH_P_8021Q && type != ETH_P_8021AD) {
        if (offset)
            *offset = (uint32_t)(skb->network_header - skb->mac_header);
        return type;
    }
    if (skb->mac_len && skb->mac_len < VLAN_HLEN)
        return 0;
    for (int depth = 0; depth < 8; depth++, at += VLAN_HLEN) { /* VLAN_MAX_DEPTH */
        if (at + VLAN_HLEN > (size_t)(skb->data_end - skb->mac_header))
            return 0;
        type = load_u16(skb->mac_header + at + 2, true);
        if (type != ETH_P_8021Q && type != ETH_P_8021AD) {
            if (offset)
                *offset = at + VLAN_HLEN;
            return type;
        }
    }
    return 0;
}

/* A flow's hash: its addresses, protocol and ports. Linux seeds its own at boot, so no two machines
 * agree on the number; what holds is that both ends of one flow have the same and that it is not 0.
 */
static uint32_t flow_hash(const struct skb_ctx *skb)
{
    enum { TCP = 6, UDP = 17, SCTP = 132 };
    uint8_t key[40] = {0};
    const uint8_t *ip;
    uint32_t offset = 0, header = 0, hash = 0x9e3779b9;
    uint16_t type = inner_protocol(skb, &offset);
    size_t left, size;
    bool is_fragment = false;

    if (offset > (size_t)(skb->data_end - skb->mac_header))
        return 1;
    ip = skb->mac_header + offset;
    left = (size_t)(skb->data_end - ip);
    if (type == ETH_P_IP && left >= 20) {
        size = 4;
        key[32] = ip[9];
        header = (ip[0] & 0xfu) * 4;
        is_fragment = load_u16(ip + 6, true) & 0x3fff;
        memcpy(key, ip + 12, 4);
        memcpy(key + 16, ip + 16, 4);
    } else if (type == ETH_P_IPV6 && left >= 40) {
        size = 16;
        key[32] = ip[6];
        header = 40;
        memcpy(key, ip + 8, 16);
        memcpy(key + 16, ip + 24, 16);
    } else {
        return 1;
    }
    if (!is_fragment && header + 4 <= left &&
        (key[32] == TCP || key[32] == UDP || key[32] == SCTP)) {
        memcpy(key + 34, ip + header, 2);
        memcpy(key + 36, ip + header + 2, 2);
    }
    if (memcmp(key, key + 16, size) > 0 ||
        (memcmp(key, key + 16, size) == 0 && memcmp(key + 34, key + 36, 2) > 0)) {
        uint8_t swap[16];
        memcpy(swap, key, 16);
        memcpy(key, key + 16, 16);
        memcpy(key + 16, swap, 16);
        memcpy(swap, key + 34, 2);
        memcpy(key + 34, key + 36, 2);
        memcpy(key + 36, swap, 2);
    }
    for (size_t i = 0; i < sizeof key; i++) {
        hash = (hash ^ key[i]) * 0x01000193;
        hash ^= hash >> 15;
    }
    return hash ? hash : 1;
}

HELPER_BODY(helper_get_hash_recalc)
{
    struct skb_ctx *skb = body_skb(call);

    if (!skb)
        return 0;
    if (!skb->has_hash) {
        skb->hash = flow_hash(skb);
        skb->has_hash = 1;
    }
    return skb->hash;
}

HELPER_BODY(helper_set_hash_invalid)
{
    struct skb_ctx *skb = body_skb(call);

    if (skb)
        skb_clear_hash(skb);
    return 0;
}

HELPER_BODY(helper_set_hash)
{
    struct skb_ctx *skb = body_skb(call);

    if (skb) {
        skb->hash = (uint32_t)b;
        skb->has_hash = 1;
    }
    return 0;
}

/* -- type, time, congestion -------------------------------------------------------------------- */

HELPER_BODY(helper_skb_change_type)
{
    enum { LAST_TYPE = 3 }; /* PACKET_OTHERHOST; the kernel's own types come after it */
    struct skb_ctx *skb = body_skb(call);

    if (!skb)
        return 0;
    if (skb->pkt_type > LAST_TYPE || (uint32_t)b > LAST_TYPE)
        return body_code(-SKEP_EINVAL);
    skb->pkt_type = (uint32_t)b;
    return 0;
}

HELPER_BODY(helper_skb_set_tstamp)
{
    enum { REALTIME, MONOTONIC, TAI };
    struct skb_ctx *skb = body_skb(call);
    uint16_t type;

    if (!skb)
        return 0;
    type = skb_get_protocol(skb);
    if (type != ETH_P_IP && type != ETH_P_IPV6)
        return body_code(-SKEP_EOPNOTSUPP);
    switch ((uint32_t)c) {
    case REALTIME:
        break;
    case MONOTONIC:
    case TAI:
        if (!b)
            return body_code(-SKEP_EINVAL);
        break;
    default:
        return body_code(-SKEP_EINVAL);
    }
    skb->tstamp = b;
    skb->tstamp_type = (uint32_t)c;
    return 0;
}

/* RFC 3168: mark "congestion experienced" where the sender can hear it (ECT). 1: it is marked now.
 */
static uint64_t ipv4_set_ce(uint8_t *ip)
{
    uint8_t ecn = ip[1] & 3;
    uint16_t sum;
    uint32_t next;

    if (ecn == 0)
        return 0;
    if (ecn == 3)
        return 1;
    /* ECT(1) to CE adds 2, ECT(0) to CE adds 1 to the first word, which the checksum loses. */
    sum = load_u16(ip + 10, true);
    next = (uint32_t)sum + (ecn == 1 ? 0xfffdu : 0xfffeu);
    store_u16(ip + 10, (uint16_t)(next + (next >> 16)), true);
    ip[1] |= 3;
    return 1;
}

static uint64_t ipv6_set_ce(uint8_t *ip)
{
    if (!(ip[1] & 0x30))
        return 0;
    ip[1] |= 0x30;
    return 1;
}

HELPER_BODY(helper_skb_ecn_set_ce)
{
    struct skb_ctx *skb = body_skb(call);
    uint16_t type;
    size_t need;

    if (!skb)
        return 0;
    type = inner_protocol(skb, NULL);
    need = type == ETH_P_IP ? 20 : 40;
    if ((type != ETH_P_IP && type != ETH_P_IPV6) || skb->len < need ||
        skb->network_header > skb->data_end || (size_t)(skb->data_end - skb->network_header) < need)
        return 0;
    return type == ETH_P_IP ? ipv4_set_ce(skb->network_header) : ipv6_set_ce(skb->network_header);
}
