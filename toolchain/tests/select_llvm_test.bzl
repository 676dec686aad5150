"""Tests of which LLVM is chosen when modules request several."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//toolchain/private:select_llvm.bzl", "local", "pinned", "release", "select_llvm")

_ARCHS = ["amd64", "arm64"]
_RELEASE = release("20.1.0", ["http://m.example/llvm.tar.xz"], "00", "llvm")

def _request(arch, choice, module = "root"):
    return struct(module = module, is_root = module == "root", tag = "bpf." + choice.kind, arch = arch, choice = choice)

def _choices_test_impl(ctx):
    env = unittest.begin(ctx)
    cases = {
        "nothing requested": ([], pinned(), pinned()),
        "a pinned version": ([_request("", pinned("16"))], pinned("16"), pinned("16")),
        "one arch outweighs all": ([_request("", pinned("16")), _request("arm64", _RELEASE)], pinned("16"), _RELEASE),
        "local for one": ([_request("amd64", local("/usr/lib/llvm-19"))], local("/usr/lib/llvm-19"), pinned()),
        "another module agrees": (
            [_request("", pinned("16")), _request("", pinned("16"), module = "dep")],
            pinned("16"),
            pinned("16"),
        ),
        "another module wants the default": ([_request("", pinned(), module = "dep")], pinned(), pinned()),
    }
    for name, (requests, amd64, arm64) in cases.items():
        selected = select_llvm(requests, _ARCHS)
        asserts.equals(env, None, selected.error, name)
        asserts.equals(env, {"amd64": amd64, "arm64": arm64}, selected.choices, name)
    return unittest.end(env)

_choices_test = unittest.make(_choices_test_impl)

def _errors_test_impl(ctx):
    env = unittest.begin(ctx)
    cases = {
        "bpf.pinned (module dep): only the root module": [_request("", pinned("16"), module = "dep")],
        "bpf.pinned (module root) and bpf.pinned (module root) choose twice the version": [
            _request("", pinned("16")),
            _request("", pinned("19")),
        ],
        "bpf.release (module dep): only the root module": [_request("arm64", _RELEASE, module = "dep")],
        "bpf.release (module root) and bpf.local (module root) choose twice for machines of amd64": [
            _request("amd64", _RELEASE),
            _request("amd64", local("/usr")),
        ],
        "bpf.release (module root): attribute 'exec_arch': \"riscv64\"": [_request("riscv64", _RELEASE)],
    }
    for want, requests in cases.items():
        error = select_llvm(requests, _ARCHS).error
        asserts.true(env, error and error.startswith(want), "error %r, want it to start with %r" % (error, want))
    return unittest.end(env)

_errors_test = unittest.make(_errors_test_impl)

def select_llvm_test_suite(name):
    """Declares the tests of select_llvm.bzl.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _choices_test, _errors_test)
