package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// maxInput bounds the files that are damaged, in bytes.
const maxInput = 16 << 20

// tree is a directory: contents of regular files by their paths in it.
type tree map[string][]byte

// original is a sound gadget in every form in which a command reads it.
type original struct {
	layout tree   // an OCI layout
	docker tree   // the files of what "image save --format docker" writes
	store  tree   // a state directory that has it as storedName
	source tree   // the directory of a gadget, the same for all
	good   string // path of the layout
}

// storedName is the artifact in the store. No process listens at that port, so that what
// a damaged store lacks is fetched from this machine only.
const storedName = "localhost:1/mutant:v1"

// prepare makes the originals of archives below dir.
func prepare(c config, dir string, archives []string) ([]original, error) {
	source, err := readTree(c.source)
	if err != nil {
		return nil, err
	}
	var all []original
	for i, archive := range archives {
		o := original{source: source, good: filepath.Join(dir, fmt.Sprintf("good%d", i))}
		if err := o.read(c.runner, archive); err != nil {
			return nil, fmt.Errorf("preparing %s: %w", archive, err)
		}
		all = append(all, o)
	}
	return all, nil
}

// read reads an archive, and lets the runner make the other forms of it.
func (o *original) read(runner, archive string) error {
	data, err := action.ReadFile(archive, maxInput)
	if err != nil {
		return err
	}
	if o.layout, err = untar(data); err != nil {
		return err
	}
	if err := o.layout.write(o.good); err != nil {
		return err
	}
	dir := o.good + ".prepared"
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	docker := filepath.Join(dir, "docker.tar")
	for _, args := range [][]string{
		{"image", "load", "-t", storedName, o.good},
		{"image", "save", "--format", "docker", "-o", docker, storedName},
	} {
		got, err := try(runner, dir, args)
		if err != nil {
			return err
		}
		if got.code != 0 {
			return fmt.Errorf("%q: exit code %d: %s", args, got.code, got.stderr)
		}
	}
	if data, err = action.ReadFile(docker, maxInput); err != nil {
		return err
	}
	if o.docker, err = untar(data); err != nil {
		return err
	}
	o.store, err = readTree(filepath.Join(dir, "state"))
	return err
}

// readTree reads the regular files of a directory.
func readTree(dir string) (tree, error) {
	t := tree{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		t[name], err = action.ReadFile(path, maxInput)
		return err
	})
	return t, err
}

// write writes the tree into a new directory.
func (t tree) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, data := range t {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// names returns the paths of the tree, in order.
func (t tree) names() []string { return slices.Sorted(maps.Keys(t)) }

// tar returns the tree as an archive, and where its headers are.
func (t tree) tar() ([]byte, []region, error) {
	var out bytes.Buffer
	var headers []region
	w := tar.NewWriter(&out)
	for _, name := range t.names() {
		if err := w.Flush(); err != nil {
			return nil, nil, err
		}
		headers = append(headers, region{out.Len(), tarHeader})
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(t[name])), Typeflag: tar.TypeReg}
		if err := cmp.Or(w.WriteHeader(h), writeAll(w, t[name])); err != nil {
			return nil, nil, err
		}
	}
	return out.Bytes(), headers, w.Close()
}

func writeAll(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}

// untar returns the files of an archive.
func untar(data []byte) (tree, error) {
	t := tree{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if t[h.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}
