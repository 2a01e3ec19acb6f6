/* system.c - what os/ promises on every system: files with errors in words, clocks that go on, locks that exclude. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep/runtime.h>

#include "os/os.h"

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_file_read_gives_every_byte_of_a_file(void **state)
{
    static uint8_t content[70000];
    uint8_t *bytes = NULL;
    size_t size = 0;

    (void)state;
    for (size_t i = 0; i < sizeof content; i++)
        content[i] =
            (uint8_t)(i * 7 +
                      i / 256); /* with 0x0a, 0x0d and 0x1a in it, which text modes change */
    write_file("os_system.tmp", content, sizeof content);
    assert_int_equal(os_file_read("os_system.tmp", &bytes, &size, NULL), 0);
    assert_int_equal(size, sizeof content);
    assert_memory_equal(bytes, content, size);
    free(bytes);
    assert_true(os_file_exists("os_system.tmp"));
    remove("os_system.tmp");
    assert_false(os_file_exists("os_system.tmp"));
}

static void test_file_read_of_an_empty_file_succeeds(void **state)
{
    uint8_t *bytes = NULL;
    size_t size = 1;

    (void)state;
    write_file("os_empty.tmp", "", 0);
    assert_int_equal(os_file_read("os_empty.tmp", &bytes, &size, NULL), 0);
    assert_int_equal(size, 0);
    free(bytes);
    remove("os_empty.tmp");
}

static void test_file_read_takes_utf8_paths(void **state)
{
    uint8_t *bytes = NULL;
    size_t size = 0;

    (void)state;
    /* Written through the same door where the C library speaks another code page: copy a file we can name. */
    if (!os_file_exists("os_\xc3\xa4\xe2\x82\xac.tmp")) {
        FILE *file = fopen("os_\xc3\xa4\xe2\x82\xac.tmp", "wb");

        if (!file)
            skip();
        fputs("x", file);
        fclose(file);
    }
    if (!os_file_exists("os_\xc3\xa4\xe2\x82\xac.tmp")) {
        remove("os_\xc3\xa4\xe2\x82\xac.tmp");
        skip(); /* the C library of this system does not write UTF-8 names */
    }
    assert_int_equal(os_file_read("os_\xc3\xa4\xe2\x82\xac.tmp", &bytes, &size, NULL), 0);
    assert_int_equal(size, 1);
    free(bytes);
    remove("os_\xc3\xa4\xe2\x82\xac.tmp");
}

static void test_file_read_of_a_missing_file_says_which_and_why(void **state)
{
    struct skep_error err = {.size = sizeof err};
    uint8_t *bytes;
    size_t size;

    (void)state;
    assert_int_equal(os_file_read("no/such/file.o", &bytes, &size, &err), -SKEP_ENOENT);
    assert_int_equal(err.code, -SKEP_ENOENT);
    assert_int_not_equal(err.sys, 0);
    assert_non_null(strstr(err.text, "no/such/file.o"));
    assert_non_null(strstr(err.text, "no such file"));
}

static void test_file_read_of_a_directory_is_an_error(void **state)
{
    struct skep_error err = {.size = sizeof err};
    uint8_t *bytes;
    size_t size;

    (void)state;
    assert_true(os_file_read(".", &bytes, &size, &err) < 0);
    assert_non_null(strstr(err.text, "directory"));
}

static void test_clocks_never_go_back(void **state)
{
    static const int clocks[] = {SKEP_CLOCK_MONOTONIC, SKEP_CLOCK_BOOTTIME, SKEP_CLOCK_COARSE,
                                 SKEP_CLOCK_TAI};

    (void)state;
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        uint64_t last = os_clock(clocks[i]);

        assert_true(last > 0);
        for (int k = 0; k < 1000; k++) {
            uint64_t now = os_clock(clocks[i]);

            assert_true(now >= last);
            last = now;
        }
    }
}

static void test_sleep_takes_as_long_as_asked(void **state)
{
    uint64_t start = os_clock(SKEP_CLOCK_MONOTONIC), taken;

    (void)state;
    os_sleep(20000000);
    taken = os_clock(SKEP_CLOCK_MONOTONIC) - start;
    assert_true(taken >= 15000000);
    assert_true(taken < UINT64_C(60000000000));
}

