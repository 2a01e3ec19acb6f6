/* tracepoint_open - a record of a ring buffer is filled with strings and submitted, or discarded. expect: accept */
#include "flips.h"

enum { PATH_BYTES = 128 };

struct opened {
    __u64 time;
    __u32 pid, length;
    char command[16], path[PATH_BYTES];
};
struct open_args {
    __u64 common;
    long number, directory;
    const char *path;
    long flags, mode;
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 16);
} records SEC(".maps");

const volatile char prefix[8] = "/etc/";
const volatile __u32 prefix_length = 5;

static bool has_prefix(const char *text)
{
    for (__u32 i = 0; i < sizeof prefix; i++) {
        if (i >= prefix_length)
            break;
        if (text[i] != prefix[i])
            return false;
    }
    return true;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int opened(struct open_args *args)
{
    struct opened *record = bpf_ringbuf_reserve(&records, sizeof *record, 0);
    long length;

    if (!record)
        return 0;
    length = bpf_probe_read_user_str(record->path, sizeof record->path, args->path);
    if (length < 2 || !has_prefix(record->path)) {
        bpf_ringbuf_discard(record, 0);
        return 0;
    }
    record->time = bpf_ktime_get_ns();
    record->pid = (__u32)(bpf_get_current_pid_tgid() >> 32);
    record->length = (__u32)length;
    bpf_get_current_comm(record->command, sizeof record->command);
    bpf_ringbuf_submit(record, args->flags & 1 ? BPF_RB_FORCE_WAKEUP : 0);
    return 0;
}
