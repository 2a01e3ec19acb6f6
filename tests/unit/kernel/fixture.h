/* fixture.h - what tests of the kernel backend share: its state, opened or the test skipped, and hand-made images. */
#ifndef UNIT_KERNEL_FIXTURE_H
#define UNIT_KERNEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <skep/kernel.h>
#include <skep/platform.h>

#define INSN(code_, dst_, src_, off_, imm_)                                                        \
    ((struct skep_insn){                                                                           \
        .code = (code_), .regs = (uint8_t)((dst_) | (src_) << 4), .off = (off_), .imm = (imm_)})
#define EXIT        INSN(0x95, 0, 0, 0, 0)
#define MOV(r, v)   INSN(0xb7, r, 0, 0, v)
#define COUNT(list) (sizeof(list) / sizeof *(list))

struct fixture {
    const struct skep_backend *backend;
    void *state;
    struct skep_error err;
};

/* Skips the test where the kernel will not have us. */
static inline void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.backend = skep_kernel_backend(), .err = {.size = sizeof f->err}};
    if (f->backend->open(f->backend->user, NULL, &f->state, &f->err) < 0) {
        fprintf(stderr, "skipped: %s\n", f->err.text);
        skip();
    }
}

static inline void fixture_close(struct fixture *f)
{
    f->backend->close(f->state);
}

static inline struct skep_image fixture_image(uint32_t type, const struct skep_insn *insns,
                                              size_t count)
{
    return (struct skep_image){.size = sizeof(struct skep_image),
                               .name = "test",
                               .section = "test",
                               .license = "GPL",
                               .type = type,
                               .insns = insns,
                               .insn_count = (uint32_t)count};
}

/* Load or fail with the message. */
static inline void *fixture_load(struct fixture *f, const struct skep_image *image,
                                 void *const *maps)
{
    void *prog = NULL;

    if (f->backend->prog_load(f->state, image, maps, &prog, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return prog;
}

#endif
