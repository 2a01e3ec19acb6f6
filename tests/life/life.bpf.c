/* life.bpf.c - a program that holds one of everything: maps of every kind, globals, itself and another by tail call. */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name)        __attribute__((section(name), used))
#define __uint(name, v)  int(*name)[v]
#define __type(name, v)  __typeof__(v) *name
#define __array(name, v) __typeof__(v) *name[]

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*map_delete)(void *map, const void *key) = (void *)3;
static long (*tail_call)(void *ctx, void *map, u32 index) = (void *)12;

struct xdp_md {
    u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

struct {
    __uint(type, 1 /* hash */);
    __uint(max_entries, 64);
    __uint(map_flags, 1 /* BPF_F_NO_PREALLOC */);
    __type(key, u32);
    __type(value, u64);
} seen SEC(".maps");

struct {
    __uint(type, 6 /* per-CPU array */);
    __uint(max_entries, 2);
    __type(key, u32);
    __type(value, u64);
} counts SEC(".maps");

struct inner {
    __uint(type, 2 /* array */);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u64);
} first SEC(".maps");

struct {
    __uint(type, 12 /* array of maps */);
    __uint(max_entries, 2);
    __type(key, u32);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {[0] = &first}};

int life_entry(struct xdp_md *ctx);
int life_last(struct xdp_md *ctx);

struct {
    __uint(type, 3 /* prog array */);
    __uint(max_entries, 3);
    __type(key, u32);
    __array(values, int(struct xdp_md *));
} jumps SEC(".maps") = {.values = {[0] = &life_entry, [1] = &life_last}};

const volatile u32 verdict = 2;
u64 runs, turns;

SEC("xdp")
int life_last(struct xdp_md *ctx)
{
    (void)ctx;
    runs++;
    return (int)verdict;
}

SEC("xdp")
int life_entry(struct xdp_md *ctx)
{
    u32 zero = 0, key = (u32)turns & 15;
    u64 one = 1, *at = map_lookup(&counts, &zero);
    void *inner = map_lookup(&outer, &zero);

    if (at)
        *at += 1;
    if (inner && (at = map_lookup(inner, &zero)))
        __sync_fetch_and_add(at, 1);
    at = map_lookup(&seen, &key);
    if (at)
        map_delete(&seen, &key);
    else
        map_update(&seen, &key, &one, 0);
    if (++turns & 3)
        tail_call(ctx, &jumps, 0); /* into itself, three times of four */
    tail_call(ctx, &jumps, 1);
    return 1;
}

char LICENSE[] SEC("license") = "GPL";
