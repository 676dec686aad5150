"""What a repository was made from, for provenance."""

_NAME = "packages.json"

def locked_packages(packages):
    """Returns entries of packages.json for the packages of a lock file."""
    return [
        {"name": p["name"], "sha256": p["sha256"], "url": p["path"], "version": p["version"]}
        for p in packages
    ]

def packages_of(rctx, entries):
    """Writes packages.json into a repository.

    Args:
      rctx: repository_ctx.
      entries: list of dicts with `name`, `version`, `url` (a path where the host is a matter of the mirror) and `sha256`.
    Returns:
      list[string], its name, or nothing where nothing is known.
    """
    if not entries:
        return []
    rctx.file(_NAME, json.encode_indent(entries) + "\n")
    return [_NAME]
