package field

import (
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// Options give Build what the struct alone does not have.
type Options struct {
	Name        string                       // of the source
	Annotations map[string]string            // of the source
	Fields      map[string]map[string]string // annotations by full name
	Env         Env
}

// Build returns the data source of single events that a struct makes up.
func Build(typ *btf.Struct, opts Options) (*Source, error) {
	c := opts.Env.Containers
	desc, err := gadgetapi.Describe(typ, gadgetapi.DescribeOptions{
		Name: opts.Name, Kind: gadgetapi.Tracer,
		DataSource:   gadgetapi.DataSource{Annotations: opts.Annotations, Fields: opts.Fields},
		NoContainers: c == nil, ShowContainer: c != nil && c.Show,
	})
	if err != nil {
		return nil, err
	}
	return New(desc, opts.Env), nil
}
