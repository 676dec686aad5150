"""Rules that make an executable of a program in a Debian package. For development and tests only.

A program starts through a shell script, the only one of the toolchain: what users of the rules get has none.
"""

load(":providers.bzl", "BpfToolchainInfo")

_SCRIPT = """\
#!/bin/sh
# Runs {program} with its own libraries, out of this file's runfiles or those that contain it.
runfiles=$0.runfiles
[ -d "$runfiles" ] || runfiles=$(dirname "$0")/..
exec {env}{command} {args}"$@"
"""

def _place(path):
    """Returns the shell's name of a runfile: short paths of other repositories begin with "../"."""
    return "\"$runfiles/%s\"" % path.removeprefix("../")

def _wrap(ctx, loader, libraries):
    """Returns the providers of an executable that runs `program` with this loader and these libraries."""
    program = ctx.file.program
    command = _place(program.short_path)
    if loader:
        directories = {lib.short_path.rpartition("/")[0]: None for lib in libraries}
        command = " ".join([_place(loader.short_path), "--library-path", ":".join([_place(f) for f in directories]), command])
    tree = "$runfiles/" + ctx.label.repo_name
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        script,
        _SCRIPT.format(
            args = "".join(["\"%s\" " % a.replace("{tree}", tree) for a in ctx.attr.first_args]),
            command = command,
            env = "".join(["env "] + ["\"%s=%s\" " % (k, v.replace("{tree}", tree)) for k, v in ctx.attr.env.items()] if ctx.attr.env else []),
            program = program.basename,
        ),
        is_executable = True,
    )
    return [DefaultInfo(
        executable = script,
        files = depset([script]),
        runfiles = ctx.runfiles([program] + libraries + ctx.files.data + ([loader] if loader else [])),
    )]

def _debian_program_impl(ctx):
    return _wrap(ctx, ctx.file.loader, ctx.files.libraries)

def _llvm_program_impl(ctx):
    bpf = ctx.attr._toolchain[BpfToolchainInfo]
    libraries = [f for f in bpf.files.to_list() if f.dirname in bpf.library_dirs and f != bpf.loader]
    return _wrap(ctx, bpf.loader, libraries)

_ATTRS = {
    "data": attr.label_list(
        doc = "Files that the program reads.",
        allow_files = True,
    ),
    "env": attr.string_dict(
        doc = "Environment of every call. `{tree}` is the directory of the program's repository.",
    ),
    "first_args": attr.string_list(
        doc = "First arguments of every call. `{tree}` is the directory of the program's repository.",
    ),
    "program": attr.label(
        doc = "The program.",
        allow_single_file = True,
        mandatory = True,
    ),
}

debian_program = rule(
    doc = "A program with libraries of its own.",
    implementation = _debian_program_impl,
    attrs = _ATTRS | {
        "libraries": attr.label_list(
            doc = "Shared libraries.",
            allow_files = True,
        ),
        "loader": attr.label(
            doc = "Dynamic loader; without it the program runs as it is.",
            allow_single_file = True,
        ),
    },
    executable = True,
)

llvm_program = rule(
    doc = "A program of LLVM that runs with the libraries of the toolchain, which are of the same version.",
    implementation = _llvm_program_impl,
    attrs = _ATTRS | {
        "_toolchain": attr.label(
            default = Label("//toolchain:current"),
            providers = [BpfToolchainInfo],
        ),
    },
    executable = True,
)
