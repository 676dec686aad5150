"""Paths that the rules hand to tools."""

def package_directory(label):
    """Returns the exec path of the label's package, below external/ for another repository.

    Args:
      label: Label of a target in the package.
    Returns:
      string, "." for the root package of the main repository.
    """
    parts = [p for p in [label.workspace_root, label.package] if p]
    return "/".join(parts) or "."

def rlocation_path(ctx, file):
    """Returns the path under which a runfiles library finds file.

    Args:
      ctx: rule context.
      file: File in the target's runfiles.
    Returns:
      string, `<repository>/<path>`.
    """
    if file.short_path.startswith("../"):
        return file.short_path[len("../"):]
    return ctx.workspace_name + "/" + file.short_path
