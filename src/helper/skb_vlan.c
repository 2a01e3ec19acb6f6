/* skb_vlan.c - VLAN tags: the outermost one is beside the packet (vlan_tci), the others in it. */
#include "helper/skb_room.h"

#include <string.h>

static bool is_vlan(uint16_t type)
{
    return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

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
    int rc = skb_make_room(skb, VLAN_HLEN, 0);

    if (rc)
        return rc;
    skb_take_head(skb, VLAN_HLEN);
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
    skb_set_protocol(skb, type);
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
    skb_settle(call, skb);
    return body_code(rc);
}

static int pop_tag(struct skb_ctx *skb)
{
    uint16_t type, tci;
    int rc;

    if (skb->vlan_present) {
        skb->vlan_present = skb->vlan_proto = skb->vlan_tci = 0;
    } else {
        if (!is_vlan(skb_get_protocol(skb)))
            return 0;
        rc = remove_tag(skb, &tci);
        if (rc)
            return rc;
    }
    /* The next tag, if there is one, takes the place beside the packet. */
    type = skb_get_protocol(skb);
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
    skb_settle(call, skb);
    return body_code(rc);
}
