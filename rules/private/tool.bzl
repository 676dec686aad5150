"""What the rules share about the Go tools that their actions run."""

def tool(name = None, label = None):
    """Returns the attribute of a tool.

    Args:
      name: string, its name among the targets of //toolchain/tools.
      label: Label, of a tool that releases do not have and that is always built from source, in place of `name`.
    Returns:
      attr.label, for the machine that runs actions.
    """
    default = label or Label("//toolchain/tools:" + name)
    return attr.label(
        default = default,
        executable = True,
        cfg = "exec",
        doc = "The %s tool." % default.name,
    )

def params_args(ctx):
    """Returns Args that reach the tool in a params file, one a line, however few they are.

    Args:
      ctx: rule context.
    Returns:
      Args.
    """
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    return args
