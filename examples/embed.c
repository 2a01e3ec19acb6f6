/* embed.c - eBPF in your own program: load the firewall, give it one packet, read a map. Argument: fw.o. */
#include <skep.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static const char syn[] = "\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" /* Ethernet; IPv4: .7 to .1; TCP */
                              "\x45\0\0\x28\0\0\0\0\x40\6\0\0\xc0\0\2\7\xc0\0\2\1"
                              "\x13\x88\0\x50\0\0\0\0\0\0\0\0\x50\2\0\0\0\0\0\0"; /* 5000 to 80 */
    static const char host[] = "\0\0\0\0\0\0\0\0\0\0\0\0\xc0\0\2\7";
    struct skep_runtime *rt = NULL;
    struct skep_object *obj = NULL;
    struct skep_collection *fw = NULL;
    struct skep_error err = {.size = sizeof err};
    struct skep_load_opts opts = {.size = sizeof opts, .max_insns = 100000};
    struct skep_test_run run = {.size = sizeof run, .data_in = syn, .data_size_in = sizeof syn - 1};
    uint32_t opened = 0;
    int rc;

    if ((rc = skep_runtime_create(NULL, &rt, &err)) ||
        (rc = skep_object_open(argc > 1 ? argv[1] : "fw.o", &obj, &err)) ||
        (rc = skep_load(rt, obj, &opts, &fw, &err)) ||
        (rc = skep_prog_test_run(skep_collection_prog(fw, "xdp_fw"), &run, &err)) ||
        (rc = skep_map_lookup(skep_collection_map(fw, "suspects"), host, 16, &opened, 4, 0)))
        fprintf(stderr, "%s: %s: %s\n", err.subject, skep_code_name(rc), err.text);
    else
        printf("%s after %d instructions; 192.0.2.7 opened %u flow(s) that nobody answered\n",
               skep_verdict_name(SKEP_PROG_TYPE_XDP, run.retval), (int)run.insns, opened);
    skep_collection_unref(fw), skep_object_free(obj), skep_runtime_unref(rt);
    return rc != 0;
}
