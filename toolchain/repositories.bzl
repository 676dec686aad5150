"""The toolchain for BPF in a workspace without bzlmod.

    load("@rules_gadget//toolchain:repositories.bzl", "bpf_register_toolchains")
    bpf_register_toolchains()
"""

load("//toolchain/private:repos.bzl", "ARCHS", "HUB", "declare_repos")
load("//toolchain/private:select_llvm.bzl", "local", "pinned", "release")
load("//toolchain/private:select_vmlinux.bzl", "select_vmlinux", "vmlinux_choice")

# What describes a vmlinux.h.
_HEADER_KEYS = ["file", "sha256", "urls"]

def _choice(arch, llvm_version, llvm_release, local_llvm):
    if arch in local_llvm:
        return local(local_llvm[arch])
    if arch in llvm_release:
        archive = llvm_release[arch]
        return release(archive["version"], archive["urls"], archive["sha256"], archive.get("strip_prefix", ""))
    return pinned(llvm_version)

def _vmlinux(vmlinux):
    unknown = [key for header in vmlinux.values() for key in header if key not in _HEADER_KEYS]
    if unknown:
        fail("argument 'vmlinux': unknown key %r; use %s" % (unknown[0], ", ".join(_HEADER_KEYS)))
    requests = [
        struct(
            module = "of the main repository",
            is_root = True,
            tag = "argument 'vmlinux'",
            arch = arch,
            choice = vmlinux_choice(**header),
        )
        for arch, header in vmlinux.items()
    ]
    selected = select_vmlinux(requests, ARCHS)
    if selected.error:
        fail(selected.error)
    return selected.choices

def bpf_toolchains(llvm_version = "", llvm_release = {}, local_llvm = {}, vmlinux = {}, mirror = "", prebuilt_tools = {}):
    """Declares the repositories of the toolchain, and registers nothing.

    Args:
      llvm_version: a version in toolchain/lock/llvm.json. Default: the lock file's own.
      llvm_release: archive of an LLVM of your own choice by architecture of the machines that run it, each a dict with
        `version`, `urls`, `sha256` and, where bin and lib are not at the archive's root, `strip_prefix`.
      local_llvm: directory of an LLVM installation by architecture of the machines that have it, such as
        `{"amd64": "/usr/lib/llvm-19"}`, to use in place of the pinned LLVM.
      vmlinux: vmlinux.h of your own choice by arch of the gadgets, each a dict with `file`, the label of a file of the sources,
        or with `urls` and `sha256`, such as `{"amd64": {"file": "//third_party:vmlinux_6_1.h"}}`.
      mirror: base URL of the Debian mirror to fetch from. Default: the environment's DEBIAN_MIRROR, then what the machine's
        apt sources name.
      prebuilt_tools: dict with `lock`, the label of gadget_tools.lock.json of a release, and perhaps `public_key`, that of the key that
        must have signed what it names, such as `{"lock": "//:gadget_tools.lock.json"}`: the tools of the rules are not built then.
    """
    for name, archs in {"llvm_release": llvm_release.keys(), "local_llvm": local_llvm.keys()}.items():
        for arch in archs:
            if arch not in ARCHS:
                fail("argument '%s': %r is not an architecture that compiles gadgets; use %s" % (name, arch, ", ".join(ARCHS)))
    both = [arch for arch in llvm_release if arch in local_llvm]
    if both:
        fail("arguments 'llvm_release' and 'local_llvm': both choose for machines of %s; keep one" % both[0])
    declare_repos({arch: _choice(arch, llvm_version, llvm_release, local_llvm) for arch in ARCHS}, _vmlinux(vmlinux), mirror, prebuilt_tools)

def bpf_register_toolchains(**kwargs):
    """Declares and registers the toolchain.

    Args:
      **kwargs: see bpf_toolchains.
    """
    bpf_toolchains(**kwargs)
    native.register_toolchains("@%s//:all" % HUB)
