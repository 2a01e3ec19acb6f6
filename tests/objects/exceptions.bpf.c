/* exceptions.bpf.c - a program whose exceptions go to a function that nothing calls. */
#include "sample.h"

static NOINLINE u64 may_fail(u64 x)
{
    return x ? x * 5 : 1;
}
NOINLINE int handler(u64 cookie)
{
    return (int)cookie;
}
__attribute__((btf_decl_tag("exception_callback:handler"))) SEC("tc") int throws(void *ctx)
{
    return (int)may_fail((u64)ctx);
}
SEC("tc") int calm(void *ctx)
{
    return 0;
}

char _license[] SEC("license") = "GPL";
