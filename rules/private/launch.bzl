"""What executable rules share: a Go tool as the executable, its files as runfiles."""

load(":paths.bzl", "rlocation_path")

def launch(ctx, tool, files, env = {}, data = []):
    """Returns providers of an executable target that starts tool.

    Args:
      ctx: context of an executable rule.
      tool: attribute name of the tool, an executable label.
      files: dict[string, File]: environment variable by which the tool finds the file, as an rlocation path.
      env: dict[string, string], further environment.
      data: list[File], further runfiles.
    Returns:
      list of DefaultInfo and RunEnvironmentInfo.
    """
    program = getattr(ctx.executable, tool)

    # A prebuilt program finds out which tool it is from its name.
    executable = ctx.actions.declare_file("%s_/%s" % (ctx.label.name, program.basename))
    ctx.actions.symlink(
        output = executable,
        target_file = program,
        is_executable = True,
        progress_message = "Linking %{label}",
    )
    runfiles = ctx.runfiles(files = files.values() + data).merge(getattr(ctx.attr, tool)[DefaultInfo].default_runfiles)
    environment = {name: rlocation_path(ctx, file) for name, file in files.items()}
    environment.update(env)
    return [
        DefaultInfo(executable = executable, runfiles = runfiles),
        RunEnvironmentInfo(environment = environment),
    ]
