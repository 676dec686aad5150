"""The repository rules of the programs that the rules run: prebuilt ones of a lock file, or those that are built."""

load(":tools.bzl", "PLATFORMS", "PROGRAMS", "TOOLS")
load(":tools_lock.bzl", "FROM_SOURCE", "TOOLS_LOCK_ATTRS", "read_tools_lock")

_ALIAS = """
alias(
    name = "{name}",
    actual = "{actual}",
)
"""

_SELECT = """
alias(
    name = "{name}",
    actual = select(
        {branches},
        no_match_error = "{lock} has {program} for {platforms} only, and an action runs on another machine; \
build it from source: {from_source}",
    ),
)
"""

def prebuilt_repository(program, platform):
    """Returns the name of the repository with a prebuilt program."""
    return "bpf_prebuilt_%s_%s" % (program.replace("-", "_"), PLATFORMS[platform])

def _tools_hub_impl(rctx):
    text = "package(default_visibility = [\"//visibility:public\"])\n"
    programs = read_tools_lock(rctx) if rctx.attr.lock else None
    for name, tool in TOOLS.items():
        if not programs:
            text += _ALIAS.format(name = name, actual = tool.source)
            continue
        platforms = programs[tool.program]
        text += _SELECT.format(
            name = name,
            branches = {
                str(Label("//toolchain/tools:" + PLATFORMS[p])): "@%s//:%s" % (prebuilt_repository(tool.program, p), name)
                for p in platforms
            },
            from_source = FROM_SOURCE,
            lock = rctx.attr.lock,
            platforms = " and ".join(sorted(platforms)),
            program = tool.program,
        )
    rctx.file("BUILD.bazel", text)

tools_hub = repository_rule(
    doc = "An alias for each program that the rules run: the one that is built or, with a lock file, the prebuilt one.",
    implementation = _tools_hub_impl,
    attrs = TOOLS_LOCK_ATTRS,
)

_BUILD = """load("{rule}", "prebuilt_tool")

package(default_visibility = ["//visibility:public"])
"""

_TOOL = """
prebuilt_tool(
    name = "{name}",
    program = "bin/{program}",
)
"""

def _prebuilt_program_impl(rctx):
    program, platform = rctx.attr.program, rctx.attr.platform
    file = read_tools_lock(rctx)[program][platform]
    got = rctx.download(
        url = file["urls"],
        output = "bin/" + program,
        sha256 = file["sha256"],
        executable = True,
        allow_fail = True,
    )
    if not got.success:
        fail("%s: %r for %s: no URL has the file with sha256 %s (%s); copy the lock file of the release again, or build the tools: %s" %
             (rctx.attr.lock, program, platform, file["sha256"], ", ".join(file["urls"]), FROM_SOURCE))
    text = _BUILD.format(rule = Label(":prebuilt_tool.bzl"))
    for name in PROGRAMS[program]:
        text += _TOOL.format(name = name, program = program)
    rctx.file("BUILD.bazel", text)

prebuilt_program = repository_rule(
    doc = "One program of a lock file, with a target for each tool that it is.",
    implementation = _prebuilt_program_impl,
    attrs = TOOLS_LOCK_ATTRS | {
        "platform": attr.string(mandatory = True, doc = "Machine that the program is for, such as `linux/amd64`."),
        "program": attr.string(mandatory = True, doc = "Name of the program in the lock file."),
    },
)

def declare_tools(lock = None, public_key = None):
    """Declares the repositories of the programs that the rules run.

    Args:
      lock: label of the lock file of prebuilt programs, or None to build all of them.
      public_key: label of the key that must have signed them, or None.
    """
    tools_hub(name = "bpf_tools", lock = lock, public_key = public_key)
    if lock:
        for program in PROGRAMS:
            for platform in PLATFORMS:
                prebuilt_program(
                    name = prebuilt_repository(program, platform),
                    lock = lock,
                    platform = platform,
                    program = program,
                    public_key = public_key,
                )
