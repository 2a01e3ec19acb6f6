/* context.h - where the host keeps what a program sees as its context.
 *
 * The program's view (struct xdp_md, struct __sk_buff) is 32-bit and frozen by Linux; these structs
 * are the host's, with real pointers, and the tables in context.def map one to the other
 * (platform_field.host_offset). Whoever makes one sets all pointers and what the packet says;
 * everything else may start as zero.
 */
#ifndef PLATFORM_CONTEXT_H
#define PLATFORM_CONTEXT_H

#include <stdint.h>

/* XDP. The packet lies in [data, data_end), metadata in [data_meta, data), room to grow in
 * [hard_start, hard_end): hard_start is Linux's data_hard_start (struct xdp_frame lies there, so
 * programs cannot have its bytes), hard_end is where struct skb_shared_info would begin. */
struct xdp_ctx {
    uint8_t *data, *data_end, *data_meta, *hard_start, *hard_end;
    uint32_t ingress_ifindex, rx_queue_index, egress_ifindex;
    uint32_t redirect_ifindex; /* result of bpf_redirect; 0: none */
};
enum { XDP_FRAME_SIZE = 40 /* sizeof(struct xdp_frame), Linux 6.18 */ };

enum skb_checksum {
    SKB_CHECKSUM_NONE,
    SKB_CHECKSUM_UNNECESSARY,
    SKB_CHECKSUM_COMPLETE,
    SKB_CHECKSUM_PARTIAL
};

/* Socket filters, tc, and later every other type that sees a struct __sk_buff. Linux reallocates
 * the head of a packet that grows; here it moves within [hard_start, hard_end), so that is as long
 * as a packet and its headroom can get. */
struct skb_ctx {
    uint8_t *data, *data_end, *data_meta, *hard_start,
        *hard_end; /* data: where the program's view begins */
    uint8_t *mac_header, *network_header;
    uint32_t len, pkt_type, mark, queue_mapping, protocol /* network order */, vlan_present,
        vlan_tci, vlan_proto, priority;
    uint32_t ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, napi_id, family;
    uint32_t remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
    uint32_t wire_len, gso_segs, gso_size, tstamp_type;
    uint64_t tstamp, hwtstamp;
    void *sk, *flow_keys; /* NULL: none */
    uint32_t redirect_ifindex;
    /* Bytes of Linux's headroom in use, less than zero after it got more; the transport header as
     * Linux counts (from the start of the headroom, in 16 bits), plus 1; 0: never set. */
    int32_t head_taken;
    uint16_t transport;
    uint16_t mac_len;
    uint8_t checksum /* enum skb_checksum */, csum_level, has_hash, is_encapsulated;
};
enum {
    SKB_HEADROOM = 64 /* NET_SKB_PAD: of a test run's packet, and the step by which it grows */
};
enum { SKB_LEN_MAX = 16064 /* BPF_SKB_MAX_LEN: SKB_MAX_ALLOC with pages of 4 KiB */ };

#endif
