/* minimise.c - a smaller program with the same property: see world.h. Instructions become "goto +0", then go; numbers become
 * zero or one. A program has few instructions, so each is tried until nothing helps any more.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum { ROUNDS = 4, OPCODE_JUMP = 0x05 };

static const struct skep_insn nothing = {.code = OPCODE_JUMP};

struct search {
    struct program *best, *trial;
    program_test test;
    void *user;
};

static bool keep(struct search *s)
{
    if (!s->test(s->user, s->trial))
        return false;
    *s->best = *s->trial;
    return true;
}

static bool is_nothing(const struct skep_insn *insn)
{
    return insn->code == OPCODE_JUMP && insn->off == 0;
}

static bool blank(struct search *s, uint32_t from, uint32_t count)
{
    bool is_change = false;

    *s->trial = *s->best;
    if (from && program_is_wide(s->trial, from - 1)) /* not half of one */
        from++, count -= count > 0;
    for (uint32_t i = from; i < from + count && i < s->trial->count; i++) {
        bool is_wide = program_is_wide(s->trial, i);

        is_change = is_change || !is_nothing(&s->trial->insns[i]);
        s->trial->insns[i] = nothing;
        if (is_wide)
            s->trial->insns[++i] = nothing;
    }
    return is_change && keep(s);
}

static bool shrink(struct search *s)
{
    bool is_better = false;

    for (uint32_t i = s->best->count; i-- > 0;) {
        if (i && program_is_wide(s->best, i - 1))
            continue;
        *s->trial = *s->best;
        if (program_remove(s->trial, i) && keep(s))
            is_better = true;
    }
    return is_better;
}

static bool simplify(struct search *s)
{
    static const int32_t numbers[] = {0, 1};
    bool is_better = false;

    for (uint32_t i = 0; i < s->best->count; i++) {
        const struct skep_insn *insn = &s->best->insns[i];

        if (insn->code == 0x18 || insn->code == 0x85 || !insn->imm || insn->imm == 1 || !insn->code)
            continue;
        for (size_t k = 0; k < 2; k++) {
            *s->trial = *s->best;
            s->trial->insns[i].imm = numbers[k];
            if (keep(s)) {
                is_better = true;
                break;
            }
        }
    }
    return is_better;
}

void minimise(struct program *p, program_test test, void *user)
{
    struct search s = {p, malloc(sizeof *p), test, user};
    bool is_better = true;

    if (!s.trial)
        return;
    *s.trial = *p;
    s.trial->flags &= ~(uint32_t)FLAG_TEST_STATE_FREQ;
    (void)(s.trial->flags != p->flags && keep(&s));
    *s.trial = *p;
    s.trial->func_count = 0;
    (void)(p->func_count && keep(&s));
    for (int round = 0; round < ROUNDS && is_better; round++) {
        is_better = false;
        for (uint32_t size = p->count / 2 + 1; size; size /= 2)
            for (uint32_t at = 0; at < p->count; at += size)
                is_better |= blank(&s, at, size);
        is_better |= shrink(&s);
        is_better |= simplify(&s);
    }
    free(s.trial);
}
