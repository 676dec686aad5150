"""Bazel's own proto_library under the name that rule sets load."""

proto_library = native.proto_library
