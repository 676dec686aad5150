"""The module extension that provides the toolchain for BPF.

    bpf = use_extension("@rules_gadget//toolchain:extensions.bzl", "bpf")
    bpf.toolchain(llvm_version = "16.0.6")

Without any tag gadgets are compiled by the newest LLVM that this release of the rules pins. rules_gadget registers the toolchains
itself: no register_toolchains is needed.
"""

load("//toolchain/private:lock.bzl", "host_machine")
load("//toolchain/private:repos.bzl", "ARCHS", "declare_repos")
load("//toolchain/private:select_llvm.bzl", "local", "pinned", "release", "select_llvm")
load("//toolchain/private:select_vmlinux.bzl", "select_vmlinux", "vmlinux_choice")

_toolchain = tag_class(
    doc = "Chooses among the pinned versions of LLVM, for every machine.",
    attrs = {
        "llvm_version": attr.string(
            doc = "A version in toolchain/lock/llvm.json. Default: the lock file's own.",
        ),
        "mirror": attr.string(
            doc = "Base URL of the Debian mirror to fetch from; the root module's alone counts. Default: the environment's " +
                  "DEBIAN_MIRROR, then what the machine's apt sources name.",
        ),
    },
)

_llvm_release = tag_class(
    doc = "Compiles with an LLVM of your own choice, for one kind of machine.",
    attrs = {
        "exec_arch": attr.string(
            doc = "Architecture of the machines that run it, `amd64` or `arm64`.",
            mandatory = True,
        ),
        "sha256": attr.string(
            doc = "sha256 of the archive.",
            mandatory = True,
        ),
        "strip_prefix": attr.string(
            doc = "Directory in the archive that holds bin and lib.",
        ),
        "urls": attr.string_list(
            doc = "URLs of the archive, tried in turn.",
            mandatory = True,
        ),
        "version": attr.string(
            doc = "Version of LLVM.",
            mandatory = True,
        ),
    },
)

_local_llvm = tag_class(
    doc = "Compiles with the LLVM of this machine. Its actions are not reproducible elsewhere.",
    attrs = {
        "path": attr.string(
            doc = "Directory of the installation, the one that holds bin/clang, such as `/usr/lib/llvm-19`.",
            mandatory = True,
        ),
    },
)

_prebuilt_tools = tag_class(
    doc = "Takes the tools of the rules from a release, so that no Go is compiled; the root module's alone counts.",
    attrs = {
        "lock": attr.label(
            doc = "gadget_tools.lock.json of the release.",
            mandatory = True,
        ),
        "public_key": attr.label(
            doc = "Public key in PEM, release.pub of the first release that was used: what the lock file names must be signed with it.",
        ),
    },
)

_vmlinux = tag_class(
    doc = "Compiles gadgets of one arch with a vmlinux.h of your own choice: a file, or one to fetch.",
    attrs = {
        "arch": attr.string(
            doc = "Arch of the gadgets, `amd64` or `arm64`.",
            mandatory = True,
        ),
        "file": attr.label(
            doc = "The header, a file of the sources by any name, such as `//third_party:vmlinux_6_1.h`.",
        ),
        "sha256": attr.string(
            doc = "sha256 of the header to fetch.",
        ),
        "urls": attr.string_list(
            doc = "URLs of the header, tried in turn.",
        ),
    },
)

def _request(module, tag, arch, choice):
    return struct(module = module.name or "of the main repository", is_root = module.is_root, tag = tag, arch = arch, choice = choice)

def _llvm_requests(module, host):
    tags = module.tags
    return [
        _request(module, "bpf.toolchain", "", pinned(t.llvm_version))
        for t in tags.toolchain
    ] + [
        _request(module, "bpf.llvm_release", t.exec_arch, release(t.version, t.urls, t.sha256, t.strip_prefix))
        for t in tags.llvm_release
    ] + [
        _request(module, "bpf.local_llvm", host, local(t.path))
        for t in tags.local_llvm
    ]

def _vmlinux_requests(module):
    return [
        _request(module, "bpf.vmlinux", t.arch, vmlinux_choice(t.file, t.urls, t.sha256))
        for t in module.tags.vmlinux
    ]

def _mirror(mctx):
    for module in mctx.modules:
        for tag in module.tags.toolchain:
            if module.is_root and tag.mirror:
                return tag.mirror
    return ""

def _prebuilt(mctx):
    """Returns the arguments of declare_tools."""
    tags = [tag for module in mctx.modules if module.is_root for tag in module.tags.prebuilt_tools]
    if len(tags) > 1:
        fail("bpf.prebuilt_tools: given %d times; keep one" % len(tags))
    return {"lock": tags[0].lock, "public_key": tags[0].public_key} if tags else {}

def _bpf_extension_impl(mctx):
    llvms, headers = [], []
    for module in mctx.modules:
        llvms += _llvm_requests(module, host_machine(mctx.os))
        headers += _vmlinux_requests(module)
    llvm = select_llvm(llvms, ARCHS)
    vmlinux = select_vmlinux(headers, ARCHS)
    if llvm.error or vmlinux.error:
        fail(llvm.error or vmlinux.error)
    declare_repos(llvm.choices, vmlinux.choices, _mirror(mctx), _prebuilt(mctx))
    return mctx.extension_metadata(reproducible = True)

bpf = module_extension(
    doc = "The toolchain for BPF: LLVM, libbpf's headers and vmlinux.h.",
    implementation = _bpf_extension_impl,
    tag_classes = {
        "llvm_release": _llvm_release,
        "local_llvm": _local_llvm,
        "prebuilt_tools": _prebuilt_tools,
        "toolchain": _toolchain,
        "vmlinux": _vmlinux,
    },
    os_dependent = True,
    arch_dependent = True,
)
