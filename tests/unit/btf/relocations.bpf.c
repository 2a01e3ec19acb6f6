/* relocations.bpf.c - a program that asks every CO-RE question of the running kernel; compiled by relocation.c's test.
 *
 * What the fields are for is nothing; what matters is that they moved, grew, became bit-fields, or never were. The last
 * access of the last program cannot be resolved and is reachable, so that loading it fails and leaves nothing behind.
 */
#define SEC(name)              __attribute__((section(name), used))
#define KERNEL                 __attribute__((preserve_access_index))
#define OFFSET(path)           __builtin_preserve_field_info(path, 0)
#define SIZE(path)             __builtin_preserve_field_info(path, 1)
#define EXISTS(path)           __builtin_preserve_field_info(path, 2)
#define SIGNED(path)           __builtin_preserve_field_info(path, 3)
#define LSHIFT(path)           __builtin_preserve_field_info(path, 4)
#define RSHIFT(path)           __builtin_preserve_field_info(path, 5)
#define LOCAL_ID(type)         __builtin_btf_type_id(*(type *)0, 0)
#define TARGET_ID(type)        __builtin_btf_type_id(*(type *)0, 1)
#define HAS_TYPE(type)         __builtin_preserve_type_info(*(type *)0, 0)
#define TYPE_SIZE(type)        __builtin_preserve_type_info(*(type *)0, 1)
#define MATCHES(type)          __builtin_preserve_type_info(*(type *)0, 2)
#define HAS_VALUE(type, value) __builtin_preserve_enum_value(*(type *)value, 0)
#define VALUE(type, value)     __builtin_preserve_enum_value(*(type *)value, 1)

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct list_head {
    struct list_head *next, *prev;
} KERNEL;
struct list_head___same {
    struct list_head *next, *prev;
} KERNEL;
struct list_head___other {
    struct list_head *next;
    int prev;
} KERNEL;
struct mm_struct;
struct sched_entity {
    u64 vruntime, exec_start;
} KERNEL;
struct task_struct {
    int pid, tgid;
    char comm[16];
    struct sched_entity se;
    struct mm_struct *mm;
    struct task_struct *real_parent;
    u32 in_execve : 1;
    u32 sched_reset_on_fork : 1;
    long no_such_field;
    u32 flags;
    struct list_head tasks;
} KERNEL;
struct task_struct___old {
    int state;
    u32 in_iowait : 1;
} KERNEL;
struct task_struct___new {
    u32 __state;
} KERNEL;
struct sk_buff {
    u32 len;
    u8 pkt_type : 3;
    u8 cloned : 1;
    u16 queue_mapping;
    union {
        u32 mark;
    };
} KERNEL;
struct no_such_struct {
    int a;
} KERNEL;
struct inode {
    u64 i_ino;
    u16 i_opflags;
    u64 i_mode;
    struct {
        int inner;
    } nothing;
} KERNEL;
struct qstr {
    union {
        struct {
            u32 hash, len;
        };
        u64 hash_len;
    };
} KERNEL;
struct net_device {
    char name[16];
    u32 ifindex, mtu;
} KERNEL;
struct bpf_array {
    u32 elem_size;
    char value[0];
} KERNEL;
struct sysinfo {
    u64 totalram[3];
    u32 loads[3];
    u8 mem_unit;
    short procs;
} KERNEL;
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID = 55, PIDTYPE_NONE_SUCH = 77 };
enum bpf_map_type___x { BPF_MAP_TYPE_HASH___x = 99, BPF_MAP_TYPE_NONE_SUCH = 3 };
enum no_such_enum { NO_SUCH_VALUE = 5 };
typedef struct {
    int counter;
} atomic_t___x;
typedef unsigned long size_t___x;

volatile u64 out;
#define ASK(question) out += (question)

SEC("raw_tp/sys_enter") int offsets(struct task_struct *t)
{
    ASK(OFFSET(t->pid));
    ASK(OFFSET(t->tgid));
    ASK(OFFSET(t->se.exec_start));
    ASK(OFFSET(t->comm[3]));
    ASK(OFFSET(t->real_parent));
    ASK(OFFSET(((struct task_struct___new *)t)->__state));
    ASK(OFFSET(((struct sk_buff *)t)->len));
    ASK(OFFSET(((struct sk_buff *)t)->queue_mapping));
    ASK(OFFSET(((struct sk_buff *)t)->mark));
    ASK(OFFSET(((struct inode *)t)->i_opflags));
    ASK(OFFSET(((struct qstr *)t)->len));
    ASK(OFFSET(((struct qstr *)t)->hash_len));
    ASK(OFFSET(((struct net_device *)t)->name[2]));
    ASK(OFFSET(((struct bpf_array *)t)->value[7]));
    ASK(OFFSET(((struct sysinfo *)t)->loads[1]));
    return 0;
}

