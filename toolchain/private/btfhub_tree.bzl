"""The tree of packages that a btfhub hub has: pure functions, so that tests can hold them.

A hub is a repository with a package for each shard, `//<distro>/<version>/<arch>`, one for each directory above that
gathers what is below, and `//:all`.
"""

ARCHS = ("arm64", "x86_64")

_LOAD = 'load("{rules}", "btf_shard", "btf_shards")\n\npackage(default_visibility = ["//visibility:public"])\n\n'

def shard_error(shard):
    """Checks a shard's name, which becomes a path in a repository.

    Args:
      shard: string, `<distro>/<version>/<arch>`.
    Returns:
      string, what is wrong with it, or "".
    """
    parts = shard.split("/")
    if len(parts) != 3 or "" in parts or parts[2] not in ARCHS:
        return "%r is not a shard, use <distro>/<version>/<arch> with arch %s" % (shard, " or ".join(ARCHS))
    for part in parts:
        if part.startswith(".") or part.strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"):
            return "%r is not a shard: %r is not a directory name of an archive" % (shard, part)
    return ""

def repository_of(hub, shard):
    """Returns the name of the repository that fetches a locked shard."""
    return hub + "_" + shard.replace("/", "_").replace("+", "_")

def build_files(local, locked, hub, rules):
    """Returns the BUILD files of a hub.

    Args:
      local: list[string], shards whose archives are in the hub itself.
      locked: dict[string, string]: label of the target that a shard of a lock file has, by shard.
      hub: string, the hub's name, for errors.
      rules: string, label of rules/defs.bzl.
    Returns:
      struct of `files` (dict[string, string], contents by path) and `error` (string, or "").
    """
    for shard in local + locked.keys():
        wrong = shard_error(shard)
        if wrong:
            return struct(files = {}, error = "btfhub %r: %s" % (hub, wrong))
    both = [shard for shard in local if shard in locked]
    if both:
        return struct(files = {}, error = "btfhub %r: shard %r is in the directory and in the lock file; remove one" % (hub, both[0]))
    head = _LOAD.format(rules = rules)
    files, children = {}, {}
    for shard in sorted(local + locked.keys()):
        distro, version, arch = shard.split("/")
        if shard in locked:
            files[shard + "/BUILD.bazel"] = head + 'alias(name = "%s", actual = "%s")\n' % (arch, locked[shard])
        else:
            files[shard + "/BUILD.bazel"] = head + shard_target(arch, shard)
        children.setdefault("%s/%s" % (distro, version), []).append(shard)
        above = children.setdefault(distro, [])
        if "%s/%s" % (distro, version) not in above:
            above.append("%s/%s" % (distro, version))
    distros = [path for path in children if "/" not in path]
    for path, below in children.items():
        files[path + "/BUILD.bazel"] = head + _group(path.split("/")[-1], below)
    files["BUILD.bazel"] = head + _group("all", distros)
    return struct(files = files, error = "")

def shard_target(name, shard):
    """Returns the btf_shard target of the archives in its own directory."""
    return 'btf_shard(\n    name = "%s",\n    archives = glob(["*.btf.tar.xz"]),\n    shard = "%s",\n)\n' % (name, shard)

def _group(name, packages):
    lines = "".join(['        "//%s",\n' % p for p in packages])
    return 'btf_shards(\n    name = "%s",\n    shards = [\n%s    ],\n)\n' % (name, lines)
