package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Report is what is worth knowing of an artifact before it runs as root.
type Report struct {
	Reference      string            `json:"reference" yaml:"reference"`
	Digest         string            `json:"digest" yaml:"digest"`
	ManifestDigest string            `json:"manifestDigest" yaml:"manifestDigest"`
	Arch           string            `json:"arch" yaml:"arch"`
	Platforms      []string          `json:"platforms" yaml:"platforms"`
	Name           string            `json:"name,omitempty" yaml:"name,omitempty"`
	Description    string            `json:"description,omitempty" yaml:"description,omitempty"`
	Annotations    map[string]string `json:"annotations,omitempty" yaml:"annotations,omitempty"`
	Layers         []Layer           `json:"layers" yaml:"layers"`
	Params         []Param           `json:"params,omitempty" yaml:"params,omitempty"`
	DataSources    []Source          `json:"dataSources,omitempty" yaml:"dataSources,omitempty"`
	Programs       []Program         `json:"programs,omitempty" yaml:"programs,omitempty"`
	Maps           []Map             `json:"maps,omitempty" yaml:"maps,omitempty"`
	Requires       []string          `json:"requires,omitempty" yaml:"requires,omitempty"`
	BTFKernels     []string          `json:"btfKernels,omitempty" yaml:"btfKernels,omitempty"`
	Trust          Trust             `json:"trust" yaml:"trust"`
	// Remote reports whether the layers were not read, so that programs and maps
	// are unknown.
	Remote bool `json:"remote,omitempty" yaml:"remote,omitempty"`

	md *gadget.Metadata
}

// Layer is one layer of the artifact.
type Layer struct {
	MediaType string `json:"mediaType" yaml:"mediaType"`
	Digest    string `json:"digest" yaml:"digest"`
	Size      int64  `json:"size" yaml:"size"`
}

// Param is a parameter of the gadget.
type Param struct {
	Key string `json:"key" yaml:"key"`
	// Type is empty where the object was not read.
	Type        string `json:"type,omitempty" yaml:"type,omitempty"`
	Default     string `json:"default,omitempty" yaml:"default,omitempty"`
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
}

// Source is a data source of the gadget.
type Source struct {
	Name        string  `json:"name" yaml:"name"`
	Kind        string  `json:"kind,omitempty" yaml:"kind,omitempty"`
	Description string  `json:"description,omitempty" yaml:"description,omitempty"`
	Fields      []Field `json:"fields,omitempty" yaml:"fields,omitempty"`
}

// Field is a field of a data source.
type Field struct {
	Name        string `json:"name" yaml:"name"`
	Type        string `json:"type,omitempty" yaml:"type,omitempty"`
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
}

// platforms lists what the index has.
func (a *Report) platforms(g *cli.Globals, src *artifact.Source) error {
	a.Platforms = []string{}
	idx, err := oci.ReadIndex(g.Ctx, src.Blobs, src.Root)
	if err != nil {
		return err
	}
	for _, d := range idx.Manifests {
		if d.Platform != nil {
			a.Platforms = append(a.Platforms, d.Platform.OS+"/"+d.Platform.Architecture)
		}
	}
	return nil
}

func (a *Report) layers(art *gadget.Artifact) {
	for _, d := range art.Manifest.Layers {
		a.Layers = append(a.Layers, Layer{d.MediaType, d.Digest.String(), d.Size})
	}
}

// metadata reads gadget.yaml. What is wrong with it does not matter here.
func (a *Report) metadata(art *gadget.Artifact) error {
	if len(art.Metadata) == 0 {
		a.md = &gadget.Metadata{}
		return nil
	}
	md, problems := gadget.ParseMetadata(art.Metadata, "gadget.yaml", false)
	if md == nil {
		return fmt.Errorf("reading gadget.yaml: %v", problems)
	}
	a.Name, a.Description, a.md = md.Name, md.Description, md
	a.params("", md.EBPFParams)
	a.params(string(gadgetapi.ParamString), md.WasmParams)
	custom := map[string]*gadget.Param{}
	for name, p := range md.CustomParams {
		custom[name] = &gadget.Param{Key: name, DefaultValue: p.DefaultValue, Description: p.Description}
	}
	a.params(string(gadgetapi.ParamString), custom)
	for _, name := range slices.Sorted(maps.Keys(md.DataSources)) {
		src := Source{Name: name, Description: md.DataSources[name].Annotations["description"]}
		fields := md.DataSources[name].Fields
		for _, f := range slices.Sorted(maps.Keys(fields)) {
			src.Fields = append(src.Fields, Field{Name: f, Description: fields[f].Annotations["description"]})
		}
		a.DataSources = append(a.DataSources, src)
	}
	return nil
}

// params adds the parameters that gadget.yaml describes.
func (a *Report) params(typ string, params map[string]*gadget.Param) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		p := params[name]
		a.Params = append(a.Params, Param{cmp.Or(p.Key, name), typ, p.DefaultValue, p.Description})
	}
}

// btf lists the kernels of the layer of minimal BTFs.
func (a *Report) btf(art *gadget.Artifact) error {
	if len(art.BTF) == 0 {
		return nil
	}
	layer, err := btfhub.OpenLayer(art.BTF)
	if err != nil {
		return err
	}
	for _, name := range layer.Names() {
		a.BTFKernels = append(a.BTFKernels, strings.TrimSuffix(name, ".btf"))
	}
	slices.Sort(a.BTFKernels)
	return nil
}
