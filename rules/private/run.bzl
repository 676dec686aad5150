"""gadget_run: `bazel run` builds the gadget and runs it on this machine."""

load("//rules:providers.bzl", "GadgetImageInfo")
load(":launch.bzl", "launch")
load(":tool.bzl", "tool")

def _gadget_run_impl(ctx):
    image = ctx.attr.image[GadgetImageInfo]
    return launch(ctx, "_runner", {"GADGET_RUN_LAYOUT": image.layout})

gadget_run = rule(
    implementation = _gadget_run_impl,
    doc = """Runs a gadget on this machine with gadget-run: `bazel run` it as root.

What follows `--` are flags of `gadget-run run`, the gadget's own parameters among them.""",
    executable = True,
    attrs = {
        "image": attr.label(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "The gadget_image to run.",
        ),
        "_runner": tool("gadget-run"),
    },
)
