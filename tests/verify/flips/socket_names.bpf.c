/* socket_names - DNS names: labels of variable length are copied to the stack and made lower case. expect: accept; v1 and v2 reject */
#include "flips.h"

enum { NAME_BYTES = 32, HEADERS = sizeof(struct iphdr) + sizeof(struct udphdr) + 12 };

struct name {
    char text[NAME_BYTES];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, struct name);
    __type(value, __u32);
} names SEC(".maps");

SEC("socket")
int count_names(struct __sk_buff *skb)
{
    struct name name = {0};
    __u32 *count, one = 1, length = skb->len;

    if (length <= HEADERS + 2)
        return 0;
    length -= HEADERS;
    if (length > NAME_BYTES)
        length = NAME_BYTES;
    if (bpf_skb_load_bytes(skb, HEADERS, &name, length) < 0)
        return 0;
    for (int i = 0; i < NAME_BYTES; i++) {
        char c = name.text[i];

        if (c >= 'A' && c <= 'Z')
            name.text[i] = (char)(c + 32);
        if (!c)
            break;
    }
    count = bpf_map_lookup_elem(&names, &name);
    if (count)
        __sync_fetch_and_add(count, 1);
    else
        bpf_map_update_elem(&names, &name, &one, BPF_ANY);
    return (int)skb->len;
}
