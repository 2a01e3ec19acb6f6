/* tc_rate_limit - a token bucket per source, under a spin lock in the map's value. expect: accept */
#include "flips.h"

struct bucket {
    struct bpf_spin_lock lock;
    __u32 dropped;
    __u64 tokens, last;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, struct bucket);
} buckets SEC(".maps");

const volatile __u64 rate = 1000000, burst = 65536;

SEC("tc")
int limit(struct __sk_buff *skb)
{
    struct bucket *bucket, fresh = {.tokens = 65536};
    __u64 now = bpf_ktime_get_ns(), earned, length = skb->len;
    struct iphdr ip;
    bool is_late = false;
    __u32 key;

    if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof ip))
        return TC_ACT_OK;
    key = ip.saddr;
    bucket = bpf_map_lookup_elem(&buckets, &key);
    if (!bucket) {
        fresh.last = now;
        bpf_map_update_elem(&buckets, &key, &fresh, BPF_NOEXIST);
        return TC_ACT_OK;
    }
    bpf_spin_lock(&bucket->lock);
    earned = (now - bucket->last) * rate / 1000000000;
    if (earned) {
        bucket->tokens += earned;
        if (bucket->tokens > burst)
            bucket->tokens = burst;
        bucket->last = now;
    }
    if (bucket->tokens < length) {
        bucket->dropped++;
        is_late = true;
    } else {
        bucket->tokens -= length;
    }
    bpf_spin_unlock(&bucket->lock);
    return is_late ? TC_ACT_SHOT : TC_ACT_OK;
}
