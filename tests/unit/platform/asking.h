/* asking.h - questions to the running kernel: a program of a few instructions, given to bpf(2)
 * without a log (about 20 us each); and complaints, so that a table's test names every wrong row. */
#ifndef TESTS_UNIT_PLATFORM_ASKING_H
#define TESTS_UNIT_PLATFORM_ASKING_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <skep.h>

#include "base/check.h"
#include "platform/access.h"

enum { SLEEPABLE = 1u << 4 };

static char verifier_log[65536];

static inline struct skep_insn insn(uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
    return (struct skep_insn){op, (uint8_t)(dst | src << 4), off, imm};
}

static inline int load_flags(uint32_t type, uint32_t attach_type, uint32_t flags,
                             const struct skep_insn *insns, size_t count, bool wants_log)
{
    union bpf_attr attr;
    int fd;

    memset(&attr, 0, sizeof attr);
    attr.prog_type = type;
    attr.expected_attach_type = attach_type;
    attr.prog_flags = flags;
    attr.insns = (uint64_t)(uintptr_t)insns;
    attr.insn_cnt = (uint32_t)count;
    attr.license = (uint64_t)(uintptr_t) "GPL";
    if (wants_log) {
        verifier_log[0] = '\0';
        attr.log_buf = (uint64_t)(uintptr_t)verifier_log;
        attr.log_size = sizeof verifier_log;
        attr.log_level = 2;
    }
    do
        fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
    while (fd < 0 && errno == EAGAIN);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static inline bool kernel_takes(uint32_t type, uint32_t attach_type, const struct skep_insn *insns,
                                size_t count)
{
    uint32_t flags = type == SKEP_PROG_TYPE_SYSCALL ? SLEEPABLE : 0;

    return load_flags(type, attach_type, flags, insns, count, false) == 0;
}

/* 1 is within the range of every type that is asked here. */
static inline bool kernel_has(uint32_t type, uint32_t attach_type)
{
    const struct skep_insn trivial[] = {insn(0xb7, 0, 0, 0, 1), insn(0x95, 0, 0, 0, 0)};

    return kernel_takes(type, attach_type, trivial, ARRAY_SIZE(trivial));
}

/* Newer kernels know more, older ones less; the tables are 6.18's. */
static inline void need_kernel(void)
{
    const struct skep_insn newest[] = {insn(0xb7, 1, 0, 0, 0), insn(0x85, 0, 0, 0, 211),
                                       insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)};

    if (!kernel_has(SKEP_PROG_TYPE_SOCKET_FILTER, 0)) {
        print_message("bpf(2) is refused here: no kernel to compare with\n");
        skip();
    }
    load_flags(SKEP_PROG_TYPE_SOCKET_FILTER, 0, 0, newest, ARRAY_SIZE(newest), true);
    if (strstr(verifier_log, "invalid func")) {
        print_message("this kernel is older than the tables\n");
        skip();
    }
}

static uint32_t complaints, asked;

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...)
{
    va_list args;

    if (complaints++ >= 100)
        return;
    va_start(args, format);
    vprint_error(format, args);
    va_end(args);
    print_error("\n");
}

/* Linux's types; skep's own follow them. */
static inline bool is_askable(const struct platform_prog_type *type)
{
    return type->ctx && type->number <= SKEP_PROG_TYPE_NETFILTER;
}

#endif
