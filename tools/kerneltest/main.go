// Command kerneltest boots a real kernel in QEMU, runs a gadget and a workload
// in it, and passes when the gadget reports the expected events.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
)

// configEnv names the file with the test's configuration without a
// command line, as under "bazel test".
const configEnv = "KERNELTEST_CONFIG"

// filterEnv is how Bazel hands on its --test_filter.
const filterEnv = "TESTBRIDGE_TEST_ONLY"

const doc = "Runs a gadget on a real kernel in QEMU."

// config is the command line, or the same as JSON.
type config struct {
	Name         string   `name:"name" json:"name" default:"kerneltest" help:"Name of the test in reports."`
	Arch         string   `name:"arch" json:"arch" default:"amd64" placeholder:"ARCH" help:"Architecture of the kernel and of all programs: amd64 or arm64."`
	Kernel       string   `name:"kernel" json:"kernel" required:"" placeholder:"FILE" help:"bzImage, an Image of arm64, or a Debian package that holds one."`
	Guest        string   `name:"guest" json:"guest" required:"" placeholder:"FILE" help:"The static guest program."`
	QEMU         string   `name:"qemu" json:"qemu" placeholder:"FILE" help:"qemu-system-x86_64 or qemu-system-aarch64, default: from PATH."`
	File         []string `name:"file" json:"file" sep:"none" placeholder:"NAME=FILE" help:"File for the machine: its name there and its place here. A directory is taken whole."`
	Env          []string `name:"env" json:"env" sep:"none" placeholder:"K=V" help:"Environment of the commands inside."`
	OSRelease    string   `name:"os-release" json:"os_release" placeholder:"ID:VERSION" help:"Distribution in the machine's os-release, such as debian:12."`
	Module       []string `name:"module" json:"module" sep:"none" placeholder:"NAME" help:"Kernel module to load first, with those it depends on, from the kernel's Debian package or --modules-package; left out if that has none of the name. May be repeated."`
	Modules      string   `name:"modules-package" json:"modules_package" placeholder:"FILE" help:"Debian package that holds the kernel's modules, default: that of the kernel."`
	Workload     []string `name:"workload" json:"workload" sep:"none" placeholder:"JSON" help:"Command to observe, a JSON array of words. /bin/workload can open FILE, create FILE, exec COMMAND."`
	Expect       []string `name:"expect" json:"expect" sep:"none" placeholder:"JSON" help:"Event that must come, a JSON object; more fields may be there."`
	ExpectStderr []string `name:"expect-stderr" json:"expect_stderr" sep:"none" placeholder:"TEXT" help:"Text that the gadget must print to stderr."`
	Test         []string `name:"test" json:"test" sep:"none" placeholder:"FILE" help:"Static program of Go tests, run in the machine instead of a gadget; may be repeated."`
	Run          string   `name:"run" json:"run" placeholder:"REGEXP" help:"Run only these of the tests, as -test.run of Go."`
	HideBTF      bool     `name:"hide-btf" json:"hide_btf" help:"Hide the kernel's own BTF."`
	Timeout      float64  `name:"timeout" json:"timeout" default:"90" placeholder:"SECONDS" help:"Time for the gadget, booting not counted."`
	Memory       int      `name:"memory" json:"memory" default:"1024" placeholder:"MIB" help:"Memory of the machine."`
	KVM          bool     `name:"kvm" json:"kvm" env:"KERNELTEST_KVM" help:"Use KVM where the machine has the host's architecture; faster, if KVM works here."`
	Result       string   `name:"result" json:"result" placeholder:"FILE" help:"Write the result as JSON."`
	Verbose      bool     `name:"verbose" short:"v" json:"verbose" help:"Show the console."`
	Gadget       []string `arg:"" optional:"" name:"gadget" json:"gadget" help:"Command line of the gadget, after --."`
}

func main() { os.Exit(tool.Main("kerneltest", run)) }

// run reads the configuration and runs the test that it describes.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	if file := os.Getenv(configEnv); file != "" && len(args) == 0 {
		c, err := readConfig(file)
		if err != nil {
			return err
		}
		return c.test(ctx, stdout, stderr)
	}
	var c config
	if err := tool.Parse("kerneltest", doc, &c, args, stdout); err != nil {
		return err
	}
	if (len(c.Gadget) == 0) == (len(c.Test) == 0) {
		return &tool.UsageError{Err: errors.New("give either the command line of a gadget after --, or --test")}
	}
	return c.test(ctx, stdout, stderr)
}

// readConfig reads the JSON that a test rule wrote. Its file names are
// runfiles paths.
func readConfig(file string) (*config, error) {
	c := &config{Name: "kerneltest", Timeout: 90, Memory: 1024, KVM: os.Getenv("KERNELTEST_KVM") != ""}
	path, err := runfile(file)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("reading the configuration %q: %w", file, err)
	}
	if filter := os.Getenv(filterEnv); filter != "" && len(c.Test) > 0 {
		c.Run = filter
	}
	for _, name := range []*string{&c.Kernel, &c.Modules, &c.Guest, &c.QEMU} {
		if *name == "" {
			continue
		}
		if *name, err = runfile(*name); err != nil {
			return nil, err
		}
	}
	for i := range c.Test {
		if c.Test[i], err = runfile(c.Test[i]); err != nil {
			return nil, err
		}
	}
	for i, f := range c.File {
		name, place, err := cutFile(f)
		if err != nil {
			return nil, err
		}
		if place, err = runfile(place); err != nil {
			return nil, err
		}
		c.File[i] = name + "=" + place
	}
	return c, nil
}

// runfile returns where Bazel put a file.
func runfile(name string) (string, error) {
	if dir := os.Getenv("TEST_SRCDIR"); dir != "" && os.Getenv("RUNFILES_DIR") == "" {
		return filepath.Join(dir, filepath.FromSlash(name)), nil
	}
	return tool.Runfile(os.Args[0], name, os.Getenv)
}
