"""A rule that compiles with the toolchain alone, to test it without the rules of gadgets."""

def _bpf_probe_impl(ctx):
    bpf = ctx.toolchains["//toolchain:toolchain_type"].bpf
    vmlinux = bpf.vmlinux[ctx.attr.arch]
    out = ctx.actions.declare_file(ctx.label.name + ".o")
    args = ctx.actions.args()
    program = bpf.clang
    if bpf.loader:
        program = bpf.loader
        args.add("--library-path", ":".join(bpf.library_dirs))
        args.add(bpf.clang)
    args.add_all(["-target", "bpf", "-O2", "-g", "-Wall", "-Werror", "-mcpu=v3", "-nostdinc"])
    args.add("-D__TARGET_ARCH_" + {"amd64": "x86", "arm64": "arm64"}[ctx.attr.arch])
    args.add("-resource-dir", bpf.resource_dir)
    args.add_all([bpf.resource_dir + "/include"] + bpf.includes + [vmlinux.include], before_each = "-isystem")
    args.add("-c", ctx.file.src)
    args.add("-o", out)
    ctx.actions.run(
        executable = program,
        arguments = [args],
        inputs = depset([ctx.file.src, vmlinux.header], transitive = [bpf.files]),
        outputs = [out],
        env = {},
        mnemonic = "BpfProbe",
        progress_message = "Compiling %{label}",
        toolchain = "//toolchain:toolchain_type",
    )
    return [DefaultInfo(files = depset([out]))]

bpf_probe = rule(
    doc = "Compiles a C file for BPF.",
    implementation = _bpf_probe_impl,
    attrs = {
        "arch": attr.string(
            doc = "Arch of the kernel that runs it.",
            mandatory = True,
            values = ["amd64", "arm64"],
        ),
        "src": attr.label(
            doc = "The source.",
            allow_single_file = [".c"],
            mandatory = True,
        ),
    },
    toolchains = ["//toolchain:toolchain_type"],
)
