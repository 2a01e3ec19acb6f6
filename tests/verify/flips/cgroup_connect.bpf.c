/* cgroup_connect - connections are redirected or refused; both functions return what their hooks allow. expect: accept */
#include "flips.h"

struct service {
    __u32 address;
    __u16 port, padding;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 128);
    __type(key, struct service);
    __type(value, struct service);
} services SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 128);
    __type(key, __u64);
    __type(value, __u32);
} denied SEC(".maps");

SEC("cgroup/connect4")
int redirect(struct bpf_sock_addr *ctx)
{
    struct service key = {.address = ctx->user_ip4, .port = (__u16)ctx->user_port}, *to;

    if (ctx->protocol != IPPROTO_TCP)
        return 1;
    to = bpf_map_lookup_elem(&services, &key);
    if (!to)
        return bpf_ntohl(key.address) >> 24 != 127;
    ctx->user_ip4 = to->address;
    ctx->user_port = to->port;
    return 1;
}

SEC("cgroup_skb/egress")
int leave(struct __sk_buff *skb)
{
    __u64 cgroup = bpf_skb_cgroup_id(skb);
    __u32 *level = bpf_map_lookup_elem(&denied, &cgroup);

    if (!level)
        return 1;
    return *level > 3 ? 2 : *level != 1;
}
