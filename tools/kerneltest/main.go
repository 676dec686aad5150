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
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// configEnv names the file with the test's configuration when there is no
// command line, as under "bazel test".
const configEnv = "KERNELTEST_CONFIG"

// errUsage marks an error of the command line, for exit code 2.
var errUsage = errors.New("bad command line")

// config is the command line, or the same as JSON.
type config struct {
	Name         string   `name:"name" json:"name" default:"kerneltest" help:"Name of the test in reports."`
	Kernel       string   `name:"kernel" json:"kernel" required:"" placeholder:"FILE" help:"bzImage, or a Debian package that holds one."`
	Guest        string   `name:"guest" json:"guest" required:"" placeholder:"FILE" help:"The static guest program."`
	QEMU         string   `name:"qemu" json:"qemu" placeholder:"FILE" help:"qemu-system-x86_64, default: from PATH."`
	File         []string `name:"file" json:"file" sep:"none" placeholder:"NAME=FILE" help:"File for the machine: its name there and its place here. A folder is taken whole."`
	Env          []string `name:"env" json:"env" sep:"none" placeholder:"K=V" help:"Environment of the commands inside."`
	OSRelease    string   `name:"os-release" json:"os_release" placeholder:"ID:VERSION" help:"What the machine's os-release says, such as debian:12."`
	Workload     []string `name:"workload" json:"workload" sep:"none" placeholder:"JSON" help:"Command to observe, a JSON array of words. /bin/workload can open FILE, create FILE, exec COMMAND."`
	Expect       []string `name:"expect" json:"expect" sep:"none" placeholder:"JSON" help:"Event that must come, a JSON object; more fields may be there."`
	ExpectStderr []string `name:"expect-stderr" json:"expect_stderr" sep:"none" placeholder:"TEXT" help:"Text that the gadget must say on standard error."`
	HideBTF      bool     `name:"hide-btf" json:"hide_btf" help:"Hide the kernel's own BTF."`
	Timeout      float64  `name:"timeout" json:"timeout" default:"90" placeholder:"SECONDS" help:"Time for the gadget, booting not counted."`
	Memory       int      `name:"memory" json:"memory" default:"1024" placeholder:"MIB" help:"Memory of the machine."`
	Result       string   `name:"result" json:"result" placeholder:"FILE" help:"Write the result as JSON."`
	Verbose      bool     `name:"verbose" short:"v" json:"verbose" help:"Show the console."`
	Gadget       []string `arg:"" optional:"" name:"gadget" json:"gadget" help:"Command line of the gadget, after --."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "kerneltest:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// run reads the configuration and runs the test that it describes.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := configure(args, stdout, stderr)
	if err != nil || c == nil {
		return err
	}
	return c.test(ctx, stdout, stderr)
}

// configure returns the configuration, or nil when --help was all.
func configure(args []string, stdout, stderr io.Writer) (*config, error) {
	if file := os.Getenv(configEnv); file != "" && len(args) == 0 {
		return readConfig(file)
	}
	var c config
	exited := false
	parser, err := kong.New(&c, kong.Name("kerneltest"), kong.Writers(stdout, stderr),
		kong.Description("Run a gadget on a real kernel in QEMU."), kong.Exit(func(int) { exited = true }))
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(args); err != nil && !exited {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if exited {
		return nil, nil
	}
	if len(c.Gadget) == 0 {
		return nil, fmt.Errorf("%w: no gadget, give its command line after --", errUsage)
	}
	return &c, nil
}

// readConfig reads the JSON that a test rule wrote. File names in it are
// relative to the folder of runfiles.
func readConfig(file string) (*config, error) {
	c := &config{Name: "kerneltest", Timeout: 90, Memory: 1024}
	data, err := os.ReadFile(runfile(file))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("reading the configuration %q: %w", file, err)
	}
	c.Kernel, c.Guest = runfile(c.Kernel), runfile(c.Guest)
	if c.QEMU != "" {
		c.QEMU = runfile(c.QEMU)
	}
	for i, f := range c.File {
		name, place, err := cutFile(f)
		if err != nil {
			return nil, err
		}
		c.File[i] = name + "=" + runfile(place)
	}
	return c, nil
}
