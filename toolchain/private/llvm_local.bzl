"""The repository rule llvm_local: the clang that the machine has."""

load(":llvm_build.bzl", "LLVM_ATTRS", "write_llvm_build")

def _output(rctx, program, argument):
    result = rctx.execute([program, argument])
    if result.return_code != 0:
        fail("running %s %s: %s" % (program, argument, result.stderr))
    return result.stdout.strip()

def _llvm_local_impl(rctx):
    for program in ("clang", "llvm-strip"):
        file = rctx.path("%s/bin/%s" % (rctx.attr.path, program))
        if not file.exists:
            fail("attribute 'path': %s does not exist; give the directory of an LLVM installation, such as /usr/lib/llvm-19" % file)
        rctx.symlink(file, "bin/" + program)
    clang = rctx.path(rctx.attr.path + "/bin/clang")
    rctx.watch(clang)
    resources = rctx.path(_output(rctx, clang, "-print-resource-dir") + "/include")
    if not resources.get_child("stddef.h").exists:
        fail("attribute 'path': %s has no headers of its own in %s; install them (Debian: libclang-common-<version>-dev)" % (clang, resources))
    rctx.symlink(resources, "resource/include")
    write_llvm_build(
        rctx,
        _output(rctx, clang, "-dumpversion"),
        clang = "bin/clang",
        strip = "bin/llvm-strip",
        resource_dir = "resource",
    )

llvm_local = repository_rule(
    doc = "clang and llvm-strip of an LLVM installation of this machine. Not hermetic: no remote execution, no shared cache.",
    implementation = _llvm_local_impl,
    attrs = {
        "path": attr.string(
            doc = "Directory of the installation, the one that holds bin/clang.",
            mandatory = True,
        ),
    } | LLVM_ATTRS,
    local = True,
    configure = True,
)
