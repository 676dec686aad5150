"""What the rules share about the Go tools that their actions run."""

def tool(name):
    """Returns the attribute of a tool.

    Args:
      name: string, its name among the targets of //toolchain/tools.
    Returns:
      attr.label, for the machine that runs actions.
    """
    return attr.label(
        default = Label("//toolchain/tools:" + name),
        executable = True,
        cfg = "exec",
        doc = "The %s tool." % name,
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
