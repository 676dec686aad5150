"""gadget_compile_commands: compile_commands.json, by which clangd understands the sources of gadgets."""

load("//rules:providers.bzl", "GadgetImageInfo")
load(":compile.bzl", "bpf_toolchain", "source_args", "sources")
load(":launch.bzl", "launch")
load(":paths.bzl", "rlocation_path")
load(":tool.bzl", "tool")

def compile_commands(ctx, archs):
    """Declares the action that says how the gadget's source is compiled, for each arch.

    Args:
      ctx: context of gadget_image.
      archs: list[string], GOARCH; for each there is vmlinux.h.
    Returns:
      File, a JSON list; its paths are relative to the execution root.
    """
    bpf = bpf_toolchain(ctx)
    inputs = sources(ctx)
    out = ctx.actions.declare_file("%s_/compile_commands.json" % ctx.label.name)
    args = source_args(ctx, inputs)
    args.add_all(ctx.attr.cflags, format_each = "--cflag=%s")
    args.add(bpf.clang, format = "--clang=%s")
    args.add(bpf.resource_dir, format = "--resource-dir=%s")
    args.add_all(bpf.includes, format_each = "--system-include=%s")
    args.add_all(["%s=%s" % (arch, bpf.vmlinux[arch].include) for arch in archs], format_each = "--vmlinux=%s")
    args.add(out, format = "--out=%s")
    ctx.actions.run(
        executable = ctx.executable._compdb,
        arguments = [args],
        inputs = inputs + ([ctx.file.build_file] if ctx.file.build_file else []),
        outputs = [out],
        mnemonic = "GadgetCompdb",
        progress_message = "Describing compiles of gadget %{label}",
        toolchain = None,
    )
    return out

def _gadget_compile_commands_impl(ctx):
    commands = [image[GadgetImageInfo].compile_commands for image in ctx.attr.images if image[GadgetImageInfo].compile_commands]
    out = ctx.actions.declare_file(ctx.label.name + ".list.json")
    ctx.actions.write(out, json.encode_indent([rlocation_path(ctx, file) for file in commands]) + "\n")
    return launch(ctx, "_compdb", {"GADGET_COMPDB_LIST": out}, data = commands)

gadget_compile_commands = rule(
    implementation = _gadget_compile_commands_impl,
    doc = """Writes compile_commands.json into the workspace's root, by which clangd and other programs understand the sources of gadgets.

```starlark
gadget_compile_commands(
    name = "compile_commands",
    images = [
        "//gadgets/trace_exec:image",
        "//gadgets/trace_open:image",
    ],
)
```

`bazel run //:compile_commands` once, and again when flags, include directories or the compiler change. Entries of an existing file for other
sources stay; `--out` names another file. A gadget that is built for several architectures has an entry for each, and editors take the first.""",
    executable = True,
    attrs = {
        "images": attr.label_list(
            mandatory = True,
            allow_empty = False,
            providers = [GadgetImageInfo],
            doc = "The gadget_image targets whose sources are described.",
        ),
        "_compdb": tool("compdb"),
    },
)
