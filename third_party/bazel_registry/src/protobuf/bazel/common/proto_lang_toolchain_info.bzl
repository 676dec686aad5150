"""Bazel's own ProtoLangToolchainInfo under the name that rule sets load."""

ProtoLangToolchainInfo = proto_common_do_not_use.ProtoLangToolchainInfo
