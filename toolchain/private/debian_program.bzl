"""The rule debian_program: a program of a Debian package as an executable of its own. For development and tests only."""

# The one shell script of the toolchain; it stays out of what users of the rules get.
_SCRIPT = """\
#!/bin/sh
# Runs {program} with its own libraries, wherever this file's runfiles are.
tree=$(dirname "$0")
if [ -d "$0.runfiles" ]; then
  tree="$0.runfiles/{repo}"
fi
exec {loader}"$tree/{program}" {args}"$@"
"""

_LOADER = "\"$tree/{loader}\" --library-path {path} "

def _debian_program_impl(ctx):
    loader = ""
    if ctx.file.loader:
        # Runfiles of a package's file have the same path below the repository's folder as the file itself.
        root = ctx.label.workspace_root + "/"
        folders = {lib.dirname.removeprefix(root): None for lib in ctx.files.libraries}
        loader = _LOADER.format(
            loader = ctx.file.loader.path.removeprefix(root),
            path = "\"" + ":".join(["$tree/" + f for f in folders]) + "\"",
        )
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        script,
        _SCRIPT.format(
            args = "".join(["\"%s\" " % a.replace("{tree}", "$tree") for a in ctx.attr.first_args]),
            loader = loader,
            program = ctx.file.program.path.removeprefix(ctx.label.workspace_root + "/"),
            repo = ctx.label.repo_name,
        ),
        is_executable = True,
    )
    files = [ctx.file.program] + ctx.files.libraries + ctx.files.data
    if ctx.file.loader:
        files.append(ctx.file.loader)
    return [DefaultInfo(
        executable = script,
        files = depset([script]),
        runfiles = ctx.runfiles(files),
    )]

debian_program = rule(
    doc = "A program in an unpacked tree of Debian packages, run by the tree's own loader. The tree is the root of its repository.",
    implementation = _debian_program_impl,
    attrs = {
        "data": attr.label_list(
            doc = "Files that the program reads.",
            allow_files = True,
        ),
        "first_args": attr.string_list(
            doc = "First arguments of every call. `{tree}` is the folder of the unpacked tree.",
        ),
        "libraries": attr.label_list(
            doc = "Shared libraries.",
            allow_files = True,
        ),
        "loader": attr.label(
            doc = "Dynamic loader; without it the program runs as it is.",
            allow_single_file = True,
        ),
        "program": attr.label(
            doc = "The program.",
            allow_single_file = True,
            mandatory = True,
        ),
    },
    executable = True,
)
