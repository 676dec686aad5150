"""Bazel's own proto_common under the name that rule sets load."""

proto_common = proto_common_do_not_use
