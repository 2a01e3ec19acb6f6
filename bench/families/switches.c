/* switches.c - switch: a small register machine that runs a message as its program, one command of
 * sixteen per byte, as state machines and classifiers do. */
#include "family.h"

enum { CODES = 480, OUT = 8192, SIZE = 16384 };

FAMILY u64 switches(u8 *bytes, u64 length)
{
    u64 a = 1, b = 2;
    u32 i, c = 3;

    if (length < SIZE)
        return 0;
    for (i = 0; i < CODES; i++) {
        u8 code = bytes[i];

        switch (code & 15) {
        case 0:
            a += b;
            break;
        case 1:
            b ^= a << 7;
            break;
        case 2:
            c = c * 5 + code;
            break;
        case 3:
            a = a >> 3 | a << 61;
            break;
        case 4:
            b -= c;
            break;
        case 5:
            a ^= c;
            c++;
            break;
        case 6:
            b = b * 9 + 1;
            break;
        case 7:
            c ^= (u32)b;
            break;
        case 8:
            a |= code;
            break;
        case 9:
            b &= ~(u64)code;
            break;
        case 10:
            c = c << 9 | c >> 23;
            break;
        case 11:
            a -= b >> 1;
            break;
        case 12:
            *(u32 *)(void *)(bytes + OUT + (i & ~3u)) = c;
            break;
        case 13:
            b += code;
            break;
        case 14:
            if (a > b)
                a = b + c;
            break;
        default:
            c -= (u32)(a >> 32);
            break;
        }
    }
    return a ^ b ^ c;
}
