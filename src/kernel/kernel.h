/* kernel.h - the room's own nouns: what a runtime that Linux serves keeps, and what stands behind
 * its handles.
 *
 * One file per noun: kernel_open.c (the backend's table, its state, who may call bpf(2)),
 * kernel_map.c, kernel_prog.c (instructions made ready for bpf(2)), kernel_types.c (names to BTF
 * ids of the running kernel), kernel_log.c (what the verifier said, in a line or two), kernel_run.c
 * (test runs), kernel_memory.c (programs on plain memory).
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <skep/backend.h>
#include <skep/platform.h>

#include "base/error.h"
#include "os/os.h"
#include "base/printf.h"

enum { KERNEL_BTF_KEPT = 4, KERNEL_NAME = 16 /* BPF_OBJ_NAME_LEN */ };

struct kernel_btf { /* types of an object that the kernel holds */
    void *bytes;
    uint32_t size;
    int fd; /* below 0: the kernel refused them */
    uint64_t used;
};

struct kernel_state {
    const struct skep_host *host;
    uint32_t cpus;
    struct os_mutex lock; /* of what follows */
    struct kernel_btf btf[KERNEL_BTF_KEPT];
    uint64_t clock; /* which of them was used last */
    struct skep_btf *vmlinux;
    bool is_vmlinux_tried;
};

struct kernel_map {
    int fd;
    uint32_t id, type, key_size;
};

struct kernel_prog {
    struct kernel_state *state;
    int fd; /* below 0 for a program on memory: it has one per length */
    uint32_t id, type;
    struct kernel_memory *memory;
};

/* -- kernel_open.c ----------------------------------------------------------------------------- */
/* The kernel's descriptor of these types, borrowed until the state closes or other types displace
 * it: the caller makes its own (dup); -1: none. */
int kernel_open_types(struct kernel_state *, const void *bytes, uint32_t size);
/* The types of the running kernel, or NULL. */
const struct skep_btf *kernel_open_vmlinux(struct kernel_state *);
void kernel_open_log(struct kernel_state *, int level, const char *format, ...) PRINTF_LIKE(3, 4);
/* An error of bpf(2) while doing `what`: fills the record, names what a refused caller lacks. */
int kernel_open_error(struct skep_error *, int sys, const char *format, ...) PRINTF_LIKE(3, 4);
/* A name as bpf(2) takes it. */
void kernel_open_name(const char *from, char name[KERNEL_NAME]);

/* -- kernel_map.c ------------------------------------------------------------------------------ */
int kernel_map_create(void *state, const struct skep_map_def *, void *inner, const void *btf,
                      uint32_t btf_size, void **map, struct skep_error *);
void kernel_map_free(void *map);
uint32_t kernel_map_id(void *map);
int kernel_map_lookup(void *map, const void *key, void *value, uint64_t flags);
int kernel_map_update(void *map, const void *key, const void *value, uint64_t flags);
int kernel_map_delete(void *map, const void *key);
int kernel_map_next_key(void *map, const void *key, void *next);
int kernel_map_freeze(void *map);
int kernel_map_set_prog(void *map, const void *key, void *prog);
int kernel_map_set_map(void *map, const void *key, void *inner);

/* -- kernel_prog.c ----------------------------------------------------------------------------- */
int kernel_prog_load(void *state, const struct skep_image *, void *const *maps, void **prog,
                     struct skep_error *);
void kernel_prog_free(void *prog);
uint32_t kernel_prog_id(void *prog);
int kernel_prog_info(void *prog, struct skep_prog_info *info);
/* An image as the kernel takes it. The caller closes the descriptor. `shift`: instructions put
 * before the image's own. */
struct kernel_insns {
    struct bpf_insn *items;
    uint32_t count, shift;
};
int kernel_prog_submit(struct kernel_state *, const struct skep_image *,
                       const struct kernel_insns *, struct bpf_prog_load_opts *, uint32_t type,
                       int *fd, struct skep_error *);
/* The image's instructions with maps as descriptors, kernel types as ids; modules' types are added
 * to fd_array. */
struct kernel_modules {
    int fds[16]; /* [0] is vmlinux's place */
    uint32_t ids[16];
    uint32_t count;
};
int kernel_prog_resolve(struct kernel_state *, const struct skep_image *, void *const *maps,
                        struct bpf_insn *out, struct kernel_modules *, struct skep_error *);
void kernel_modules_close(struct kernel_modules *);

/* -- kernel_types.c ---------------------------------------------------------------------------- */
/* Find a type of that kind and name in vmlinux or, given `modules`, in a module: *index is its
 * place in modules->fds, 0 for vmlinux. -SKEP_ENOENT: nowhere. */
int kernel_types_find(struct kernel_state *, const char *kind, const char *name,
                      struct kernel_modules *, uint32_t *id, uint32_t *index);
/* What a program attaches to, by name: fills attach_btf_id, attach_btf_obj_fd and, of struct_ops,
 * the member. */
int kernel_types_attach(struct kernel_state *, const struct skep_image *,
                        struct bpf_prog_load_opts *, struct kernel_modules *, struct skep_error *);
/* The address of a symbol in /proc/kallsyms; 0: not there, or hidden. */
uint64_t kernel_types_symbol(const char *name);

/* -- kernel_log.c ------------------------------------------------------------------------------ */
/* The lines of a verifier log that say why: *insn is the instruction it stopped at, UINT32_MAX if
 * it names none. */
void kernel_log_digest(const char *log, char *text, size_t room, uint32_t *insn);

/* -- kernel_run.c ------------------------------------------------------------------------------ */
int kernel_run_test(void *prog, struct skep_test_run *, struct skep_error *);

/* -- kernel_memory.c --------------------------------------------------------------------------- */
int kernel_memory_load(struct kernel_state *, const struct skep_image *, void *const *maps,
                       struct kernel_memory **, struct skep_error *);
void kernel_memory_free(struct kernel_memory *);
int kernel_memory_run(struct kernel_memory *, struct skep_test_run *, struct skep_error *);
/* The descriptor of the variant that ran last, borrowed; -1: none ran. */
int kernel_memory_fd(struct kernel_memory *);

#endif
