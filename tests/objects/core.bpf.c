/* core.bpf.c - CO-RE relocations of every kind, against types that the test's target has in another layout. */
#include "sample.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sample_inner {
    u32 before, wanted;
};
struct sample_outer {
    u64 pad;
    struct sample_inner inner[3];
    u8 bits : 5;
    u16 narrow;
    u32 gone;
};
struct sample_missing {
    u32 nothing;
};
#pragma clang attribute pop
enum sample_enum { SAMPLE_ONE = 1, SAMPLE_GONE = 5 };

#define INFO(what, kind) __builtin_preserve_field_info(what, kind)

u64 results[16];

SEC("raw_tp") int offsets(struct sample_outer *o)
{
    results[0] = o->inner[1].wanted;
    results[1] = o->narrow;
    return 0;
}

SEC("raw_tp") int facts(struct sample_outer *o)
{
    results[0] = INFO(o->inner[2].wanted, 0);
    results[1] = INFO(o->inner[2].wanted, 1);
    results[2] = INFO(o->gone, 2);
    results[3] = INFO(o->narrow, 2);
    results[4] = INFO(o->narrow, 3);
    results[5] = INFO(o->bits, 4);
    results[6] = INFO(o->bits, 5);
    results[7] = __builtin_btf_type_id(*(struct sample_outer *)0, 0);
    results[8] = __builtin_btf_type_id(*(struct sample_outer *)0, 1);
    results[9] = __builtin_preserve_type_info(*(struct sample_missing *)0, 0);
    results[10] = __builtin_preserve_type_info(*(struct sample_outer *)0, 1);
    results[11] = __builtin_preserve_enum_value(*(enum sample_enum *)SAMPLE_ONE, 0);
    results[12] = __builtin_preserve_enum_value(*(enum sample_enum *)SAMPLE_ONE, 1);
    results[13] = __builtin_preserve_enum_value(*(enum sample_enum *)SAMPLE_GONE, 0);
    return 0;
}

SEC("raw_tp") int poisoned(struct sample_outer *o)
{
    if (INFO(o->gone, 2))
        return (int)o->gone;
    return 7;
}

SEC("xdp") int packet(struct xdp_md *ctx)
{
    return ctx->data + 4 > ctx->data_end;
}

char _license[] SEC("license") = "GPL";
