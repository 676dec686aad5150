"""The rule that gazelle writes into every Go repository."""

load("//providers:package_metadata_info.bzl", "PackageMetadataInfo")

def _package_metadata_rule_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".package-metadata.json")
    ctx.actions.write(out, json.encode({"attributes": {}, "label": str(ctx.label), "purl": ctx.attr.purl}))
    files = depset([out])
    return [
        DefaultInfo(files = files),
        PackageMetadataInfo(metadata = out, files = files),
    ]

_package_metadata = rule(
    implementation = _package_metadata_rule_impl,
    attrs = {
        "purl": attr.string(mandatory = True, doc = "The package URL."),
    },
    doc = "Says where a package comes from.",
    provides = [PackageMetadataInfo],
)

def package_metadata(name, purl, visibility = None, **kwargs):
    """Declares where a package comes from.

    A package names this target as the default of all of its targets. This one
    would thus depend on itself, were the default not overridden.

    Args:
      name: the target's name.
      purl: the package URL.
      visibility: who may depend on the target.
      **kwargs: attributes that every rule has.
    """
    kwargs.pop("attributes", None)
    _package_metadata(
        name = name,
        purl = purl,
        applicable_licenses = [],
        visibility = visibility,
        **kwargs
    )