static void test_cpus_possible_are_at_least_the_online_ones(void **state)
{
    (void)state;
    assert_true(os_cpu_count() >= 1);
    assert_true(os_cpu_possible() >= os_cpu_count());
}

static void test_numa_node_0_is_online_and_a_million_is_not(void **state)
{
    (void)state;
    assert_true(os_numa_is_online(0));
    assert_false(os_numa_is_online(1000000));
}

static void test_random_numbers_differ(void **state)
{
    uint64_t seen[64];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        seen[i] = os_random();
        for (size_t k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
    }
}

static void test_comm_is_cut_and_padded_with_zeros(void **state)
{
    char name[16], cut[4];

    (void)state;
    memset(name, 'x', sizeof name);
    os_comm(name, sizeof name);
    assert_int_not_equal(name[0], 0);
    assert_int_equal(name[15], 0);
    for (size_t i = strlen(name); i < sizeof name; i++)
        assert_int_equal(name[i], 0);
    os_comm(cut, sizeof cut);
    assert_int_equal(cut[3], 0);
    assert_int_equal(cut[0], name[0]);
    os_comm(cut, 0);
    assert_int_not_equal(os_pid(), 0);
    assert_int_not_equal(os_tid(), 0);
}

static void test_memory_read_tells_what_is_there_and_what_is_not(void **state)
{
    uint8_t from[10000], to[10000];
    uint64_t address = (uintptr_t)from;

    (void)state;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i * 31 + i / 256);
    memset(to, 0, sizeof to);
    assert_true(os_memory_read(to, address, sizeof from));
    assert_memory_equal(to, from, sizeof from);
    assert_true(os_memory_read(to, address + 1, 1));
    assert_int_equal(to[0], from[1]);
    assert_false(os_memory_read(to, 0, 8));
    assert_false(os_memory_read(to, 8, 1));
    assert_false(os_memory_read(to, UINT64_MAX - 100, 8));
    assert_false(os_memory_read(to, UINT64_C(0x8000000000000000), 8));
}

struct counter {
    struct os_mutex mutex;
    uint64_t count; /* not atomic: the lock is the test */
};

static void count_up(void *arg)
{
    struct counter *counter = arg;

    for (int i = 0; i < 20000; i++) {
        os_mutex_lock(&counter->mutex);
        counter->count++;
        os_mutex_unlock(&counter->mutex);
    }
}

static void test_mutex_excludes_threads_from_each_other(void **state)
{
    struct counter counter = {.count = 0};
    struct os_thread threads[4];

    (void)state;
    os_mutex_init(&counter.mutex);
    for (int i = 0; i < 4; i++)
        assert_int_equal(os_thread_start(&threads[i], count_up, &counter), 0);
    for (int i = 0; i < 4; i++)
        os_thread_join(&threads[i]);
    os_mutex_destroy(&counter.mutex);
    assert_int_equal(counter.count, 80000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_read_gives_every_byte_of_a_file),
        cmocka_unit_test(test_file_read_of_an_empty_file_succeeds),
        cmocka_unit_test(test_file_read_takes_utf8_paths),
        cmocka_unit_test(test_file_read_of_a_missing_file_says_which_and_why),
        cmocka_unit_test(test_file_read_of_a_directory_is_an_error),
        cmocka_unit_test(test_clocks_never_go_back),
        cmocka_unit_test(test_sleep_takes_as_long_as_asked),
        cmocka_unit_test(test_cpus_possible_are_at_least_the_online_ones),
        cmocka_unit_test(test_numa_node_0_is_online_and_a_million_is_not),
        cmocka_unit_test(test_random_numbers_differ),
        cmocka_unit_test(test_comm_is_cut_and_padded_with_zeros),
        cmocka_unit_test(test_memory_read_tells_what_is_there_and_what_is_not),
        cmocka_unit_test(test_mutex_excludes_threads_from_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
