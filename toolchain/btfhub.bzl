"""Kernels for `gadget(btf = ...)`: btfhub archives of a directory, or fetched by a lock file.

    btfhub = use_extension("@rules_gadget//toolchain:btfhub.bzl", "btfhub")
    btfhub.archive(path = "third_party/btfhub-archive")
    btfhub.shard(shard = "debian/12/x86_64", lock = "//:btfhub.lock.json")
    use_repo(btfhub, "btfhub")

Then `@btfhub//debian/12/x86_64` is a shard, `@btfhub//debian/12` and `@btfhub//debian` what is below, `@btfhub//:all`
everything. A shard of a lock file is fetched when a build needs it. In a WORKSPACE, btfhub_repositories does the same.
"""

load("//toolchain/private:btfhub_repos.bzl", "declare_btfhub")

_HUB = "btfhub"

_archive = tag_class(
    doc = "The shards of a directory in btfhub's layout, such as a checkout of btfhub-archive or what btfarchive makes.",
    attrs = {
        "path": attr.string(
            doc = "The directory, absolute or relative to the root of the workspace. Symbolic links in it are ignored.",
            mandatory = True,
        ),
    },
)

_shard = tag_class(
    doc = "One shard, fetched by a lock file.",
    attrs = {
        "lock": attr.label(
            doc = "The lock file, as `btfarchive lock` writes it.",
            mandatory = True,
        ),
        "shard": attr.string(
            doc = "`<distro>/<version>/<arch>` in btfhub's spelling, such as `debian/12/x86_64`.",
            mandatory = True,
        ),
    },
)

def _btfhub_impl(mctx):
    archive, shards = "", {}
    for module in mctx.modules:
        tags = module.tags
        if not module.is_root and (tags.archive or tags.shard):
            fail("btfhub: module %r has tags, which only the root module's count; move them there" % module.name)
        for tag in tags.archive:
            if archive:
                fail("btfhub.archive: given twice, for %r and %r; keep one" % (archive, tag.path))
            archive = tag.path
        for tag in tags.shard:
            if tag.shard in shards:
                fail("btfhub.shard: %r is given twice; keep one" % tag.shard)
            shards[tag.shard] = tag.lock
    declare_btfhub(_HUB, archive, shards)
    return mctx.extension_metadata(reproducible = True)

btfhub = module_extension(
    doc = "Kernels from btfhub archives.",
    implementation = _btfhub_impl,
    tag_classes = {"archive": _archive, "shard": _shard},
)

def btfhub_repositories(name = _HUB, archive = "", shards = [], lock = None):
    """Declares a hub of btfhub archives in a WORKSPACE.

    Args:
      name: name of the hub.
      archive: directory in btfhub's layout, absolute or relative to the root of the workspace.
      shards: list of shards to fetch by the lock file.
      lock: label of the lock file.
    """
    if shards and not lock:
        fail("argument 'lock': missing, but 'shards' names %s; name the lock file" % shards[0])
    declare_btfhub(name, archive, {shard: lock for shard in shards})
