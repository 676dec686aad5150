"""Providers of the toolchain."""

BpfHeadersInfo = provider(
    doc = "Headers that belong to one include directory.",
    fields = {
        "files": "depset[File]: the headers.",
        "include": "string: execution path of the directory that sources include them from.",
    },
)

BpfToolchainInfo = provider(
    doc = """A compiler for BPF and the headers that gadgets include, as `ctx.toolchains[...].bpf`.

The headers of the kernel are kept apart by arch, so that a compile depends on those of its own arch alone. Paths are execution
paths of source files: path mapping does not change them.""",
    fields = {
        "clang": "File: the compiler.",
        "files": "depset[File]: all that a compile needs except vmlinux.h: the programs, their libraries and loader, the headers.",
        "includes": "list[string]: execution paths of the include directories that serve every arch, the gadgets' own first.",
        "library_dirs": "list[string]: execution paths of the directories with the programs' libraries; empty without a loader.",
        "llvm_version": "string: version of the compiler, such as '19.1.7'; 'local' where it is not known.",
        "loader": "File: dynamic loader to run clang and strip with, or None: they run as they are.",
        "packages": "list[File]: JSON lists of what the programs and headers come from, each entry with `name`, `version`, `url` " +
                    "and `sha256`; empty where that is not known.",
        "resource_dir": "string: execution path of clang's resource directory, the one that holds include/stddef.h.",
        "strip": "File: llvm-strip.",
        "vmlinux": "dict[string, struct(header = File, include = string)]: by arch of the gadget ('amd64', 'arm64'), vmlinux.h " +
                   "and the execution path of its directory. Its keys are the archs that the toolchain compiles for.",
    },
)
