/* skb_room.h - room around a socket buffer's bytes, for the helpers that make it longer or shorter.
 * Private to helper/.
 *
 *     hard_start      data = mac_header     network_header         data_end      hard_end
 *     |---------------|---------------------|----------------------|-------------|
 *
 * Growing at the front moves `data` down; where there is no room in front the packet first moves
 * up, which programs cannot tell from Linux's new allocation: their packet pointers are stale
 * either way.
 *
 * Linux's own headroom is only counted (skb_ctx.head_taken): how much of it is left decides what
 * the kernel thinks the transport header is. Growing it adds the difference to the header's 16-bit
 * offset even where that says "not set", and bpf_skb_change_tail never cuts into that header.
 */
#ifndef HELPER_SKB_ROOM_H
#define HELPER_SKB_ROOM_H

#include "base/reader.h"
#include "helper/body.h"

enum { ETH_HLEN = 14, ETH_ALEN = 6, VLAN_HLEN = 4, IPV4_HLEN = 20, IPV6_HLEN = 40 };
enum { ETH_P_IP = 0x0800, ETH_P_IPV6 = 0x86dd, ETH_P_8021Q = 0x8100, ETH_P_8021AD = 0x88a8 };

/* Room for `head` more bytes in front and `tail` behind; 0 or -SKEP_ENOMEM. */
int skb_make_room(struct skb_ctx *, size_t head, size_t tail);
/* Linux's skb_cow_head: its headroom has at least `size` bytes afterwards. */
void skb_take_head(struct skb_ctx *, uint32_t size);
/* The packet's bytes changed place or number: what follows from data and data_end. */
void skb_settle(struct skep_call *, struct skb_ctx *);

static inline int32_t skb_headroom(const struct skb_ctx *skb)
{
    return SKB_HEADROOM - skb->head_taken;
}

/* The EtherType in the host's order. */
static inline uint16_t skb_get_protocol(const struct skb_ctx *skb)
{
    uint16_t raw = (uint16_t)skb->protocol;

    return load_u16(&raw, true);
}

static inline void skb_set_protocol(struct skb_ctx *skb, uint16_t type)
{
    uint16_t raw;

    store_u16(&raw, type, true);
    skb->protocol = raw;
}

#endif
