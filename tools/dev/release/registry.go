package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

const (
	owner      = "rules-gadget"
	repository = "rules_gadget"
	homepage   = "https://github.com/" + owner + "/" + repository
)

// archiveName is the name of the source archive.
func (t tree) archiveName() string { return repository + "-" + t.version + ".tar.gz" }

// registryFiles returns the entry of a module registry for the source archive,
// from the templates in .bcr: below a directory, it is a registry that Bazel
// reads, and what the Bazel Central Registry takes.
func (t tree) registryFiles(archive []byte) ([]file, error) {
	entry := path.Join("bcr/modules", repository)
	metadata, err := t.fill("metadata.template.json", map[string]any{"versions": []string{t.version}})
	if err != nil {
		return nil, err
	}
	source, err := t.fill("source.template.json", map[string]any{"integrity": integrity(archive)})
	if err != nil {
		return nil, err
	}
	files := []file{
		{path.Join(entry, "metadata.json"), metadata},
		{path.Join(entry, t.version, "source.json"), source},
	}
	for name, from := range map[string]string{"MODULE.bazel": "MODULE.bazel", "presubmit.yml": ".bcr/presubmit.yml"} {
		data, err := action.ReadFile(t.path(from), maxText)
		if err != nil {
			return nil, err
		}
		files = append(files, file{path.Join(entry, t.version, name), data})
	}
	return files, nil
}

// fill replaces the placeholders of a template and sets keys of its object.
func (t tree) fill(template string, set map[string]any) ([]byte, error) {
	name := t.path(path.Join(".bcr", template))
	data, err := action.ReadFile(name, maxText)
	if err != nil {
		return nil, err
	}
	text := strings.NewReplacer("{OWNER}", owner, "{REPO}", repository, "{VERSION}", t.version, "{TAG}",
		t.tag()).Replace(string(data))
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	for key, value := range set {
		object[key] = value
	}
	return indented(object)
}

// indented is JSON that people read.
func indented(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	err := enc.Encode(v)
	return out.Bytes(), err
}

// integrity is the hash of a file as Bazel writes it.
func integrity(data []byte) string {
	sum := digest.SHA256.Hash()
	sum.Write(data)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum.Sum(nil))
}
