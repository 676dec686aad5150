"""Public rules of rules_gadget.

Use `gadget` in a gadget's directory: one line declares its image, the targets that
push, run and describe it. Use `gadget_image` and the rules that it builds on where a gadget
needs more than one variant. Use `btf_shard` and `btf_shards` for kernels of your
own; public ones come from the `btfhub` module extension.
"""

load("//rules:providers.bzl", _BtfShardsInfo = "BtfShardsInfo", _GadgetImageInfo = "GadgetImageInfo", _GadgetPushInfo = "GadgetPushInfo")
load("//rules/private:btf_shard.bzl", _btf_shard = "btf_shard", _btf_shards = "btf_shards")
load("//rules/private:compat.bzl", _gadget_compat = "gadget_compat")
load("//rules/private:compile_commands.bzl", _gadget_compile_commands = "gadget_compile_commands")
load("//rules/private:gadget.bzl", _gadget = "gadget")
load("//rules/private:gadgets_kernel_test.bzl", _gadgets_kernel_test = "gadgets_kernel_test")
load("//rules/private:go_bindings.bzl", _gadget_go_bindings = "gadget_go_bindings")
load("//rules/private:image.bzl", _gadget_image = "gadget_image")
load("//rules/private:kernel_test.bzl", _gadget_kernel_test = "gadget_kernel_test")
load("//rules/private:metadata.bzl", _gadget_metadata = "gadget_metadata")
load("//rules/private:push.bzl", _gadget_push = "gadget_push")
load("//rules/private:push_all.bzl", _gadget_push_all = "gadget_push_all")
load("//rules/private:run.bzl", _gadget_run = "gadget_run")

gadget = _gadget
gadget_image = _gadget_image
gadget_push = _gadget_push
gadget_push_all = _gadget_push_all
gadget_run = _gadget_run
gadget_metadata = _gadget_metadata
gadget_compat = _gadget_compat
gadget_compile_commands = _gadget_compile_commands
gadget_go_bindings = _gadget_go_bindings
gadget_kernel_test = _gadget_kernel_test
gadgets_kernel_test = _gadgets_kernel_test
btf_shard = _btf_shard
btf_shards = _btf_shards
GadgetImageInfo = _GadgetImageInfo
GadgetPushInfo = _GadgetPushInfo
BtfShardsInfo = _BtfShardsInfo
