/* model.h - a second, naive machine, written from RFC 9669 alone, with memory in either byte order.
 *
 * It judges three things: that the library computes what the RFC says (every vector runs on both), whether a vector
 * depends on the byte order of memory (r0 differs between the two orders), and what it must yield on the other order.
 */
#ifndef TESTS_VECTORS_MODEL_H
#define TESTS_VECTORS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/insn.h>

struct model_input {
    const struct skep_insn *insns;
    uint32_t insn_count;
    const uint8_t *mem, *packet; /* copied */
    size_t mem_size, packet_size;
    bool is_big; /* order of bytes in memory */
};

/* Helpers yield 0. False: the program leaves its bounds, needs maps or kernel functions, or does not end. */
bool model_run(const struct model_input *, uint64_t *r0);

#endif
