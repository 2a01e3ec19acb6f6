/* cases.h - instruction vectors read from files: a program, its memory, and what must come out.
 *
 * Two forms. "*.jsonl": one JSON object a line with the strings name, mem, program (hex, little-endian instructions) and r0.
 * "*.vec": our own, text for people:
 *
 *     test: a name
 *     mem: 00 11 22          hex; r1 points to it, r2 is its length (none: both 0)
 *     r0: 0x5                or  "error: part of the message" if loading or running must fail
 *     big: 0x500             r0 where memory is big-endian, if it differs
 *     packet: 00 11 22       the program is a tc classifier then, and this its packet (14 bytes or more)
 *     map: array 4 8 1       type, key size, value size, entries; the first is map 0
 *     engine: interp         only there: Linux has no such instruction, or refuses it unverified
 *     code:                  assembler text follows, up to the next "test:"
 *
 * Lines that begin with "#" in front of "code:" are comments.
 */
#ifndef TESTS_VECTORS_CASES_H
#define TESTS_VECTORS_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/insn.h>

enum { CASE_MAPS = 4 };

struct vector_map {
    char type[32];
    uint32_t key_size, value_size, max_entries;
};

struct vector {
    char *name, *error; /* error NULL: none is expected */
    uint8_t *mem, *packet;
    size_t mem_size, packet_size;
    struct skep_insn *insns;
    uint32_t insn_count, map_count, line;
    struct vector_map maps[CASE_MAPS];
    uint64_t r0, r0_big;
    bool has_r0, has_big, has_packet, is_interp_only,
        says_order; /* says_order: has `big` where it differs */
};

struct vectors {
    struct vector *items;
    size_t count, room;
};

/* Append the cases of a file. False after a message on standard error. */
bool cases_read(struct vectors *, const char *path);
void cases_free(struct vectors *);

#endif
