"""The rule bpf_toolchain: a compiler for BPF with the headers of gadgets."""

load(":providers.bzl", "BpfHeadersInfo", "BpfToolchainInfo")

def _unique_dirs(files):
    return {file.dirname: None for file in files}.keys()

def _vmlinux_by_arch(ctx):
    by_arch = {}
    for target, arch in ctx.attr.vmlinux.items():
        headers = target[BpfHeadersInfo].files.to_list()
        if arch in by_arch:
            fail("attribute 'vmlinux': two headers for arch %r; keep one" % arch)
        if len(headers) != 1:
            fail("attribute 'vmlinux': %s has %d files; give one vmlinux.h for arch %r" % (target.label, len(headers), arch))
        by_arch[arch] = struct(header = headers[0], include = target[BpfHeadersInfo].include)
    return by_arch

def _bpf_toolchain_impl(ctx):
    if ctx.files.libraries and not ctx.file.loader:
        fail("attribute 'libraries': they need the dynamic loader that belongs to them; set 'loader' too")
    programs = [ctx.file.clang, ctx.file.strip] + ([ctx.file.loader] if ctx.file.loader else [])
    headers = [target[BpfHeadersInfo] for target in ctx.attr.headers]
    resources = ctx.attr.resource_headers[BpfHeadersInfo]
    info = BpfToolchainInfo(
        clang = ctx.file.clang,
        files = depset(
            programs + ctx.files.libraries,
            transitive = [resources.files] + [h.files for h in headers],
        ),
        includes = [h.include for h in headers],
        library_dirs = _unique_dirs(ctx.files.libraries),
        llvm_version = ctx.attr.llvm_version,
        loader = ctx.file.loader,
        packages = ctx.files.packages,
        resource_dir = resources.include,
        strip = ctx.file.strip,
        vmlinux = _vmlinux_by_arch(ctx),
    )
    return [platform_common.ToolchainInfo(bpf = info), info]

bpf_toolchain = rule(
    doc = """A clang with the headers that gadgets include.

The target of a `toolchain()` of type `//toolchain:toolchain_type`. That toolchain() specifies with `exec_compatible_with` where the
programs run; it has no `target_compatible_with`, since clang compiles for BPF wherever the gadget will run.""",
    implementation = _bpf_toolchain_impl,
    attrs = {
        "clang": attr.label(
            doc = "The compiler.",
            allow_single_file = True,
            mandatory = True,
            cfg = "exec",
        ),
        "headers": attr.label_list(
            doc = "bpf_headers that serve every arch: those of gadgets and of libbpf, in the order of the include path.",
            providers = [BpfHeadersInfo],
        ),
        "libraries": attr.label_list(
            doc = "Shared libraries of the programs, for 'loader'.",
            allow_files = True,
            cfg = "exec",
        ),
        "llvm_version": attr.string(
            doc = "Version of the compiler.",
            mandatory = True,
        ),
        "loader": attr.label(
            doc = "Dynamic loader that runs the programs. Without it they run as they are.",
            allow_single_file = True,
            cfg = "exec",
        ),
        "packages": attr.label_list(
            doc = "JSON lists of what the programs and headers come from: `name`, `version`, `url` and `sha256`. Provenance names them.",
            allow_files = [".json"],
        ),
        "resource_headers": attr.label(
            doc = "bpf_headers of clang itself, with the anchor `include/stddef.h`.",
            mandatory = True,
            providers = [BpfHeadersInfo],
        ),
        "strip": attr.label(
            doc = "llvm-strip.",
            allow_single_file = True,
            mandatory = True,
            cfg = "exec",
        ),
        "vmlinux": attr.label_keyed_string_dict(
            doc = "bpf_headers with the kernel's vmlinux.h, each with the arch that it is for, such as `amd64`.",
            allow_empty = False,
            mandatory = True,
            providers = [BpfHeadersInfo],
        ),
    },
    provides = [platform_common.ToolchainInfo, BpfToolchainInfo],
)
