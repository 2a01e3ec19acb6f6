/* state.bpf.c - maps and globals of many types: what --map and --set can fill, and how it is shown. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE = -1 };

struct inner {
    __u8 bytes[3];
    char name[5];
};
struct value {
    __u64 large;
    __s32 small;
    enum color color;
    struct inner inner;
    __u32 low : 3, high : 13;
    _Bool flag;
    union {
        __u16 port;
        __u8 half;
    };
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4);
    __type(key, struct inner);
    __type(value, struct value);
} table SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} next SEC(".maps");

struct one {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
};
struct one first SEC(".maps"), second SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u32);
    __array(values, struct one);
} outer SEC(".maps");

const volatile __u32 slot = 3;
const volatile enum color shade = RED;
const volatile char label[8] = "none";
__u64 seen;
__s32 offset = -1;
__u32 random;
__u64 now;

SEC("xdp")
int start(struct xdp_md *ctx)
{
    __u32 key = 1, *found;
    void *map;

    seen++;
    offset += shade;
    random = bpf_get_prandom_u32();
    now = bpf_ktime_get_ns();
    map = bpf_map_lookup_elem(&outer, &key);
    key = 0;
    found = map ? bpf_map_lookup_elem(map, &key) : NULL;
    if (found)
        seen += *found;
    bpf_tail_call(ctx, &next, slot);
    return XDP_ABORTED;
}

SEC("xdp")
int finish(struct xdp_md *ctx)
{
    seen += 100;
    return label[0] == 'x' ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
