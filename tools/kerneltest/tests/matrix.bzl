"""gadget_matrix: every gadget on every kernel of internal/vm/kernels.json, with the kernel's own BTF and without it."""

load("@rules_gadget_kernels//:kernels.bzl", "KERNELS")
load("//rules:defs.bzl", "btf_shard", "gadgets_kernel_test")
load(":kernel_archive.bzl", "kernel_archive")
load(":other_kernels.bzl", "other_kernels")

_QEMU = {
    "amd64": "@rules_gadget_test_tools//:qemu-system-x86_64",
    "arm64": "@rules_gadget_test_tools//:qemu-system-aarch64",
}

# What compiles wasm programs for another architecture than that of the machine that runs actions.
_EMULATOR = {
    "amd64": None,
    "arm64": "@rules_gadget_test_tools//:qemu-aarch64",
}

# Programs that use a C library, and the library, for the tests of gadgets that look into it.
_ROOT = {
    "amd64": "@rules_gadget_test_tools//:python-amd64",
    "arm64": "@rules_gadget_test_tools//:python-arm64",
}

# The shard that holds all kernels of an arch: os-release of the machines says debian:12.
_SHARDS = {
    "amd64": "debian/12/x86_64",
    "arm64": "debian/12/arm64",
}

# What the tests need in addition to the kernel itself: block devices, pairs of interfaces, and before Linux 6.6 where tc programs are
# attached.
_MODULES = [
    "cls_bpf",
    "loop",
    "sch_ingress",
    "veth",
]

# What runs on every change. The rest is for the nightly run.
_ALWAYS = ["amd64-6.12_btf", "arm64-6.1_btf"]

def _machine(name, kernel, btf, images, tests):
    arch = kernel[:kernel.index("-")]
    gadgets_kernel_test(
        name = name,
        size = "enormous",
        arch = arch,
        emulator = _EMULATOR[arch],
        images = images,
        kernel = "@rules_gadget_kernels//:" + kernel,
        kernel_btf = btf,
        modules = _MODULES,
        modules_package = "@rules_gadget_kernels//:%s_modules" % kernel,
        qemu = _QEMU[arch],
        root = [_ROOT[arch]],
        seconds = 2400,
        tags = ["cpu:1", "kernel-matrix"] + ([] if name in _ALWAYS else ["manual"]),
        tests = tests,
    )

def gadget_matrix(name, gadgets, tests):
    """Declares a test for each kernel, with BTF and without, and a suite of all.

    Args:
      name: of the suite.
      gadgets: list of names; gadget x is //gadgets/x:image.
      tests: labels of the programs of Go tests.
    """
    for kernel, release in KERNELS.items():
        kernel_archive(
            name = "archive_" + kernel,
            kernel = "@rules_gadget_kernels//:" + kernel,
            release = release,
            tags = ["manual"],
        )
    for arch, shard in _SHARDS.items():
        btf_shard(
            name = "kernels_" + arch,
            archives = ["archive_" + k for k in KERNELS if k.startswith(arch)],
            keep_going = True,
            shard = shard,
            tags = ["manual"],
        )
        for gadget in gadgets:
            other_kernels(
                name = "%s_%s" % (gadget, arch),
                arch = arch,
                btf = [":kernels_" + arch],
                image = "//gadgets/%s:image" % gadget,
                tags = ["manual"],
            )

    machines = []
    for kernel in KERNELS:
        arch = kernel[:kernel.index("-")]
        _machine(kernel + "_btf", kernel, True, {"//gadgets/%s:image" % g: g for g in gadgets}, tests)
        _machine(kernel + "_nobtf", kernel, False, {"%s_%s" % (g, arch): g for g in gadgets}, tests)
        machines += [kernel + "_btf", kernel + "_nobtf"]
    native.test_suite(
        name = name,
        tags = ["manual"],
        tests = machines,
    )
