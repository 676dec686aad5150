"""Programs that the project's own tests use, and certificates for its container image, pinned like the compiler. Not for users of
the rules.

    "@rules_gadget_test_tools//:skopeo"

is an executable that runs with its own libraries; a go_test takes it as data and finds it by `$(rlocationpath)`.
"container-runtimes" is not a program but the files of several, for a test that makes a root directory of them, and "python-amd64"
is one that a virtual machine of that architecture has.
"""

load("//toolchain/private:certificates.bzl", "certificates")
load("//toolchain/private:test_tool_repos.bzl", "test_tool", "test_tools_hub")

_TOOLS = [
    "bpftool",
    "clang-format",
    "container-runtimes",
    "docker-registry",
    "kernel-5.10",
    "kernel-6.1",
    "python-amd64",
    "python-arm64",
    "qemu-aarch64",
    "qemu-system-aarch64",
    "qemu-system-x86_64",
    "shellcheck",
    "skopeo",
]

# Tools that are for one architecture, on all hosts of Bazel.
_MACHINES = {
    "python-amd64": "amd64",
    "python-arm64": "arm64",
}

def declare_test_tools():
    """Declares the repositories of the test tools and the certificates, in a workspace without bzlmod too."""
    repos = {tool: "test_tool_" + tool.replace("-", "_") for tool in _TOOLS}
    for tool, repo in repos.items():
        test_tool(name = repo, machine = _MACHINES.get(tool, ""), tool = tool)
    test_tools_hub(name = "rules_gadget_test_tools", tools = repos)
    certificates(name = "rules_gadget_certificates")

def _test_tools_extension_impl(mctx):
    declare_test_tools()
    return mctx.extension_metadata(reproducible = True)

test_tools = module_extension(
    doc = "The programs that the project's own tests use.",
    implementation = _test_tools_extension_impl,
)
