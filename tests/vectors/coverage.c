/* coverage.c - which rows of the instruction table no vector contains. Any row left out is a failure.
 *
 * Usage: coverage [--list] FILE...    (--list: print each row with the number of vectors that contain it)
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "isa/opcode.h"

static void count_rows(const struct vector *v, unsigned rows[ISA_COUNT])
{
    bool seen[ISA_COUNT] = {false};

    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct isa_op *op = isa_find(&v->insns[i]);

        if (!op)
            continue;
        if (!seen[op->id])
            rows[op->id]++;
        seen[op->id] = true;
        if (isa_is_wide(op))
            i++;
    }
}

int main(int argc, char **argv)
{
    unsigned rows[ISA_COUNT] = {0}, missing = 0;
    struct vectors vectors = {0};
    bool is_list = argc > 1 && strcmp(argv[1], "--list") == 0;

    for (int i = is_list ? 2 : 1; i < argc; i++)
        if (!cases_read(&vectors, argv[i]))
            return 2;
    for (size_t i = 0; i < vectors.count; i++)
        count_rows(&vectors.items[i], rows);
    for (uint32_t id = 1; id < ISA_COUNT; id++) {
        if (is_list)
            printf("%-24s %u\n", isa_op(id)->name, rows[id]);
        if (!rows[id])
            fprintf(stderr, "no vector contains %s (%s)\n", isa_op(id)->name, isa_op(id)->text);
        missing += !rows[id];
    }
    printf("%zu vectors, %u of %u rows covered\n", vectors.count, ISA_COUNT - 1 - missing,
           ISA_COUNT - 1);
    cases_free(&vectors);
    return missing != 0;
}
