"""The repository rule toolchains_hub: toolchain() targets, and nothing that would have to be fetched."""

_CPUS = {
    "amd64": "x86_64",
    "arm64": "aarch64",
}

_TOOLCHAIN = """
toolchain(
    name = "{name}",
    exec_compatible_with = [
        "{os}",
        "{cpu}",
    ],
    toolchain = "@{repo}//:toolchain",
    toolchain_type = "{type}",
)
"""

def _toolchains_hub_impl(rctx):
    text = "package(default_visibility = [\"//visibility:public\"])\n"
    for machine, repo in sorted(rctx.attr.toolchains.items()):
        if machine not in _CPUS:
            fail("attribute 'toolchains': %r is not an architecture that has a toolchain; use one of %s" % (machine, ", ".join(_CPUS)))
        text += _TOOLCHAIN.format(
            cpu = Label("@platforms//cpu:" + _CPUS[machine]),
            name = "linux_" + machine,
            os = Label("@platforms//os:linux"),
            repo = repo,
            type = Label("//toolchain:toolchain_type"),
        )
    rctx.file("BUILD.bazel", text)

toolchains_hub = repository_rule(
    doc = "One toolchain() for every architecture that compiles. Their repositories are fetched when they are chosen.",
    implementation = _toolchains_hub_impl,
    attrs = {
        "toolchains": attr.string_dict(
            doc = "Name of the repository with the bpf_toolchain, by architecture of the machines that run it.",
            mandatory = True,
        ),
    },
)
