"""prebuilt_tool: a program that is not built, as the tool that it is when it is started by that name."""

def _prebuilt_tool_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = ctx.file.program, is_executable = True)
    return [DefaultInfo(executable = executable, runfiles = ctx.runfiles(files = [executable]))]

prebuilt_tool = rule(
    doc = "An executable by the name of the target.",
    implementation = _prebuilt_tool_impl,
    executable = True,
    attrs = {
        "program": attr.label(allow_single_file = True, mandatory = True, doc = "The program."),
    },
)
