/* family.h - what every family program needs: fixed-width types and the entry mark, for BPF and for
 * the native twin.
 *
 * A family is one function `u64 name(u8 *bytes, u64 length)`, compiled from the same source for
 * both. It owns nothing but its bytes: inputs lie in the first half, results go to the second, so
 * running it again changes nothing, and a compiler that knows the source still knows no input.
 */
#ifndef BENCH_FAMILY_H
#define BENCH_FAMILY_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

#ifdef __bpf__
#define FAMILY __attribute__((section("memory"), used))
#else
#define FAMILY
#endif
#define NOINLINE      static __attribute__((noinline))
#define INLINE        static inline __attribute__((always_inline))
#define LOAD(type, p) (*(const type *)(const void *)(p))

FAMILY u64 widths(u8 *bytes, u64 length);
FAMILY u64 recompose(u8 *bytes, u64 length);
FAMILY u64 headers(u8 *bytes, u64 length);
FAMILY u64 checksum(u8 *bytes, u64 length);
FAMILY u64 hashing(u8 *bytes, u64 length);
FAMILY u64 bitcount(u8 *bytes, u64 length);
FAMILY u64 searching(u8 *bytes, u64 length);
FAMILY u64 switches(u8 *bytes, u64 length);
FAMILY u64 loops(u8 *bytes, u64 length);
FAMILY u64 chain(u8 *bytes, u64 length);
FAMILY u64 calls(u8 *bytes, u64 length);
FAMILY u64 division(u8 *bytes, u64 length);

#endif
