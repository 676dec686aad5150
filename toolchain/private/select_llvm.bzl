"""Which LLVM each kind of machine compiles with: a pure function of what the modules request."""

def pinned(version = ""):
    """Returns the choice of a version in the lock file, "" for its default."""
    return struct(kind = "pinned", version = version)

def release(version, urls, sha256, strip_prefix):
    """Returns the choice of an archive."""
    return struct(kind = "release", version = version, urls = urls, sha256 = sha256, strip_prefix = strip_prefix)

def local(path):
    """Returns the choice of an installation on the machine."""
    return struct(kind = "local", path = path)

def _describe(request):
    return "%s (module %s)" % (request.tag, request.module)

def _check(requests, archs):
    """Returns what is wrong with the requests, or None."""
    taken = {}
    for r in requests:
        if r.arch and r.arch not in archs:
            return "%s: attribute 'exec_arch': %r is not an architecture that compiles gadgets; use one of %s" % (
                _describe(r),
                r.arch,
                ", ".join(archs),
            )
        if not r.is_root:
            continue
        other = taken.get(r.arch)
        if other:
            return "%s and %s choose twice %s; keep one" % (
                _describe(other),
                _describe(r),
                "for machines of " + r.arch if r.arch else "the version",
            )
        taken[r.arch] = r
    return None

def _check_others(requests, choices):
    """Returns which request of a module that is not the root would be ignored, or None."""
    for r in requests:
        machines = [r.arch] if r.arch else choices.keys()
        if not r.is_root and [m for m in machines if choices[m] != r.choice]:
            return ("%s: only the root module chooses the compiler, this tag would be ignored; remove it there (or mark its " +
                    "use_extension dev_dependency), or repeat it in the root module") % _describe(r)
    return None

def select_llvm(requests, archs):
    """Chooses the LLVM of every architecture that compiles gadgets.

    The root module decides. A request for one architecture (llvm_release, local_llvm) outweighs one for all of them
    (toolchain). A request of another module that agrees with the outcome is welcome; any other is an error, since it would
    have no effect without a message.

    Args:
      requests: list of struct(module, is_root, tag, arch ("" for all), choice).
      archs: architectures of machines that compile.

    Returns:
      struct(choices = dict of choice by architecture, error = string or None).
    """
    error = _check(requests, archs)
    if error:
        return struct(choices = {}, error = error)
    roots = {r.arch: r.choice for r in requests if r.is_root}
    choices = {arch: roots.get(arch, roots.get("", pinned())) for arch in archs}
    return struct(choices = choices, error = _check_others(requests, choices))
