"""Which vmlinux.h gadgets of each arch are compiled with: a pure function of what the modules request."""

def vmlinux_choice(file = None, urls = [], sha256 = ""):
    """Returns the choice of a header: a file, or one to fetch; the pinned one without any argument."""
    return struct(file = file, urls = urls, sha256 = sha256)

def _wrong(choice):
    """Returns what is wrong with a choice, or None."""
    if choice.file and choice.urls:
        return "attributes 'file' and 'urls': both name the header; keep one"
    if not choice.file and not choice.urls:
        return "attribute 'file': missing, and so is 'urls'; name the header by one of them"
    if choice.file and choice.sha256:
        return "attribute 'sha256': is for 'urls', and 'file' names the header; remove it"
    if choice.urls and not choice.sha256:
        return "attribute 'sha256': missing, but 'urls' names %r; give the sha256 of the file" % choice.urls[0]
    return None

def _describe(request):
    return "%s (module %s)" % (request.tag, request.module)

def _check(requests, archs):
    """Returns what is wrong with the requests, or None."""
    taken = {}
    for r in requests:
        error = _wrong(r.choice)
        if r.arch not in archs:
            error = "attribute 'arch': %r is not an architecture of gadgets; use one of %s" % (r.arch, ", ".join(archs))
        if error:
            return "%s: %s" % (_describe(r), error)
        if not r.is_root:
            continue
        if r.arch in taken:
            return "%s: attribute 'arch': %r is given twice; keep one" % (_describe(r), r.arch)
        taken[r.arch] = r
    return None

def select_vmlinux(requests, archs):
    """Chooses the vmlinux.h of every arch of gadgets.

    The root module decides. A request of another module that agrees with it is welcome; any other is an error, since it would
    have no effect without a message.

    Args:
      requests: list of struct(module, is_root, tag, arch, choice).
      archs: architectures of gadgets.

    Returns:
      struct(choices = dict of choice by architecture, error = string or None).
    """
    error = _check(requests, archs)
    if error:
        return struct(choices = {}, error = error)
    roots = {r.arch: r.choice for r in requests if r.is_root}
    choices = {arch: roots.get(arch, vmlinux_choice()) for arch in archs}
    for r in requests:
        if choices[r.arch] != r.choice:
            return struct(choices = {}, error = ("%s: only the root module chooses vmlinux.h, this tag would be ignored; remove it " +
                                                 "there (or mark its use_extension dev_dependency), or repeat it in the root module") % _describe(r))
    return struct(choices = choices, error = None)
