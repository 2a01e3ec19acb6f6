/* struct_ops.bpf.c - structs of functions, with and without a link. */
#include "sample.h"

struct sample_ops {
    u32 flags;
    int (*init)(void *);
    void (*done)(void *);
    char name[16];
};

SEC("struct_ops/init_fn") int init_fn(u64 *ctx)
{
    return 0;
}
SEC("struct_ops") void done_fn(u64 *ctx)
{
}
SEC("?struct_ops") int other_fn(u64 *ctx)
{
    return 1;
}

SEC(".struct_ops") struct sample_ops plain = {.flags = 5, .init = (void *)init_fn, .name = "plain"};
SEC(".struct_ops.link")
struct sample_ops linked = {.init = (void *)other_fn, .done = (void *)done_fn, .name = "linked"};

char _license[] SEC("license") = "GPL";
