/* mistakes.bpf.c - ten classic mistakes, one a program, and one program that makes none. Only the last loads by itself. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct rule {
    __u64 hits, bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, struct rule);
} rules SEC(".maps");

SEC("?xdp")
int missing_null_check(struct xdp_md *ctx)
{
    __u32 key = ctx->ingress_ifindex;
    struct rule *rule = bpf_map_lookup_elem(&rules, &key);

    rule->hits++;
    return XDP_PASS;
}

SEC("?xdp")
int forgotten_packet_bound(struct xdp_md *ctx)
{
    struct ethhdr *eth = (void *)(long)ctx->data;

    return eth->h_proto == 8 ? XDP_DROP : XDP_PASS;
}

SEC("?xdp")
int off_by_one(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;

    if (data + sizeof(struct ethhdr) > data_end)
        return XDP_PASS;
    return ((__u8 *)data)[sizeof(struct ethhdr)];
}

SEC("?tc")
int leaked_reference(struct __sk_buff *skb)
{
    struct bpf_sock_tuple tuple = {};
    struct bpf_sock *sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof tuple.ipv4, -1, 0);

    if (!sk)
        return 0;
    if (sk->family != 2)
        return 2;
    bpf_sk_release(sk);
    return 0;
}

SEC("?xdp")
__attribute__((naked)) int uninitialised_register(struct xdp_md *ctx)
{
    asm volatile("r2 += 1\n"
                 "r0 = r2\n"
                 "exit");
}

SEC("?xdp")
int helper_of_another_type(struct xdp_md *ctx)
{
    __u32 bytes = 0;

    bpf_skb_load_bytes(ctx, 0, &bytes, sizeof bytes);
    return bytes == 1 ? XDP_DROP : XDP_PASS;
}

SEC("?xdp")
__attribute__((naked)) int unbounded_loop(struct xdp_md *ctx)
{
    asm volatile("r0 = *(u32 *)(r1 + 0)\n"
                 "again: if r0 != 0 goto again\n"
                 "exit");
}

SEC("?cgroup/connect4")
int bad_return_value(struct bpf_sock_addr *ctx)
{
    return ctx->user_port == 0 ? -1 : 1;
}

SEC("?xdp")
__attribute__((naked)) int misaligned_stack_access(struct xdp_md *ctx)
{
    asm volatile("r0 = 2\n"
                 "*(u64 *)(r10 - 12) = r0\n"
                 "exit");
}

SEC("?xdp")
int context_write(struct xdp_md *ctx)
{
    ctx->data = 0;
    return XDP_PASS;
}

SEC("xdp")
int no_mistake(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
    __u32 key = ctx->ingress_ifindex;
    struct rule *rule = bpf_map_lookup_elem(&rules, &key);

    if (!rule)
        return XDP_PASS;
    rule->hits++;
    if (data + sizeof(struct ethhdr) > data_end)
        return XDP_PASS;
    return ((struct ethhdr *)data)->h_proto == 8 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
