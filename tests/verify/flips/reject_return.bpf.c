/* reject_return - a cgroup hook returns a number that comes from outside. expect: reject */
#include "flips.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} verdicts SEC(".maps");

SEC("cgroup/connect4")
int choose(struct bpf_sock_addr *ctx)
{
    __u32 zero = 0, *verdict = bpf_map_lookup_elem(&verdicts, &zero);

    if (!verdict || ctx->user_port == 0)
        return 1;
    return *verdict & 3;
}
