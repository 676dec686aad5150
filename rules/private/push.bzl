"""gadget_push: `bazel run` uploads the artifact to registries."""

load("//rules:providers.bzl", "GadgetImageInfo", "GadgetPushInfo")
load(":launch.bzl", "launch")
load(":paths.bzl", "rlocation_path")
load(":tool.bzl", "tool")

def _gadget_push_impl(ctx):
    image = ctx.attr.image[GadgetImageInfo]
    for i, tag in enumerate(ctx.attr.remote_tags):
        if not tag:
            fail("attribute 'remote_tags': entry %d is empty; name a tag or remove it" % i)
    repositories = ([ctx.attr.repository] if ctx.attr.repository else []) + ctx.attr.repositories
    stamped = any(["{" in text for text in ctx.attr.remote_tags + repositories])
    files = [image.layout, image.provenance, image.sbom]
    request = {
        "attestations": [
            {"media_type": "application/vnd.in-toto+json", "path": rlocation_path(ctx, image.provenance)},
            {"media_type": "application/spdx+json", "path": rlocation_path(ctx, image.sbom)},
        ] if ctx.attr.attestations else [],
        "layout": rlocation_path(ctx, image.layout),
        "name": ctx.attr.image.label.package.split("/")[-1] or ctx.attr.image.label.name,
        "repositories": repositories,
        "tags": ctx.attr.remote_tags,
    }
    if stamped:
        files.append(ctx.info_file)
        request["status_file"] = rlocation_path(ctx, ctx.info_file)
    out = ctx.actions.declare_file(ctx.label.name + ".push.json")
    ctx.actions.write(out, json.encode_indent(request) + "\n")
    return launch(ctx, "_push", {"GADGET_PUSH_REQUEST": out}, data = files) + [
        GadgetPushInfo(files = depset(files + [out]), request = out),
    ]

gadget_push = rule(
    implementation = _gadget_push_impl,
    doc = """Uploads a gadget's artifact: `bazel run` it, with `--repository` and `--tag` to override the attributes;
`--repository-prefix ghcr.io/me/gadgets` adds the name of the gadget's directory.

Prints the digest-pinned reference alone on stdout.""",
    executable = True,
    provides = [GadgetPushInfo],
    attrs = {
        "attestations": attr.bool(
            default = True,
            doc = "Whether provenance and SBOM are attached to the artifact, as OCI referrers.",
        ),
        "image": attr.label(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "The gadget_image to upload.",
        ),
        "repository": attr.string(
            doc = "Repository to upload to, as `registry/path`. `{STABLE_NAME}` is replaced from the workspace status.",
        ),
        "repositories": attr.string_list(
            doc = "Further repositories to upload to.",
        ),
        "remote_tags": attr.string_list(
            doc = "Tags to set in each repository. `{STABLE_NAME}` is replaced from the workspace status.",
        ),
        "_push": tool("push"),
    },
)
