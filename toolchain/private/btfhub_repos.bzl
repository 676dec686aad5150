"""Repositories of btfhub archives: a hub, and one for each shard of a lock file."""

load(":btfhub_tree.bzl", "ARCHS", "build_files", "repository_of", "shard_error", "shard_target")

_RULES = Label("//rules:defs.bzl")
_FORMAT = 1
_SUFFIX = ".btf.tar.xz"

def _directories(path):
    """The directories in path that are not links: a linked directory lists the same kernels twice."""
    real = str(path.realpath)
    return [p for p in path.readdir() if p.is_dir and str(p.realpath) == real + "/" + p.basename]

def _local_shards(root):
    found = {}
    for distro in _directories(root):
        for version in _directories(distro):
            for arch in _directories(version):
                shard = "/".join([distro.basename, version.basename, arch.basename])
                if arch.basename in ARCHS:
                    found[shard] = arch
    return found

def _archive_root(rctx):
    path = rctx.attr.archive
    root = rctx.path(path) if path.startswith("/") else rctx.workspace_root.get_child(path)
    if not root.exists or not root.is_dir:
        fail("btfhub.archive: directory %r does not exist; name a checkout of btfhub-archive, or a directory made by btfarchive" % path)
    return root

def _btfhub_hub_impl(rctx):
    shards = {}
    if rctx.attr.archive:
        shards = _local_shards(_archive_root(rctx))
        if not shards:
            fail("btfhub.archive: %r holds no <distro>/<version>/<arch> directory with arch %s" % (rctx.attr.archive, " or ".join(ARCHS)))
    for shard, directory in shards.items():
        for archive in directory.readdir():
            if archive.basename.endswith(_SUFFIX):
                rctx.symlink(archive, shard + "/" + archive.basename)
    made = build_files(shards.keys(), rctx.attr.locked, rctx.attr.hub, str(_RULES))
    if made.error:
        fail(made.error)
    for path, content in made.files.items():
        rctx.file(path, content)

btfhub_hub = repository_rule(
    implementation = _btfhub_hub_impl,
    doc = "Names the shards of a directory and of a lock file.",
    attrs = {
        "archive": attr.string(doc = "Directory in btfhub's layout, absolute or relative to the workspace; none if empty."),
        "hub": attr.string(doc = "Name of this hub for users."),
        "locked": attr.string_dict(doc = "Label of the target of each locked shard, by shard."),
    },
)

def _entries(rctx):
    lock = json.decode(rctx.read(rctx.attr.lock))
    if lock.get("format") != _FORMAT:
        fail("btfhub.shard: %s has the format %s, this release reads %d; write it again with btfarchive lock" %
             (rctx.attr.lock, lock.get("format"), _FORMAT))
    entries = lock["shards"].get(rctx.attr.shard)
    if not entries:
        fail("btfhub.shard: %s has no shard %r, only %s" %
             (rctx.attr.lock, rctx.attr.shard, ", ".join(sorted(lock["shards"].keys()))))
    return entries

def _btfhub_shard_impl(rctx):
    pending = [
        rctx.download(
            url = entry["urls"],
            output = entry["release"] + _SUFFIX,
            sha256 = entry["sha256"],
            block = False,
        )
        for entry in _entries(rctx)
    ]
    for download in pending:
        download.wait()
    rctx.file("BUILD.bazel", 'load("%s", "btf_shard")\n\npackage(default_visibility = ["//visibility:public"])\n\n%s' %
                             (_RULES, shard_target("shard", rctx.attr.shard)))

btfhub_shard = repository_rule(
    implementation = _btfhub_shard_impl,
    doc = "Fetches the archives of one shard by a lock file.",
    attrs = {
        "lock": attr.label(mandatory = True, doc = "Lock file: `{\"format\": 1, \"shards\": {<shard>: [{release, urls, sha256}]}}`."),
        "shard": attr.string(mandatory = True, doc = "`<distro>/<version>/<arch>`."),
    },
)

def declare_btfhub(name, archive, shards):
    """Declares a hub and the repositories of its locked shards.

    Args:
      name: name of the hub.
      archive: directory in btfhub's layout, or "".
      shards: dict[string, Label]: lock file by shard.
    """
    locked = {}
    for shard, lock in shards.items():
        wrong = shard_error(shard)
        if wrong:
            fail("btfhub.shard: " + wrong)
        repository = repository_of(name, shard)
        btfhub_shard(name = repository, shard = shard, lock = lock)
        locked[shard] = "@%s//:shard" % repository
    btfhub_hub(name = name, hub = name, archive = archive, locked = locked)
