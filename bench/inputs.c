/* inputs.c - what each family is fed: pseudo-random bytes from a fixed seed, shaped into what the
 * family expects (frames with headers, headers with right checksums, a sorted table ...). No
 * compiler of a family sees this file. */
#include "inputs.h"

#include <stdbool.h>
#include <string.h>

uint64_t widths(uint8_t *bytes, uint64_t length);
uint64_t recompose(uint8_t *bytes, uint64_t length);
uint64_t headers(uint8_t *bytes, uint64_t length);
uint64_t checksum(uint8_t *bytes, uint64_t length);
uint64_t hashing(uint8_t *bytes, uint64_t length);
uint64_t bitcount(uint8_t *bytes, uint64_t length);
uint64_t searching(uint8_t *bytes, uint64_t length);
uint64_t switches(uint8_t *bytes, uint64_t length);
uint64_t loops(uint8_t *bytes, uint64_t length);
uint64_t chain(uint8_t *bytes, uint64_t length);
uint64_t calls(uint8_t *bytes, uint64_t length);
uint64_t division(uint8_t *bytes, uint64_t length);

static void put16(uint8_t *at, unsigned v)
{
    uint16_t half = (uint16_t)v;

    memcpy(at, &half, sizeof half);
}

static void put32(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, sizeof v);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof v);
    return v;
}

static void put16be(uint8_t *at, unsigned v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void fill_widths(uint8_t *bytes)
{
    for (unsigned i = 0; i < 280; i++) /* TCP and UDP mostly */
        bytes[i * 16] = bytes[i * 16] % 3 ? 6 : 17;
}

static void fill_recompose(uint8_t *bytes)
{
    for (unsigned i = 0; i < 400; i++) {
        uint8_t *option = bytes + i * 19;

        option[0] %= 9;
        if (i % 3)
            option[15] = 10;
    }
}

/* A frame as real traffic has it: mostly IPv4 with TCP, some IPv6, some tags, a few that are cut
 * short. */
static void fill_frame(uint8_t *frame, uint32_t dice)
{
    unsigned at = 12, tags = dice % 4 == 0 ? 1 + dice / 4 % 2 : 0, end = 96 - 2;
    bool is_six = dice / 8 % 4 == 0;
    uint8_t proto = dice / 32 % 4 == 0 ? 17 : dice / 32 % 16 == 1 ? 1 : 6;

    for (unsigned i = 0; i < tags; i++, at += 4)
        put16be(frame + at, i + 1 < tags ? 0x88a8 : 0x8100);
    put16be(frame + at, is_six ? 0x86dd : dice % 19 == 7 ? 0x0806 : 0x0800);
    at += 2;
    if (is_six) {
        frame[at] = 0x60;
        frame[at + 6] = proto;
        if (dice % 5 == 0) {
            frame[at + 6] = 0;
            frame[at + 40] = proto;
            frame[at + 41] = 0;
        }
    } else {
        frame[at] = dice % 7 ? 0x45 : 0x46;
        put16be(frame + at + 6, dice % 2 ? 0x4000 : 0);
        frame[at + 9] = proto;
    }
    if (dice % 11 == 5)
        end = 20 + dice % 30;
    put16(frame + 94, end);
}

static void fill_headers(uint8_t *bytes)
{
    for (unsigned i = 0; i < 140; i++)
        fill_frame(bytes + i * 96, get32(bytes + i * 96) >> 3);
}

static void fill_checksum(uint8_t *bytes)
{
    for (unsigned i = 0; i < 160; i++) {
        uint8_t *header = bytes + i * 20;
        uint32_t sum = 0;

        header[0] = 0x45;
        put16(header + 10, 0);
        if (i % 31 == 13) /* a few are damaged */
            continue;
        for (unsigned word = 0; word < 20; word += 2)
            sum += (uint32_t)header[word] << 8 | header[word + 1];
        while (sum >> 16)
            sum = (sum & 0xffff) + (sum >> 16);
        put16be(header + 10, ~sum & 0xffff);
    }
}

static void fill_names(uint8_t *bytes)
{
    for (unsigned i = 4096; i < 4096 + 14 * 16; i++)
        bytes[i] = (uint8_t)('a' + bytes[i] % 26);
}

static void fill_bitcount(uint8_t *bytes)
{
    for (unsigned i = 0; i < 64; i += 3) /* crowded words: the free slot is far */
        memset(bytes + i * 8, 0xff, 3 + i % 5);
}

static void fill_searching(uint8_t *bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 256; i++) {
        put32(bytes + i * 4, value);
        value += 1u + bytes[i * 4 + 8192] % 500u;
    }
    for (unsigned i = 0; i < 64;
         i++) { /* the last entry at or below the first number of the part */
        unsigned at = 0;

        while (at < 255 && get32(bytes + (at + 1) * 4) <= i << 10)
            at++;
        put16(bytes + 3072 + i * 2, at);
    }
    for (unsigned i = 0; i < 40; i++)
        put32(bytes + 1024 + i * 4,
              i % 3 ? get32(bytes + (i * 37 % 256) * 4) : get32(bytes + 1024 + i * 4) % value);
    for (unsigned i = 0; i < 24; i++) {
        uint32_t mask = i ? ~UINT32_C(0) << (32 - i) : 0;

        put32(bytes + 2048 + i * 8, get32(bytes + 1024 + 192 + i % 8 * 4) & mask);
        put32(bytes + 2048 + i * 8 + 4, mask);
    }
    for (unsigned i = 4096; i < 4096 + 280; i++)
        bytes[i] = (uint8_t)(i % 17 == 3 ? 'H' : 'a' + bytes[i] % 26);
    memcpy(bytes + 4096 + 251, "Host:", 5);
}

