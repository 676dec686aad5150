"""Reading of the lock files that tools/dev/lock writes."""

_FORMAT = 1

# Names that the machines of a lock file have, by what Bazel calls the processor.
_MACHINES = {
    "aarch64": "arm64",
    "amd64": "amd64",
    "arm64": "arm64",
    "x86_64": "amd64",
}

def host_machine(os):
    """Returns the lock files' name of the machine that Bazel runs on.

    Args:
      os: `os` of a repository_ctx or module_ctx.
    """
    return _MACHINES.get(os.arch, os.arch)

def read_bundle(rctx, lock, name, machine):
    """Reads one bundle of a lock file.

    Args:
      rctx: repository_ctx.
      lock: Label of the lock file.
      name: key in `bundles`, or "" for the default.
      machine: key in `machines`; a bundle without programs has one for "any" of them.

    Returns:
      struct with name (string), bundle (dict), loader (string or None) and packages (list of dicts).
    """
    content = json.decode(rctx.read(rctx.path(lock)))
    if content["format"] != _FORMAT:
        fail("%s has format %s, these rules read format %d" % (lock, content["format"], _FORMAT))
    name = name or content["default"]
    bundle = content["bundles"].get(name)
    if not bundle:
        fail("%s has no %r, only %s; choose one of these, or add it to wanted.json and run tools/dev/lock" %
             (lock, name, ", ".join(sorted(content["bundles"]))))
    packed = bundle["machines"].get(machine) or bundle["machines"].get("any")
    if not packed:
        fail("%s has %r for %s only, not for %r" % (lock, name, ", ".join(sorted(bundle["machines"])), machine))
    return struct(
        name = name,
        bundle = bundle,
        loader = packed.get("loader"),
        packages = packed["packages"],
    )
