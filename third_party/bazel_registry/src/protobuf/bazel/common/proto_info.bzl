"""Bazel's own ProtoInfo under the name that rule sets load."""

load(":native.bzl", "NativeProtoInfo")

ProtoInfo = NativeProtoInfo
