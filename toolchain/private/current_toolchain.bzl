"""The rule current_bpf_toolchain: the toolchain that resolution chooses, as a target."""

load(":providers.bzl", "BpfToolchainInfo")

_TYPE = Label("//toolchain:toolchain_type")

def _current_bpf_toolchain_impl(ctx):
    bpf = ctx.toolchains[_TYPE].bpf
    return [
        bpf,
        DefaultInfo(files = depset([h.header for h in bpf.vmlinux.values()], transitive = [bpf.files])),
    ]

current_bpf_toolchain = rule(
    doc = "The BpfToolchainInfo of the toolchain that is in use, and its files.",
    implementation = _current_bpf_toolchain_impl,
    provides = [BpfToolchainInfo],
    toolchains = [_TYPE],
)
