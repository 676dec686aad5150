"""Tests of the rules bpf_headers and bpf_toolchain, on files that are not a compiler."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//toolchain:defs.bzl", "BpfHeadersInfo", "BpfToolchainInfo", "bpf_headers", "bpf_toolchain")

_HERE = "toolchain/tests"

def _basenames(files):
    return sorted([f.basename for f in files.to_list()])

def _provider_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[BpfToolchainInfo]
    asserts.equals(env, info, target[platform_common.ToolchainInfo].bpf)
    asserts.equals(env, "fake/bin/clang", info.clang.path.removeprefix(_HERE + "/"))
    asserts.equals(env, "fake/bin/llvm-strip", info.strip.path.removeprefix(_HERE + "/"))
    asserts.equals(env, "fake/lib/ld.so", info.loader.path.removeprefix(_HERE + "/"))
    asserts.equals(env, [_HERE + "/fake/lib", _HERE + "/fake/more"], info.library_dirs)
    asserts.equals(env, _HERE + "/fake/clang", info.resource_dir)
    asserts.equals(env, [_HERE + "/fake/include"], info.includes)
    asserts.equals(env, "1.2.3", info.llvm_version)
    asserts.equals(env, ["amd64", "arm64"], sorted(info.vmlinux.keys()))
    for arch, vmlinux in info.vmlinux.items():
        asserts.equals(env, _HERE + "/fake/" + arch, vmlinux.include)
        asserts.equals(env, vmlinux.include + "/vmlinux.h", vmlinux.header.path)

    # The kernel's headers are not part of what every compile depends on.
    want = ["clang", "ld.so", "liba.so", "libb.so", "libc.so", "llvm-strip", "stddef.h", "x.h"]
    asserts.equals(env, want, _basenames(info.files))
    return analysistest.end(env)

_provider_test = analysistest.make(_provider_test_impl)

def _no_loader_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[BpfToolchainInfo]
    asserts.equals(env, None, info.loader)
    asserts.equals(env, [], info.library_dirs)
    return analysistest.end(env)

_no_loader_test = analysistest.make(_no_loader_test_impl)

def _headers_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, _HERE + "/fake/include", target[BpfHeadersInfo].include)
    asserts.equals(env, ["x.h"], _basenames(target[BpfHeadersInfo].files))
    asserts.equals(env, ["x.h"], _basenames(target[DefaultInfo].files))
    return analysistest.end(env)

_headers_test = analysistest.make(_headers_test_impl)

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_failure_test = analysistest.make(
    _failure_test_impl,
    attrs = {"message": attr.string()},
    expect_failure = True,
)

def _toolchain(name, **kwargs):
    attrs = {
        "clang": "fake/bin/clang",
        "headers": [":fake_headers"],
        "libraries": ["fake/lib/liba.so", "fake/lib/libb.so", "fake/more/libc.so"],
        "llvm_version": "1.2.3",
        "loader": "fake/lib/ld.so",
        "resource_headers": ":fake_resources",
        "strip": "fake/bin/llvm-strip",
        "tags": ["manual"],
        "vmlinux": {":fake_amd64": "amd64", ":fake_arm64": "arm64"},
    }
    attrs.update(kwargs)
    bpf_toolchain(name = name, **attrs)

def _headers(name, file, anchor):
    bpf_headers(name = name, hdrs = [file], anchor = anchor, tags = ["manual"])

def _declare_fakes():
    _headers("fake_headers", "fake/include/bpf/x.h", "bpf/x.h")
    _headers("fake_resources", "fake/clang/include/stddef.h", "include/stddef.h")
    _headers("fake_amd64", "fake/amd64/vmlinux.h", "vmlinux.h")
    _headers("fake_arm64", "fake/arm64/vmlinux.h", "vmlinux.h")
    _headers("bad_anchor", "fake/include/bpf/x.h", "bpf/y.h")
    _toolchain("fake")
    _toolchain("fake_without_loader", libraries = [], loader = None)
    _toolchain("fake_amd64_alone", vmlinux = {":fake_amd64": "amd64"})

    # For the tests of rules.
    native.toolchain(
        name = "amd64_alone",
        toolchain = ":fake_amd64_alone",
        toolchain_type = "//toolchain:toolchain_type",
        visibility = ["//rules/tests:__subpackages__"],
    )
    _toolchain("bad_loader", loader = None)
    _toolchain("bad_arch", vmlinux = {":fake_amd64": "amd64", ":fake_arm64": "amd64"})

def bpf_toolchain_test_suite(name):
    """Declares the tests of bpf_headers and bpf_toolchain.

    Args:
      name: name of the suite.
    """
    _declare_fakes()
    _provider_test(name = name + "_provider", target_under_test = ":fake")
    _no_loader_test(name = name + "_no_loader", target_under_test = ":fake_without_loader")
    _headers_test(name = name + "_headers", target_under_test = ":fake_headers")
    failures = {
        "bad_anchor": "attribute 'anchor': none of the 1 files of 'hdrs' ends with \"bpf/y.h\"",
        "bad_arch": "attribute 'vmlinux': two headers for arch \"amd64\"",
        "bad_loader": "attribute 'libraries': they need the dynamic loader",
    }
    for target, message in failures.items():
        _failure_test(name = name + "_" + target, target_under_test = ":" + target, message = message)
    native.test_suite(
        name = name,
        tests = [name + "_" + t for t in ["provider", "no_loader", "headers"] + failures.keys()],
    )
