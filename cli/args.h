/* args.h - the command line of a verb, by a table of its options. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli.h"

enum arg_kind {
    ARG_FLAG, /* bool */
    ARG_TEXT, /* const char * */
    ARG_U64,  /* uint64_t */
    ARG_LIST, /* struct arg_list: may be given several times */
};

struct arg_list {
    const char **items; /* borrowed strings in a malloc'ed array */
    size_t count;
};

struct arg_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum arg_kind kind;
    size_t offset;     /* of the variable in the verb's own struct */
    const char *value; /* what usage calls the value; NULL for flags */
    const char *help;
};

enum { ARGS_GO_ON = -1 };

/* Parse argv[1..argc - 1] into `cli`, the verb's struct `options` and `operands`. ARGS_GO_ON, or the code to exit with:
 * help has been shown (0), or something is wrong and said so with the verb's usage (2). */
int args_parse(const struct verb *, int argc, char **argv, struct cli *, void *options,
               struct arg_list *operands);
/* Complain, show the usage of the verb, and return CLI_USAGE. */
int args_usage(const struct verb *, const char *format, ...) PRINTF_LIKE(2, 3);
/* The whole help text of a verb on standard output. */
void args_help(const struct verb *);
void args_free(struct arg_list *);

#endif
