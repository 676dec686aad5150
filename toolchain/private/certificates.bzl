"""The certificates that the container image of gadget-run trusts: those of a pinned Debian package, in one file."""

load(":debian_tree.bzl", "unpack_packages")
load(":lock.bzl", "host_machine", "read_bundle")
load(":mirror.bzl", "MIRROR_ATTRS")
load(":packages_file.bzl", "locked_packages", "packages_of")

_BUNDLE = "ca-certificates"

def _certificates_impl(rctx):
    locked = read_bundle(rctx, rctx.attr._lock, _BUNDLE, host_machine(rctx.os))
    unpack_packages(rctx, locked.packages)
    directories = [f for p in locked.packages for f in p["files"]]
    certificates = [
        rctx.read(file, watch = "no")
        for directory in directories
        for file in rctx.path(directory).readdir(watch = "no")
    ]

    # By content: names with letters beyond ASCII are not the same on every machine.
    rctx.file("ca-certificates.crt", "".join(sorted(certificates)), executable = False)
    packages_of(rctx, locked_packages(locked.packages))
    for directory in directories:
        rctx.delete(directory)
    rctx.file("BUILD.bazel", "exports_files([\"ca-certificates.crt\", \"packages.json\"])\n")

certificates = repository_rule(
    doc = "ca-certificates.crt, and packages.json about the package that it is made from.",
    implementation = _certificates_impl,
    attrs = {
        "_lock": attr.label(
            default = Label("//toolchain/lock:test_tools.json"),
        ),
    } | MIRROR_ATTRS,
)
