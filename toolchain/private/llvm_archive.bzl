"""The repository rule llvm_archive: clang out of a release archive of LLVM, or one of the same layout."""

load(":llvm_build.bzl", "LLVM_ATTRS", "write_llvm_build")

# What bin/ keeps: the programs, and the files that they are links to.
_PROGRAMS = ("clang", "llvm-strip", "llvm-objcopy")

def _is_program(name):
    return name in _PROGRAMS or (name.startswith("clang-") and name[len("clang-"):].isdigit())

def _prune(rctx):
    for child in rctx.path(".").readdir(watch = "no"):
        if child.is_dir and child.basename not in ("bin", "lib"):
            rctx.delete(child)
    for child in rctx.path("bin").readdir(watch = "no"):
        if not _is_program(child.basename):
            rctx.delete(child)
    for child in rctx.path("lib").readdir(watch = "no"):
        if child.basename != "clang" and ".so" not in child.basename:
            rctx.delete(child)

def _resource_dir(rctx):
    directory = rctx.path("lib/clang")
    versions = directory.readdir(watch = "no") if directory.exists else []
    if len(versions) != 1:
        fail("attribute 'urls': the archive has %d directories lib/clang/<version>, want one; check 'strip_prefix' (%r)" %
             (len(versions), rctx.attr.strip_prefix))
    return "lib/clang/" + versions[0].basename

def _llvm_archive_impl(rctx):
    rctx.download_and_extract(
        url = rctx.attr.urls,
        sha256 = rctx.attr.sha256,
        stripPrefix = rctx.attr.strip_prefix,
    )
    for program in ("bin/clang", "bin/llvm-strip"):
        if not rctx.path(program).exists:
            fail("attribute 'urls': the archive has no %s below 'strip_prefix' (%r)" % (program, rctx.attr.strip_prefix))
    _prune(rctx)
    write_llvm_build(
        rctx,
        rctx.attr.llvm_version,
        clang = "bin/clang",
        strip = "bin/llvm-strip",
        packages = [{
            "name": "llvm",
            "sha256": rctx.attr.sha256,
            "url": rctx.attr.urls[0],
            "version": rctx.attr.llvm_version,
        }],
        resource_dir = _resource_dir(rctx),
    )

llvm_archive = repository_rule(
    doc = "clang and llvm-strip of an LLVM archive. They use the C library of the machine that runs them.",
    implementation = _llvm_archive_impl,
    attrs = {
        "llvm_version": attr.string(
            doc = "Version of LLVM.",
            mandatory = True,
        ),
        "sha256": attr.string(
            doc = "sha256 of the archive.",
            mandatory = True,
        ),
        "strip_prefix": attr.string(
            doc = "Directory in the archive that holds bin and lib.",
        ),
        "urls": attr.string_list(
            doc = "URLs of the archive, tried in turn.",
            mandatory = True,
        ),
    } | LLVM_ATTRS,
)
