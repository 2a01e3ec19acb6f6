// embed.cpp - the same from C++11: ownership by std::unique_ptr, errors as exceptions. Arguments: the object.
#include <skep.h>

#include <array>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{
struct Release {
    void operator()(skep_runtime *p) const { skep_runtime_unref(p); }
    void operator()(skep_object *p) const { skep_object_free(p); }
    void operator()(skep_collection *p) const { skep_collection_unref(p); }
};
template <class T> using Owned = std::unique_ptr<T, Release>;

// Call a function that makes something: f(..., &out, &err).
template <class T, class F> Owned<T> make(F f)
{
    skep_error err = {};
    T *made = nullptr;

    err.size = sizeof err;
    if (int rc = f(&made, &err))
        throw std::runtime_error(std::string(err.subject) + ": " + skep_code_name(rc) + ": " + err.text);
    return Owned<T>(made);
}
} // namespace

int main(int argc, char **argv)
try {
    const char *path = argc > 1 ? argv[1] : "fw.o";
    auto runtime = make<skep_runtime>(
        [](skep_runtime **out, skep_error *err) { return skep_runtime_create(nullptr, out, err); });
    auto object = make<skep_object>(
        [&](skep_object **out, skep_error *err) { return skep_object_open(path, out, err); });
    auto fw = make<skep_collection>([&](skep_collection **out, skep_error *err) {
        return skep_load(runtime.get(), object.get(), nullptr, out, err);
    });

    std::vector<uint8_t> packet(64, 0); // an ARP frame
    packet[12] = 0x08;
    packet[13] = 0x06;
    skep_test_run run = {};
    skep_error err = {};
    run.size = sizeof run;
    err.size = sizeof err;
    run.data_in = packet.data();
    run.data_size_in = packet.size();
    if (int rc = skep_prog_test_run(skep_collection_prog(fw.get(), "xdp_fw"), &run, &err))
        throw std::runtime_error(std::string(skep_code_name(rc)) + ": " + err.text);
    std::cout << skep_verdict_name(SKEP_PROG_TYPE_XDP, run.retval) << " in " << run.duration_ns << " ns\n";
    // The runtime goes first: live things hold it themselves.
    runtime.reset();
    return 0;
} catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
