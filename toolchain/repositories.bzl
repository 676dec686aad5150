"""The toolchain for BPF in a workspace without bzlmod.

    load("@rules_gadget//toolchain:repositories.bzl", "bpf_register_toolchains")
    bpf_register_toolchains()
"""

load("//toolchain/private:repos.bzl", "ARCHS", "HUB", "declare_repos")
load("//toolchain/private:select_llvm.bzl", "local", "pinned")

def bpf_toolchains(llvm_version = "", local_llvm = {}, mirror = ""):
    """Declares the repositories of the toolchain, and registers nothing.

    Args:
      llvm_version: a version in toolchain/lock/llvm.json. Default: the lock file's own.
      local_llvm: folder of an LLVM installation by architecture of the machines that have it, such as
        `{"amd64": "/usr/lib/llvm-19"}`, to use in place of the pinned LLVM.
      mirror: base URL of the Debian mirror to fetch from. Default: the environment's DEBIAN_MIRROR, then what the machine's
        apt sources name.
    """
    unknown = [arch for arch in local_llvm if arch not in ARCHS]
    if unknown:
        fail("argument 'local_llvm': %r is no architecture that compiles gadgets; use %s" % (unknown[0], ", ".join(ARCHS)))
    choices = {arch: local(local_llvm[arch]) if arch in local_llvm else pinned(llvm_version) for arch in ARCHS}
    declare_repos(choices, mirror)

def bpf_register_toolchains(**kwargs):
    """Declares and registers the toolchain.

    Args:
      **kwargs: see bpf_toolchains.
    """
    bpf_toolchains(**kwargs)
    native.register_toolchains("@%s//:all" % HUB)
