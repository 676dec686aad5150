"""The BpfCompile action: build.yaml's source to one object per arch."""

load(":paths.bzl", "package_directory")
load(":tool.bzl", "params_args")

BPF_TOOLCHAIN = Label("//toolchain:toolchain_type")

def bpf_toolchain(ctx):
    """Returns the BpfToolchainInfo that toolchain resolution chose."""
    return ctx.toolchains[BPF_TOOLCHAIN].bpf

def sources(ctx):
    """Returns the files of the gadget, without build.yaml."""
    return [f for f in ctx.files.srcs if f != ctx.file.build_file]

def source_args(ctx, tool_inputs):
    """Returns Args that name the gadget's directory, build file and inputs.

    Args:
      ctx: context of a rule with `srcs` and `build_file`.
      tool_inputs: list[File], what the action reads of the gadget.
    Returns:
      Args for a tool of //tools that takes a gadget's directory.
    """
    args = params_args(ctx)
    args.add(package_directory(ctx.label), format = "--directory=%s")
    if ctx.file.build_file:
        args.add(ctx.file.build_file, format = "--build-file=%s")
    args.add_all(tool_inputs, format_each = "--input=%s")
    return args

def compile_object(ctx, arch):
    """Declares the action that compiles the gadget's source for one arch.

    Args:
      ctx: context of gadget_image.
      arch: string, GOARCH.
    Returns:
      File, `program.<arch>.bpf.o`; empty for a gadget without program.
    """
    bpf = bpf_toolchain(ctx)
    if arch not in bpf.vmlinux:
        fail("attribute 'archs': the toolchain has no vmlinux.h for %r, only for %s; remove it or register a toolchain that has one" %
             (arch, ", ".join(sorted(bpf.vmlinux.keys()))))
    vmlinux = bpf.vmlinux[arch]
    files = sources(ctx)
    out = ctx.actions.declare_file("%s_/program.%s.bpf.o" % (ctx.label.name, arch))
    unused = ctx.actions.declare_file("%s_/program.%s.unused" % (ctx.label.name, arch))

    args = source_args(ctx, files)
    args.add(arch, format = "--arch=%s")
    args.add_all(ctx.attr.cflags, format_each = "--cflag=%s")
    if bpf.loader:
        args.add(bpf.loader, format = "--loader=%s")
    args.add_all(bpf.library_dirs, format_each = "--library-path=%s")
    args.add(bpf.clang, format = "--clang=%s")
    args.add(bpf.strip, format = "--strip=%s")
    args.add(bpf.resource_dir, format = "--resource-dir=%s")
    args.add_all(bpf.includes, format_each = "--system-include=%s")
    args.add(vmlinux.include, format = "--system-include=%s")
    args.add(unused, format = "--unused-inputs=%s")
    args.add(out, format = "--out=%s")
    ctx.actions.run(
        executable = ctx.executable._compile,
        arguments = [args],
        inputs = depset(
            files + [vmlinux.header] + ([ctx.file.build_file] if ctx.file.build_file else []),
            transitive = [bpf.files],
        ),
        outputs = [out, unused],
        unused_inputs_list = unused,
        mnemonic = "BpfCompile",
        progress_message = "Compiling gadget %%{label} for %s" % arch,
        execution_requirements = {"supports-path-mapping": "1"},
        toolchain = BPF_TOOLCHAIN,
    )
    return out
