"""Repository rules of the programs that tests use: one for every tool, and a hub of aliases."""

load(":debian_tree.bzl", "unpack_packages")
load(":lock.bzl", "host_machine", "read_bundle")
load(":mirror.bzl", "MIRROR_ATTRS")

_BUILD = """\
load("{rules}", "{rule}")

{rule}(
    name = "{name}",
    program = "{program}",
    data = glob(["usr/share/**"], allow_empty = True),
    env = {env},
    first_args = {args},
    visibility = ["//visibility:public"],{libraries}
)
"""

_LIBRARIES = """
    libraries = glob(["**/*.so*"], allow_empty = True),
    loader = {loader},"""

_FILES = """\
filegroup(
    name = "{name}",
    srcs = {files},
    visibility = ["//visibility:public"],
)
"""

def _test_tool_impl(rctx):
    name = rctx.attr.tool
    locked = read_bundle(rctx, rctx.attr._lock, name, rctx.attr.machine or host_machine(rctx.os))
    unpack_packages(rctx, locked.packages)
    if name not in locked.bundle.get("programs", {}):
        rctx.file("BUILD.bazel", _FILES.format(
            files = [f for p in locked.packages for f in p["files"]],
            name = name,
        ))
        return
    shares = locked.bundle.get("shares", False)
    rctx.file("BUILD.bazel", _BUILD.format(
        args = locked.bundle.get("args", []),
        env = locked.bundle.get("env", {}),
        libraries = "" if shares else _LIBRARIES.format(loader = repr(locked.loader)),
        name = name,
        program = locked.bundle["programs"][name],
        rule = "llvm_program" if shares else "debian_program",
        rules = Label(":debian_program.bzl"),
    ))

test_tool = repository_rule(
    doc = "A program of the lock file test_tools.json for the machine that Bazel runs on, or files that are not a program.",
    implementation = _test_tool_impl,
    attrs = {
        "machine": attr.string(
            doc = "Machine that the files are for, where that is not the one that Bazel runs on.",
        ),
        "tool": attr.string(
            doc = "Name in the lock file.",
            mandatory = True,
        ),
        "_lock": attr.label(
            default = Label("//toolchain/lock:test_tools.json"),
        ),
    } | MIRROR_ATTRS,
)

def _test_tools_hub_impl(rctx):
    text = "package(default_visibility = [\"//visibility:public\"])\n"
    for name, repo in sorted(rctx.attr.tools.items()):
        text += "\nalias(\n    name = \"%s\",\n    actual = \"@%s//:%s\",\n)\n" % (name, repo, name)
    rctx.file("BUILD.bazel", text)

test_tools_hub = repository_rule(
    doc = "Aliases of all test tools; each is fetched when a target needs it.",
    implementation = _test_tools_hub_impl,
    attrs = {
        "tools": attr.string_dict(
            doc = "Name of the repository by tool.",
            mandatory = True,
        ),
    },
)
