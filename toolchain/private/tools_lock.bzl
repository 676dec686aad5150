"""Reading of the lock file of prebuilt tools, gadget_tools.lock.json of a release."""

load(":ecdsa.bzl", "verify_p256")
load(":tools.bzl", "PLATFORMS", "PROGRAMS")
load(":version.bzl", "VERSION")

_FORMAT = 1
_HEX = "0123456789abcdef"

def _is_sha256(text):
    return type(text) == "string" and len(text) == 64 and not [c for c in text.elems() if c not in _HEX]

def _are_urls(urls):
    return type(urls) == "list" and urls and not [u for u in urls if type(u) != "string" or "://" not in u]

def _wrong_file(file, public_key):
    """Returns what is wrong with the entry of one file, or None."""
    if type(file) != "dict":
        return "not an object"
    if not _are_urls(file.get("urls")):
        return "'urls' is not a list of URLs"
    if not _is_sha256(file.get("sha256")):
        return "'sha256' is not 64 lowercase hexadecimal digits"
    if not public_key:
        return None
    signature = file.get("signature")
    error = verify_p256(public_key, file["sha256"], signature if type(signature) == "string" else "")
    return "'signature' does not verify: " + error if error else None

def _wrong(content, public_key):
    """Returns what is wrong with a lock file, or None."""
    if type(content) != "dict":
        return "not a JSON object"
    if content.get("format") != _FORMAT:
        return "format %s, these rules read format %d" % (content.get("format"), _FORMAT)
    if content.get("version") != VERSION:
        return "tools of version %s, and these rules have version %s" % (content.get("version"), VERSION)
    programs = content.get("programs")
    if type(programs) != "dict":
        return "'programs' is not an object"
    for program in PROGRAMS:
        files = programs.get(program)
        if type(files) != "dict" or not files:
            return "program %r is missing" % program
        for platform in files:
            if platform not in PLATFORMS:
                return "program %r: %r is not a platform, use %s" % (program, platform, " or ".join(PLATFORMS))
            error = _wrong_file(files[platform], public_key)
            if error:
                return "program %r for %s: %s" % (program, platform, error)
    return None

def parse_tools_lock(text, public_key = ""):
    """Reads a lock file of tools.

    Args:
      text: string, content of the file.
      public_key: string, content of a public key in PEM that every signature must verify with, or "".

    Returns:
      struct(error = string or None, programs = dict of dicts of file by program and platform).
    """
    content = json.decode(text, default = None)
    error = _wrong(content, public_key)
    return struct(error = error, programs = {} if error else content["programs"])

def read_tools_lock(rctx):
    """Reads the lock file of a repository rule with TOOLS_LOCK_ATTRS, and fails where something is wrong with it.

    Args:
      rctx: repository_ctx.

    Returns:
      dict of dicts of file by program and platform.
    """
    key = rctx.read(rctx.attr.public_key) if rctx.attr.public_key else ""
    lock = parse_tools_lock(rctx.read(rctx.attr.lock), key)
    if lock.error:
        fail("%s: %s; copy gadget_tools.lock.json of release v%s, or build the tools: %s" %
             (rctx.attr.lock, lock.error, VERSION, FROM_SOURCE))
    return lock.programs

# What builds the tools although there is a lock file.
FROM_SOURCE = "--@rules_gadget//toolchain:tools_from_source"

TOOLS_LOCK_ATTRS = {
    "lock": attr.label(
        allow_single_file = True,
        doc = "The lock file, gadget_tools.lock.json of a release.",
    ),
    "public_key": attr.label(
        allow_single_file = True,
        doc = "Public key in PEM that the signatures of the lock file must verify with.",
    ),
}
