/* regressions.bpf.c - programs that the verifier once judged wrongly, each named after its mistake. Before each stands what it
 * is expected to say: a part of the reason, or "accept". */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define NOINLINE __attribute__((noinline))
/* One path with `value` 12345, one with 0: the first is looked at first, and the second must not be taken for covered by it. */
#define NULL_OR_NUMBER(value)                                                                      \
    asm volatile("%0 = 12345; if %1 < 10 goto +1; %0 = 0;"                                         \
                 : "=&r"(value)                                                                    \
                 : "r"(bpf_get_prandom_u32()));                                                    \
    bpf_get_prandom_u32()

char _license[] SEC("license") = "GPL";

struct task_struct {
} __attribute__((preserve_access_index));

extern void bpf_throw(__u64 cookie) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u64 off, void *buffer,
                              __u64 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u64 off, void *buffer,
                                   __u64 size) __ksym;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_USER_RINGBUF);
    __uint(max_entries, 4096);
} from_user SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, int);
    __type(value, char[64]);
} values SEC(".maps");
struct {
    __uint(type, 33); /* BPF_MAP_TYPE_ARENA, which Debian 12's headers do not have */
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
} arena SEC(".maps");

static NOINLINE int count_none(__u32 turn, void *ctx)
{
    return 0;
}

static NOINLINE int count(__u32 turn, __u32 *sum)
{
    *sum += turn;
    return 0;
}

static NOINLINE int sum_up(__u32 most)
{
    __u32 sum = 0;

    bpf_loop(most, count, &sum, 0);
    return sum & 1;
}

static NOINLINE int sum_deeper(__u32 most)
{
    return sum_up(most + 1);
}

/* expect: accept */
SEC("xdp")
int callback_at_two_depths(struct xdp_md *ctx)
{
    return sum_deeper(ctx->rx_queue_index) + sum_up(ctx->ingress_ifindex) + sum_deeper(3);
}

NOINLINE int deref(int *p)
{
    return p ? *p : 0;
}

/* expect: R1 type=scalar */
SEC("xdp")
int null_to_global_memory(struct xdp_md *ctx)
{
    __u64 p;

    NULL_OR_NUMBER(p);
    return deref((int *)p);
}

NOINLINE int is_task(struct task_struct *task
                     __attribute__((btf_decl_tag("arg:trusted"), btf_decl_tag("arg:nullable"))))
{
    return task ? 1 : 0;
}

/* expect: R1 type=scalar */
SEC("raw_tp/sys_enter")
int null_to_global_btf(void *ctx)
{
    __u64 p;

    NULL_OR_NUMBER(p);
    return is_task((struct task_struct *)p);
}

/* expect: R3 type=scalar */
SEC("tc")
int null_to_optional_buffer(struct __sk_buff *skb)
{
    struct bpf_dynptr whole;
    __u64 p;

    bpf_dynptr_from_skb(skb, 0, &whole);
    NULL_OR_NUMBER(p);
    bpf_dynptr_slice(&whole, 0, (void *)p, 8);
    return 0;
}

/* expect: unacquired reference */
SEC("tc")
int dynptr_of_same_reference(void *ctx)
{
    struct bpf_dynptr one, two, three;

    bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &one);
    if (bpf_get_prandom_u32() > 10) {
        bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &two);
    } else {
        bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &three);
        bpf_dynptr_clone(&one, &two);
    }
    bpf_get_prandom_u32();
    bpf_ringbuf_submit_dynptr(&one, 0);
    bpf_ringbuf_submit_dynptr(&two, 0);
    return 0;
}

static NOINLINE char *slice_of(struct bpf_dynptr *whole)
{
    char buffer[16] = {};

    return bpf_dynptr_slice_rdwr(whole, 0, buffer, sizeof buffer);
}

/* expect: invalid mem access 'scalar' */
SEC("tc")
int slice_outlives_buffer(struct __sk_buff *skb)
{
    struct bpf_dynptr whole;
    char *slice;

    bpf_dynptr_from_skb(skb, 0, &whole);
    slice = slice_of(&whole);
    return slice ? *slice : 0;
}

/* expect: dynptr slice may lead to */
SEC("tc")
int dynptr_under_slice(struct __sk_buff *skb)
{
    union {
        char buffer[16];
        struct bpf_dynptr dynptr;
    } place = {};
    struct bpf_dynptr whole;
    __u64 *slice;
    char out[4];

    bpf_dynptr_from_skb(skb, 0, &whole);
    slice = bpf_dynptr_slice_rdwr(&whole, 0, place.buffer, sizeof place.buffer);
    if (!slice)
        return 0;
    bpf_dynptr_from_skb(skb, 0, &place.dynptr);
    slice[0] = 0xdeaddead;
    bpf_dynptr_read(out, sizeof out, &place.dynptr, 0, 0);
    return out[0];
}

static NOINLINE int throw_hundred(int x)
{
    bpf_throw(100);
    return x;
}

/* expect: should have been in [0, 1] */
SEC("cgroup_skb/ingress")
int throw_out_of_range(void *ctx)
{
    return throw_hundred(3) & 1;
}

NOINLINE int throw_global(int x)
{
    if (x == 7)
        bpf_throw(1);
    return x;
}

/* expect: Unreleased reference */
SEC("tc")
int throw_with_reference(void *ctx)
{
    void *record = bpf_ringbuf_reserve(&ring, 8, 0);
    int r;

    if (!record)
        return 0;
    r = throw_global(bpf_get_prandom_u32());
    bpf_ringbuf_submit(record, 0);
    return r;
}

struct kept {
    void *record;
};

