package gadgetresults

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// headers is where the project's own headers are.
const headers = "gadgets/include/"

// Always are the machines that run with every change: _ALWAYS of
// tools/kerneltest/tests/matrix.bzl.
var Always = []string{"amd64-6.12_btf", "arm64-6.1_btf"}

var include = regexp.MustCompile(`(?m)^\s*#\s*include\s*["<]([^">]+)[">]`)

// Sources returns a digest of what a gadget's programs are made of: its C and Go
// files, the headers of the project that these include, and build.yaml. What C has
// in comments does not count. Of a gadget without programs it is that of gadget.yaml.
func Sources(tree fs.FS, gadget string) (string, error) {
	dir := "gadgets/" + gadget
	files := map[string][]byte{}
	err := fs.WalkDir(tree, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch {
		case slices.Contains([]string{".c", ".h", ".go"}, path.Ext(name)):
		case slices.Contains([]string{"go.mod", "build.yaml"}, path.Base(name)):
		default:
			return nil
		}
		return addSource(tree, name, files)
	})
	if err == nil && len(files) == 0 {
		err = addSource(tree, dir+"/gadget.yaml", files)
	}
	if err != nil {
		return "", fmt.Errorf("reading the sources of gadget %q: %w", gadget, err)
	}
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(hash, "%s %d\n%s", strings.TrimPrefix(name, dir+"/"), len(files[name]), files[name])
	}
	return hex.EncodeToString(hash.Sum(nil))[:16], nil
}

// notCode matches comments, and texts so that nothing in them is taken for one.
var notCode = regexp.MustCompile(`(?s)"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|/\*.*?\*/|//[^\n]*`)

// code returns C without comments, indentation and empty lines, which change no program.
func code(data []byte) []byte {
	data = notCode.ReplaceAllFunc(data, func(b []byte) []byte {
		if b[0] == '/' {
			return []byte(" ")
		}
		return b
	})
	var out []byte
	for line := range bytes.Lines(data) {
		if words := bytes.Fields(line); len(words) > 0 {
			out = append(append(out, bytes.Join(words, []byte(" "))...), '\n')
		}
	}
	return out
}

// addSource reads a file, and the headers of the project that it includes.
func addSource(tree fs.FS, name string, files map[string][]byte) error {
	if _, ok := files[name]; ok {
		return nil
	}
	data, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	if ext := path.Ext(name); ext != ".c" && ext != ".h" {
		files[name] = data
		return nil
	}
	data = code(data)
	files[name] = data
	for _, m := range include.FindAllSubmatch(data, -1) {
		err := addSource(tree, path.Join(headers, string(m[1])), files)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // of libbpf, the kernel or the gadget's own directory
			return err
		}
	}
	return nil
}

// Outdated returns the gadgets whose tests did not run in the machines of every
// change since their programs changed, sorted.
func (r *Results) Outdated(tree fs.FS) ([]string, error) {
	names, err := Gadgets(tree)
	if err != nil {
		return nil, err
	}
	var outdated []string
	for _, name := range names {
		sources, err := Sources(tree, name)
		if err != nil {
			return nil, err
		}
		for _, machine := range Always {
			if r.Gadgets[name][machine].Sources != sources {
				outdated = append(outdated, name)
				break
			}
		}
	}
	return outdated, nil
}
