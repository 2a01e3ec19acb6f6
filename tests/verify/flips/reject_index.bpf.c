/* reject_index - a signed index is compared with its upper bound only. expect: reject */
#include "flips.h"

struct table {
    __u32 values[32];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct table);
} tables SEC(".maps");

SEC("tc")
int at_index(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct table *table = bpf_map_lookup_elem(&tables, &zero);
    __s32 position = (__s32)skb->priority;

    if (!table || position >= 32)
        return TC_ACT_OK;
    table->values[position] = skb->len;
    return TC_ACT_OK;
}
