/* old_tests.c - the arrays of the kernel's test_verifier as raw program files (raw.h), which verifiers here can read.
 *
 * tools/selftests compiles this once per file of the self tests' verifier/ folder, with -DSOURCE="verifier/x.c" and the
 * parts of test_verifier.c that the arrays need as "test_verifier.cut.h" (the test's struct and what fills in generated
 * programs) and "test_verifier.types.h" (the types of its maps). The result is GPL-2.0 and stays where it was built.
 *
 * What upstream does to a test before it loads it is done here: maps where a fixup says so, flags, the default type.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>

#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/btf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>

#define ARRAY_SIZE(array)          (sizeof(array) / sizeof *(array))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define offsetofend(type, member)  (offsetof(type, member) + sizeof_field(type, member))
#include "bpf_rand.h"
#include "test_btf.h"
#include "../../../include/linux/filter.h"
#include "test_verifier.cut.h"
#include "test_verifier.types.h"

static struct bpf_test tests[] = {
#define FILL_ARRAY
#include SOURCE
#undef FILL_ARRAY
};

/* Which map a list of fixups stands for. Entries of a map that has types: their ids in btf_raw_types. */
struct fixup {
    size_t offset; /* of the list in struct bpf_test */
    uint32_t type, key_size, value_size, entries, flags, key_type, value_type;
    bool has_inner; /* an array of one int */
    bool has_value; /* of key 0: what upstream's update_map writes */
};
#define LIST(name) offsetof(struct bpf_test, fixup_##name)
static const struct fixup fixups[] = {
    {LIST(map_hash_8b), BPF_MAP_TYPE_HASH, 8, 8, 1, BPF_F_NO_PREALLOC, 0, 0, false, false},
    {LIST(map_hash_48b), BPF_MAP_TYPE_HASH, 8, 48, 1, BPF_F_NO_PREALLOC, 0, 0, false, false},
    {LIST(map_hash_16b), BPF_MAP_TYPE_HASH, 8, 16, 1, BPF_F_NO_PREALLOC, 0, 0, false, false},
    {LIST(map_array_48b), BPF_MAP_TYPE_ARRAY, 4, 48, 1, 0, 0, 0, false, true},
    {LIST(map_sockmap), BPF_MAP_TYPE_SOCKMAP, 4, 4, 1, 0, 0, 0, false, false},
    {LIST(map_sockhash), BPF_MAP_TYPE_SOCKHASH, 4, 4, 1, 0, 0, 0, false, false},
    {LIST(map_xskmap), BPF_MAP_TYPE_XSKMAP, 4, 4, 1, 0, 0, 0, false, false},
    {LIST(map_stacktrace), BPF_MAP_TYPE_STACK_TRACE, 4, 8, 1, 0, 0, 0, false, false},
    {LIST(prog1), BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 0, 0, false, false},
    {LIST(prog2), BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8, 0, 0, 0, false, false},
    {LIST(map_in_map), BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, 0, 0, true, false},
    {LIST(cgroup_storage), BPF_MAP_TYPE_CGROUP_STORAGE, sizeof(struct bpf_cgroup_storage_key),
     TEST_DATA_LEN, 0, 0, 0, 0, false, false},
    {LIST(percpu_cgroup_storage), BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
     sizeof(struct bpf_cgroup_storage_key), TEST_DATA_LEN, 0, 0, 0, 0, false, false},
    {LIST(map_spin_lock), BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 1, 3, false, false},
    {LIST(map_array_ro), BPF_MAP_TYPE_ARRAY, 4, 48, 1, BPF_F_RDONLY_PROG, 0, 0, false, true},
    {LIST(map_array_wo), BPF_MAP_TYPE_ARRAY, 4, 48, 1, BPF_F_WRONLY_PROG, 0, 0, false, true},
    {LIST(map_array_small), BPF_MAP_TYPE_ARRAY, 4, 1, 1, 0, 0, 0, false, true},
    {LIST(sk_storage_map), BPF_MAP_TYPE_SK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC, 1, 3, false, false},
    {LIST(map_event_output), BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1, 0, 0, 0, false, false},
    {LIST(map_reuseport_array), BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 1, 0, 0, 0, false, false},
    {LIST(map_ringbuf), BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, 0, 0, false, false},
    {LIST(map_timer), BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0, 1, 5, false, false},
    {LIST(map_kptr), BPF_MAP_TYPE_ARRAY, 4, 24, 1, 0, 1, 14, false, false},
};

static void print_hex(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        printf("%02x", at[i]);
}

