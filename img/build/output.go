package build

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/tonistiigi/go-csvvalue"
)

// outputs are where the build writes to. What is a file is written beside its
// name first, and takes it when the build was a success.
type outputs struct {
	entries []client.ExportEntry
	pending []pending
}

type pending struct {
	file *os.File
	dest string
}

// outputs reads the flags --output; without any it is the store.
func (r *Request) outputs(names []string) (*outputs, error) {
	specs := r.Outputs
	if len(specs) == 0 {
		specs = []string{"type=image"}
	}
	o := &outputs{}
	for _, spec := range specs {
		if err := o.add(r, spec, names); err != nil {
			return nil, errors.Join(fmt.Errorf("flag --output: %q: %w", spec, err), o.finish(false))
		}
	}
	return o, nil
}

// ToStdout reports whether an output goes to stdout.
func (r *Request) ToStdout() bool {
	for _, spec := range r.Outputs {
		if entry, err := parseOutput(spec); err == nil && streamed(entry) && stdout(entry.Attrs["dest"]) {
			return true
		}
	}
	return false
}

func stdout(dest string) bool { return dest == "" || dest == "-" }

func (o *outputs) add(r *Request, spec string, names []string) error {
	entry, err := parseOutput(spec)
	if err != nil {
		return err
	}
	dest := entry.Attrs["dest"]
	delete(entry.Attrs, "dest")
	switch {
	case streamed(entry):
		entry.Output, err = o.stream(r, dest)
	case entry.Type == client.ExporterImage:
		if dest != "" {
			err = errors.New("type=image has no dest, it goes to the store under its name")
		}
	case dest == "":
		err = errors.New("it has no directory, add dest=DIRECTORY")
	default:
		entry.OutputDir = dest
	}
	if err != nil {
		return err
	}
	if given := entry.Attrs["name"]; given != "" {
		names, err = normalizeAll(strings.Split(given, ","))
		if err != nil {
			return err
		}
	}
	if len(names) > 0 && entry.Type != client.ExporterLocal && entry.Type != client.ExporterTar {
		entry.Attrs["name"] = strings.Join(names, ",")
	}
	o.entries = append(o.entries, entry)
	return nil
}

// parseOutput reads "key=value,...", or a directory alone, or "-" for a tar.
func parseOutput(spec string) (client.ExportEntry, error) {
	entry := client.ExportEntry{Attrs: map[string]string{}}
	fields, err := csvvalue.Fields(spec, nil)
	if err != nil {
		return entry, err
	}
	if len(fields) == 1 && !strings.Contains(fields[0], "=") {
		entry.Type, entry.Attrs["dest"] = client.ExporterLocal, fields[0]
		if fields[0] == "-" {
			entry.Type = client.ExporterTar
		}
		return entry, nil
	}
	for _, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return entry, fmt.Errorf("%q is not key=value", field)
		}
		entry.Attrs[strings.ToLower(key)] = value
	}
	entry.Type = entry.Attrs["type"]
	delete(entry.Attrs, "type")
	switch entry.Type {
	case client.ExporterImage, client.ExporterLocal, client.ExporterTar, client.ExporterOCI, client.ExporterDocker:
		return entry, nil
	case "":
		return entry, errors.New("it has no type, write type=image, local, tar, oci or docker")
	}
	return entry, fmt.Errorf("%q is not a type of output, use image, local, tar, oci or docker", entry.Type)
}

// streamed reports whether an output is one file.
func streamed(entry client.ExportEntry) bool {
	switch entry.Type {
	case client.ExporterTar:
		return true
	case client.ExporterOCI, client.ExporterDocker:
		packed, err := strconv.ParseBool(entry.Attrs["tar"])
		return err != nil || packed
	}
	return false
}

// stream returns what the solver opens when it has something to write.
func (o *outputs) stream(r *Request, dest string) (func(map[string]string) (io.WriteCloser, error), error) {
	if stdout(dest) {
		if isTerminal(r.Stdout) {
			return nil, errors.New("stdout is a terminal, add dest=FILE or redirect it")
		}
		return func(map[string]string) (io.WriteCloser, error) { return keepOpen{r.Stdout}, nil }, nil
	}
	if info, err := os.Stat(dest); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%q is a directory, name a file", dest)
	}
	f, err := os.CreateTemp(filepath.Dir(dest), ".img-*.tmp")
	if err != nil {
		return nil, err
	}
	o.pending = append(o.pending, pending{f, dest})
	return func(map[string]string) (io.WriteCloser, error) { return keepOpen{f}, nil }, nil
}

// keepOpen leaves the closing to the one who opened.
type keepOpen struct{ io.Writer }

// Close does nothing.
func (keepOpen) Close() error { return nil }

// finish gives the files their names, or removes them.
func (o *outputs) finish(success bool) error {
	var errs []error
	for _, p := range o.pending {
		err := errors.Join(p.file.Chmod(0o644), p.file.Close())
		if success && err == nil {
			err = os.Rename(p.file.Name(), p.dest)
		}
		if !success || err != nil {
			err = errors.Join(err, os.Remove(p.file.Name()))
		}
		errs = append(errs, err)
	}
	o.pending = nil
	return errors.Join(errs...)
}
