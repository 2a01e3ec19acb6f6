/* jumps.bpf.c - a switch that LLVM 22 compiles to a jump table at cpu v4, in a sub-program and in an entry. */
#include "sample.h"

#define CASES(r)                                                                                   \
    case 0:                                                                                        \
        r += 11;                                                                                   \
        break;                                                                                     \
    case 1:                                                                                        \
        r *= 48;                                                                                   \
        break;                                                                                     \
    case 2:                                                                                        \
        r ^= 85;                                                                                   \
        break;                                                                                     \
    case 3:                                                                                        \
        r -= 12;                                                                                   \
        break;                                                                                     \
    case 4:                                                                                        \
        r |= 15;                                                                                   \
        break;                                                                                     \
    case 5:                                                                                        \
        r = r / 3 + 19;                                                                            \
        break;                                                                                     \
    case 6:                                                                                        \
        r = (r << 3) ^ 23;                                                                         \
        break;                                                                                     \
    case 7:                                                                                        \
        r += 270;                                                                                  \
        break;                                                                                     \
    case 8:                                                                                        \
        r *= 307;                                                                                  \
        break;                                                                                     \
    case 9:                                                                                        \
        r ^= 344;                                                                                  \
        break;                                                                                     \
    case 10:                                                                                       \
        r -= 381;                                                                                  \
        break;                                                                                     \
    case 11:                                                                                       \
        r |= 418;                                                                                  \
        break;                                                                                     \
    case 12:                                                                                       \
        r = r / 3 + 45;                                                                            \
        break;                                                                                     \
    case 13:                                                                                       \
        r = (r << 3) ^ 49;                                                                         \
        break;                                                                                     \
    case 14:                                                                                       \
        r += 529;                                                                                  \
        break;                                                                                     \
    case 15:                                                                                       \
        r *= 566;                                                                                  \
        break;                                                                                     \
    case 16:                                                                                       \
        r ^= 603;                                                                                  \
        break;                                                                                     \
    default:                                                                                       \
        r = 99;

struct args {
    u32 a, b;
};
static NOINLINE u32 choose(u32 x, u32 r)
{
    switch (x) {
        CASES(r)
    }
    return r;
}
SEC("syscall") int first(struct args *args)
{
    u32 r = choose(args->b, args->a);

    switch (args->a) {
        CASES(r)
    }
    return (int)r;
}
SEC("syscall") int second(struct args *args)
{
    u32 r = args->a + args->b + 1;

    return (int)(choose(args->b, r) + choose(args->a, 1));
}

char _license[] SEC("license") = "GPL";
