"""Repository rule of the kernels that tests boot in a virtual machine."""

load(":mirror.bzl", "MIRROR_ATTRS", "debian_mirrors")

_SCHEMA = "rules_gadget.kernels/v1"

_BUILD = """\
package(default_visibility = ["//visibility:public"])

filegroup(
    name = "kernel",
    srcs = ["{kernel}"],
)

filegroup(
    name = "modules",
    srcs = {modules},
)
"""

_MISSING = """\
needs {file} of kernel {release}, the mirror no longer has it; "bazel run //tools/dev/kernels -- refresh" pins another
"""

def locked_kernels(ctx, lock):
    """Reads the lock file of kernels.

    Args:
      ctx: repository_ctx or module_ctx.
      lock: Label of the lock file.
    Returns:
      dict by name, as "amd64-5.10", of dicts with arch, release, path, sha256 and, where its modules have a package of
      their own, modules, a dict with path and sha256.
    """
    content = json.decode(ctx.read(ctx.path(lock)))
    if content["schema"] != _SCHEMA:
        fail("%s has the schema %s, these rules read %s" % (lock, content["schema"], _SCHEMA))
    return {"%s-%s" % (k["arch"], k["name"]): k for k in content["kernels"]}

def _fetch(rctx, release, locked):
    """Fetches a package, or leaves a file that says why none exists: mirrors drop kernels, and tests then skip.

    Args:
      rctx: repository_ctx.
      release: string, of the kernel.
      locked: dict with path and sha256.
    Returns:
      string, the file's name.
    """
    file = locked["path"].rpartition("/")[2]
    got = rctx.download(
        url = ["%s/%s" % (mirror, locked["path"]) for mirror in debian_mirrors(rctx)],
        output = file,
        sha256 = locked["sha256"],
        allow_fail = True,
    )
    if got.success:
        return file
    rctx.file(file + ".missing", _MISSING.format(file = file, release = release))
    return file + ".missing"

def _debian_kernel_impl(rctx):
    kernel = locked_kernels(rctx, rctx.attr.lock).get(rctx.attr.kernel)
    if not kernel:
        fail("%s has no kernel %r" % (rctx.attr.lock, rctx.attr.kernel))
    packages = [_fetch(rctx, kernel["release"], p) for p in [kernel, kernel.get("modules")] if p]
    rctx.file("BUILD.bazel", _BUILD.format(kernel = packages[0], modules = json.encode(packages[1:])))

debian_kernel = repository_rule(
    implementation = _debian_kernel_impl,
    doc = "The Debian packages that hold a kernel and its modules; without an error if the mirror no longer has them.",
    attrs = {
        "kernel": attr.string(
            doc = "Arch and name in the lock file, as `amd64-5.10`.",
            mandatory = True,
        ),
        "lock": attr.label(
            doc = "Lock file, as //tools/dev/kernels writes it.",
            mandatory = True,
        ),
    } | MIRROR_ATTRS,
)

def _debian_kernels_hub_impl(rctx):
    kernels = {name: k["release"] for name, k in locked_kernels(rctx, rctx.attr.lock).items()}
    text = "package(default_visibility = [\"//visibility:public\"])\n"
    for name in sorted(kernels):
        for alias, target in [(name, "kernel"), (name + "_modules", "modules")]:
            text += "\nalias(\n    name = %r,\n    actual = \"@%s//:%s\",\n)\n" % (alias, rctx.attr.repos[name], target)
    rctx.file("BUILD.bazel", text.replace("'", "\""))
    rctx.file("kernels.bzl", "\"\"\"The kernels of the lock file.\"\"\"\n\n# Release by name.\nKERNELS = %s\n" %
                             json.encode_indent(kernels, indent = "    "))

debian_kernels_hub = repository_rule(
    implementation = _debian_kernels_hub_impl,
    doc = "Aliases of all kernels of the lock file and of their modules' packages, and kernels.bzl with their releases.",
    attrs = {
        "lock": attr.label(
            doc = "Lock file.",
            mandatory = True,
        ),
        "repos": attr.string_dict(
            doc = "Repository of each kernel, by name.",
            mandatory = True,
        ),
    },
)
