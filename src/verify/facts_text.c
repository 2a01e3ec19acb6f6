/* facts_text.c - facts in words, for people: skep_facts. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <skep/facts.h>

#include "base/error.h"
#include "verify/facts.h"
#include "verify/input.h"

enum { LINE = 512 };

struct line {
    char text[LINE];
    size_t length;
};

static void say(struct line *, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct line *line, const char *format, ...)
{
    size_t room = sizeof line->text - line->length;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line->text + line->length, room, format, args);
    va_end(args);
    if (length > 0)
        line->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void next(struct line *line)
{
    if (line->length)
        say(line, "; ");
}

/* -- numbers ----------------------------------------------------------------------------------- */

static void say_unsigned(struct line *line, uint64_t value)
{
    say(line, value > 65536 ? "0x%" PRIx64 : "%" PRIu64, value);
}

static void say_signed(struct line *line, int64_t value)
{
    if (value < 0)
        say(line, value == INT64_MIN ? "min" : "%" PRId64, value);
    else
        say_unsigned(line, (uint64_t)value);
}

/* What the interval does not say already. */
static bool has_bits(const struct range *r)
{
    struct tnum bits = tnum_range(r->umin, r->umax);

    return (bits.mask & ~r->bits.mask) != 0;
}

static void say_range(struct line *line, uint32_t regno, const struct range *r)
{
    bool is_unsigned = r->umin != 0 || r->umax != UINT64_MAX,
         is_signed = r->smin != INT64_MIN || r->smax != INT64_MAX;
    bool is_low = r->umin32 != 0 || r->umax32 != UINT32_MAX;

    next(line);
    if (range_is_const(r)) {
        say(line, "r%u = ", regno);
        say_signed(line, (int64_t)range_value(r));
        return;
    }
    if (is_unsigned && (r->smin >= 0 || !is_signed)) {
        say(line, "r%u in [", regno);
        say_unsigned(line, r->umin);
        say(line, ", ");
        if (r->umax == UINT64_MAX)
            say(line, "max");
        else
            say_unsigned(line, r->umax);
        say(line, "]");
    } else if (is_signed) {
        say(line, "r%u in [", regno);
        say_signed(line, r->smin);
        say(line, ", ");
        say_signed(line, r->smax);
        say(line, "]");
    } else if (is_low) {
        say(line, "w%u in [", regno);
        say_unsigned(line, r->umin32);
        say(line, ", ");
        say_unsigned(line, r->umax32);
        say(line, "]");
    } else {
        say(line, "r%u", regno);
    }
    if (has_bits(r))
        say(line, " bits 0x%" PRIx64 "/0x%" PRIx64, r->bits.value, r->bits.mask);
}

/* -- the rest ---------------------------------------------------------------------------------- */

struct listing {
    struct skep_object *obj;
    const struct skep_image *image;
    const struct facts *facts;
};

static void say_map(const struct listing *list, struct line *line, uint32_t map)
{
    struct skep_map_def def = {.size = sizeof def};

    if (map < list->image->map_count && !skep_object_map(list->obj, list->image->maps[map], &def))
        say(line, " of '%s'", def.name);
}

static void say_pointer(const struct listing *list, struct line *line, uint32_t insn)
{
    struct fact_pointer pointer;
    struct reg reg = {0};

    if (!facts_pointer(list->facts, insn, &pointer))
        return;
    next(line);
    if (pointer.is_mixed) {
        say(line, "memory of several kinds");
        return;
    }
    reg.kind = pointer.kind;
    reg.mods = pointer.mods;
    say(line, "%s", reg_kind_name(&reg));
    say_map(list, line, pointer.map);
}

static void say_address(const struct listing *list, struct line *line, uint32_t insn,
                        uint32_t regno)
{
    struct fact_address address;

    facts_address(list->facts, insn, regno, &address);
    if (address.where == FACT_ANYWHERE || regno == 10)
        return;
    next(line);
    if (address.where == FACT_STACK) {
        say(line, "r%u = fp%+d", regno, address.offset);
        return;
    }
    say(line, "r%u = value%+d", regno, address.offset);
    say_map(list, line, address.map);
}

static void say_insn(const struct listing *list, struct line *line, uint32_t insn)
{
    const struct isa_op *op = isa_find(&list->image->insns[insn]);
    uint16_t reads = op ? isa_reads(op, &list->image->insns[insn]) : 0;
    struct range range;

    line->length = 0;
    line->text[0] = '\0';
    if (facts_is_dead(list->facts, insn)) {
        say(line, "dead");
        return;
    }
    for (uint32_t i = 0; i < 10; i++) {
        if (!(reads >> i & 1))
            continue;
        facts_range(list->facts, insn, i, &range);
        if (!range_is_unknown(&range))
            say_range(line, i, &range);
        say_address(list, line, insn, i);
    }
    say_pointer(list, line, insn);
    if (op && op->kind == ISA_KIND_CALL && facts_map(list->facts, insn) != INSN_NONE) {
        next(line);
        say(line, "map");
        say_map(list, line, facts_map(list->facts, insn));
    }
    if (facts_edge_is_dead(list->facts, insn, FACTS_JUMPS)) {
        next(line);
        say(line, "never taken");
    } else if (facts_edge_is_dead(list->facts, insn, FACTS_FALLS)) {
        next(line);
        say(line, "always taken");
    }
}

static int list_all(const struct listing *list, skep_fact_fn fact, void *user)
{
    struct line line;
    int rc = 0;

    for (uint32_t i = 0; !rc && i < list->image->insn_count; i++) {
        say_insn(list, &line, i);
        if (line.length)
            rc = fact(user, i, line.text);
        if (isa_find(&list->image->insns[i]) && isa_is_wide(isa_find(&list->image->insns[i])))
            i++;
    }
    return rc;
}

int skep_facts(struct skep_object *obj, size_t prog, const struct skep_verify_opts *opts,
               skep_fact_fn fact, void *user, struct skep_error *err)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_image image = {.size = sizeof image};
    struct verify_result result = {.code = CODE_OK};
    struct skep_verify_opts own = {.size = sizeof own};
    int rc = skep_object_prog(obj, prog, &def);

    if (opts)
        memcpy(&own, opts, opts->size < sizeof own ? opts->size : sizeof own);

    if (rc)
        return error_set(err, rc, "there is no program %zu", prog);
    if (!def.is_type_known)
        return error_set(err, -SKEP_EINVAL, "SEC(\"%s\") does not say which type it has",
                         def.section);
    rc = skep_object_image(obj, prog, &image, err);
    if (!rc)
        rc = verify_image(obj, &image, &own, NULL, &result, err);
    if (!rc && result.code != CODE_OK)
        rc = error_set(err, -SKEP_EVERIFY, "insn %u: %s", result.insn, result.text);
    if (!rc && !result.facts)
        rc = error_set(err, -SKEP_ENOMEM, "no memory for facts");
    if (!rc)
        rc = list_all(&(struct listing){obj, &image, result.facts}, fact, user);
    facts_free(result.facts);
    return rc;
}
