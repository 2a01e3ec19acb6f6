/* sample.h - what the samples need of BPF C, without headers of any system. */
#ifndef SAMPLE_H
#define SAMPLE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define SEC(name)         __attribute__((section(name), used))
#define NOINLINE          __attribute__((noinline))
#define WEAK              __attribute__((weak))
#define HIDDEN            __attribute__((visibility("hidden")))
#define KCONFIG           __attribute__((section(".kconfig")))
#define KSYM              __attribute__((section(".ksyms")))
#define UINT(name, value) int(*name)[value]
#define TYPE(name, type)  __typeof__(type) *name
#define ARRAY(name, type) __typeof__(type) *name[]

struct xdp_md {
    u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*const for_each)(void *map, void *fn, void *ctx, u64 flags) = (void *)164;

#endif
