/* report.h - verdicts as they are kept: copies of everything that they refer to. */
#ifndef VERIFY_REPORT_H
#define VERIFY_REPORT_H

#include <skep/verify.h>

#include "base/arena.h"
#include "base/vec.h"
#include "verify/verifier.h"

struct report_place { /* an instruction, with its source line where that is known */
    uint32_t insn, line, column;
    const char *file, *source, *insn_text; /* never NULL */
};
struct report_note {
    const char *text;
    struct report_place place;
};
struct report_row {
    const char *object, *prog, *section;
    enum verify_code code;
    const char *text, *help; /* what is wrong as people read it; "" where there is none */
    struct report_place place, help_place;
    struct report_note *notes;
    uint32_t note_count;
    uint32_t insns, processed, states, peak_states, stack;
    uint64_t ns, peak_bytes;
    bool is_beyond_linux, is_placed; /* is_placed: it is about an instruction */
};
struct skep_report {
    struct arena arena;
    VEC(struct report_row) rows;
    const char *folder; /* files below it print relative to it; NULL: none */
};
/* The file of a place as it prints. */
const char *report_file(const struct skep_report *, const struct report_place *);

/* Copy a result into the report. `image` may be NULL: then the program could not be linked, and `place` (may be NULL too)
 * says where. -SKEP_ENOMEM. */
int report_add(struct skep_report *, const char *object, const struct skep_prog_def *,
               const struct skep_image *image, const struct verify_result *,
               const struct skep_error *place);

#endif
