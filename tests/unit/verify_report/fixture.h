/* fixture.h - a small program under verification, made by hand: what refusals, logs and reports are tested on.
 *
 *      0: r1 = *(u32 *)(r1 +12)         fw.bpf.c:18:22   u32 key = ctx->ingress_ifindex;
 *      1: *(u32 *)(r10 -4) = r1
 *      2: r2 = r10
 *      3: r2 += -4
 *      4: r1 = map[0] ll                fw.bpf.c:19:25   struct rule *rule = bpf_map_lookup_elem(&rules, &key);
 *      6: call bpf_map_lookup_elem
 *      7: r1 = *(u64 *)(r0 +8)          fw.bpf.c:20:15   rule->x++;
 *      8: r1 += 1
 *      9: *(u64 *)(r0 +8) = r1
 *     10: r0 = 2                        fw.bpf.c:21:5    return XDP_PASS;
 *     11: exit
 */
#ifndef TESTS_VERIFY_REPORT_FIXTURE_H
#define TESTS_VERIFY_REPORT_FIXTURE_H

#include "base/text.h"
#include "verify/log.h"
#include "verify/report.h"
#include "verify/verifier.h"

struct fixture {
    struct skep_insn insns[16];
    struct insn_info info[16];
    struct skep_image image;
    struct verify_map map;
    struct verify_input in;
    struct verify_result result;
    struct verifier v;
    struct state state;
    struct frame frame;
    struct slot slots[4];
    struct slot_group group;
    struct text out; /* what a log printed */
    struct log log;
};

/* `level` 0: no log. Without lines the program has no debug information. */
void fixture_open(struct fixture *, uint32_t level, bool has_lines);
void fixture_close(struct fixture *);
/* r0 after the lookup. */
void fixture_looked_up(struct fixture *);
/* The whole of what was printed. */
const char *fixture_log(struct fixture *);
/* A report with that one row, printed. The caller frees with free(). */
char *fixture_print(struct fixture *, uint32_t format);

#endif
