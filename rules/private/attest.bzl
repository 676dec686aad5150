"""The GadgetAttest action: provenance and SBOM of an artifact."""

load("//rules:providers.bzl", "BtfShardsInfo")
load(":compile.bzl", "bpf_toolchain")
load(":tool.bzl", "params_args")

def attestations(ctx, archs, digest):
    """Declares the action that writes what is known of how the artifact came to be.

    Args:
      ctx: context of gadget_image.
      archs: list[string], GOARCH names.
      digest: File with the digest of the index.
    Returns:
      struct of `provenance` (in-toto statement) and `sbom` (SPDX document), Files.
    """
    provenance = ctx.actions.declare_file(ctx.label.name + ".provenance.json")
    sbom = ctx.actions.declare_file(ctx.label.name + ".spdx.json")
    bpf = bpf_toolchain(ctx)

    # The headers of pinned packages are among the packages; the gadgets' own come first in the include path.
    headers = [f for f in bpf.files.to_list() if f.path.startswith(bpf.includes[0] + "/")]
    headers += [bpf.vmlinux[arch].header for arch in archs]
    shards = depset(transitive = [t[BtfShardsInfo].shards for t in ctx.attr.btf]).to_list()
    archives = [f for shard in shards for f in shard.archives]

    args = params_args(ctx)
    args.add(ctx.label.package.split("/")[-1] or ctx.label.name, format = "--name=%s")
    args.add("--target=//%s:%s" % (ctx.label.package, ctx.label.name))
    args.add(digest, format = "--digest-file=%s")
    args.add_all(archs, format_each = "--arch=%s")
    if ctx.attr.cflags:
        args.add("--param=cflags=" + " ".join(ctx.attr.cflags))
    args.add_all(ctx.files.srcs, format_each = "--source=%s")
    args.add_all(headers, format_each = "--source=%s")
    args.add_all(bpf.packages, format_each = "--compiler=%s")
    for shard in sorted(shards, key = lambda s: s.id):
        args.add_all(shard.archives, format_each = "--archive=" + shard.id + "=%s")
    args.add(provenance, format = "--provenance=%s")
    args.add(sbom, format = "--sbom=%s")
    ctx.actions.run(
        executable = ctx.executable._attest,
        arguments = [args],
        inputs = ctx.files.srcs + headers + bpf.packages + archives + [digest],
        outputs = [provenance, sbom],
        env = source_date_epoch(ctx),
        mnemonic = "GadgetAttest",
        progress_message = "Writing provenance of %{label}",
        execution_requirements = {"supports-path-mapping": "1"},
        toolchain = None,
    )
    return struct(provenance = provenance, sbom = sbom)

def source_date_epoch(ctx):
    """Returns the environment with SOURCE_DATE_EPOCH, when the user passes it by --action_env."""
    value = ctx.configuration.default_shell_env.get("SOURCE_DATE_EPOCH")
    return {"SOURCE_DATE_EPOCH": value} if value else {}
