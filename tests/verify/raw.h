/* raw.h - programs as bare instructions in a text file, for what no object file can hold: calls into the middle of nowhere,
 * functions without symbols, hand-made types. What old_tests.c writes.
 *
 *     program NAME             the lines of one program, up to "end"
 *     type N, attach N         as bpf(2) numbers them
 *     flags HEX                load flags
 *     expect accept|reject     what upstream expects, as root; guest: of who has no capability
 *     target NAME              of the kernel function it attaches to
 *     map TYPE KEY VALUE ENTRIES FLAGS KEY_TYPE VALUE_TYPE HAS_INNER HAS_VALUE
 *                              a map; the instructions name it by its number in this list. HAS_INNER: its values are
 *                              arrays of one int; HAS_VALUE: raw_value is what key 0 holds
 *     kfunc NAME               calls name it by its number in this list
 *     btf HEX, funcs HEX       types, and bpf_func_info records
 *     insns HEX                8 bytes each
 */
#ifndef TESTS_VERIFY_RAW_H
#define TESTS_VERIFY_RAW_H

#include <stdbool.h>
#include <stdio.h>

#include <skep/btf.h>
#include <skep/object.h>

enum { RAW_MOST = 16 /* maps, kfuncs, functions of a program */ };

struct raw_prog {
    struct skep_image image; /* what the library makes of an object's program */
    struct skep_map_def maps[RAW_MOST];
    bool has_value[RAW_MOST];
    bool is_accepted, is_accepted_for_guest;
    /* behind image */
    char name[256], target[128], kfuncs[RAW_MOST][128];
    struct skep_image_extern externs[RAW_MOST];
    struct skep_image_func funcs[RAW_MOST];
    uint32_t map_numbers[RAW_MOST];
    void *insns, *btf_bytes, *func_info;
    struct skep_btf *btf;
};

/* 1: the next program of the file; 0: there is none; -1: what follows is none. raw_free in every case. */
int raw_next(FILE *, struct raw_prog *);
void raw_free(struct raw_prog *);
/* RAW_VALUE bytes. */
enum { RAW_VALUE = 48 };
const void *raw_value(void);
/* "name": "text" as JSON, and `end`, to standard output. */
void raw_print_string(const char *name, const char *text, const char *end);

#endif
