/* cli.h - what the verbs of the command share: exit codes, options that every verb takes, and how it complains.
 *
 * Results go to standard output, errors and progress to standard error. A verb returns its exit code and never exits.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep.h>

/* A function that takes a format as printf does. gcc for Windows takes "printf" for the format of Microsoft's old library,
 * which knows no %zu. */
#ifdef __clang__
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first) __attribute__((format(gnu_printf, text, first)))
#endif

enum {
    CLI_YES = 0,
    CLI_NO = 1,      /* rejected, failed, faulted, differs */
    CLI_USAGE = 2,   /* usage, or input that cannot be read */
    CLI_REFUSED = 3, /* the system said no */
};

struct cli {
    bool is_json, is_pretty, is_quiet, is_verbose;
};

struct verb {
    const char *name, *operands, *about;
    const struct arg_option
        *options;      /* ends with a row without a name; NULL: only the common ones */
    const char *notes; /* printed after the options by --help; NULL: nothing */
    size_t min_operands, max_operands;
    int (*run)(const struct verb *, int argc, char **argv);
};

extern const struct verb verb_run, verb_verify, verb_explain, verb_inspect, verb_dump, verb_asm,
    verb_disasm, verb_btf, verb_gen, verb_features, verb_version, verb_help;
/* All of them in the order of `skep help`; ends with NULL. */
extern const struct verb *const verbs[];

/* "skep: text" on standard error. */
void cli_complain(const char *format, ...) PRINTF_LIKE(1, 2);
/* The same, unless the user wants quiet. */
void cli_warn(const struct cli *, const char *format, ...) PRINTF_LIKE(2, 3);
/* Print an error record: "skep: fw.o: prog xdp_fw: fw.bpf.c:57: text". `about` (may be NULL) is what the record is about
 * where it does not say so itself. */
void cli_error(const char *about, const struct skep_error *err);
/* The exit code for input that could not be opened or understood. */
int cli_input_exit(int code);
/* The exit code for a program that could not be loaded or run. */
int cli_load_exit(int code);

/* The last part of a path; "standard input" for "-". */
const char *cli_name(const char *path);
/* The object's file by its last part, for messages. */
const char *cli_object(const struct skep_object *);
/* The whole file ("-": standard input), malloc'ed, with a NUL behind it; complains by itself. Returns an exit code. */
int cli_read(const char *path, uint8_t **bytes, size_t *size);
/* Write a whole file ("-": standard output); complains by itself. Returns an exit code. */
int cli_write(const char *path, const void *bytes, size_t size);
/* Hand standard output to the system; complains if it is full or gone. `code` unless that fails. */
int cli_finish(int code);
/* For functions that want a skep_print_fn: to the FILE * in `user`. */
int cli_print(void *user, const char *text, size_t length);

/* bpftool's name of a program type; never NULL. */
const char *cli_type_name(uint32_t prog_type);
/* "4096" as "4,096"; `text` has room for 28 bytes. */
const char *cli_count(uint64_t number, char text[28]);
/* A whole number: decimal, or hexadecimal after 0x. */
bool cli_number(const char *text, uint64_t *number);
/* Hex digits in pairs, with optional 0x before a pair and blanks and commas between pairs; malloc'ed. */
bool cli_hex(const char *text, size_t length, uint8_t **bytes, size_t *size);

#endif
