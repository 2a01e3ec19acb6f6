/* scalars.c - what tnum.c and range*.c yield for random operands, one line each: `what operands = result`. prove.py compares
 * it with its formulas. A range is written as bits (value, mask), then the ends: s64, u64, s32, u32. */
#include <inttypes.h>
#include <stdio.h>

#include "verify/range.h"

#define CASES 40

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Of any length, from either end of the circle. */
static uint64_t next_number(void)
{
    const uint64_t number = next_random() >> (next_random() & 63);

    return (next_random() & 1) != 0 ? number : ~number;
}

static struct tnum next_tnum(void)
{
    const uint64_t mask = next_number();

    return (struct tnum){next_number() & ~mask, mask};
}

/* One that holds a number, or two. */
static struct range next_range(void)
{
    const uint64_t number = next_number();
    struct range r, point;

    range_set_const(&r, number);
    for (uint64_t more = next_random() & 3; more > 0; more--) {
        range_set_const(&point,
                        (next_random() & 1) != 0 ? number + next_random() % 1000 : next_number());
        range_join(&r, &point);
    }
    if ((next_random() & 1) != 0)
        r.bits = TNUM_UNKNOWN;
    if ((next_random() & 1) != 0)
        r.umin = 0, r.umax = UINT64_MAX;
    if ((next_random() & 1) != 0)
        r.umin32 = 0, r.umax32 = UINT32_MAX;
    return r;
}

static void print_tnum(struct tnum a)
{
    printf(" %" PRIx64 " %" PRIx64, a.value, a.mask);
}

static void print_range(const struct range *r)
{
    print_tnum(r->bits);
    printf(" %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64, (uint64_t)r->smin, (uint64_t)r->smax,
           r->umin, r->umax);
    printf(" %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32, (uint32_t)r->smin32,
           (uint32_t)r->smax32, r->umin32, r->umax32);
}

static void tnum_line(const char *what, struct tnum a, struct tnum b, struct tnum result)
{
    printf("%s", what);
    print_tnum(a);
    print_tnum(b);
    printf(" =");
    print_tnum(result);
    printf("\n");
}

static void tnum_lines(void)
{
    static const struct {
        const char *name;
        struct tnum (*of)(struct tnum, struct tnum);
    } binary[] = {{"tnum_add", tnum_add},    {"tnum_sub", tnum_sub}, {"tnum_and", tnum_and},
                  {"tnum_or", tnum_or},      {"tnum_xor", tnum_xor}, {"tnum_mul", tnum_mul},
                  {"tnum_union", tnum_union}};

    for (int i = 0; i < CASES; i++) {
        const struct tnum a = next_tnum(), b = next_tnum();
        const struct tnum by = tnum_const(next_random() & 63), by32 = tnum_const(by.value & 31);
        const struct tnum nowhere = tnum_const(0), at = tnum_const(next_number());

        for (size_t k = 0; k < sizeof(binary) / sizeof(binary[0]); k++)
            tnum_line(binary[k].name, a, b, binary[k].of(a, b));
        if (tnum_overlap(a, b))
            tnum_line("tnum_intersect", a, b, tnum_intersect(a, b));
        tnum_line("tnum_neg", a, nowhere, tnum_neg(a));
        tnum_line("tnum_bswap2", a, nowhere, tnum_bswap(a, 2));
        tnum_line("tnum_bswap8", a, nowhere, tnum_bswap(a, 8));
        tnum_line("tnum_lsh", a, by, tnum_lsh(a, (uint8_t)by.value));
        tnum_line("tnum_rsh", a, by, tnum_rsh(a, (uint8_t)by.value));
        tnum_line("tnum_arsh", a, by, tnum_arsh(a, (uint8_t)by.value, 64));
        tnum_line("tnum_arsh32", a, by32, tnum_arsh(a, (uint8_t)by32.value, 32));
        tnum_line("tnum_range", tnum_const(at.value >> 1), at, tnum_range(at.value >> 1, at.value));
        if (at.value <= (a.value | a.mask))
            tnum_line("tnum_next", a, at, tnum_const(tnum_next(a, at.value)));
        if (at.value >= a.value)
            tnum_line("tnum_previous", a, at, tnum_const(tnum_previous(a, at.value)));
    }
}

static void range_line(const char *what, const struct range *a, const struct range *b,
                       const struct range *result)
{
    printf("%s", what);
    print_range(a);
    print_range(b);
    printf(" =");
    print_range(result);
    printf("\n");
}

static void range_lines(void)
{
    static const struct {
        const char *name;
        enum isa_does op;
        bool is_shift;
    } ops[] = {{"add", ISA_DO_ADD, false}, {"sub", ISA_DO_SUB, false}, {"neg", ISA_DO_NEG, false},
               {"and", ISA_DO_AND, false}, {"or", ISA_DO_OR, false},   {"xor", ISA_DO_XOR, false},
               {"lsh", ISA_DO_LSH, true},  {"rsh", ISA_DO_RSH, true},  {"arsh", ISA_DO_ARSH, true}};

    for (int i = 0; i < CASES; i++) {
        const struct range a = next_range(), b = next_range();
        struct range by, r = a;
        char name[16];

        range_sync(&r);
        range_line("range_sync", &a, &b, &r);
        for (size_t k = 0; k < sizeof(ops) / sizeof(ops[0]); k++)
            for (uint8_t bytes = 4; bytes <= 8; bytes = (uint8_t)(bytes + 4)) {
                by = b;
                if (ops[k].is_shift)
                    range_set_const(&by, i % 4 == 0 ? bytes * 4u : next_random() % (bytes * 8u));
                if (range_is_const(&a) && range_is_const(&by)) /* computed, not approximated */
                    continue;
                r = a;
                range_alu(&r, &by, ops[k].op, bytes);
                snprintf(name, sizeof(name), "%s%d", ops[k].name, bytes * 8);
                range_line(name, &a, &by, &r);
            }
    }
}

int main(void)
{
    tnum_lines();
    range_lines();
    return 0;
}
