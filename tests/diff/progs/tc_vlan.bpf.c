/* VLAN tags come and go, the tail is cut and grown, the packet's type changes; directly written bytes in between. */
#include "diff.h"

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 10);
    __type(key, u32);
    __type(value, s64);
} codes SEC(".maps");

u64 tags;

INLINE void note(u32 slot, s64 code)
{
    s64 *at = map_lookup(&codes, &slot);

    if (at)
        *at += code;
}

SEC("tc")
int vlan(struct __sk_buff *skb)
{
    u8 *data = DATA(skb), *end = END(skb);
    u32 what, size = skb->len;

    if (!FITS(data, 20, end))
        return TC_ACT_SHOT;
    what = data[19];
    data[5] ^= (u8)what;
    switch (what & 7) {
    case 0:
        note(0, skb_vlan_push(skb, htons(ETH_VLAN), (u16)(what << 2)));
        break;
    case 1:
        note(1, skb_vlan_push(skb, htons(ETH_VLAN), 5));
        note(1, skb_vlan_push(skb, htons(ETH_QINQ), 0x6007));
        break;
    case 2:
        note(2, skb_vlan_pop(skb));
        break;
    case 3:
        note(3, skb_change_tail(skb, size / 2, 0));
        break;
    case 4:
        note(4, skb_change_tail(skb, size + (what >> 3), 0));
        break;
    case 5:
        note(5, skb_vlan_push(skb, htons(ETH_VLAN), 77));
        note(6, skb_change_tail(skb, size - (what >> 5), 0));
        note(7, skb_vlan_pop(skb));
        break;
    case 6:
        note(8, skb_change_type(skb, what >> 3));
        note(8, skb_change_tail(skb, 3, 0));
        break;
    default:
        note(9, skb_pull_data(skb, size + (what >> 7)));
        break;
    }
    tags = tags * 7 + skb->vlan_tci + skb->vlan_present + skb->vlan_proto + skb->protocol +
           skb->len + skb->pkt_type;
    data = DATA(skb);
    end = END(skb);
    if (FITS(data, 16, end)) {
        data[0] ^= 0x40;
        tags += data[12] << 8 | data[13];
    }
    return skb->vlan_present ? TC_ACT_OK : TC_ACT_PIPE;
}

char _license[] SEC("license") = "GPL";
