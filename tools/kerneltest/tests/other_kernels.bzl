"""other_kernels: a gadget's image with minimal BTF for other kernels than it has."""

load("//rules:providers.bzl", "BtfShardsInfo", "GadgetImageInfo")
load("//rules/private:assemble.bzl", "index")  # buildifier: disable=bzl-visibility
load("//rules/private:btf.bzl", "btf_layers")  # buildifier: disable=bzl-visibility
load("//rules/private:paths.bzl", "package_directory")  # buildifier: disable=bzl-visibility
load("//rules/private:tool.bzl", "params_args", "tool")  # buildifier: disable=bzl-visibility

def _manifest(ctx, image, blobs):
    out = ctx.actions.declare_file(ctx.label.name + "_/manifest.json")
    config = ctx.actions.declare_file(ctx.label.name + "_/config.yaml")
    args = params_args(ctx)
    args.add(package_directory(ctx.attr.image.label), format = "--directory=%s")
    for source in image.metadata:
        if source.basename == "build.yaml":
            args.add(source, format = "--build-file=%s")
    args.add_all(image.metadata, format_each = "--input=%s")
    args.add(ctx.attr.arch, format = "--arch=%s")
    for kind, blob in blobs.items():
        args.add(blob, format = "--" + kind + "=%s")
    args.add(out, format = "--out=%s")
    args.add(config, format = "--out-config=%s")
    ctx.actions.run(
        executable = ctx.executable._manifest,
        arguments = [args],
        inputs = image.metadata + blobs.values(),
        outputs = [out, config],
        mnemonic = "GadgetManifest",
        toolchain = None,
    )
    return out, config

def _other_kernels_impl(ctx):
    image = ctx.attr.image[GadgetImageInfo]
    arch = ctx.attr.arch
    object = image.objects[arch]
    btf = btf_layers(ctx, {arch: object})
    blobs = {"btf": btf.layers[arch], "object": object} | ({"wasm": image.wasm} if image.wasm else {})
    made, config = _manifest(ctx, image, blobs)
    out = index(ctx, [made], blobs.values() + [config])
    return [
        DefaultInfo(files = depset([out.layout])),
        GadgetImageInfo(
            archs = [arch],
            btf = btf.layers,
            configs = {arch: config},
            digest = out.digest,
            layout = out.layout,
            manifests = {arch: made},
            metadata = image.metadata,
            objects = {arch: object},
            provenance = image.provenance,
            reports = btf.reports,
            sbom = image.sbom,
            wasm = image.wasm,
        ),
    ]

other_kernels = rule(
    implementation = _other_kernels_impl,
    doc = "Assembles the half of a gadget that is for one arch again, with a btfgen layer for the kernels of `btf`.",
    attrs = {
        "arch": attr.string(
            mandatory = True,
            doc = "The arch.",
        ),
        "btf": attr.label_list(
            mandatory = True,
            providers = [BtfShardsInfo],
            doc = "Shards of the kernels.",
        ),
        "image": attr.label(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "The gadget_image; its label must be in the gadget's package.",
        ),
        "_btfgen": tool("btfgen"),
        "_btflayer": tool("btflayer"),
        "_index": tool("index"),
        "_manifest": tool("manifest"),
    },
    provides = [GadgetImageInfo],
)