static void fill_switches(uint8_t *bytes)
{
    (void)bytes; /* any byte is a command */
}

static void fill_loops(uint8_t *bytes)
{
    for (unsigned i = 0; i < 20; i++) /* two names that are alike */
        bytes[64 + i] = i % 4 ? bytes[i + i / 7] : bytes[64 + i];
}

static void fill_chain(uint8_t *bytes)
{
    /* Links that form one ring: i -> i * 77 + 31 modulo 256. */
    for (unsigned i = 0; i < 256; i++)
        put16(bytes + 1024 + i * 2, (i * 77 + 31) & 255);
}

static void fill_calls(uint8_t *bytes)
{
    for (unsigned i = 0; i < 80; i++) {
        if (i % 2)
            bytes[i * 8] = 6;
        put16(bytes + i * 8 + 4, (unsigned)(bytes[i * 8 + 4] | bytes[i * 8 + 5] << 8) % 1500);
        put16(bytes + i * 8 + 6, bytes[i * 8 + 6]);
    }
}

static void fill_division(uint8_t *bytes)
{
    for (unsigned i = 0; i < 64; i++) {
        uint8_t *flow = bytes + i * 24;

        put32(flow + 4, get32(flow + 4) & 0x3ff);     /* bytes: up to 4 TiB */
        put32(flow + 8, get32(flow + 8) % 600000);    /* milliseconds: ten minutes */
        put32(flow + 12, get32(flow + 12) % 5000000); /* packets */
        put32(flow + 16, get32(flow + 16) % 65537);
    }
}

const struct family families[] = {
    {"widths", "memory widths", widths, fill_widths},
    {"recompose", "byte recomposition", recompose, fill_recompose},
    {"headers", "header parsing", headers, fill_headers},
    {"checksum", "checksum", checksum, fill_checksum},
    {"hashing", "hashing", hashing, fill_names},
    {"bitcount", "bit counting", bitcount, fill_bitcount},
    {"searching", "searching", searching, fill_searching},
    {"switches", "switch", switches, fill_switches},
    {"loops", "loops", loops, fill_loops},
    {"chain", "dependency chains", chain, fill_chain},
    {"calls", "calls", calls, fill_calls},
    {"division", "division", division, fill_division},
};
const unsigned family_count = sizeof families / sizeof *families;

void input_make(const struct family *family, uint8_t *bytes)
{
    uint64_t state = 0x5eed;

    for (unsigned i = 0; i < INPUT_BYTES; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(state >> 56);
    }
    family->fill(bytes);
}
