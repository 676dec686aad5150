"""gadget_compat: `bazel run` prints a gadget's compatibility matrix."""

load("//rules:providers.bzl", "GadgetImageInfo")
load(":launch.bzl", "launch")
load(":tool.bzl", "params_args", "tool")

def _gadget_compat_impl(ctx):
    image = ctx.attr.image[GadgetImageInfo]
    html = ctx.actions.declare_file(ctx.label.name + ".html")
    data = ctx.actions.declare_file(ctx.label.name + ".json")
    text = ctx.actions.declare_file(ctx.label.name + ".txt")
    objects = image.objects.values()
    args = params_args(ctx)
    args.add(str(ctx.label).lstrip("@"), format = "--title=%s")
    args.add_all(objects, format_each = "--object=%s")
    args.add_all(image.reports, format_each = "--report=%s")
    args.add(data, format = "--json=%s")
    args.add(html, format = "--html=%s")
    args.add(text, format = "--text=%s")
    ctx.actions.run(
        executable = ctx.executable._compat,
        arguments = [args],
        inputs = objects + image.reports,
        outputs = [html, data, text],
        mnemonic = "GadgetCompat",
        progress_message = "Drawing compatibility matrix of %{label}",
        toolchain = None,
    )
    return [
        OutputGroupInfo(html = depset([html]), json = depset([data])),
    ] + launch(ctx, "_compat", {
        "GADGET_COMPAT_HTML": html,
        "GADGET_COMPAT_JSON": data,
        "GADGET_COMPAT_TEXT": text,
    })

gadget_compat = rule(
    implementation = _gadget_compat_impl,
    doc = """Prints a gadget's compatibility matrix, kernel by relocation, and names the JSON and HTML files that hold it.

The kernels are those of the image's `btf`.""",
    executable = True,
    attrs = {
        "image": attr.label(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "The gadget_image whose objects and shards are compared.",
        ),
        "_compat": tool("compat"),
    },
)
