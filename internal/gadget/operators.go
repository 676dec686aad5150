package gadget

import (
	"fmt"
	"strconv"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// OperatorSource is a data source that gadget.yaml has an operator fill.
type OperatorSource struct {
	*gadgetapi.OperatorSource
	Settings OperatorSettings
	// Struct is that of an entry.
	Struct *btf.Struct
}

// OperatorSettings are what gadget.yaml has below operator.NAME.
type OperatorSettings struct {
	EmitStats     bool          `yaml:"emitstats"`
	Interval      time.Duration `yaml:"interval"`
	FirstInterval time.Duration `yaml:"first-interval"`
	Count         uint32        `yaml:"count"`
	Fields        []string      `yaml:"fields"`
}

// OperatorSources returns the data sources that gadget.yaml has operators fill.
func (md *Metadata) OperatorSources() ([]OperatorSource, error) {
	var out []OperatorSource
	for _, o := range gadgetapi.OperatorSources() {
		settings := OperatorSettings{
			Interval: o.Interval, EmitStats: o.Annotation != "" && md.Annotations[o.Annotation] == "true",
		}
		if node := md.Operators[o.Operator]; node != nil {
			if err := node.Decode(&settings); err != nil {
				return nil, fmt.Errorf("operator.%s: %w", o.Operator, err)
			}
		}
		if !settings.EmitStats {
			continue
		}
		event, err := o.Event(settings.Fields)
		if err != nil {
			return nil, fmt.Errorf("operator.%s: %w", o.Operator, err)
		}
		out = append(out, OperatorSource{&o, settings, event})
	}
	return out, nil
}

// OperatorParams returns the parameters that come with the first data source that an
// operator fills with entries: how often they are read.
func (md *Metadata) OperatorParams() ([]gadgetapi.Param, error) {
	sources, err := md.OperatorSources()
	if err != nil || len(sources) == 0 || sources[0].Kind != gadgetapi.Iterator {
		return nil, err
	}
	o := sources[0]
	text := func(key, variable, description, value string) gadgetapi.Param {
		return gadgetapi.Param{
			Var: variable, Key: key, Type: gadgetapi.ParamString, Qualifier: o.Qualifier(), Initial: value,
			ParamMetadata: gadgetapi.ParamMetadata{Description: description},
		}
	}
	const interval, count = gadgetapi.ParamFeedInterval, gadgetapi.ParamFeedCount
	out := []gadgetapi.Param{
		text(interval, interval, "Time between two readings", o.Settings.Interval.String()),
		text(count, count, "Readings, 0 for no limit", strconv.Itoa(int(o.Settings.Count))),
	}
	if o.Name == "bpfstats" { // as users of other runners call it
		out = append(out, text(gadgetapi.ParamStatsInterval, interval, "The same as --"+interval, ""))
	}
	return out, nil
}

// Sources describes the data sources of an object, which may be gadgetapi.Empty, and
// after them those that operators fill.
func (md *Metadata) Sources(spec *gadgetapi.Spec, opts gadgetapi.DescribeOptions) ([]*gadgetapi.Source, error) {
	api := md.API()
	out, err := spec.Sources(api, opts)
	if err != nil {
		return nil, err
	}
	filled, err := md.OperatorSources()
	if err != nil {
		return nil, err
	}
	for _, o := range filled {
		opts.Name, opts.Kind, opts.DataSource = o.Name, o.Kind, api.DataSources[o.Name]
		src, err := gadgetapi.Describe(o.Struct, opts)
		if err != nil {
			return nil, fmt.Errorf("data source %q: %w", o.Name, err)
		}
		out = append(out, src)
	}
	return out, nil
}
