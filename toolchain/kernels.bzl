"""Real kernels for `gadget_kernel_test`, pinned by internal/vm/kernels.json. For the project's own tests.

    load("@rules_gadget_kernels//:kernels.bzl", "KERNELS")

is the release of each kernel by arch and name (`amd64-5.10`), and "@rules_gadget_kernels//:<arch>-<name>" the package that holds it.
"@rules_gadget_kernels//:<arch>-<name>_modules" is the package of its modules, or nothing where the kernel's package has them. A kernel is fetched
when a test needs it; one that the mirror no longer has gives a test that says so and is skipped.
"""

load("//toolchain/private:debian_kernel.bzl", "debian_kernel", "debian_kernels_hub", "locked_kernels")

_LOCK = Label("//internal/vm:kernels.json")
_HUB = "rules_gadget_kernels"

def _kernels_impl(mctx):
    repos = {}
    for name in locked_kernels(mctx, _LOCK):
        repos[name] = "kernel_" + name.replace(".", "_").replace("-", "_")
        debian_kernel(name = repos[name], kernel = name, lock = _LOCK)
    debian_kernels_hub(name = _HUB, lock = _LOCK, repos = repos)
    return mctx.extension_metadata(reproducible = True)

kernels = module_extension(
    doc = "The kernels that the project's own tests boot.",
    implementation = _kernels_impl,
)
