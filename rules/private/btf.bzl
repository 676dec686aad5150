"""The BtfGen and BtfLayer actions: objects and shards to btfgen layers."""

load("//rules:providers.bzl", "BtfShardsInfo")
load(":tool.bzl", "params_args")

def _generate(ctx, shard, object):
    name = "%s_/%s" % (ctx.label.name, shard.id.replace("/", "_"))
    out = ctx.actions.declare_file(name + ".minbtf")
    report = ctx.actions.declare_file(name + ".report.json")
    args = params_args(ctx)
    args.add(object, format = "--object=%s")
    args.add(shard.file, format = "--shard=%s")
    args.add(report, format = "--report=%s")
    args.add(out, format = "--out=%s")
    ctx.actions.run(
        executable = ctx.executable._btfgen,
        arguments = [args],
        inputs = [object, shard.file],
        outputs = [out, report],
        mnemonic = "BtfGen",
        progress_message = "Generating BTF of %%{label} for kernels of %s" % shard.id,
        execution_requirements = {"supports-path-mapping": "1"},
        toolchain = None,
    )
    return struct(result = out, report = report)

def _layer(ctx, arch, results):
    out = ctx.actions.declare_file("%s_/btf.%s.tar.gz" % (ctx.label.name, arch))
    args = params_args(ctx)
    args.add_all(results, format_each = "--result=%s")
    args.add(out, format = "--out=%s")
    ctx.actions.run(
        executable = ctx.executable._btflayer,
        arguments = [args],
        inputs = results,
        outputs = [out],
        mnemonic = "BtfLayer",
        progress_message = "Assembling BTF layer of %%{label} for %s" % arch,
        execution_requirements = {"supports-path-mapping": "1"},
        toolchain = None,
    )
    return out

def btf_layers(ctx, objects):
    """Declares the actions that make the btfgen layers of a gadget.

    Args:
      ctx: context of gadget_image.
      objects: dict[string, File], object by arch.
    Returns:
      struct of `layers` (dict[string, File] by arch) and `reports` (list[File]).
    """
    shards = depset(transitive = [t[BtfShardsInfo].shards for t in ctx.attr.btf]).to_list()
    by_arch, seen, reports = {}, {}, []
    for shard in sorted(shards, key = lambda s: s.id):
        if shard.id in seen:
            fail("attribute 'btf': shard %r is given twice, by %s and %s; keep one" %
                 (shard.id, seen[shard.id].owner, shard.file.owner))
        seen[shard.id] = shard.file
        if shard.arch not in objects:
            continue
        made = _generate(ctx, shard, objects[shard.arch])
        by_arch.setdefault(shard.arch, []).append(made.result)
        reports.append(made.report)
    return struct(
        layers = {arch: _layer(ctx, arch, results) for arch, results in by_arch.items()},
        reports = reports,
    )
