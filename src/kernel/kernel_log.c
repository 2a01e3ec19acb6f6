/* kernel_log.c - what the verifier said, in a line or two: its log is a trace of every instruction
 * it walked, and the reason stands at its end, before the statistics.
 */
#include "kernel/kernel.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    const char *text;
    size_t length;
};

static bool starts(const struct line *line, const char *with)
{
    size_t length = strlen(with);

    return line->length >= length && memcmp(line->text, with, length) == 0;
}

/* Lines that follow the reason or trace the way to it. */
static bool is_noise(const struct line *line)
{
    static const char *const noise[] = {"processed ",
                                        "verification time",
                                        "stack depth",
                                        "mark_precise",
                                        "from ",
                                        "max_states",
                                        "; ",
                                        "func#",
                                        "Live regs",
                                        "insn_processed",
                                        "propagating",
                                        "update insn",
                                        "parent state",
                                        "parent didn't",
                                        "last_idx",
                                        "regs=",
                                        "arg#0 reference type",
                                        "0: R1=ctx"};

    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (starts(line, noise[i]))
            return true;
    return line->length == 0;
}

/* "17: (61) r2 = *(u32 *)(r1 +8)" or "17: R0=..." : the index, -1: neither. */
static long insn_of(const struct line *line)
{
    size_t at = 0;

    while (at < line->length && isdigit((unsigned char)line->text[at]))
        at++;
    if (!at || at > 7 || at + 1 >= line->length || line->text[at] != ':')
        return -1;
    return strtol(line->text, NULL, 10);
}

static bool is_step(const struct line *line)
{
    return insn_of(line) >= 0 || starts(line, "R0") || starts(line, "R1=");
}

/* Some messages lack their newline: the statistics stand right behind them. */
static size_t without_statistics(const char *text, size_t length)
{
    static const char *const tails[] = {"processed ", "verification time "};

    for (size_t at = 1; at < length; at++)
        for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
            size_t size = strlen(tails[i]);

            if (length - at > size && memcmp(text + at, tails[i], size) == 0 &&
                isdigit((unsigned char)text[at + size]))
                return at;
        }
    return length;
}

/* Walk backwards: the line that ends at `end` (exclusive, without its newline). */
static struct line line_before(const char *log, size_t end)
{
    size_t start = end;

    while (start && log[start - 1] != '\n')
        start--;
    return (struct line){log + start, without_statistics(log + start, end - start)};
}

void kernel_log_digest(const char *log, char *text, size_t room, uint32_t *insn)
{
    struct line kept[3];
    size_t count = 0, end = strlen(log), used = 0;
    long at = -1;

    *insn = UINT32_MAX;
    if (room)
        *text = 0;
    while (end) {
        struct line line = line_before(log, end);
        size_t start = (size_t)(line.text - log);

        if (at < 0)
            at = insn_of(&line);
        /* The reason is what comes after the last step; one instruction's text is told by its
         * index. */
        if (is_step(&line) && (count || at >= 0) && insn_of(&line) >= 0)
            break;
        if (!is_noise(&line) && count < sizeof kept / sizeof *kept)
            kept[count++] = line;
        end = start ? start - 1 : 0;
    }
    if (at >= 0)
        *insn = (uint32_t)at;
    for (size_t i = count; i-- > 0 && used < room;) {
        int wrote = snprintf(text + used, room - used, "%s%.*s", used ? "; " : "",
                             (int)kept[i].length, kept[i].text);

        if (wrote < 0)
            break;
        used += (size_t)wrote;
    }
}
