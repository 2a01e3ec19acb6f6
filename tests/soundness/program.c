/* program.c - a made-up program as text, as a raw program file, and with instructions taken out. */
#include <string.h>

#include "world.h"

enum {
    OPCODE_WIDE = 0x18,
    OPCODE_CALL = 0x85,
    OPCODE_EXIT = 0x95,
    OPCODE_JUMP_LONG = 0x06,
    PSEUDO_CALL = 1,
    PSEUDO_FUNC = 4
};

bool program_is_wide(const struct program *p, uint32_t insn)
{
    return p->insns[insn].code == OPCODE_WIDE && insn + 1 < p->count;
}

/* -- text -------------------------------------------------------------------------------------- */

static const char *helper_name(void *user, int32_t id)
{
    (void)user;
    return skep_helper_name((uint32_t)id);
}

void program_print(const struct program *p, FILE *out)
{
    struct skep_disasm_names names = {.size = sizeof names, .helper = helper_name};
    const char *type = skep_prog_type_name(p->type);
    size_t used;

    fprintf(out, "// type %s, attach type %u, flags 0x%x, seed %llu\n", type ? type : "?",
            p->attach, p->flags, (unsigned long long)p->seed);
    for (size_t i = 0; i < p->count; i += used) {
        char text[256];

        for (uint32_t k = 0; k < p->func_count; k++)
            if (p->funcs[k].insn == i)
                fprintf(out, "// function, type %u\n", p->funcs[k].type);
        if (skep_disasm(p->insns, p->count, i, SKEP_DISASM_LLVM, &names, text, sizeof text, &used) <
                0 ||
            !used) {
            snprintf(text, sizeof text, ".insn ?");
            used = 1;
        }
        fprintf(out, "%-52s // %zu\n", text, i);
    }
}

static void print_hex(FILE *out, const char *what, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    fprintf(out, "%s ", what);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", at[i]);
    fputc('\n', out);
}

void program_save(const struct program *p, const struct world *w, uint32_t caps, FILE *out)
{
    fprintf(out, "program made-%llu-%u-%d\ntype %u\nattach %u\nflags %x\nexpect accept\n",
            (unsigned long long)p->seed, caps, p->is_pure, p->type, p->attach, p->flags);
    for (uint32_t i = 0; i < w->map_count; i++) {
        const struct skep_map_def *def = &w->maps[i];

        fprintf(out, "map %u %u %u %u %u %u %u %d %d\n", def->type, def->key_size, def->value_size,
                def->max_entries, def->flags, def->key_type, def->value_type, def->inner != NULL,
                0);
    }
    for (uint32_t i = 0; i < w->kfunc_count; i++)
        fprintf(out, "kfunc %s\n", w->kfuncs[i].name);
    if (w->type_bytes)
        print_hex(out, "btf", w->type_bytes, w->type_size);
    if (p->func_count)
        print_hex(out, "funcs", p->funcs, p->func_count * sizeof p->funcs[0]);
    print_hex(out, "insns", p->insns, p->count * sizeof p->insns[0]);
    fputs("end\n", out);
}

/* -- taking out -------------------------------------------------------------------------------- */

/* Where an instruction leads by a number in it: the field's kind, or no. */
enum { LEADS_NOWHERE, LEADS_BY_OFF, LEADS_BY_IMM };

static int leads(const struct skep_insn *insn)
{
    uint32_t class = insn->code & 7;

    if (insn->code == OPCODE_CALL)
        return SKEP_INSN_SRC(insn) == PSEUDO_CALL ? LEADS_BY_IMM : LEADS_NOWHERE;
    if (insn->code == OPCODE_WIDE)
        return SKEP_INSN_SRC(insn) == PSEUDO_FUNC ? LEADS_BY_IMM : LEADS_NOWHERE;
    if (insn->code == OPCODE_JUMP_LONG)
        return LEADS_BY_IMM;
    if ((class == 5 || class == 6) && insn->code != OPCODE_EXIT)
        return LEADS_BY_OFF;
    return LEADS_NOWHERE;
}

bool program_remove(struct program *p, uint32_t insn)
{
    uint32_t width = program_is_wide(p, insn) ? 2 : 1;

    if (p->count <= width)
        return false;
    for (uint32_t k = 0; k < p->func_count; k++) { /* a function keeps one instruction */
        uint32_t end = k + 1 < p->func_count ? p->funcs[k + 1].insn : p->count;

        if (p->funcs[k].insn == insn && insn + width >= end)
            return false;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        struct skep_insn *at = &p->insns[i];
        int how = leads(at);
        int64_t target = (int64_t)i + 1 + (how == LEADS_BY_OFF ? at->off : at->imm), from = i;

        if (program_is_wide(p, i))
            i++;
        if (how == LEADS_NOWHERE || from == insn)
            continue;
        if (target > insn)
            target -= target >= (int64_t)insn + width ? width : target - insn;
        if (from > insn)
            from -= width;
        if (how == LEADS_BY_OFF)
            at->off = (int16_t)(target - from - 1);
        else
            at->imm = (int32_t)(target - from - 1);
    }
    memmove(&p->insns[insn], &p->insns[insn + width],
            (p->count - insn - width) * sizeof p->insns[0]);
    p->count -= width;
    for (uint32_t k = 0; k < p->func_count; k++)
        if (p->funcs[k].insn > insn)
            p->funcs[k].insn -= width;
    return true;
}
