"""btf_shard: archives of one distro, version and arch, imported once for all gadgets."""

load("//rules:providers.bzl", "BtfShardsInfo")
load(":tool.bzl", "params_args", "tool")

# btfhub's directory names of architectures; its arm64 is never spelled aarch64.
_ARCHS = {"arm64": "arm64", "x86_64": "amd64"}

def _btf_shard_impl(ctx):
    parts = ctx.attr.shard.split("/")
    if len(parts) != 3 or parts[2] not in _ARCHS:
        fail("attribute 'shard': got %r, use <distro>/<version>/<arch> with arch %s" %
             (ctx.attr.shard, " or ".join(sorted(_ARCHS.keys()))))
    out = ctx.actions.declare_file(ctx.label.name + ".btfshard")
    report = ctx.actions.declare_file(ctx.label.name + ".import.json")
    args = params_args(ctx)
    args.add(ctx.attr.shard, format = "--shard=%s")
    args.add_all(ctx.files.archives, format_each = "--archive=%s")
    args.add(report, format = "--report=%s")
    if ctx.attr.keep_going:
        args.add("--keep-going")
    args.add(out, format = "--out=%s")
    ctx.actions.run(
        executable = ctx.executable._btfimport,
        arguments = [args],
        inputs = ctx.files.archives,
        outputs = [out, report],
        mnemonic = "BtfImport",
        progress_message = "Importing kernels of %s (%%{label})" % ctx.attr.shard,
        execution_requirements = {"supports-path-mapping": "1"},
        toolchain = None,
    )
    shard = struct(id = ctx.attr.shard, arch = _ARCHS[parts[2]], archives = ctx.files.archives, file = out, report = report)
    return [
        DefaultInfo(files = depset([out])),
        OutputGroupInfo(reports = depset([report])),
        BtfShardsInfo(shards = depset([shard])),
    ]

btf_shard = rule(
    implementation = _btf_shard_impl,
    doc = "Imports the archives of one distro, version and arch into the compact form that btfgen reads.",
    attrs = {
        "archives": attr.label_list(
            allow_files = [".btf.tar.xz"],
            mandatory = True,
            doc = "The archives, `<release>.btf.tar.xz`.",
        ),
        "keep_going": attr.bool(
            default = False,
            doc = "Whether an archive that cannot be read is left out, with a warning, instead of failing the build.",
        ),
        "shard": attr.string(
            mandatory = True,
            doc = "`<distro>/<version>/<arch>` in btfhub's spelling, such as `debian/12/x86_64`.",
        ),
        "_btfimport": tool("btfimport"),
    },
    provides = [BtfShardsInfo],
)

def _btf_shards_impl(ctx):
    shards = depset(transitive = [t[BtfShardsInfo].shards for t in ctx.attr.shards])
    return [
        DefaultInfo(files = depset(transitive = [t[DefaultInfo].files for t in ctx.attr.shards])),
        BtfShardsInfo(shards = shards),
    ]

btf_shards = rule(
    implementation = _btf_shards_impl,
    doc = "Several shards under one name.",
    attrs = {
        "shards": attr.label_list(
            mandatory = True,
            providers = [BtfShardsInfo],
            doc = "The shards: btf_shard or btf_shards targets.",
        ),
    },
    provides = [BtfShardsInfo],
)
