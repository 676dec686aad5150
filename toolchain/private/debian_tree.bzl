"""Unpacking of pinned Debian packages into a repository."""

load(":mirror.bzl", "debian_mirrors")

_PACKAGES = "packages"

# A walk ends after so many directories; the largest tree that is not pruned at its root has some hundred.
_MAX_DIRECTORIES = 10000

def _fetch(rctx, packages):
    mirrors = debian_mirrors(rctx)
    pending = [
        rctx.download(
            url = ["%s/%s" % (mirror, p["path"]) for mirror in mirrors],
            output = "%s/%s.deb" % (_PACKAGES, p["name"]),
            sha256 = p["sha256"],
            allow_fail = True,
            block = False,
        )
        for p in packages
    ]
    for package, download in zip(packages, pending):
        if not download.wait().success:
            fail(("the pinned package %s (sha256 %s) could not be fetched from %s, see the warnings above; set DEBIAN_MIRROR to the " +
                  "base URL of a Debian mirror that has it (bazel: --repo_env=DEBIAN_MIRROR=...)") %
                 (package["path"], package["sha256"], " or ".join(mirrors)))

def _unpack(rctx, package):
    """Unpacks the member data.tar of a package, which is an archive of archives (man 5 deb)."""
    members = "%s/%s" % (_PACKAGES, package["name"])
    rctx.extract(members + ".deb", output = members, watch_archive = "no")
    for member in rctx.path(members).readdir(watch = "no"):
        if member.basename.startswith("data.tar"):
            rctx.extract(member, watch_archive = "no")
            return
    fail("%s has no member data.tar" % package["path"])

def _parents(path):
    parts = path.rstrip("/").split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]

def _prune(rctx, files):
    """Deletes all but the wanted files, and but the wanted directories, whose names end with a slash."""
    wanted = {f.rstrip("/"): None for f in files}
    parents = {p: None for f in files for p in _parents(f)}
    queue = sorted({f.split("/")[0]: None for f in files})
    tops = [c for c in rctx.path(".").readdir(watch = "no") if c.is_dir and c.basename not in queue]
    for top in tops:
        rctx.delete(top)
    for _ in range(_MAX_DIRECTORIES):
        if not queue:
            return
        directory = queue.pop()
        for child in rctx.path(directory).readdir(watch = "no"):
            path = directory + "/" + child.basename
            if path in parents:
                queue.append(path)
            elif path not in wanted:
                rctx.delete(child)
    fail("the packages have more than %d directories" % _MAX_DIRECTORIES)

def unpack_packages(rctx, packages):
    """Fetches Debian packages into the repository's root and keeps the files that their lock names.

    Only Bazel itself is used: no dpkg, tar or xz of the machine.

    Args:
      rctx: repository_ctx of a rule with MIRROR_ATTRS.
      packages: list of dicts, `packages` of a machine in a lock file.
    """
    _fetch(rctx, packages)
    for package in packages:
        _unpack(rctx, package)
    rctx.delete(_PACKAGES)
    _prune(rctx, [f for p in packages for f in p["files"]])
