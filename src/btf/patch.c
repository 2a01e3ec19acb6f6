/* patch.c - writing a CO-RE answer into an instruction.
 *
 * The value goes where the instruction keeps it: the immediate of ALU operations and ld_imm64, the offset of loads and
 * stores, whose access size follows the field's (libbpf 1.6's rules).
 */
#include "btf/core.h"

#include <skep/object.h>

#include "base/error.h"

/* RFC 9669, section 3.1: classes, sizes and what else is looked at here. */
enum {
    CLASS_MASK = 0x07,
    CLASS_LD = 0,
    CLASS_LDX = 1,
    CLASS_ST = 2,
    CLASS_STX = 3,
    CLASS_ALU = 4,
    CLASS_ALU64 = 7,
    SIZE_MASK = 0x18,
    SOURCE_REGISTER = 0x08,
    CODE_LD_IMM64 = 0x18,
    CODE_CALL = 0x85
};

static const struct {
    uint32_t bytes;
    uint8_t bits;
} sizes[] = {{4, 0x00}, {2, 0x08}, {1, 0x10}, {8, 0x18}};

static void poison_one(struct skep_insn *insn)
{
    *insn = (struct skep_insn){.code = CODE_CALL, .imm = SKEP_POISON};
}

void core_poison(struct skep_insn *insns, size_t count, size_t index)
{
    if (index >= count)
        return;
    if (insns[index].code == CODE_LD_IMM64 && index + 1 < count)
        poison_one(&insns[index + 1]);
    poison_one(&insns[index]);
}

static int unexpected(struct skep_error *err, size_t index, long long found, uint64_t wanted)
{
    error_set(err, -SKEP_EINVAL, "co-re: instruction holds %lld instead of %llu", found,
              (unsigned long long)wanted);
    error_place(err, (uint32_t)index, NULL, 0, 0);
    return -SKEP_EINVAL;
}

static int patch_imm(struct skep_insn *insn, size_t index, const struct core_result *result,
                     struct skep_error *err)
{
    if (insn->code & SOURCE_REGISTER)
        return error_set(err, -SKEP_EINVAL,
                         "co-re: instruction %zu (0x%02x) has no immediate to relocate", index,
                         insn->code);
    if (result->is_checked && (uint32_t)insn->imm != (uint32_t)result->local)
        return unexpected(err, index, insn->imm, result->local);
    insn->imm = (int32_t)(uint32_t)result->value;
    return 0;
}

static int patch_access(struct skep_insn *insn, size_t index, const struct core_result *result,
                        struct skep_error *err)
{
    uint32_t bytes = 0;
    int bits = -1;

    if (result->is_checked && insn->off != (int64_t)result->local)
        return unexpected(err, index, insn->off, result->local);
    if (result->value > INT16_MAX)
        return error_set(err, -SKEP_ERANGE,
                         "co-re: instruction %zu: offset %llu does not fit into 16 bits", index,
                         (unsigned long long)result->value);
    if (result->is_unfit) {
        poison_one(insn);
        return 0;
    }
    if (!result->has_sizes || result->local_size == result->target_size) {
        insn->off = (int16_t)result->value;
        return 0;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i].bits == (insn->code & SIZE_MASK))
            bytes = sizes[i].bytes;
        if (sizes[i].bytes == result->target_size)
            bits = sizes[i].bits;
    }
    if (bytes != result->local_size || bits < 0)
        return error_set(err, -SKEP_EINVAL,
                         "co-re: instruction %zu accesses %u bytes of a field that has %u here and "
                         "%u in the target",
                         index, bytes, result->local_size, result->target_size);
    insn->off = (int16_t)result->value;
    insn->code = (uint8_t)((insn->code & ~SIZE_MASK) | bits);
    return 0;
}

static int patch_wide(struct skep_insn *insns, size_t count, size_t index,
                      const struct core_result *result, struct skep_error *err)
{
    struct skep_insn *first = &insns[index], *second = first + 1;
    uint64_t held, value = result->value;

    if (first->code != CODE_LD_IMM64 || index + 1 >= count || SKEP_INSN_SRC(first) || first->off ||
        second->code || second->regs || second->off)
        return error_set(err, -SKEP_EINVAL, "co-re: instruction %zu (0x%02x) is no plain ld_imm64",
                         index, first->code);
    held = (uint32_t)first->imm | (uint64_t)(uint32_t)second->imm << 32;
    if (result->is_checked && held != result->local) {
        /* Compilers disagree whether enumerators of 32 bits are sign-extended: stay with this one's choice. */
        if (held != (uint32_t)result->local)
            return unexpected(err, index, (long long)held, result->local);
        value = (uint32_t)value;
    }
    first->imm = (int32_t)(uint32_t)value;
    second->imm = (int32_t)(uint32_t)(value >> 32);
    return 0;
}

int core_patch(struct skep_insn *insns, size_t count, size_t index,
               const struct core_result *result, struct skep_error *err)
{
    if (index >= count)
        return error_set(err, -SKEP_EINVAL, "co-re: instruction %zu of %zu does not exist", index,
                         count);
    if (result->is_poison) {
        core_poison(insns, count, index);
        return 0;
    }
    switch (insns[index].code & CLASS_MASK) {
    case CLASS_ALU:
    case CLASS_ALU64:
        return patch_imm(&insns[index], index, result, err);
    case CLASS_LDX:
    case CLASS_ST:
    case CLASS_STX:
        return patch_access(&insns[index], index, result, err);
    case CLASS_LD:
        return patch_wide(insns, count, index, result, err);
    default:
        return error_set(err, -SKEP_EINVAL,
                         "co-re: instruction %zu (0x%02x) holds nothing that could be relocated",
                         index, insns[index].code);
    }
}
