#!/usr/bin/env python3
"""embed.py - the same from Python by ctypes, with nothing but the shared library. Arguments: libskep.so and the object."""
import ctypes as c
import sys


class Error(c.Structure):
    _fields_ = [("size", c.c_size_t), ("code", c.c_int32), ("sys", c.c_int32), ("insn", c.c_uint32),
                ("line", c.c_uint32), ("column", c.c_uint32), ("subject", c.c_char * 96), ("file", c.c_char * 160),
                ("text", c.c_char * 384)]


class TestRun(c.Structure):
    _fields_ = [("size", c.c_size_t), ("data_in", c.c_void_p), ("ctx_in", c.c_void_p), ("data_out", c.c_void_p),
                ("ctx_out", c.c_void_p), ("data_size_in", c.c_size_t), ("ctx_size_in", c.c_size_t),
                ("data_size_out", c.c_size_t), ("ctx_size_out", c.c_size_t), ("retval", c.c_uint64),
                ("duration_ns", c.c_uint64), ("insns", c.c_uint64), ("repeat", c.c_uint32), ("flags", c.c_uint32),
                ("cpu", c.c_uint32)]


def main(library, path):
    skep = c.CDLL(library)
    skep.skep_collection_prog.restype = c.c_void_p
    skep.skep_verdict_name.restype = c.c_char_p
    skep.skep_verdict_name.argtypes = [c.c_uint32, c.c_uint64]
    error = Error(size=c.sizeof(Error))

    def check(code):
        if code:
            raise SystemExit(f"{error.subject.decode()}: {error.text.decode()} ({code})")

    runtime, obj, loaded = c.c_void_p(), c.c_void_p(), c.c_void_p()
    check(skep.skep_runtime_create(None, c.byref(runtime), c.byref(error)))
    check(skep.skep_object_open(path.encode(), c.byref(obj), c.byref(error)))
    check(skep.skep_load(runtime, obj, None, c.byref(loaded), c.byref(error)))
    skep.skep_object_free(obj)

    prog = c.c_void_p(skep.skep_collection_prog(loaded, b"xdp_fw"))
    packet = c.create_string_buffer(bytes(12) + b"\x08\x06" + bytes(50), 64)  # an ARP frame
    run = TestRun(size=c.sizeof(TestRun), data_in=c.addressof(packet), data_size_in=64)
    check(skep.skep_prog_test_run(prog, c.byref(run), c.byref(error)))
    print(skep.skep_verdict_name(6, run.retval).decode(), "in", run.duration_ns, "ns")
    skep.skep_collection_unref(loaded)
    skep.skep_runtime_unref(runtime)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2])
