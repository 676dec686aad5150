"""Which programs the rules run: where each is built, and which program of a release is the same."""

# The tools of actions, and of what `bazel run` starts: packages below //tools/bin, all in the one program gadget-tools of a release.
ACTION_TOOLS = [
    "attest",
    "bindings",
    "btfgen",
    "btfimport",
    "btflayer",
    "compat",
    "compdb",
    "compile",
    "index",
    "manifest",
    "metadata",
    "wasm",
]

def _tool(source, program):
    return struct(source = source, program = program)

# By the name of the tool: its label where it is built from source, and the program of a release that is it.
TOOLS = {name: _tool(Label("//tools/bin/" + name), "gadget-tools") for name in ACTION_TOOLS} | {
    "gadget-run": _tool(Label("//runner:gadget-run"), "gadget-run"),
    "push": _tool(Label("//tools/push"), "gadget-push"),
}

# Programs of a release, each with the tools that it is.
PROGRAMS = {
    program: sorted([name for name, tool in TOOLS.items() if tool.program == program])
    for program in ["gadget-push", "gadget-run", "gadget-tools"]
}

# Machines that a release has programs for, by the name of the constraint in //toolchain/tools.
PLATFORMS = {
    "linux/amd64": "linux_amd64",
    "linux/arm64": "linux_arm64",
}
