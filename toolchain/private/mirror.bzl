"""Where Debian packages come from."""

_SUITES = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
]

# A file with one URI a line in the place of a URI (man 1 apt-transport-mirror).
_LIST = "mirror+file:"

def _words(text):
    return [w for w in text.replace("\t", " ").split(" ") if w]

def _debian_mirrors(uris, suites, components):
    if "main" not in components or not [s for s in suites if s in _SUITES]:
        return []
    return [u.rstrip("/") for u in uris if u.startswith("http://") or u.startswith("https://") or u.startswith(_LIST)]

def mirrors_of_deb822(text):
    """Returns the Debian mirrors of a `*.sources` file.

    Args:
      text: content of the file (man 5 sources.list, DEB822-STYLE FORMAT).

    Returns:
      list of base URLs without slash at the end, or of "mirror+file:" URIs.
    """
    mirrors = []
    for paragraph in text.split("\n\n"):
        fields = {}
        for line in paragraph.split("\n"):
            name, colon, value = line.partition(":")
            if colon and line[0] not in ("#", " "):
                fields[name.lower()] = _words(value)
        if fields.get("enabled") != ["no"] and "deb" in fields.get("types", []):
            mirrors += _debian_mirrors(fields.get("uris", []), fields.get("suites", []), fields.get("components", []))
    return mirrors

def mirrors_of_list(text):
    """Returns the Debian mirrors of a `sources.list` file.

    Args:
      text: content of the file (man 5 sources.list, ONE-LINE-STYLE FORMAT).

    Returns:
      list of base URLs without slash at the end, or of "mirror+file:" URIs.
    """
    mirrors = []
    for line in text.split("\n"):
        line = line.partition("#")[0]
        if "[" in line:
            line = line.partition("[")[0] + line.partition("]")[2]
        words = _words(line)
        if len(words) >= 4 and words[0] == "deb":
            mirrors += _debian_mirrors([words[1]], [words[2]], words[3:])
    return mirrors

def _apt_files(rctx):
    files = [rctx.path("/etc/apt/sources.list")]
    directory = rctx.path("/etc/apt/sources.list.d")
    if directory.exists:
        files += sorted(directory.readdir(watch = "no"), key = lambda f: f.basename)
    return [f for f in files if f.exists]

def _listed(rctx, uri):
    """Returns the URIs that a "mirror+file:" URI expands to; another URI expands to itself."""
    if not uri.startswith(_LIST):
        return [uri]
    file = rctx.path(uri.removeprefix(_LIST))
    text = rctx.read(file, watch = "no") if file.exists else ""
    words = [_words(line) for line in text.split("\n")]
    return [w[0].rstrip("/") for w in words if w and w[0].startswith("http")]

def debian_mirrors(rctx):
    """Finds the Debian mirrors to fetch from.

    That is the attribute `mirror`, else the environment's DEBIAN_MIRROR, else what the machine's apt sources name. The pins
    are by sha256, so that a mirror is a matter of reach and not of trust.

    Args:
      rctx: repository_ctx of a rule that has the attribute `mirror`.

    Returns:
      list of base URLs without slash at the end, best first.
    """
    chosen = rctx.attr.mirror or rctx.getenv("DEBIAN_MIRROR")
    if chosen:
        return [chosen.rstrip("/")]
    mirrors = []
    for file in _apt_files(rctx):
        text = rctx.read(file, watch = "no")
        mirrors += mirrors_of_deb822(text) if file.basename.endswith(".sources") else mirrors_of_list(text)
    unique = {m: None for uri in mirrors for m in _listed(rctx, uri)}.keys()
    if not unique:
        fail("This machine's apt sources (/etc/apt/sources.list and sources.list.d) name no Debian mirror, and the pinned " +
             "packages come from one; set the environment variable DEBIAN_MIRROR to the base URL of a Debian mirror " +
             "(bazel: --repo_env=DEBIAN_MIRROR=...), or the attribute 'mirror' of bpf.toolchain().")
    return [m for m in unique if m.endswith("/debian")] + [m for m in unique if not m.endswith("/debian")]

MIRROR_ATTRS = {
    "mirror": attr.string(
        doc = "Base URL of a Debian mirror. Default: the environment's DEBIAN_MIRROR, then what the machine's apt sources name.",
    ),
}
