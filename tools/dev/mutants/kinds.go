package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// kind is one kind of damage, and the commands that read what is damaged.
type kind struct {
	name     string
	share    int                                              // how often it is chosen, relative to the others
	damage   func(r *rand.Rand, o original, dir string) error // writes the mutant into dir
	commands []command
}

// kinds returns every kind; withRun has the commands that run a gadget.
func kinds(withRun bool) []kind {
	load := artifactCommands
	if withRun { // rarely, as one takes as long as twenty others
		load = append(slices.Repeat(load, 3), runCommand)
	}
	return []kind{
		{"object", 32, blob(gadget.EBPFMediaType, mutateObject), load},
		{"metadata", 20, blob(gadget.ConfigMediaType, mutateText), load},
		{"wasm", 4, blob(gadget.WasmMediaType, mutateBinary), load},
		{"BTF layer", 4, blob(gadget.BTFMediaType, mutateBinary), load},
		{"manifest", 12, blob("application/vnd.oci.image.manifest.v1+json", mutateText), artifactCommands},
		{"index", 12, blob("application/vnd.oci.image.index.v1+json", mutateText), artifactCommands},
		{"file of a layout", 8, file("in", func(o original) tree { return o.layout }), artifactCommands},
		{"OCI archive", 16, archive(func(o original) tree { return o.layout }), artifactCommands},
		{"docker archive", 12, archive(func(o original) tree { return o.docker }), artifactCommands},
		{"file of the store", 16, file("state", func(o original) tree { return o.store }), storeCommands},
		{"build.yaml", 2, source("build.yaml"), sourceCommands},
		{"gadget.yaml", 1, source("gadget.yaml"), sourceCommands},
	}
}

// draw chooses a kind by the shares.
func draw(r *rand.Rand, all []kind) kind {
	sum := 0
	for _, k := range all {
		sum += k.share
	}
	at := r.IntN(sum)
	for _, k := range all {
		if at -= k.share; at < 0 {
			return k
		}
	}
	panic("unreachable: the shares add up")
}

// blob damages a blob of a media type. What names it by its digest is changed with
// it, up to the root, so that commands read it.
func blob(mediaType string, mutate func(*rand.Rand, []byte) []byte) func(*rand.Rand, original, string) error {
	return func(r *rand.Rand, o original, dir string) error {
		layout := maps.Clone(o.layout)
		digests := digestsOf(layout, mediaType)
		if len(digests) == 0 {
			return errAbsent
		}
		old := digests[r.IntN(len(digests))]
		replace(layout, old, mutate(r, layout[blobPath(old)]))
		return layout.write(filepath.Join(dir, "in"))
	}
}

// errAbsent means that an original has nothing of a kind.
var errAbsent = fmt.Errorf("the original has no such part")

func blobPath(digest string) string { return "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:") }

// descriptor is what manifests and indexes name a blob by.
type descriptor struct {
	MediaType string       `json:"mediaType"`
	Digest    string       `json:"digest"`
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"`
}

// digestsOf returns the digests of the blobs of a media type that the layout names.
func digestsOf(layout tree, mediaType string) []string {
	var found []string
	var visit func(data []byte)
	visit = func(data []byte) {
		var d descriptor
		if json.Unmarshal(data, &d) != nil {
			return
		}
		parts := slices.Concat(d.Layers, d.Manifests)
		if d.Config != nil {
			parts = append(parts, *d.Config)
		}
		for _, part := range parts {
			if part.MediaType == mediaType {
				found = append(found, part.Digest)
			}
			if strings.HasSuffix(part.MediaType, "+json") {
				visit(layout[blobPath(part.Digest)])
			}
		}
	}
	visit(layout["index.json"])
	slices.Sort(found)
	return slices.Compact(found)
}

// replace puts data into the place of a blob, and new digests into all that names it.
func replace(layout tree, old string, data []byte) {
	sum := sha256.Sum256(data)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	was := fmt.Appendf(nil, `"digest":%q,"size":%d`, old, len(layout[blobPath(old)]))
	is := fmt.Appendf(nil, `"digest":%q,"size":%d`, digest, len(data))
	delete(layout, blobPath(old))
	layout[blobPath(digest)] = data
	for _, name := range layout.names() {
		switch text := layout[name]; {
		case !bytes.Contains(text, was):
		case name == "index.json":
			layout[name] = bytes.ReplaceAll(text, was, is)
		default:
			replace(layout, "sha256:"+filepath.Base(name), bytes.ReplaceAll(text, was, is))
		}
	}
}

func mutateObject(r *rand.Rand, object []byte) []byte {
	return mutate(r, object, elfRegions(object)...)
}

func mutateBinary(r *rand.Rand, data []byte) []byte { return mutate(r, data) }

// file damages one file of a tree, which is written as name.
func file(name string, of func(original) tree) func(*rand.Rand, original, string) error {
	return func(r *rand.Rand, o original, dir string) error {
		t := maps.Clone(of(o))
		names := t.names()
		victim := names[r.IntN(len(names))]
		switch {
		case r.IntN(16) == 0:
			delete(t, victim)
		case json.Valid(t[victim]):
			t[victim] = mutateText(r, t[victim])
		default:
			t[victim] = mutate(r, t[victim])
		}
		return t.write(filepath.Join(dir, name))
	}
}

// archive damages a tree as an archive, one in four of them compressed.
func archive(of func(original) tree) func(*rand.Rand, original, string) error {
	return func(r *rand.Rand, o original, dir string) error {
		data, headers, err := of(o).tar()
		if err != nil {
			return err
		}
		data = mutateTar(r, data, headers)
		if r.IntN(4) == 0 {
			if data, err = compress(data); err != nil {
				return err
			}
			if r.IntN(2) == 0 {
				data = mutate(r, data)
			}
		}
		return os.WriteFile(filepath.Join(dir, "in"), data, 0o600)
	}
}

func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if err := writeAll(w, data); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// source damages a file of a gadget's directory.
func source(name string) func(*rand.Rand, original, string) error {
	return func(r *rand.Rand, o original, dir string) error {
		if o.source[name] == nil {
			return errAbsent
		}
		t := maps.Clone(o.source)
		t[name] = mutateText(r, t[name])
		return t.write(filepath.Join(dir, "in"))
	}
}
