/* dlopen.c - the shared library comes and goes: 1,000 cycles of dlopen, load, run, dlclose leave no memory, no
 * descriptor and no mapping behind. Arguments: the library, the number of cycles, the object (may be missing). POSIX. */
#include "life.h"

#include <dirent.h>
#include <dlfcn.h>
#include <unistd.h>

const char *life_object;
static const char *library;
static unsigned cycles = 1000;

/* -- what the process has ---------------------------------------------------------------------- */
static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long total = 0, resident = -1;

    if (!file)
        return -1;
    if (fscanf(file, "%ld %ld", &total, &resident) != 2)
        resident = -1;
    fclose(file);
    return resident < 0 ? -1 : resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    if (!dir)
        return -1;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static int count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    int count = 0, c;

    if (!file)
        return -1;
    while ((c = fgetc(file)) != EOF)
        count += c == '\n';
    fclose(file);
    return count;
}

/* -- one cycle --------------------------------------------------------------------------------- */
#define FIND(name)                                                                                 \
    __typeof__(name) *p_##name;                                                                    \
    *(void **)(void *)&p_##name = dlsym(handle, #name);                                            \
    assert_non_null(p_##name)

static void one_cycle(void)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime *rt = NULL;
    struct skep_runtime_opts opts = {.size = sizeof opts, .slots = 2};
    struct skep_prog *prog = NULL;
    uint64_t retval = 0;

    if (!handle)
        fail_msg("%s", dlerror());
    FIND(skep_runtime_create);
    FIND(skep_runtime_unref);
    FIND(skep_asm);
    FIND(skep_prog_load);
    FIND(skep_prog_run);
    FIND(skep_prog_unref);
    FIND(skep_object_open);
    FIND(skep_object_free);
    FIND(skep_load);
    FIND(skep_collection_unref);
    FIND(skep_collection_prog);
    FIND(skep_prog_test_run);
    assert_int_equal(p_skep_runtime_create(&opts, &rt, &err), 0);
    if (life_object) {
        struct skep_load_opts load = {.size = sizeof load, .max_insns = 100000};
        uint8_t packet[64] = {0};
        struct skep_test_run run = {
            .size = sizeof run, .data_in = packet, .data_size_in = sizeof packet};
        struct skep_object *obj = NULL;
        struct skep_collection *all = NULL;

        if (p_skep_object_open(life_object, &obj, &err) ||
            p_skep_load(rt, obj, &load, &all, &err) ||
            p_skep_prog_test_run(p_skep_collection_prog(all, "life_entry"), &run, &err))
            fail_msg("%s: %s", err.subject, err.text);
        retval = run.retval;
        p_skep_object_free(obj);
        p_skep_collection_unref(all);
    } else {
        static const char text[] = "r0 = 2\nexit\n";
        struct skep_insn insns[2];
        struct skep_prog_code code = {
            .size = sizeof code, .type = SKEP_PROG_TYPE_MEMORY, .insns = insns, .insn_count = 2};
        size_t count = 0;

        assert_int_equal(p_skep_asm(text, sizeof text - 1, insns, 2, &count, &err), 0);
        if (p_skep_prog_load(rt, &code, &prog, &err))
            fail_msg("%s: %s", err.subject, err.text);
        assert_int_equal(p_skep_prog_run(prog, NULL, NULL, 0, &retval, &err), 0);
        p_skep_prog_unref(prog);
    }
    assert_int_equal(retval, 2);
    p_skep_runtime_unref(rt);
    assert_int_equal(dlclose(handle), 0);
}

static void test_the_library_can_be_unloaded(void **state)
{
    void *handle;

    (void)state;
    one_cycle();
    handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
    if (handle)
        fail_msg("%s is still loaded after dlclose", library);
}

static void test_a_thousand_cycles_leave_nothing_behind(void **state)
{
    long resident;
    int descriptors, mappings;

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        one_cycle();
    resident = resident_kib();
    descriptors = count_descriptors();
    mappings = count_mappings();
    for (unsigned i = 0; i < cycles; i++)
        one_cycle();
    print_message(
        "%u cycles: resident %ld KiB before, %ld KiB after; %d descriptors, %d mappings\n", cycles,
        resident, resident_kib(), count_descriptors(), count_mappings());
    assert_int_equal(count_descriptors(), descriptors);
#ifndef LIFE_SANITIZED
    /* Sanitizers keep what was freed for a while. */
    assert_true(count_mappings() <= mappings + 2);
    assert_true(resident_kib() <= resident + 512);
#endif
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_library_can_be_unloaded),
        cmocka_unit_test(test_a_thousand_cycles_leave_nothing_behind),
    };

    if (argc < 3) {
        fprintf(stderr, "usage: %s LIBRARY CYCLES [OBJECT]\n", argv[0]);
        return 2;
    }
    library = argv[1];
    cycles = (unsigned)strtoul(argv[2], NULL, 10);
    life_object = argc > 3 ? argv[3] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
