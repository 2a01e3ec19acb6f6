/* verify.h - is a program safe? Verification without a runtime, and the report that says why or why not.
 *
 * skep_verify links an object and judges its programs as Linux 6.18 would: nothing is loaded, no map is made, no kernel
 * and no privilege is needed. The verdicts gather in a report, which prints itself for people, scripts, code scanners and
 * GitHub. An object is used by one thread at a time; several objects may be verified in parallel.
 */
#ifndef SKEP_VERIFY_H
#define SKEP_VERIFY_H

#include <skep/api.h>
#include <skep/btf.h>
#include <skep/error.h>
#include <skep/object.h>

#ifdef __cplusplus
extern "C" {
#endif

struct
    skep_report; /* opaque: the verdicts of one or several calls; plain data, holds copies only */

/* What the one who loads the program may do: capabilities(7). */
enum {
    SKEP_CAP_BPF = 1,
    SKEP_CAP_PERFMON = 2,
    SKEP_CAP_NET_ADMIN = 4,
    SKEP_CAP_SYS_ADMIN = 8,
    SKEP_CAP_NONE = 0x8000 /* as 0 means the default */
};
enum { /* the three levels that have a name */
       SKEP_AS_ROOT = SKEP_CAP_BPF | SKEP_CAP_PERFMON | SKEP_CAP_NET_ADMIN,
       SKEP_AS_BPF = SKEP_CAP_BPF,
       SKEP_AS_GUEST = SKEP_CAP_NONE
};
enum {                            /* log_level: Linux's */
       SKEP_VERIFY_LOG_STEPS = 1, /* instructions and what is known after each */
       SKEP_VERIFY_LOG_MORE = 2,
       SKEP_VERIFY_LOG_STATS = 4
};

struct skep_verify_opts {
    size_t size;
    const char *
        prog; /* this function's only, else those of this section; NULL: all that load by themselves */
    uint32_t all;  /* not 0: with prog NULL, also those that do not (SEC("?xdp")) */
    uint32_t caps; /* SKEP_CAP_*, SKEP_AS_*; 0: SKEP_AS_ROOT */
    uint32_t
        flags; /* of bpf(2)'s prog_flags, added to each program's own (BPF_F_STRICT_ALIGNMENT ..) */
    uint32_t
        linux_only; /* not 0: refuse what Linux refuses as too complex, though it is proven safe here */
    const struct skep_btf
        *btf; /* the kernel's types, for CO-RE, kfuncs and attach targets; NULL: the host's */
    uint32_t max_insns;  /* instructions that may be looked at per program; 0: Linux's 1,000,000 */
    uint32_t log_level;  /* SKEP_VERIFY_LOG_*; 0: no log */
    skep_print_fn print; /* where a kernel-style log goes */
    void *user;
    uint64_t max_bytes; /* memory of one verification; 0: 64 MiB and 128 bytes an instruction */
    uint64_t max_ns;    /* wall clock of one verification; 0: no limit */
    /* Set it to something else than 0 (atomically) in another thread to stop; may be NULL. */
    const volatile uint32_t *cancel;
};

/* Judge the programs of an object. `opts` may be NULL. *report must be NULL, then a report is made, or a report, which
 * grows. A rejected program is not an error of this call: 0 means that every chosen program has a verdict. What cannot be
 * linked is rejected with code PROGRAM. Errors: -SKEP_ENOENT (no such program), -SKEP_EINVAL (an object of the other byte
 * order), -SKEP_ECANCELED, -SKEP_ENOMEM; then *report holds what was judged until then, or is still NULL. A program that
 * needs more than max_bytes or max_ns is rejected with code COMPLEXITY. */
SKEP_API int skep_verify(struct skep_object *, const struct skep_verify_opts *opts,
                         struct skep_report **report, struct skep_error *err);
SKEP_API void skep_report_free(struct skep_report *);

/* One program's verdict. Strings are borrowed from the report, until it grows or is freed. */
struct skep_verdict {
    size_t size;
    const char *object, *prog, *section;
    const char
        *code; /* "NULL_DEREF"; NULL: accepted, then what follows up to note_count is empty */
    const char *title, *text,
        *help;             /* what rule it is; what is wrong; what would fix it ("" if unknown) */
    int32_t error;         /* what bpf(2) would have returned: -SKEP_EACCES .. */
    uint32_t insn;         /* index of the instruction, in the linked program */
    uint32_t line, column; /* 1-based; 0: unknown */
    const char *file, *source; /* "" if unknown; source: the text of the line */
    const char *insn_text;     /* "(61) r1 = *(u32 *)(r2 +4)" */
    uint32_t note_count;
    /* In veristat's terms; of a rejected program as far as it was followed. */
    uint32_t insns;               /* of the program, as linked */
    uint32_t processed;           /* looked at, counted anew on every path */
    uint32_t states, peak_states; /* checkpoints made; most that were kept at a time */
    uint32_t stack;               /* bytes that the deepest chain of calls needs */
    uint32_t beyond_linux;   /* not 0: proven here, while Linux gives up on it as too complex */
    uint64_t ns, peak_bytes; /* what the verification took */
};
/* -SKEP_ENOENT past the last one. */
SKEP_API int skep_report_verdict(const struct skep_report *, size_t index,
                                 struct skep_verdict *out);

/* Where something came from that made a program fail: most recent first. */
struct skep_verdict_note {
    size_t size;
    const char *text;
    uint32_t insn, line, column;
    const char *file, *source, *insn_text;
};
/* -SKEP_ENOENT past the last one. */
SKEP_API int skep_report_note(const struct skep_report *, size_t verdict, size_t index,
                              struct skep_verdict_note *out);
/* How many verdicts say no. */
SKEP_API size_t skep_report_rejected(const struct skep_report *);

/* Source files below this folder (NULL: none) are printed relative to it. Copied; -SKEP_ENOMEM. */
SKEP_API int skep_report_set_folder(struct skep_report *, const char *folder);

/* How a report prints: one of these, with flags. */
enum {
    SKEP_REPORT_HUMAN = 0,      /* like a compiler's messages, then one line per program */
    SKEP_REPORT_JSON = 1,       /* an array with one object per program */
    SKEP_REPORT_SARIF = 2,      /* SARIF 2.1.0 (OASIS), for code scanners */
    SKEP_REPORT_GITHUB = 3,     /* workflow commands: annotations in a pull request */
    SKEP_REPORT_COLOUR = 0x100, /* HUMAN */
    SKEP_REPORT_PRETTY = 0x200, /* JSON, SARIF: indented */
    SKEP_REPORT_NO_ROWS = 0x400 /* HUMAN, GITHUB: what is wrong only */
};
/* 0, what `print` returned if that was not 0, or -SKEP_ENOMEM. */
SKEP_API int skep_report_print(const struct skep_report *, uint32_t format, skep_print_fn print,
                               void *user);

/* A rule that programs are refused by. Static strings. */
struct skep_verify_rule {
    size_t size;
    const char *code, *title; /* "NULL_DEREF", "pointer may be null" */
    const char *help;         /* in one line: what would fix it */
    const char *explain;      /* some lines, with a wrong and a right example in C */
    int32_t error;            /* -SKEP_EACCES .. */
};
/* By index (-SKEP_ENOENT past the last one), by code (upper or lower case; -SKEP_ENOENT: there is none). */
SKEP_API int skep_verify_rule(size_t index, struct skep_verify_rule *out);
SKEP_API int skep_verify_rule_find(const char *code, struct skep_verify_rule *out);

#ifdef __cplusplus
}
#endif
#endif
