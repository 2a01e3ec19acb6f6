/* ask.h - ask the running kernel's verifier about linked programs: what the oracle prints and the bench times.
 *
 * A session holds the maps of one object at a time. A query is one program made ready for bpf(2), which can be submitted as
 * often as one likes.
 */
#ifndef TESTS_VERIFY_ASK_H
#define TESTS_VERIFY_ASK_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <skep/object.h>

#include "kernel/kernel.h"
#include "raw.h"

enum { ASK_MOST_MAPS = 1024, ASK_ALL_CAPS = -1 /* those of the caller */ };

struct ask_session {
    void *state;                /* of the kernel backend */
    struct skep_object *object; /* whose programs are asked about */
    const struct raw_prog *raw; /* instead of a program of the object */
    int64_t caps;               /* with which programs are loaded and maps made */
    uint32_t log_level;         /* besides the statistics: printed on stderr */
    struct ask_map {
        void *map, *memory; /* memory: of an arena */
        size_t length;
    } maps[ASK_MOST_MAPS];
    char *log;
};

struct ask_answer {
    const char *verdict; /* "accept", "reject" or "refused": it never came to the verifier */
    int code;            /* errno */
    uint32_t insns;
    long processed, usec, states, peak, stack;
    char reason[512];
};

struct ask_query {
    const struct skep_image *image;
    struct bpf_prog_load_opts opts;
    struct kernel_modules modules;
    struct kernel_insns insns;
    int types;
};

/* Capabilities by a list ("bpf,net_admin") or by a level ("root", "bpf", "guest", "all"). Unknown ones end the process. */
int64_t ask_caps_of_list(const char *list);
int64_t ask_caps_of_level(const char *level);

/* -1: bpf(2) is not for us. Then there is nothing to close. */
int ask_open(struct ask_session *, int64_t caps, struct skep_error *);
void ask_close(struct ask_session *);
/* Maps of the object that was asked about, before another one is. */
void ask_forget(struct ask_session *);

/* `flags` are added to the image's own. A negative code: something that the program needs cannot be had here. ask_release
 * in either case. */
int ask_prepare(struct ask_session *, const struct skep_image *, uint32_t flags, struct ask_query *,
                struct skep_error *);
void ask_submit(struct ask_session *, struct ask_query *, struct ask_answer *);
void ask_release(struct ask_query *);

#endif
