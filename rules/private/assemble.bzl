"""The GadgetManifest and GadgetIndex actions: blobs to an OCI layout."""

load(":attest.bzl", "source_date_epoch")
load(":compile.bzl", "source_args")
load(":tool.bzl", "params_args")

# Sources of programs: an edit of one must not invalidate a manifest by itself.
_PROGRAM_EXTENSIONS = ("c", "h", "go", "mod", "sum", "rs", "wasm")

def metadata_files(ctx):
    """Returns the sources that can be metadata: all but sources of programs."""
    return [f for f in ctx.files.srcs if f.extension not in _PROGRAM_EXTENSIONS and f != ctx.file.build_file]

def manifest(ctx, arch, object, wasm = None, btf = None):
    """Declares the action that validates the metadata and writes one manifest.

    Args:
      ctx: context of gadget_image.
      arch: string, GOARCH.
      object: File, the object for arch.
      wasm: File or None.
      btf: File or None, the btfgen layer for arch.
    Returns:
      struct of `manifest` and `config` (Files).
    """
    out = ctx.actions.declare_file("%s_/manifest.%s.json" % (ctx.label.name, arch))
    config = ctx.actions.declare_file("%s_/config.%s.yaml" % (ctx.label.name, arch))
    sources = metadata_files(ctx)
    args = source_args(ctx, sources)
    args.add(arch, format = "--arch=%s")
    args.add(object, format = "--object=%s")
    inputs = sources + [object] + ([ctx.file.build_file] if ctx.file.build_file else [])
    if wasm:
        args.add(wasm, format = "--wasm=%s")
        inputs.append(wasm)
    if btf:
        args.add(btf, format = "--btf=%s")
        inputs.append(btf)
    for key, value in sorted(ctx.attr.labels.items()):
        args.add("--label=%s=%s" % (key, value))
    if not ctx.attr.strict_metadata:
        args.add("--lenient")
    args.add(out, format = "--out=%s")
    args.add(config, format = "--out-config=%s")
    ctx.actions.run(
        executable = ctx.executable._manifest,
        arguments = [args],
        inputs = inputs,
        outputs = [out, config],
        env = source_date_epoch(ctx),
        mnemonic = "GadgetManifest",
        progress_message = "Validating metadata of %%{label} for %s" % arch,
        execution_requirements = {"supports-path-mapping": "1"},
        toolchain = None,
    )
    return struct(manifest = out, config = config)

def index(ctx, manifests, blobs):
    """Declares the action that writes the OCI layout directory.

    Args:
      ctx: context of gadget_image.
      manifests: list[File], one per arch.
      blobs: list[File], everything that the manifests name.
    Returns:
      struct of `layout` (directory) and `digest` (text file).
    """
    layout = ctx.actions.declare_directory(ctx.label.name + ".oci")
    digest = ctx.actions.declare_file(ctx.label.name + ".digest")
    args = params_args(ctx)
    args.add_all(manifests, format_each = "--manifest=%s")
    args.add_all(blobs, format_each = "--blob=%s")
    args.add(digest, format = "--digest-file=%s")
    args.add_all([layout], format_each = "--out=%s", expand_directories = False)
    ctx.actions.run(
        executable = ctx.executable._index,
        arguments = [args],
        inputs = manifests + blobs,
        outputs = [layout, digest],
        env = source_date_epoch(ctx),
        mnemonic = "GadgetIndex",
        progress_message = "Assembling artifact %{label}",
        execution_requirements = {"supports-path-mapping": "1"},
        toolchain = None,
    )
    return struct(layout = layout, digest = digest)
