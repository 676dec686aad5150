package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/vm"
	"github.com/rules-gadget/rules_gadget/tools/dev/lock/debian"
)

// index is a package index with the given packages of a size.
func index(t *testing.T, packages map[string]int) []*debian.Package {
	t.Helper()
	var b strings.Builder
	for name, size := range packages {
		fmt.Fprintf(&b, "Package: %[1]s\nVersion: 1\nFilename: pool/main/l/%[1]s_1_amd64.deb\nSize: %[2]d\nSHA256: %[3]s\n\n",
			name, size, strings.Repeat("a", 64))
	}
	x, err := debian.ParsePackages(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return x.Packages()
}

func TestPick(t *testing.T) {
	const big = minSize + 1
	packages := index(t, map[string]int{
		"linux-image-6.1.0-9-cloud-amd64": big, "linux-image-6.1.0-10-cloud-amd64": big,
		"linux-image-6.1.0-11-cloud-amd64-unsigned": big,
		"linux-image-6.1.0-12-amd64":                big, "linux-image-6.12.9+deb13-cloud-amd64": big,
		"linux-image-7.3.4+deb13-cloud-amd64":  2000,
		"linux-binary-7.3.4+deb13-cloud-amd64": big, "linux-binary-7.3.5+deb13-cloud-arm64": big,
		"linux-image-cloud-amd64":               big,
		"linux-modules-7.3.3+deb13-cloud-amd64": big, "linux-modules-7.3.4+deb13-cloud-amd64": 3000,
		"linux-modules-7.3.4+deb13-cloud-amd64-unsigned": big,
	})
	for name, want := range map[string]struct{ release, modules string }{
		"6.1": {"6.1.0-10-cloud-amd64", ""}, "6.12": {"6.12.9+deb13-cloud-amd64", ""},
		newest: {"7.3.4+deb13-cloud-amd64", "pool/main/l/linux-modules-7.3.4+deb13-cloud-amd64_1_amd64.deb"},
	} {
		got, err := pick(packages, vm.LockedKernel{Name: name, Suite: "s", Arch: "amd64"})
		if err != nil || got.Release != want.release || got.Name != name || got.Suite != "s" {
			t.Errorf("pick(%q) = %+v, %v; want %s", name, got, err, want.release)
		}
		modules := vm.LockedPackage{}
		if got.Modules != nil {
			modules = *got.Modules
		}
		if modules.Path != want.modules {
			t.Errorf("pick(%q) takes the modules %+v, want %q", name, modules, want.modules)
		}
	}
	if _, err := pick(packages, vm.LockedKernel{Name: "5.10", Suite: "s", Arch: "amd64"}); err == nil ||
		!strings.Contains(err.Error(), `"s" has no cloud kernel "5.10"`) {
		t.Errorf("a series that the suite lacks gives %v", err)
	}
}
