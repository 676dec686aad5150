"""The repository rule llvm_debian: clang out of pinned Debian packages, with all that it loads."""

load(":debian_tree.bzl", "unpack_packages")
load(":llvm_build.bzl", "LLVM_ATTRS", "write_llvm_build")
load(":lock.bzl", "read_bundle")
load(":mirror.bzl", "MIRROR_ATTRS")
load(":packages_file.bzl", "locked_packages")

def _llvm_debian_impl(rctx):
    locked = read_bundle(rctx, rctx.attr._lock, rctx.attr.llvm_version, rctx.attr.exec_arch)
    unpack_packages(rctx, locked.packages)
    write_llvm_build(
        rctx,
        locked.name,
        clang = locked.bundle["programs"]["clang"],
        strip = locked.bundle["programs"]["llvm-strip"],
        resource_dir = locked.bundle["headers"],
        loader = locked.loader,
        libraries = ["**/*.so*"],
        packages = locked_packages(locked.packages),
    )

llvm_debian = repository_rule(
    doc = "clang and llvm-strip of a lock file's version, with their own libraries and dynamic loader.",
    implementation = _llvm_debian_impl,
    attrs = {
        "exec_arch": attr.string(
            doc = "Architecture of the machines that run clang.",
            mandatory = True,
        ),
        "llvm_version": attr.string(
            doc = "Version in the lock file. Default: the lock file's own.",
        ),
        "_lock": attr.label(
            default = Label("//toolchain/lock:llvm.json"),
        ),
    } | LLVM_ATTRS | MIRROR_ATTRS,
)
