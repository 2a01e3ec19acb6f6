/* reject_lock - a helper is called while a spin lock is held. expect: reject */
#include "flips.h"

struct value {
    struct bpf_spin_lock lock;
    __u64 time;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct value);
} values SEC(".maps");

SEC("tc")
int locked(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct value *value = bpf_map_lookup_elem(&values, &zero);

    if (!value)
        return TC_ACT_OK;
    bpf_spin_lock(&value->lock);
    value->time = skb->len + bpf_ktime_get_ns();
    bpf_spin_unlock(&value->lock);
    return TC_ACT_OK;
}
