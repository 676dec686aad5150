"""The provider by which rules learn where a package comes from."""

PackageMetadataInfo = provider(
    doc = "Where a package comes from.",
    fields = {
        "files": "depset[File]: everything that describes the package.",
        "metadata": "File: JSON with the package URL.",
    },
)
