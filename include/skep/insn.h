/* insn.h - instructions: what one is, and their text.
 *
 * An instruction is 8 bytes (RFC 9669 section 3). In memory skep holds it in one form on every host: `off` and `imm` in
 * the host's byte order, the destination register in the low nibble of `regs` and the source register in the high one.
 * Byte streams (objects, the plugin's hex) come in the order of the object: skep_insn_decode and _encode translate.
 * Everything here is a pure function: any thread, no state.
 */
#ifndef SKEP_INSN_H
#define SKEP_INSN_H

#include <skep/api.h>
#include <skep/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_insn {
    uint8_t code;
    uint8_t regs; /* dst | src << 4 */
    int16_t off;
    int32_t imm;
};

#define SKEP_MAX_INSNS      1000000u /* of one program, as Linux allows */
#define SKEP_INSN_DST(insn) ((uint8_t)((insn)->regs & 0x0f))
#define SKEP_INSN_SRC(insn) ((uint8_t)((insn)->regs >> 4))

/* Translate `size` bytes (a multiple of 8) from or to the given byte order. `insns` and `bytes` hold size / 8
 * instructions. -SKEP_EFORMAT: size is not a multiple of 8. Unknown opcodes are kept: judging them is not done here. */
SKEP_API int skep_insn_decode(const void *bytes, size_t size, int is_big_endian,
                              struct skep_insn *insns);
SKEP_API int skep_insn_encode(const struct skep_insn *insns, size_t count, int is_big_endian,
                              void *bytes);

/* What text skep_disasm writes. */
enum {
    SKEP_DISASM_LLVM = 0,    /* llvm-objdump's: "r1 = *(u32 *)(r2 + 0x4)" */
    SKEP_DISASM_BPFTOOL = 1, /* bpftool's: "(61) r1 = *(u32 *)(r2 +4)" */
};

/* Names for what an instruction refers to, so that a dump can say "call parse" and "map rules". Each may be NULL or
 * return NULL; the result is borrowed until the next call. */
struct skep_disasm_names {
    size_t size;
    void *user;
    const char *(*helper)(void *user, int32_t id);
    const char *(*func)(void *user,
                        uint32_t insn); /* the function that starts at this instruction */
    const char *(*map)(void *user, int32_t index); /* ld_imm64 with a map index */
};

/* Write the text of instruction `index` of `insns` to `text` (always NUL-terminated if room > 0); returns the length it
 * needs without the NUL, as snprintf does, or a negative code. *used: instructions consumed (1, or 2 for a wide one).
 * An instruction that does not exist prints as ".insn 0x0123456789abcdef", which the assembler reads back. */
SKEP_API int skep_disasm(const struct skep_insn *insns, size_t count, size_t index, uint32_t style,
                         const struct skep_disasm_names *names, char *text, size_t room,
                         size_t *used);

/* Assemble text: LLVM's syntax, and the form bpftool prints; one instruction or "label:" a line; comments "//", ";" and
 * "#"; jump targets "+4", "-2", "goto label" or "<label>". Writes at most `room` instructions; *count is the number the
 * text needs (-SKEP_E2BIG when over `room`; `insns` NULL with room 0 only counts). err names line and column. */
SKEP_API int skep_asm(const char *text, size_t length, struct skep_insn *insns, size_t room,
                      size_t *count, struct skep_error *err);

#ifdef __cplusplus
}
#endif
#endif