SEC("raw_tp/sys_enter") int sizes_and_signs(struct task_struct *t)
{
    ASK(SIZE(t->comm));
    ASK(SIZE(t->pid));
    ASK(SIZE(((struct inode *)t)->i_mode));
    ASK(SIGNED(t->pid));
    ASK(SIGNED(((struct sysinfo *)t)->procs));
    ASK(SIGNED(((struct sysinfo *)t)->mem_unit));
    ASK(EXISTS(t->pid));
    ASK(EXISTS(t->no_such_field));
    ASK(EXISTS(((struct task_struct___old *)t)->state));
    ASK(EXISTS(((struct task_struct___new *)t)->__state));
    ASK(EXISTS(((struct inode *)t)->nothing.inner));
    ASK(EXISTS(((struct bpf_array *)t)->value[7]));
    ASK(EXISTS(((struct net_device *)t)[2].mtu));
    ASK(EXISTS(((struct no_such_struct *)t)->a));
    return 0;
}

#define ASK_BITS(path)                                                                             \
    (ASK(OFFSET(path)), ASK(SIZE(path)), ASK(LSHIFT(path)), ASK(RSHIFT(path)), ASK(SIGNED(path)))
SEC("raw_tp/sys_enter") int bits(struct task_struct *t)
{
    ASK_BITS(t->in_execve);
    ASK_BITS(t->sched_reset_on_fork);
    ASK_BITS(((struct task_struct___old *)t)->in_iowait);
    ASK_BITS(((struct sk_buff *)t)->pkt_type);
    ASK_BITS(((struct sk_buff *)t)->cloned);
    ASK_BITS(t->flags);
    return 0;
}

SEC("raw_tp/sys_enter") int types(void *ctx)
{
    ASK(HAS_TYPE(struct task_struct));
    ASK(HAS_TYPE(struct no_such_struct));
    ASK(HAS_TYPE(atomic_t___x));
    ASK(TYPE_SIZE(struct task_struct));
    ASK(TYPE_SIZE(struct no_such_struct));
    ASK(TYPE_SIZE(size_t___x));
    ASK(LOCAL_ID(struct task_struct));
    ASK(TARGET_ID(struct task_struct));
    ASK(TARGET_ID(struct no_such_struct));
    ASK(MATCHES(struct list_head));
    ASK(MATCHES(struct list_head___same));
    ASK(MATCHES(struct list_head___other));
    ASK(MATCHES(struct task_struct));
    ASK(MATCHES(enum pid_type));
    ASK(HAS_VALUE(enum pid_type, PIDTYPE_PGID));
    ASK(HAS_VALUE(enum pid_type, PIDTYPE_NONE_SUCH));
    ASK(HAS_VALUE(enum bpf_map_type___x, BPF_MAP_TYPE_HASH___x));
    ASK(HAS_VALUE(enum bpf_map_type___x, BPF_MAP_TYPE_NONE_SUCH));
    ASK(HAS_VALUE(enum no_such_enum, NO_SUCH_VALUE));
    ASK(VALUE(enum pid_type, PIDTYPE_PGID));
    ASK(VALUE(enum bpf_map_type___x, BPF_MAP_TYPE_HASH___x));
    if (HAS_VALUE(enum no_such_enum, NO_SUCH_VALUE))
        ASK(VALUE(enum no_such_enum, NO_SUCH_VALUE));
    return 0;
}

SEC("tp_btf/sys_enter") int loads(void *ctx)
{
    struct task_struct *(*current)(void) = (void *)158; /* bpf_get_current_task_btf */
    struct task_struct *t = current();

    ASK(t->pid);
    ASK(t->flags);
    ASK(t->se.exec_start);
    ASK(t->mm != 0);
    ASK(t->real_parent->tgid);
    ASK(t->comm[4]);
    ASK(((struct inode *)t)->i_mode); /* two bytes there */
    ASK(((struct inode *)t)->i_ino);
    ASK(((struct sysinfo *)t)->loads[1]); /* eight bytes there */
    ASK(t->no_such_field);
    return 0;
}

char _license[] SEC("license") = "GPL";
