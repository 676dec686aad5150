"""The BUILD file of a repository with clang, of any origin."""

load(":packages_file.bzl", "packages_of")

_TEMPLATE = """\
load("{defs}", "bpf_headers", "bpf_toolchain")

package(default_visibility = ["//visibility:public"])

# The headers that C itself requires of a compiler. Those of vector units and of other targets, some two hundred, are left out: every
# compile would get them as inputs.
bpf_headers(
    name = "resource_headers",
    hdrs = glob([
        "{resource_dir}/include/" + name
        for name in ["__std*.h", "float.h", "inttypes.h", "iso646.h", "limits.h", "std*.h", "tgmath.h", "varargs.h"]
    ]),
    anchor = "include/stddef.h",
)

bpf_toolchain(
    name = "toolchain",
    clang = "{clang}",
    headers = {headers},
    libraries = glob({libraries}, allow_empty = True),
    llvm_version = "{version}",
    loader = {loader},
    packages = {packages},
    resource_headers = ":resource_headers",
    strip = "{strip}",
    vmlinux = {vmlinux},
)
"""

LLVM_ATTRS = {
    "headers": attr.string_list(
        doc = "Labels of bpf_headers that serve every arch, after those of gadgets.",
        mandatory = True,
    ),
    "vmlinux": attr.string_dict(
        doc = "Labels of bpf_headers with vmlinux.h, by arch.",
        mandatory = True,
    ),
    "_defs": attr.label(
        default = Label("//toolchain:defs.bzl"),
    ),
}

def write_llvm_build(rctx, version, **tree):
    """Writes the BUILD file of a repository with clang.

    Args:
      rctx: repository_ctx of a rule with LLVM_ATTRS.
      version: version of LLVM.
      **tree: paths in the repository: clang, strip, resource_dir, loader (or None) and libraries (patterns); and packages,
        what the tree was made from.
    """
    rctx.file("BUILD.bazel", _TEMPLATE.format(
        clang = tree["clang"],
        defs = rctx.attr._defs,
        headers = [str(Label("//toolchain:gadget_headers"))] + rctx.attr.headers,
        libraries = tree.get("libraries", []),
        loader = repr(tree.get("loader")),
        packages = packages_of(rctx, tree.get("packages", [])) + [h.replace(":headers", ":packages.json") for h in rctx.attr.headers if h.endswith(":headers")],
        resource_dir = tree["resource_dir"],
        strip = tree["strip"],
        version = version,
        vmlinux = {label: arch for arch, label in rctx.attr.vmlinux.items()},
    ))
