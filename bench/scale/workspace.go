package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxGadgets is the largest workspace.
const maxGadgets = 1000

const archives = "archives" // directory of the workspace

const moduleText = `module(name = "scale")

bazel_dep(name = "rules_gadget", version = "0.1.0")
bazel_dep(name = "rules_go", version = "0.63.0")

local_path_override(
    module_name = "rules_gadget",
    path = %q,
)

go_sdk = use_extension("@rules_go//go:extensions.bzl", "go_sdk")
go_sdk.host()

btfhub = use_extension("@rules_gadget//toolchain:btfhub.bzl", "btfhub")
btfhub.archive(path = "archives")
use_repo(btfhub, "btfhub")
`

const bazelrcText = `common --enable_bzlmod
common --check_direct_dependencies=off
build --incompatible_strict_action_env
# Go's actions come from there, those of the rules do not.
build --disk_cache=~/.cache/rules_gadget/disk
build --modify_execution_info=^(Bpf|Btf|Gadget|Wasm).*=+no-cache
`

// toolsBuild is a gadget that needs all tools, with a kernel of its own.
const toolsBuild = `load("@rules_gadget//rules:defs.bzl", "btf_shard", "gadget_image")

btf_shard(
    name = "kernel",
    archives = glob(["%[1]s/*"]),
    shard = "%[1]s",
)

gadget_image(
    name = "image",
    srcs = ["gadget.yaml", "program.bpf.c", "//include:shared.h"],
    btf = [":kernel"],
)
`

// gadgetBuild takes the architectures as a list in JSON, which is one of Starlark.
const gadgetBuild = `load("@rules_gadget//rules:defs.bzl", "gadget_image")

gadget_image(
    name = "image",
    archs = %s,
    srcs = glob(["*"], exclude = ["BUILD.bazel"]) + ["//include:shared.h"],
    btf = ["@btfhub//:all"],
)
`

// programText takes the number of the gadget and its reads.
const programText = `// SPDX-License-Identifier: GPL-2.0-only

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/macros.h>
#include <gadget/types.h>

#include "../include/shared.h"

struct event {
	gadget_timestamp timestamp_raw;
	__u64 value[SHARED_VALUES];
};

GADGET_TRACER_MAP(events, 256 * 1024);
GADGET_TRACER(tracer%[1]d, events, event);

SEC("tracepoint/syscalls/sys_enter_openat")
int tracer%[1]d(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
%[2]s	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
`

// reads are fields of the kernel, which btfgen finds for every kernel.
var reads = []string{
	"start_time", "exit_code", "real_parent, tgid", "cred, uid.val", "mm, total_vm", "nsproxy, mnt_ns, ns.inum",
	"nsproxy, net_ns, ns.inum",
	"group_leader, pid", "signal, nr_threads", "files, next_fd", "fs, umask", "prio",
}

// valuesEach is how many of them a gadget reads.
const valuesEach = 4

// makeWorkspace writes the workspace without gadgets and returns how many archives
// it has.
func makeWorkspace(o options) (int, error) {
	dir := workspaceDir(o.dir)
	files := map[string]string{
		"MODULE.bazel":        fmt.Sprintf(moduleText, o.checkout),
		".bazelrc":            bazelrcText,
		"include/BUILD.bazel": "exports_files([\"shared.h\"])\n",
		"include/shared.h":    fmt.Sprintf("#define SHARED_VALUES %d\n", valuesEach),
	}
	for name, text := range files {
		if err := write(filepath.Join(dir, name), text); err != nil {
			return 0, err
		}
	}
	if err := os.CopyFS(filepath.Join(dir, archives), os.DirFS(o.archive)); err != nil {
		return 0, fmt.Errorf("copying the archives: %w", err)
	}
	found, err := archiveFiles(dir)
	if err != nil || len(found) == 0 {
		return 0, errors.Join(err, fmt.Errorf("%q has no *.btf.tar.xz", o.archive))
	}
	return len(found), makeTools(dir, found[0])
}

// makeTools writes the package that builds the tools.
func makeTools(workspace, archive string) error {
	shard, err := filepath.Rel(filepath.Join(workspace, archives), filepath.Dir(archive))
	if err != nil {
		return err
	}
	kernel, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"BUILD.bazel":   fmt.Sprintf(toolsBuild, filepath.ToSlash(shard)),
		"gadget.yaml":   "name: tools\ndatasources:\n  tracer0: {}\n",
		"program.bpf.c": program(0),
		filepath.Join(shard, filepath.Base(archive)): string(kernel),
	} {
		if err := write(filepath.Join(workspace, "tools", name), text); err != nil {
			return err
		}
	}
	return nil
}

// addGadgets makes sure that there are n gadgets.
func addGadgets(workspace string, n int, archs []string) error {
	list, err := json.Marshal(archs)
	if err != nil {
		return err
	}
	for i := range n {
		dir := filepath.Join(workspace, gadgetName(i))
		if _, err := os.Stat(dir); err == nil {
			continue
		}
		for name, text := range map[string]string{
			"BUILD.bazel":   fmt.Sprintf(gadgetBuild, list),
			"gadget.yaml":   fmt.Sprintf("name: %s\ndatasources:\n  tracer%d: {}\n", gadgetName(i), i),
			"program.bpf.c": program(i),
		} {
			if err := write(filepath.Join(dir, name), text); err != nil {
				return err
			}
		}
	}
	return nil
}

func gadgetName(i int) string { return fmt.Sprintf("g%03d", i) }

// program is the source of gadget i. No two read the same fields in the same order.
func program(i int) string {
	var b strings.Builder
	rest := i
	for v := range valuesEach {
		fmt.Fprintf(&b, "\tevent->value[%d] = BPF_CORE_READ(task, %s);\n", v, reads[(rest+v*3)%len(reads)])
		rest /= len(reads)
	}
	return fmt.Sprintf(programText, i, b.String())
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// appendTo adds text to a file.
func appendTo(name, text string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(data, text...), 0o644)
}

func editGadget(workspace string) error {
	return appendTo(filepath.Join(workspace, gadgetName(0), "program.bpf.c"),
		fmt.Sprintf("const volatile long bench_%d = 1;\n", time.Now().UnixNano()))
}

func editHeader(workspace string) error {
	return appendTo(filepath.Join(workspace, "include", "shared.h"),
		fmt.Sprintf("static const volatile long bench_%d = 1;\n", time.Now().UnixNano()))
}

// editArchive takes a kernel away from the first shard that has several, or puts
// it back where an edit before took it away.
func editArchive(workspace string) error {
	const taken = "taken" // directory of the workspace
	files, err := archiveFiles(filepath.Join(workspace, taken))
	if err == nil && len(files) > 0 {
		name, err := filepath.Rel(filepath.Join(workspace, taken), files[0])
		return errors.Join(err, os.Rename(files[0], filepath.Join(workspace, name)))
	}
	if files, err = archiveFiles(workspace); err != nil {
		return err
	}
	for i, name := range files[1:] {
		if filepath.Dir(name) != filepath.Dir(files[i]) {
			continue
		}
		place, err := filepath.Rel(workspace, name)
		if err != nil {
			return err
		}
		to := filepath.Join(workspace, taken, place)
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(name, to))
	}
	return errors.New("no two archives are in one shard, so that none can be taken away")
}

func archiveFiles(workspace string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(filepath.Join(workspace, archives), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".btf.tar.xz") {
			found = append(found, path)
		}
		return err
	})
	slices.Sort(found)
	return found, err
}
