/* fw.bpf.c - a small stateful firewall for XDP: what `make run` shows.
 *
 * Every packet is counted by protocol. IPv4 and IPv6 TCP flows are tracked by their two ends: the first SYN opens a flow,
 * a packet of an unknown flow is dropped, and a host that opens more ports than `max_ports` without an answer is
 * blocked. The way to a verdict: xdp_fw -> (tail call) xdp_ipv4 or xdp_ipv6 -> transport() -> verdict.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum reason { PASSED, BAD_HEADER, NO_FLOW, BLOCKED, FRAGMENT, REASONS };
enum protocol { OTHER, ARP, ICMP, ICMP6, TCP, UDP, PROTOCOLS };
enum parser { PARSE_IPV4, PARSE_IPV6, PARSERS };

struct address {
    __u8 bytes[16]; /* IPv4 in the last four */
} __attribute__((aligned(4)));

struct flow {
    struct address low, high; /* the two ends, in order, so that both directions are one flow */
    __u16 low_port, high_port;
};

struct traffic {
    __u64 packets, bytes;
};

struct flow_state {
    struct traffic traffic;
    __u32 has_answer, unused; /* no padding: every byte of a value is the program's to set */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, struct flow);
    __type(value, struct flow_state);
} flows SEC(".maps");

/* Hosts and how many flows they opened that nobody answered. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, struct address);
    __type(value, __u32);
} suspects SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, REASONS);
    __type(key, enum reason);
    __type(value, __u64);
} verdicts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PROTOCOLS);
    __type(key, enum protocol);
    __type(value, struct traffic);
} protocols SEC(".maps");

int xdp_ipv4(struct xdp_md *ctx);
int xdp_ipv6(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, PARSERS);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} parsers SEC(".maps") = {
    .values = {[PARSE_IPV4] = (void *)&xdp_ipv4, [PARSE_IPV6] = (void *)&xdp_ipv6},
};

/* Set before loading: `skep run --set max_ports=100`. */
const volatile __u32 max_ports = 20;
const volatile _Bool drop_fragments = 0;

__u64 frames;       /* .bss */
__u32 longest = 60; /* .data: the longest frame, which is at least Ethernet's shortest */

/* What the entry found out and the parsers need. A program's stack does not survive a tail call. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} network_offset SEC(".maps");

struct vlan {
    __be16 tag, proto;
};

static __always_inline int verdict(enum reason reason)
{
    __u32 key = reason;
    __u64 *count = bpf_map_lookup_elem(&verdicts, &key);

    if (count)
        ++*count;
    return reason == PASSED ? XDP_PASS : XDP_DROP;
}

static __always_inline void count_protocol(enum protocol protocol, __u64 bytes)
{
    __u32 key = protocol;
    struct traffic *traffic = bpf_map_lookup_elem(&protocols, &key);

    if (traffic) {
        traffic->packets++;
        traffic->bytes += bytes;
    }
}

/* A function of its own: called, not inlined. */
static __attribute__((noinline)) int address_order(const struct address *a, const struct address *b)
{
    const __u32 *left = (const __u32 *)a->bytes, *right = (const __u32 *)b->bytes;

    for (int i = 0; i < 4; i++) {
        if (left[i] != right[i])
            return bpf_ntohl(left[i]) < bpf_ntohl(right[i]) ? -1 : 1;
    }
    return 0;
}

static __always_inline int track(const struct address *from, const struct address *to,
                                 const struct tcphdr *tcp, __u64 bytes)
{
    int order = address_order(from, to);
    int is_forward = order < 0 || (order == 0 && bpf_ntohs(tcp->source) < bpf_ntohs(tcp->dest));
    struct flow_state fresh = {.traffic = {1, bytes}}, *known;
    struct flow flow = {};
    __u32 one = 1, *opened;

    flow.low = is_forward ? *from : *to;
    flow.high = is_forward ? *to : *from;
    flow.low_port = bpf_ntohs(is_forward ? tcp->source : tcp->dest);
    flow.high_port = bpf_ntohs(is_forward ? tcp->dest : tcp->source);
    known = bpf_map_lookup_elem(&flows, &flow);
    if (known) {
        known->traffic.packets++;
        known->traffic.bytes += bytes;
        if (tcp->syn && tcp->ack && !known->has_answer) {
            known->has_answer = 1;
            opened = bpf_map_lookup_elem(&suspects, to);
            if (opened && *opened)
                --*opened;
        }
        return verdict(PASSED);
    }
    if (!tcp->syn || tcp->ack)
        return verdict(NO_FLOW);
    opened = bpf_map_lookup_elem(&suspects, from);
    if (opened && *opened >= max_ports)
        return verdict(BLOCKED);
    if (opened)
        __sync_fetch_and_add(opened, 1);
    else
        bpf_map_update_elem(&suspects, from, &one, BPF_NOEXIST);
    bpf_map_update_elem(&flows, &flow, &fresh, BPF_ANY);
    return verdict(PASSED);
}

