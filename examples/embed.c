/* embed.c - eBPF in your own program: load the firewall, give it one packet, read a map. Arguments: the object. */
#include <skep.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static uint8_t packet[54] = {/* Ethernet */ 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
                                 /* IPv4, 192.0.2.7 to 192.0.2.1, TCP */ 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0,
                                 192, 0, 2, 7, 192, 0, 2, 1, /* port 5000 to 80, SYN */ 0x13, 0x88, 0, 80,
                                 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02};
    static const uint8_t host[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 7};
    struct skep_runtime *rt = NULL;
    struct skep_object *obj = NULL;
    struct skep_collection *fw = NULL;
    struct skep_error err = {.size = sizeof err};
    struct skep_load_opts opts = {.size = sizeof opts, .max_insns = 100000};
    struct skep_test_run run = {.size = sizeof run, .data_in = packet, .data_size_in = sizeof packet};
    uint32_t unanswered = 0;
    int rc;

    if ((rc = skep_runtime_create(NULL, &rt, &err)) ||
        (rc = skep_object_open(argc > 1 ? argv[1] : "fw.o", &obj, &err)) ||
        (rc = skep_load(rt, obj, &opts, &fw, &err)) ||
        (rc = skep_prog_test_run(skep_collection_prog(fw, "xdp_fw"), &run, &err)) ||
        (rc = skep_map_lookup(skep_collection_map(fw, "suspects"), host, sizeof host, &unanswered, sizeof unanswered, 0)))
        fprintf(stderr, "%s: %s: %s\n", err.subject, skep_code_name(rc), err.text);
    else
        printf("%s after %llu instructions; the host opened %u flow(s) that nobody answered\n",
               skep_verdict_name(SKEP_PROG_TYPE_XDP, run.retval), (unsigned long long)run.insns, unanswered);
    skep_collection_unref(fw), skep_object_free(obj), skep_runtime_unref(rt);
    return rc != 0;
}
