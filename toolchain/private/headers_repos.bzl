"""Repository rules of headers that gadgets include: libbpf's, and vmlinux.h of every arch."""

load(":debian_tree.bzl", "unpack_packages")
load(":lock.bzl", "read_bundle")
load(":mirror.bzl", "MIRROR_ATTRS")
load(":packages_file.bzl", "locked_packages", "packages_of")

_HEADERS = """\
load("{defs}", "bpf_headers")

bpf_headers(
    name = "{name}",
    hdrs = glob(["{glob}"]),
    anchor = "{anchor}",
    visibility = ["//visibility:public"],
)
"""

_VMLINUX = "vmlinux.h"

# Licence of every header but the generated one: LGPL-2.1 OR BSD-2-Clause.
def _libbpf_headers_impl(rctx):
    locked = read_bundle(rctx, rctx.attr._lock, "", "any")
    unpack_packages(rctx, locked.packages)
    packages_of(rctx, locked_packages(locked.packages))
    rctx.file("BUILD.bazel", _HEADERS.format(
        anchor = "bpf/bpf_helpers.h",
        defs = rctx.attr._defs,
        glob = locked.bundle["headers"] + "/bpf/*.h",
        name = "headers",
    ) + "\nexports_files([\"packages.json\"])\n")

libbpf_headers = repository_rule(
    doc = "libbpf's headers out of a pinned Debian package, as target `headers`.",
    implementation = _libbpf_headers_impl,
    attrs = {
        "_defs": attr.label(
            default = Label("//toolchain:defs.bzl"),
        ),
        "_lock": attr.label(
            default = Label("//toolchain/lock:libbpf.json"),
        ),
    } | MIRROR_ATTRS,
)

_LINUX = """\
load("{defs}", "bpf_headers")

package(default_visibility = ["//visibility:public"])

# What gadgets look at packets with; the directories below, of netfilter, sound and drivers, are left out: every compile would get
# them as inputs.
bpf_headers(
    name = "headers",
    hdrs = glob([
        "{headers}/linux/*.h",
        "{headers}/linux/byteorder/*.h",
        "{headers}/asm-generic/*.h",
    ]),
    anchor = "linux/types.h",
)

bpf_headers(
    name = "asm",
    hdrs = glob(["{headers}/x86_64-linux-gnu/asm/*.h"]),
    anchor = "asm/types.h",
)

exports_files(["packages.json"])
"""

# Licence: GPL-2.0 WITH Linux-syscall-note.
def _linux_headers_impl(rctx):
    locked = read_bundle(rctx, rctx.attr._lock, "", "any")
    unpack_packages(rctx, locked.packages)
    packages_of(rctx, locked_packages(locked.packages))
    rctx.file("BUILD.bazel", _LINUX.format(defs = rctx.attr._defs, headers = locked.bundle["headers"]))

linux_headers = repository_rule(
    doc = "The kernel's headers for programs (`<linux/...>`, `<asm/...>`), as targets `headers` and `asm`.",
    implementation = _linux_headers_impl,
    attrs = {
        "_defs": attr.label(
            default = Label("//toolchain:defs.bzl"),
        ),
        "_lock": attr.label(
            default = Label("//toolchain/lock:linux.json"),
        ),
    } | MIRROR_ATTRS,
)

def _packed_vmlinux(rctx):
    lock = json.decode(rctx.read(rctx.attr._lock))
    if rctx.attr.arch not in lock["headers"]:
        fail("attribute 'arch': no vmlinux.h for %r, only for %s" % (rctx.attr.arch, ", ".join(sorted(lock["headers"]))))
    rctx.extract(rctx.attr._lock.relative("//toolchain/vmlinux:vmlinux.tar.xz"), "", rctx.attr.arch)

def _chosen_vmlinux(rctx):
    if rctx.attr.urls:
        origin = rctx.attr.urls[0]
        rctx.download(output = _VMLINUX, sha256 = rctx.attr.sha256, url = rctx.attr.urls)
    else:
        origin = rctx.attr.file
        if not rctx.path(origin).exists:
            fail("attribute 'file': %s does not exist; name a file of the sources, not one that is built" % origin)
        rctx.symlink(origin, _VMLINUX)
    text = rctx.read(_VMLINUX)
    if not text or "\0" in text:
        fail("attribute '%s': %s is not a C header; print one with \"bpftool btf dump file FILE format c\"" %
             ("urls" if rctx.attr.urls else "file", origin))

def _vmlinux_headers_impl(rctx):
    if rctx.attr.urls or rctx.attr.file:
        _chosen_vmlinux(rctx)
    else:
        _packed_vmlinux(rctx)
    rctx.file("BUILD.bazel", _HEADERS.format(
        anchor = _VMLINUX,
        defs = rctx.attr._defs,
        glob = _VMLINUX,
        name = "headers",
    ))

vmlinux_headers = repository_rule(
    doc = "vmlinux.h for one arch, as target `headers`: the one that is packed in the project, of which nothing is fetched, or another.",
    implementation = _vmlinux_headers_impl,
    attrs = {
        "arch": attr.string(
            doc = "Arch of the gadgets, such as `amd64`.",
            mandatory = True,
        ),
        "file": attr.label(
            doc = "The header to use in place of the packed one.",
            allow_single_file = True,
        ),
        "sha256": attr.string(
            doc = "sha256 of the file to fetch.",
        ),
        "urls": attr.string_list(
            doc = "URLs of the header to use in place of the packed one, tried in turn.",
        ),
        "_defs": attr.label(
            default = Label("//toolchain:defs.bzl"),
        ),
        "_lock": attr.label(
            default = Label("//toolchain/lock:vmlinux.json"),
        ),
    },
)