static __always_inline int transport(struct xdp_md *ctx, __u32 offset, __u8 next,
                                     const struct address *from, const struct address *to)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct tcphdr *tcp;

    if (next == IPPROTO_TCP) {
        count_protocol(TCP, end - data);
        if (offset > 256)
            return verdict(BAD_HEADER);
        tcp = data + offset;
        if ((void *)(tcp + 1) > end)
            return verdict(BAD_HEADER);
        return track(from, to, tcp, end - data);
    }
    count_protocol(next == IPPROTO_UDP      ? UDP
                   : next == IPPROTO_ICMP   ? ICMP
                   : next == IPPROTO_ICMPV6 ? ICMP6
                                            : OTHER,
                   end - data);
    return verdict(PASSED);
}

/* Where the network header begins, as the entry noted. */
static __always_inline __u32 network_start(void)
{
    __u32 key = 0, *offset = bpf_map_lookup_elem(&network_offset, &key);

    return offset ? *offset : 0;
}

SEC("xdp")
int xdp_ipv4(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct address from = {}, to = {};
    __u32 offset = network_start();
    struct iphdr *ip;

    if (offset > 64)
        return verdict(BAD_HEADER);
    ip = data + offset;
    if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
        return verdict(BAD_HEADER);
    __builtin_memcpy(from.bytes + 12, &ip->saddr, 4);
    __builtin_memcpy(to.bytes + 12, &ip->daddr, 4);
    if (ip->frag_off & bpf_htons(0x1fff)) { /* not the first fragment: it has no ports */
        count_protocol(OTHER, end - data);
        return verdict(drop_fragments ? FRAGMENT : PASSED);
    }
    return transport(ctx, offset + ip->ihl * 4, ip->protocol, &from, &to);
}

SEC("xdp")
int xdp_ipv6(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 offset = network_start();
    struct address from, to;
    struct ipv6hdr *ip;

    if (offset > 64)
        return verdict(BAD_HEADER);
    ip = data + offset;
    if ((void *)(ip + 1) > end || ip->version != 6)
        return verdict(BAD_HEADER);
    __builtin_memcpy(&from, &ip->saddr, sizeof from);
    __builtin_memcpy(&to, &ip->daddr, sizeof to);
    return transport(ctx, offset + sizeof *ip, ip->nexthdr, &from, &to);
}

SEC("xdp")
int xdp_fw(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 key = 0, *start, offset = sizeof(struct ethhdr);
    struct ethhdr *eth = data;
    struct vlan *vlan;
    __be16 proto;

    frames++;
    if (end - data > longest)
        longest = end - data;
    if ((void *)(eth + 1) > end)
        return verdict(BAD_HEADER);
    proto = eth->h_proto;
    for (int i = 0; i < 2; i++) { /* up to two VLAN tags */
        if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
            break;
        vlan = data + offset;
        if ((void *)(vlan + 1) > end)
            return verdict(BAD_HEADER);
        proto = vlan->proto;
        offset += sizeof *vlan;
    }
    start = bpf_map_lookup_elem(&network_offset, &key);
    if (start)
        *start = offset;
    if (proto == bpf_htons(ETH_P_IP))
        bpf_tail_call(ctx, &parsers, PARSE_IPV4);
    if (proto == bpf_htons(ETH_P_IPV6))
        bpf_tail_call(ctx, &parsers, PARSE_IPV6);
    count_protocol(proto == bpf_htons(ETH_P_ARP) ? ARP : OTHER, end - data);
    return verdict(PASSED);
}

char _license[] SEC("license") = "Dual MIT/GPL";
