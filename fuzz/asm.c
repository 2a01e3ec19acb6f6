/* asm.c - fuzz target: any text to the assembler; what it accepts must print and read back to the same bytes, in both
 * styles. The same input taken as instructions must print and read back too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <skep/insn.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE = 128 };

static void require(int holds)
{
    if (!holds)
        abort();
}

static void round_trip(const struct skep_insn *insns, size_t count, uint32_t style)
{
    struct skep_insn *again = malloc((count + 1) * sizeof *again);
    char *text = malloc(count * LINE + 1);
    size_t length = 0, used, got = 0;

    require(again && text);
    for (size_t i = 0; i < count; i += used) {
        int line = skep_disasm(insns, count, i, style, NULL, text + length, LINE, &used);

        require(line > 0 && line < LINE && used >= 1 && used <= count - i);
        length += (size_t)line;
        text[length++] = '\n';
    }
    require(skep_asm(text, length, again, count, &got, NULL) == 0);
    require(got == count && memcmp(insns, again, count * sizeof *insns) == 0);
    free(text);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skep_error err = {.size = sizeof err};
    size_t count = 0, room = size / 4 + 16;
    struct skep_insn *insns = malloc(room * sizeof *insns);
    int result;

    require(insns != NULL);
    result = skep_asm((const char *)data, size, insns, room, &count, &err);
    if (result == 0) {
        /* The shortest instruction is "exit" and a line feed: five characters; none yields more than two. */
        require(count <= room);
        round_trip(insns, count, SKEP_DISASM_LLVM);
        round_trip(insns, count, SKEP_DISASM_BPFTOOL);
    } else {
        require(result == err.code && err.text[0] && err.line && err.column);
    }
    for (int is_big = 0; is_big < 2; is_big++) {
        require(skep_insn_decode(data, size / 8 * 8, is_big, insns) == 0);
        round_trip(insns, size / 8, SKEP_DISASM_LLVM);
        round_trip(insns, size / 8, SKEP_DISASM_BPFTOOL);
    }
    free(insns);
    return 0;
}
