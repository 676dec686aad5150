"""The toolchain for BPF in a workspace without bzlmod.

    load("@rules_gadget//toolchain:repositories.bzl", "bpf_register_toolchains")
    bpf_register_toolchains()
"""

load("//toolchain/private:repos.bzl", "ARCHS", "HUB", "declare_repos")
load("//toolchain/private:select_llvm.bzl", "local", "pinned", "release")

def _choice(arch, llvm_version, llvm_release, local_llvm):
    if arch in local_llvm:
        return local(local_llvm[arch])
    if arch in llvm_release:
        archive = llvm_release[arch]
        return release(archive["version"], archive["urls"], archive["sha256"], archive.get("strip_prefix", ""))
    return pinned(llvm_version)

def bpf_toolchains(llvm_version = "", llvm_release = {}, local_llvm = {}, mirror = ""):
    """Declares the repositories of the toolchain, and registers nothing.

    Args:
      llvm_version: a version in toolchain/lock/llvm.json. Default: the lock file's own.
      llvm_release: archive of an LLVM of your own choice by architecture of the machines that run it, each a dict with
        `version`, `urls`, `sha256` and, where bin and lib are not at the archive's root, `strip_prefix`.
      local_llvm: directory of an LLVM installation by architecture of the machines that have it, such as
        `{"amd64": "/usr/lib/llvm-19"}`, to use in place of the pinned LLVM.
      mirror: base URL of the Debian mirror to fetch from. Default: the environment's DEBIAN_MIRROR, then what the machine's
        apt sources name.
    """
    for name, archs in {"llvm_release": llvm_release.keys(), "local_llvm": local_llvm.keys()}.items():
        for arch in archs:
            if arch not in ARCHS:
                fail("argument '%s': %r is not an architecture that compiles gadgets; use %s" % (name, arch, ", ".join(ARCHS)))
    both = [arch for arch in llvm_release if arch in local_llvm]
    if both:
        fail("arguments 'llvm_release' and 'local_llvm': both choose for machines of %s; keep one" % both[0])
    declare_repos({arch: _choice(arch, llvm_version, llvm_release, local_llvm) for arch in ARCHS}, mirror)

def bpf_register_toolchains(**kwargs):
    """Declares and registers the toolchain.

    Args:
      **kwargs: see bpf_toolchains.
    """
    bpf_toolchains(**kwargs)
    native.register_toolchains("@%s//:all" % HUB)
