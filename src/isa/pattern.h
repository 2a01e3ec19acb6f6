/* pattern.h - reading a line against the text patterns of opcode.def. Private to isa/.
 *
 * A pattern that fits yields the fields as numbers, unchecked, each with its place in the line:
 * whether they fit the instruction is judged once the right row is found, so that a number that is
 * too large is reported as that.
 */
#ifndef ISA_PATTERN_H
#define ISA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern_number {
    const char *at; /* where it stands, NULL: the pattern has none */
    uint64_t magnitude;
    bool is_negative, is_huge; /* huge: does not fit 64 bits */
};

struct pattern_fields {
    int dst, src; /* -1: not in the pattern */
    struct pattern_number off, imm, next;
    bool is_whole; /* imm is all 64 bits of a constant */
    bool is_compared;
    const char *label; /* a target by name, for off or imm as the row says */
    size_t label_length;
};

/* The place that any pattern got to before it failed, and what it wanted there. */
struct pattern_failure {
    const char *at;
    const char *wanted;
    size_t wanted_length;
    bool is_many; /* several patterns, several wishes */
};

/* True if the pattern and then nothing but a comment fills [at, end). */
bool pattern_match(const char *pattern, const char *at, const char *end, struct pattern_fields *,
                   struct pattern_failure *);

const char *pattern_skip_space(const char *at, const char *end);
/* Nothing more in the line: its end, or "//", "#", ";". */
bool pattern_at_end(const char *at, const char *end);
/* A character of a label; digits may not come first. */
bool pattern_is_label(char c, bool is_first);
/* An unsigned number, 0x or decimal; NULL: there is none. */
const char *pattern_number(const char *at, const char *end, struct pattern_number *);

#endif
