package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/deb"
	"github.com/rules-gadget/rules_gadget/internal/vm"
)

// missingKernel ends the name of the file that replaces a kernel that could
// not be fetched; it holds the reason.
const missingKernel = ".missing"

// errSkip marks a test that could not run for what the host or the mirror
// lacks.
var errSkip = errors.New("skipped")

// test runs the machine and judges what it reports.
func (c *config) test(ctx context.Context, stdout, stderr io.Writer) error {
	start := time.Now()
	res, err := c.boot(ctx, stderr)
	if err == nil {
		err = c.check(res)
	}
	if file := c.result(); file != "" {
		if werr := writeResult(file, c.Name, res, err); werr != nil {
			return werr
		}
	}
	return report(stdout, c.Name, res, time.Since(start), err)
}

// result names the file for the result; under "bazel test" it is among the
// outputs of the test.
func (c *config) result() string {
	if dir := os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR"); c.Result == "" && dir != "" {
		return filepath.Join(dir, "result.json")
	}
	return c.Result
}

// boot builds the machine and runs it.
func (c *config) boot(ctx context.Context, stderr io.Writer) (vm.Result, error) {
	for _, file := range []string{c.Kernel, c.Modules} {
		if !strings.HasSuffix(file, missingKernel) {
			continue
		}
		reason, err := os.ReadFile(file)
		if err != nil {
			return vm.Result{}, err
		}
		return vm.Result{}, fmt.Errorf("%w: %s", errSkip, strings.TrimSpace(string(reason)))
	}
	tmp, err := os.MkdirTemp("", "kerneltest")
	if err != nil {
		return vm.Result{}, err
	}
	defer os.RemoveAll(tmp)
	m, err := c.machine(tmp)
	if err != nil {
		return vm.Result{}, err
	}
	if c.Verbose {
		m.Console = stderr
	}
	res, err := vm.Run(ctx, m)
	if errors.Is(err, vm.ErrNoQEMU) {
		err = fmt.Errorf("%w: %w", errSkip, err)
	}
	return res, err
}

// machine turns the configuration into a machine.
func (c *config) machine(tmp string) (vm.Machine, error) {
	m := vm.Machine{Arch: arch.Arch(c.Arch), QEMU: c.QEMU, Kernel: c.Kernel, Init: c.Guest, Memory: c.Memory, KVM: c.KVM}
	var err error
	if strings.HasSuffix(c.Kernel, ".deb") {
		if m.Kernel, err = unpackKernel(c.Kernel, tmp); err != nil {
			return m, fmt.Errorf("taking the kernel out of %q: %w", filepath.Base(c.Kernel), err)
		}
	}
	m.Plan = vm.Plan{
		HideBTF: c.HideBTF, Gadget: c.Gadget, Env: c.Env, Timeout: vm.Seconds(c.Timeout * float64(time.Second)),
	}
	if m.Plan.Expect, err = vm.ParseEvents(c.Expect); err != nil {
		return m, err
	}
	for i, file := range c.Test {
		name := fmt.Sprintf("tests/%d/%s", i, filepath.Base(file))
		m.Files = append(m.Files, vm.File{Name: name, Path: file, Mode: 0o755})
		m.Plan.Commands = append(m.Plan.Commands, []string{
			"/" + name, "-test.v", "-test.run=" + c.Run, "-test.timeout=" + strconv.Itoa(int(c.Timeout)) + "s",
		})
	}
	if err := c.addModules(&m); err != nil {
		return m, err
	}
	for _, w := range c.Workload {
		var words []string
		if err := json.Unmarshal([]byte(w), &words); err != nil || len(words) == 0 {
			return m, fmt.Errorf("parsing the workload %q: it must be a JSON array of words", w)
		}
		m.Plan.Workload = append(m.Plan.Workload, words)
	}
	for _, f := range c.File {
		name, place, err := cutFile(f)
		if err != nil {
			return m, err
		}
		files, err := tree(name, place)
		if err != nil {
			return m, err
		}
		m.Files = append(m.Files, files...)
	}
	if id, version, _ := strings.Cut(c.OSRelease, ":"); id != "" {
		m.Files = append(m.Files, vm.File{
			Name: "etc/os-release", Mode: 0o644, Data: fmt.Appendf(nil, "ID=%s\nVERSION_ID=%q\n", id, version),
		})
	}
	return m, nil
}

// cutFile splits NAME=FILE.
func cutFile(s string) (name, place string, err error) {
	name, place, ok := strings.Cut(s, "=")
	if !ok || name == "" || place == "" {
		return "", "", fmt.Errorf("parsing the file %q: it must be NAME=FILE", s)
	}
	return strings.TrimPrefix(name, "/"), place, nil
}

// tree returns the file at place, or all files of a directory there.
func tree(name, place string) ([]vm.File, error) {
	var files []vm.File
	root, err := filepath.EvalSymlinks(place)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		info, err := os.Stat(p) // through the links of a runfiles tree
		if err != nil {
			return err
		}
		files = append(files, vm.File{
			Name: path.Join(name, filepath.ToSlash(rel)), Path: p, Mode: uint32(info.Mode().Perm()) | 0o444,
		})
		return nil
	})
	return files, err
}

// unpackKernel copies the vmlinuz of a package into dir.
func unpackKernel(file, dir string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	out := ""
	_, err = deb.Read(f, func(h *tar.Header, r io.Reader) error {
		base := path.Base(h.Name)
		if h.Typeflag != tar.TypeReg || base != "vmlinuz" && !strings.HasPrefix(base, "vmlinuz-") {
			return nil
		}
		out = filepath.Join(dir, "vmlinuz")
		w, err := os.Create(out)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, r)
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
		return fs.SkipAll
	})
	if err == nil && out == "" {
		err = errors.New("no vmlinuz in it, from Linux 6.19 on Debian's are in linux-binary-*")
	}
	return out, err
}
