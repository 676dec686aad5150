"""gadget_metadata: `bazel run` writes or completes gadget.yaml from the object."""

load("//rules:providers.bzl", "GadgetImageInfo")
load(":launch.bzl", "launch")
load(":tool.bzl", "tool")

def _gadget_metadata_impl(ctx):
    image = ctx.attr.image[GadgetImageInfo]
    return launch(
        ctx,
        "_metadata",
        {"GADGET_METADATA_OBJECT": image.objects[image.archs[0]]},
        {"GADGET_METADATA_OUT": "/".join([p for p in [ctx.label.package, ctx.attr.out] if p])},
    )

gadget_metadata = rule(
    implementation = _gadget_metadata_impl,
    doc = """Writes what gadget.yaml lacks into the source tree: data sources, fields and parameters that the object has.

Comments, order and unknown keys of an existing file stay.""",
    executable = True,
    attrs = {
        "image": attr.label(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "The gadget_image whose object is read.",
        ),
        "out": attr.string(
            default = "gadget.yaml",
            doc = "Path of the metadata file, relative to the package.",
        ),
        "_metadata": tool("metadata"),
    },
)
