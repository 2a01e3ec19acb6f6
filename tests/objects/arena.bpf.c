/* arena.bpf.c - variables in an arena. */
#include "sample.h"

#define ARENA __attribute__((address_space(1)))

struct {
    UINT(type, 33);
    UINT(map_flags, 1024);
    UINT(max_entries, 10);
} arena SEC(".maps");

u32 ARENA in_arena = 42;
u32 ARENA also[4] = {1, 2, 3, 4};

SEC("syscall") int entry(void *ctx)
{
    void *volatile keep = &arena;

    in_arena += also[2];
    return keep != 0;
}

char _license[] SEC("license") = "GPL";
