/* diff.h - all that the programs here need, so that they compile without a system's headers: types, packet headers, maps
 * and helpers. Numbers are the kernel's (uapi/linux/bpf.h).
 */
#ifndef DIFF_H
#define DIFF_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define SEC(name)        __attribute__((section(name), used))
#define INLINE           static inline __attribute__((always_inline))
#define NOINLINE         static __attribute__((noinline))
#define GLOBAL           __attribute__((noinline))
#define __uint(name, v)  int(*name)[v]
#define __type(name, v)  __typeof__(v) *name
#define __array(name, v) __typeof__(v) *name[]
#define BARRIER(v)       __asm__ volatile("" : "+r"(v))

/* -- contexts ---------------------------------------------------------------------------------------- */
struct xdp_md {
    u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
struct __sk_buff {
    u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority;
    u32 ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end, napi_id,
        family;
    u32 remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port, data_meta;
    u64 flow_keys, tstamp;
    u32 wire_len, gso_segs;
    u64 sk;
    u32 gso_size;
};
enum { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };
enum { TC_ACT_OK = 0, TC_ACT_RECLASSIFY = 1, TC_ACT_SHOT = 2, TC_ACT_PIPE = 3, TC_ACT_UNSPEC = -1 };

/* -- packets ----------------------------------------------------------------------------------------- */
#define ntohs(v) __builtin_bswap16(v)
#define ntohl(v) __builtin_bswap32(v)
#define htons(v) __builtin_bswap16(v)
#define htonl(v) __builtin_bswap32(v)

enum { ETH_IP = 0x0800, ETH_ARP = 0x0806, ETH_VLAN = 0x8100, ETH_QINQ = 0x88a8, ETH_IP6 = 0x86dd };
enum { PROTO_ICMP = 1, PROTO_IPIP = 4, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58 };

struct eth {
    u8 to[6], from[6];
    u16 type;
} __attribute__((packed));
struct vlan {
    u16 tci, type;
};
struct ip4 {
    u8 version_words, tos;
    u16 length, id, fragment;
    u8 ttl, proto;
    u16 check;
    u32 from, to;
};
struct ip6 {
    u32 version_class_flow;
    u16 length;
    u8 next, hops;
    u32 from[4], to[4];
};
struct tcp {
    u16 from, to;
    u32 seq, ack;
    u8 words, flags;
    u16 window, check, urgent;
};
struct udp {
    u16 from, to, length, check;
};
struct icmp {
    u8 type, code;
    u16 check, id, seq;
};

/* -- maps and helpers -------------------------------------------------------------------------------- */
enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, PERCPU_ARRAY = 6, ARRAY_OF_MAPS = 12 };
enum { ANY = 0, NOEXIST = 1, EXIST = 2 };

static void *(*const map_lookup)(const void *map, const void *key) = (void *)1;
static long (*const map_update)(const void *map, const void *key, const void *value,
                                u64 flags) = (void *)2;
static long (*const map_delete)(const void *map, const void *key) = (void *)3;
static u32 (*const get_cpu)(void) = (void *)8;
static long (*const skb_store_bytes)(void *skb, u32 at, const void *from, u32 size,
                                     u64 flags) = (void *)9;
static long (*const l3_csum_replace)(void *skb, u32 at, u64 from, u64 to, u64 size) = (void *)10;
static long (*const l4_csum_replace)(void *skb, u32 at, u64 from, u64 to, u64 flags) = (void *)11;
static long (*const tail_call)(void *ctx, const void *map, u32 index) = (void *)12;
static long (*const skb_vlan_push)(void *skb, u16 proto, u16 tci) = (void *)18;
static long (*const skb_vlan_pop)(void *skb) = (void *)19;
static long (*const skb_load_bytes)(const void *skb, u32 at, void *to, u32 size) = (void *)26;
static s64 (*const csum_diff)(const void *from, u32 from_size, const void *to, u32 to_size,
                              u32 seed) = (void *)28;
static long (*const skb_change_proto)(void *skb, u16 proto, u64 flags) = (void *)31;
static long (*const skb_change_type)(void *skb, u32 type) = (void *)32;
static long (*const skb_change_tail)(void *skb, u32 size, u64 flags) = (void *)38;
static long (*const skb_pull_data)(void *skb, u32 size) = (void *)39;
static long (*const skb_change_head)(void *skb, u32 size, u64 flags) = (void *)43;
static long (*const xdp_adjust_head)(void *xdp, int delta) = (void *)44;
static long (*const skb_adjust_room)(void *skb, s32 delta, u32 mode, u64 flags) = (void *)50;
static long (*const xdp_adjust_meta)(void *xdp, int delta) = (void *)54;
static long (*const xdp_adjust_tail)(void *xdp, int delta) = (void *)65;
static long (*const skb_ecn_set_ce)(void *skb) = (void *)97;
static long (*const for_each_map_elem)(const void *map, void *fn, void *user,
                                       u64 flags) = (void *)164;
static long (*const bpf_loop)(u32 turns, void *fn, void *user, u64 flags) = (void *)181;
static long (*const strncmp)(const char *a, u32 size, const char *b) = (void *)182;
static u64 (*const xdp_get_buff_len)(void *xdp) = (void *)188;
static long (*const xdp_load_bytes)(void *xdp, u32 at, void *to, u32 size) = (void *)189;
static long (*const xdp_store_bytes)(void *xdp, u32 at, const void *from, u32 size) = (void *)190;

/* -- what most of them do ----------------------------------------------------------------------------- */
#define DATA(ctx) ((u8 *)(long)(ctx)->data)
#define END(ctx)  ((u8 *)(long)(ctx)->data_end)
/* Whether `size` bytes at `p` lie within the packet. */
#define FITS(p, size, end) ((const u8 *)(p) + (size) <= (const u8 *)(end))

INLINE u16 fold(u64 sum)
{
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (u16)sum;
}

/* RFC 1624: the checksum after a word has changed. */
INLINE u16 csum_change(u16 check, u16 from, u16 to)
{
    return (u16)~fold((u64)(u16)~check + (u16)~from + to);
}

INLINE u32 rol32(u32 v, u32 by)
{
    return v << by | v >> (32 - by);
}

/* Bob Jenkins' final mix of three words. */
INLINE u32 mix3(u32 a, u32 b, u32 c)
{
    c ^= b, c -= rol32(b, 14);
    a ^= c, a -= rol32(c, 11);
    b ^= a, b -= rol32(a, 25);
    c ^= b, c -= rol32(b, 16);
    a ^= c, a -= rol32(c, 4);
    b ^= a, b -= rol32(a, 14);
    c ^= b, c -= rol32(b, 24);
    return c;
}

/* The network header behind up to two VLAN tags: its type in host order, 0: none. */
INLINE u16 skip_tags(const u8 *data, const u8 *end, const u8 **next)
{
    const struct eth *eth = (const void *)data;
    u16 type;

    if (!FITS(eth, sizeof *eth, end))
        return 0;
    type = ntohs(eth->type);
    data += sizeof *eth;
    for (int i = 0; i < 2; i++) {
        const struct vlan *tag = (const void *)data;

        if (type != ETH_VLAN && type != ETH_QINQ)
            break;
        if (!FITS(tag, sizeof *tag, end))
            return 0;
        type = ntohs(tag->type);
        data += sizeof *tag;
    }
    *next = data;
    return type;
}

#endif
