"""gadget: the one line that a gadget's directory needs."""

load(":compat.bzl", "gadget_compat")
load(":compile_commands.bzl", "gadget_compile_commands")
load(":image.bzl", "gadget_image")
load(":metadata.bzl", "gadget_metadata")
load(":push.bzl", "gadget_push")
load(":run.bzl", "gadget_run")

# Never inputs of a gadget: build files, what editors read, prose, tests.
_NOT_SOURCES = ["**/BUILD", "**/BUILD.bazel", "**/compile_commands.json", "**/*.md", "**/*_test.go", "**/testdata/**"]

def gadget(
        name,
        srcs = None,
        build_file = None,
        repository = None,
        repositories = [],
        remote_tags = [],
        visibility = None,
        tags = [],
        **kwargs):
    """Declares a gadget and everything one does with it.

    Targets: `:image` (the OCI artifact), `:push`, `:run`, `:metadata` (completes
    gadget.yaml), `:compat` (the compatibility matrix), `:compile_commands` (for editors), and
    `name` as an alias of `:image`.

    Args:
      name: the gadget's name, usually that of its directory.
      srcs: the gadget's files; all files of the directory by default.
      build_file: the build.yaml; the directory's, if it has one, by default.
      repository: repository that `:push` uploads to, as `registry/path`.
      repositories: further repositories that `:push` uploads to.
      remote_tags: tags that `:push` sets.
      visibility: visibility of all targets.
      tags: Bazel tags of all targets.
      **kwargs: further attributes of gadget_image (archs, btf, cflags, labels, strict_metadata, wasm).
    """
    if srcs == None:
        srcs = native.glob(["**"], exclude = _NOT_SOURCES, allow_empty = True)
    if build_file == None and native.glob(["build.yaml"], allow_empty = True):
        build_file = "build.yaml"
    common = {"visibility": visibility, "tags": tags}
    gadget_image(name = "image", srcs = srcs, build_file = build_file, **(kwargs | common))
    if name != "image":
        native.alias(name = name, actual = ":image", **common)
    gadget_push(
        name = "push",
        image = ":image",
        repositories = repositories,
        repository = repository or "",
        remote_tags = remote_tags,
        **common
    )
    gadget_run(name = "run", image = ":image", **common)
    gadget_metadata(name = "metadata", image = ":image", **common)
    gadget_compat(name = "compat", image = ":image", **common)
    gadget_compile_commands(name = "compile_commands", images = [":image"], **common)
