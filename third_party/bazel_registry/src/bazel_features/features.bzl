"""What Bazel 7.7 can do, for the rule sets of this registry that ask."""

bazel_features = struct(
    cc = struct(
        find_cpp_toolchain_has_mandatory_param = True,
        treat_warnings_as_errors_works_on_macos = True,
    ),
    external_deps = struct(
        extension_metadata_has_reproducible = True,
        is_bzlmod_enabled = True,
    ),
    globals = struct(PackageSpecificationInfo = PackageSpecificationInfo),
    java = struct(java_info_constructor_module_flags = True),
    proto = struct(starlark_proto_info = False),
    rules = struct(
        instrumented_files_info_has_baseline_coverage_files = False,
        template_dict_map_each_can_return_list = True,
    ),
    toolchains = struct(has_optional_toolchains = True),
)
