"""The repositories of the toolchain, declared the same way for bzlmod and for WORKSPACE."""

load(":headers_repos.bzl", "libbpf_headers", "linux_headers", "vmlinux_headers")
load(":llvm_archive.bzl", "llvm_archive")
load(":llvm_debian.bzl", "llvm_debian")
load(":llvm_local.bzl", "llvm_local")
load(":toolchains_hub.bzl", "toolchains_hub")
load(":tools_hub.bzl", "declare_tools")

# Architectures of gadgets, and of the machines that compile them.
ARCHS = ["amd64", "arm64"]

HUB = "bpf_toolchains"

_VMLINUX = {arch: "@bpf_vmlinux_%s//:headers" % arch for arch in ARCHS}

# Headers for every arch, in the order of the include path, after those of gadgets.
_HEADERS = ["@bpf_libbpf//:headers", "@bpf_linux//:headers", "@bpf_linux//:asm"]

def _declare_llvm(repo, machine, choice, mirror):
    if choice.kind == "local":
        llvm_local(name = repo, path = choice.path, headers = _HEADERS, vmlinux = _VMLINUX)
    elif choice.kind == "release":
        llvm_archive(
            name = repo,
            headers = _HEADERS,
            llvm_version = choice.version,
            sha256 = choice.sha256,
            strip_prefix = choice.strip_prefix,
            urls = choice.urls,
            vmlinux = _VMLINUX,
        )
    else:
        llvm_debian(
            name = repo,
            exec_arch = machine,
            headers = _HEADERS,
            llvm_version = choice.version,
            mirror = mirror,
            vmlinux = _VMLINUX,
        )

def declare_repos(choices, vmlinux, mirror, tools = {}):
    """Declares all repositories of the toolchain.

    Args:
      choices: what select_llvm returned: struct by architecture of the machine that compiles.
      vmlinux: what select_vmlinux returned: struct by architecture of the gadgets.
      mirror: base URL of a Debian mirror, or "".
      tools: dict, arguments of declare_tools.
    """
    declare_tools(**tools)
    repos = {machine: "bpf_llvm_linux_" + machine for machine in choices}
    for machine, repo in repos.items():
        _declare_llvm(repo, machine, choices[machine], mirror)
    libbpf_headers(name = "bpf_libbpf", mirror = mirror)
    linux_headers(name = "bpf_linux", mirror = mirror)
    for arch, choice in vmlinux.items():
        vmlinux_headers(
            name = "bpf_vmlinux_" + arch,
            arch = arch,
            file = choice.file,
            sha256 = choice.sha256,
            urls = choice.urls,
        )
    toolchains_hub(name = HUB, toolchains = repos)
