"""kernel_archive: a btfhub archive out of a kernel package."""

load("//rules/private:tool.bzl", "params_args", "tool")  # buildifier: disable=bzl-visibility

def _kernel_archive_impl(ctx):
    out = ctx.actions.declare_file("%s/%s.btf.tar.xz" % (ctx.label.name, ctx.attr.release))
    args = params_args(ctx)
    args.add(out, format = "--file=%s")
    args.add("--keep-going")
    args.add(ctx.file.kernel)
    ctx.actions.run(
        executable = ctx.executable._btfarchive,
        arguments = [args],
        inputs = [ctx.file.kernel],
        outputs = [out],
        mnemonic = "BtfArchive",
        progress_message = "Taking BTF out of %{input}",
        toolchain = None,
    )
    return [DefaultInfo(files = depset([out]))]

kernel_archive = rule(
    implementation = _kernel_archive_impl,
    doc = "Makes the archive of a kernel package. A package that is missing gives an empty file, which a shard ignores.",
    attrs = {
        "kernel": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "The package.",
        ),
        "release": attr.string(
            mandatory = True,
            doc = "The kernel's release.",
        ),
        "_btfarchive": tool(label = Label("//tools/btfarchive")),
    },
)
