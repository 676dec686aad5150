"""Tests of which vmlinux.h is chosen when modules request several."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//toolchain/private:select_vmlinux.bzl", "select_vmlinux", "vmlinux_choice")

_ARCHS = ["amd64", "arm64"]
_PINNED = vmlinux_choice()
_FILE = vmlinux_choice(file = Label("//my:vmlinux.h"))
_FETCHED = vmlinux_choice(urls = ["http://m.example/vmlinux.h"], sha256 = "00")

def _request(arch, choice, module = "root"):
    return struct(module = module, is_root = module == "root", tag = "bpf.vmlinux", arch = arch, choice = choice)

def _choices_test_impl(ctx):
    env = unittest.begin(ctx)
    cases = {
        "nothing requested": ([], _PINNED, _PINNED),
        "one arch": ([_request("arm64", _FILE)], _PINNED, _FILE),
        "both": ([_request("arm64", _FILE), _request("amd64", _FETCHED)], _FETCHED, _FILE),
        "another module agrees": (
            [_request("amd64", _FETCHED), _request("amd64", _FETCHED, module = "dep")],
            _FETCHED,
            _PINNED,
        ),
    }
    for name, (requests, amd64, arm64) in cases.items():
        selected = select_vmlinux(requests, _ARCHS)
        asserts.equals(env, None, selected.error, name)
        asserts.equals(env, {"amd64": amd64, "arm64": arm64}, selected.choices, name)
    return unittest.end(env)

_choices_test = unittest.make(_choices_test_impl)

def _errors_test_impl(ctx):
    env = unittest.begin(ctx)
    urls = ["http://m.example/vmlinux.h"]
    cases = {
        "attribute 'arch': \"amd64\" is given twice; keep one": [_request("amd64", _FILE), _request("amd64", _FETCHED)],
        "attribute 'arch': \"x86_64\" is not an architecture of gadgets; use one of amd64, arm64": [_request("x86_64", _FILE)],
        "attribute 'file': missing, and so is 'urls'; name": [_request("amd64", _PINNED)],
        "attribute 'sha256': is for 'urls', and 'file' names": [
            _request("amd64", vmlinux_choice(file = Label("//my:vmlinux.h"), sha256 = "00")),
        ],
        "attribute 'sha256': missing, but 'urls' names \"http://m.example/vmlinux.h\"; give": [
            _request("amd64", vmlinux_choice(urls = urls)),
        ],
        "attributes 'file' and 'urls': both name the header; keep one": [
            _request("amd64", vmlinux_choice(file = Label("//my:vmlinux.h"), urls = urls, sha256 = "00")),
        ],
    }
    for want, requests in cases.items():
        error = select_vmlinux(requests, _ARCHS).error
        want = "bpf.vmlinux (module root): " + want
        asserts.true(env, error and error.startswith(want), "error %r, want it to start with %r" % (error, want))
    error = select_vmlinux([_request("arm64", _FILE, module = "dep")], _ARCHS).error
    want = "bpf.vmlinux (module dep): only the root module chooses vmlinux.h"
    asserts.true(env, error and error.startswith(want), "error %r, want it to start with %r" % (error, want))
    return unittest.end(env)

_errors_test = unittest.make(_errors_test_impl)

def select_vmlinux_test_suite(name):
    """Declares the tests of select_vmlinux.bzl.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _choices_test, _errors_test)
