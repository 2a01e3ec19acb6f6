/* codec.c - instructions as bytes of either order.
 *
 * RFC 9669 section 3.1: off and imm are in the order of the target, and in big-endian streams the
 * register nibbles have changed places too (they are bit-fields of one byte, allocated from the
 * other end).
 */
#include <skep/insn.h>

#include "base/reader.h"

#define INSN_SIZE 8

static uint8_t swap_nibbles(uint8_t regs)
{
    return (uint8_t)(regs << 4 | regs >> 4);
}

int skep_insn_decode(const void *bytes, size_t size, int is_big_endian, struct skep_insn *insns)
{
    const uint8_t *at = bytes;
    bool is_big = is_big_endian != 0;

    if (size % INSN_SIZE)
        return -SKEP_EFORMAT;
    for (size_t i = 0; i < size / INSN_SIZE; i++, at += INSN_SIZE) {
        insns[i].code = at[0];
        insns[i].regs = is_big ? swap_nibbles(at[1]) : at[1];
        insns[i].off = (int16_t)load_u16(at + 2, is_big);
        insns[i].imm = (int32_t)load_u32(at + 4, is_big);
    }
    return 0;
}

int skep_insn_encode(const struct skep_insn *insns, size_t count, int is_big_endian, void *bytes)
{
    uint8_t *at = bytes;
    bool is_big = is_big_endian != 0;

    for (size_t i = 0; i < count; i++, at += INSN_SIZE) {
        at[0] = insns[i].code;
        at[1] = is_big ? swap_nibbles(insns[i].regs) : insns[i].regs;
        store_u16(at + 2, (uint16_t)insns[i].off, is_big);
        store_u32(at + 4, (uint32_t)insns[i].imm, is_big);
    }
    return 0;
}
