/* log.h - what log.c remembers between two instructions of a kernel-style log. */
#ifndef VERIFY_LOG_H
#define VERIFY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct reg;
struct verifier;
struct verify_result;

enum { LOG_STEPS = 1, LOG_MORE = 2, LOG_STATS = 4 }; /* bits of verify_log.level, Linux's */

/* verify_log.text points at `text`, which is the first member. */
struct log {
    struct text text;
    uint32_t insn, depth;  /* of the last instruction that was written; INSN_NONE: none */
    uint32_t line;         /* index in the image's lines + 1 of the last source line; 0: none */
    uint32_t width;        /* of the unfinished line of that instruction, 0: it is finished */
    bool has_state;        /* a whole state was written since */
    bool is_inside_a_line; /* something else is unfinished */
};
#define LOG_INIT(print_, user_)                                                                    \
    ((struct log){.text = {.print = (print_), .user = (user_)}, .insn = UINT32_MAX})

/* A register's type as Linux's logs name it: "rdonly_map_value_or_null", "trusted_ptr_task_struct". Returns `text`. */
const char *log_reg_type(const struct verifier *, const struct reg *, char *text, size_t room);
/* The last lines of a log: time, stack, how much was processed. `level`: LOG_*. */
void log_finish(struct log *, uint32_t level, uint32_t limit, const struct verify_result *);

#endif