static void print_types(const uint32_t *types, size_t bytes, const char *strings, size_t size)
{
    struct btf_header header = {.magic = 0xeb9f,
                                .version = 1,
                                .hdr_len = sizeof header,
                                .type_len = (uint32_t)bytes,
                                .str_off = (uint32_t)bytes,
                                .str_len = (uint32_t)size};

    printf("btf ");
    print_hex(&header, sizeof header);
    print_hex(types, bytes);
    print_hex(strings, size);
    putchar('\n');
}

/* Maps, in the order of `fixups`; the instructions refer to them by index. */
static bool print_maps(const struct bpf_test *test, struct bpf_insn *insns)
{
    int count = 0;
    bool is_typed = false;

    for (size_t i = 0; i < sizeof fixups / sizeof *fixups; i++) {
        const struct fixup *fixup = &fixups[i];
        const int *at = (const int *)((const char *)test + fixup->offset);

        if (!*at)
            continue;
        printf("map %u %u %u %u %u %u %u %d %d\n", fixup->type, fixup->key_size, fixup->value_size,
               fixup->entries, fixup->flags, fixup->key_type, fixup->value_type, fixup->has_inner,
               fixup->has_value);
        is_typed = is_typed || fixup->key_type;
        for (int n = 0; n < MAX_FIXUPS && at[n]; n++) {
            insns[at[n]].src_reg = insns[at[n]].src_reg == BPF_PSEUDO_MAP_VALUE
                                       ? BPF_PSEUDO_MAP_IDX_VALUE
                                       : BPF_PSEUDO_MAP_IDX;
            insns[at[n]].imm = count;
        }
        count++;
    }
    return is_typed;
}

static void print_kfuncs(const struct bpf_test *test, struct bpf_insn *insns)
{
    const char *seen[MAX_FIXUPS];
    int count = 0;

    for (int i = 0; i < MAX_FIXUPS && test->fixup_kfunc_btf_id[i].kfunc; i++) {
        int at = 0;

        while (at < count && strcmp(seen[at], test->fixup_kfunc_btf_id[i].kfunc) != 0)
            at++;
        if (at == count) {
            seen[count++] = test->fixup_kfunc_btf_id[i].kfunc;
            printf("kfunc %s\n", seen[at]);
        }
        insns[test->fixup_kfunc_btf_id[i].insn_idx].imm = at;
    }
}

static const char *verdict(int result)
{
    return result == REJECT ? "reject" : "accept";
}

static void print_test(size_t index, struct bpf_test *test)
{
    struct bpf_insn *insns = test->insns;
    uint32_t flags = BPF_F_TEST_RND_HI32 | BPF_F_TEST_REG_INVARIANTS;
    int length = MAX_INSNS;

    if (test->fill_helper) {
        test->fill_insns = calloc(MAX_TEST_INSNS, sizeof *insns);
        if (!test->fill_insns)
            exit(1);
        test->fill_helper(test);
        insns = test->fill_insns;
        length = test->prog_len;
    } else {
        while (length > 1 && !insns[length - 1].code && !insns[length - 1].imm)
            length--;
    }
    if (test->flags & F_LOAD_WITH_STRICT_ALIGNMENT)
        flags |= BPF_F_STRICT_ALIGNMENT;
    if (test->flags & F_NEEDS_EFFICIENT_UNALIGNED_ACCESS)
        flags |= BPF_F_ANY_ALIGNMENT;
    if (test->flags & ~3)
        flags |= test->flags;
    printf("program %zu_", index);
    for (const char *at = test->descr; *at; at++)
        putchar((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                        (*at >= 'A' && *at <= 'Z')
                    ? *at
                    : '_');
    printf("\ntype %d\nattach %d\nflags %x\nexpect %s\nguest %s\n",
           test->prog_type ? (int)test->prog_type : BPF_PROG_TYPE_SOCKET_FILTER,
           (int)test->expected_attach_type, flags, verdict(test->result),
           verdict(test->result_unpriv ? test->result_unpriv : test->result));
    if (test->kfunc)
        printf("target %s\n", test->kfunc);
    if (print_maps(test, insns)) {
        print_types(btf_raw_types, sizeof btf_raw_types, btf_str_sec, sizeof btf_str_sec);
    } else if (test->btf_types[0]) {
        size_t count = 0;

        while (count < MAX_BTF_TYPES && test->btf_types[count] != BTF_END_RAW)
            count++;
        print_types(test->btf_types, count * 4, test->btf_strings, sizeof test->btf_strings);
        if (test->func_info_cnt) {
            printf("funcs ");
            print_hex(test->func_info, (size_t)test->func_info_cnt * sizeof *test->func_info);
            putchar('\n');
        }
    }
    print_kfuncs(test, insns);
    printf("insns ");
    print_hex(insns, (size_t)length * sizeof *insns);
    printf("\nend\n");
    free(test->fill_insns);
}

int main(void)
{
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        print_test(i, &tests[i]);
    return 0;
}