static NOINLINE int renew(__u32 turn, struct kept *kept)
{
    void *old = kept->record;

    kept->record = 0;
    if (old)
        bpf_ringbuf_discard(old, 0);
    kept->record = bpf_ringbuf_reserve(&ring, 8, 0);
    return 0;
}

/* expect: accept */
SEC("tc")
int callback_hands_over_reference(void *ctx)
{
    struct kept kept = {0};
    void *record;

    bpf_loop(5, renew, &kept, 0);
    record = kept.record;
    if (record)
        bpf_ringbuf_discard(record, 0);
    return 0;
}

NOINLINE int touch_arena(int *number __attribute__((btf_decl_tag("arg:arena"))))
{
    return number ? *number : 0;
}

/* expect: R1 invalid mem access 'scalar' */
SEC("tc")
int arena_argument_is_a_number(void *ctx)
{
    return touch_arena((int *)(unsigned long)bpf_get_prandom_u32());
}

/* Whatever is computed with an arena's pointer stays in the arena. */
/* expect: accept */
SEC("syscall")
int arena_pointer_in_any_sum(void *ctx)
{
    asm volatile("r1 = %[arena] ll;"
                 "r2 = 64;"
                 "r3 = addr_space_cast(r2, 0, 1);"
                 "r2 -= r3;"
                 "r4 = *(u8 *)(r2 + 0);"
                 "r3 += r10;"
                 "r4 = *(u8 *)(r3 + 0);"
                 "r1 &= r3;"
                 "r4 = *(u8 *)(r1 + 0);" ::[arena] "i"(&arena)
                 : "r1", "r2", "r3", "r4");
    return 0;
}

NOINLINE int read_packet(struct kept *first)
{
    return first && first->record;
}

NOINLINE int write_packet(struct kept *first)
{
    if (first)
        first->record = 0;
    return 0;
}

static int through(struct __sk_buff *skb, int (*function)(struct kept *))
{
    struct kept *first = (void *)(long)skb->data;

    return (void *)(first + 1) <= (void *)(long)skb->data_end ? function(first) : 0;
}

/* expect: accept */
SEC("cgroup_skb/ingress")
int packet_read_by_global(struct __sk_buff *skb)
{
    through(skb, read_packet);
    return 1;
}

/* expect: cannot write into */
SEC("cgroup_skb/ingress")
int packet_written_by_global(struct __sk_buff *skb)
{
    through(skb, write_packet);
    return 1;
}

extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

/* What is acquired is not vouched for beyond its reference. */
/* expect: R2 type=ptr_ */
SEC("tp_btf/sched_switch")
int acquired_object_as_memory(__u64 *ctx)
{
    struct task_struct *task = bpf_task_acquire((struct task_struct *)ctx[1]);

    if (!task)
        return 0;
    bpf_ringbuf_output(&ring, task, 8, 0);
    bpf_task_release(task);
    return 0;
}

/* expect: dereference of modified */
SEC("tc")
int moved_slice_as_memory(struct __sk_buff *skb)
{
    struct bpf_dynptr packet;
    char buffer[16], *slice;

    bpf_dynptr_from_skb(skb, 0, &packet);
    slice = bpf_dynptr_slice(&packet, 0, buffer, sizeof buffer);
    if (slice)
        bpf_ringbuf_output(&ring, slice + 4, 8, 0);
    return 0;
}

/* expect: misaligned packet access */
SEC("cgroup/getsockopt")
int number_into_unaligned_packet(struct bpf_sockopt *ctx)
{
    char *data = ctx->optval, digits[8] = "1";

    if (data + 8 <= (char *)ctx->optval_end)
        bpf_strtol(digits, sizeof digits, 0, (void *)data);
    return 1;
}

/* expect: dereference of modified ctx ptr */
SEC("syscall")
int moved_context_of_syscall(void *ctx)
{
    int value;

    asm volatile("r1 = %1; r1 += 4; %0 = *(u32 *)(r1 + 0)" : "=r"(value) : "r"(ctx) : "r1");
    return value & 1;
}

/* expect: accept */
SEC("tc")
int moved_function(void *ctx)
{
    asm volatile(
        "r2 = %[count] ll; r2 += 8; r2 += -8; r1 = 2; r3 = 0; r4 = 0; call 181;" ::[count] "i"(
            count_none)
        : "r0", "r1", "r2", "r3", "r4", "r5");
    return 0;
}

NOINLINE int takes_anything(void *what)
{
    asm volatile("" ::"r"(what));
    return bpf_get_prandom_u32();
}

/* The first call is a wrong guess, which only ends its path; the second must be refused all the same. */
/* expect: size cannot be determined */
SEC("socket")
int bad_signature_guessed_first_bpf(struct __sk_buff *skb)
{
    asm volatile("call 7;"
                 "r6 = 0;"
                 "if r0 != 0 goto 2f;"
                 "if r6 != 0 goto 1f;"
                 "goto 3f;"
                 "1: r1 = 0; call %[takes]; goto 3f;"
                 "2: r1 = 0; call %[takes];"
                 "3:" ::[takes] "i"(takes_anything)
                 : "r0", "r1", "r2", "r3", "r4", "r5", "r6");
    return 0;
}

static NOINLINE long spill(struct bpf_dynptr *dynptr, void *ctx)
{
    asm volatile("*(u64 *)(r10 - 8) = %0;"
                 "r1 = *(u64 *)(r10 - 8);"
                 "r1 *= 3;" ::"r"(dynptr)
                 : "r1", "memory");
    return 0;
}

/* expect: accept */
SEC("tc")
int dynptr_argument_is_spilled_as_bytes(void *ctx)
{
    bpf_user_ringbuf_drain(&from_user, spill, 0, 0);
    return 0;
}
