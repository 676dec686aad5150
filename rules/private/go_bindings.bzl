"""gadget_go_bindings: a Go library with bpf2go's types for a gadget's object."""

load("@io_bazel_rules_go//go:def.bzl", "go_library")
load("//rules:providers.bzl", "GadgetImageInfo")
load(":tool.bzl", "params_args", "tool")

def _gadget_go_source_impl(ctx):
    image = ctx.attr.image[GadgetImageInfo]
    outs = []
    for arch in image.archs:
        source = ctx.actions.declare_file("%s_%s.go" % (ctx.label.name, arch))
        object = ctx.actions.declare_file("%s_%s.o" % (ctx.label.name, arch))
        ctx.actions.symlink(output = object, target_file = image.objects[arch])
        args = params_args(ctx)
        args.add(image.objects[arch], format = "--object=%s")
        args.add(object.basename, format = "--embed=%s")
        args.add(arch, format = "--arch=%s")
        args.add(ctx.attr.package, format = "--package=%s")
        args.add(ctx.attr.stem, format = "--stem=%s")
        args.add_all(ctx.attr.types, format_each = "--type=%s")
        args.add(source, format = "--out=%s")
        ctx.actions.run(
            executable = ctx.executable._bindings,
            arguments = [args],
            inputs = [image.objects[arch]],
            outputs = [source],
            mnemonic = "GadgetGoBindings",
            progress_message = "Generating Go bindings of %%{label} for %s" % arch,
            toolchain = None,
        )
        outs.append(struct(source = source, object = object))
    return [
        DefaultInfo(files = depset([o.source for o in outs])),
        OutputGroupInfo(
            objects = depset([o.object for o in outs]),
            sources = depset([o.source for o in outs]),
        ),
    ]

_gadget_go_source = rule(
    implementation = _gadget_go_source_impl,
    doc = "Writes the Go sources of gadget_go_bindings.",
    attrs = {
        "image": attr.label(mandatory = True, providers = [GadgetImageInfo], doc = "The gadget_image."),
        "package": attr.string(mandatory = True, doc = "Name of the Go package."),
        "stem": attr.string(mandatory = True, doc = "Stem of the generated identifiers."),
        "types": attr.string_list(doc = "C types to generate in addition to those of maps."),
        "_bindings": tool("bindings"),
    },
)

def gadget_go_bindings(name, image, importpath, package = None, stem = "Gadget", types = [], **kwargs):
    """A rules_go library with bpf2go's generated types and the embedded object.

    Args:
      name: name of the go_library.
      image: the gadget_image whose objects are bound.
      importpath: Go import path of the library.
      package: name of the Go package; the last element of importpath by default.
      stem: stem of the generated identifiers, as of bpf2go; with a capital, so that other packages see them.
      types: C types to generate in addition to those that maps use.
      **kwargs: passed on to go_library (visibility, tags, ...).
    """
    package = package or importpath.split("/")[-1].replace("-", "_")
    source = name + "_bindings"
    _gadget_go_source(name = source, image = image, package = package, stem = stem, types = types, tags = ["manual"])
    native.filegroup(name = source + "_objects", srcs = [":" + source], output_group = "objects", tags = ["manual"])
    go_library(
        name = name,
        srcs = [":" + source],
        embedsrcs = [":" + source + "_objects"],
        importpath = importpath,
        deps = [Label("@com_github_cilium_ebpf//:ebpf")],
        **kwargs
    )
