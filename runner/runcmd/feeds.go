package runcmd

import (
	"fmt"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/stats"
)

// feedOperators are the operators of gadget.yaml that fill a data source by
// themselves on request: which, how often, and from what.
var feedOperators = []struct {
	operator, source string
	interval         time.Duration
	open             func(s feedSettings) (*stats.Table, error)
}{
	{"process", "processes", time.Minute, func(s feedSettings) (*stats.Table, error) {
		return stats.ProcessTable(s.Fields, bootTime())
	}},
	{"cgroup", "cgroups", time.Minute, func(feedSettings) (*stats.Table, error) { return stats.CgroupTable() }},
	{"ebpf", "bpfstats", time.Second, func(feedSettings) (*stats.Table, error) { return stats.ProgramTable() }},
}

// feedSettings are what gadget.yaml has below operator.NAME.
type feedSettings struct {
	EmitStats     bool          `yaml:"emitstats"`
	Interval      time.Duration `yaml:"interval"`
	FirstInterval time.Duration `yaml:"first-interval"`
	Count         uint32        `yaml:"count"`
	Fields        []string      `yaml:"fields"`
}

// openFeeds returns the feeds that gadget.yaml requests.
func openFeeds(operators map[string]*yaml.Node) ([]engine.Feed, error) {
	var out []engine.Feed
	for _, op := range feedOperators {
		node := operators[op.operator]
		if node == nil {
			continue
		}
		settings := feedSettings{Interval: op.interval}
		if err := node.Decode(&settings); err != nil {
			return nil, fmt.Errorf("gadget.yaml, operator.%s: %w", op.operator, err)
		}
		if !settings.EmitStats {
			continue
		}
		table, err := op.open(settings)
		if err != nil {
			return nil, fmt.Errorf("gadget.yaml, operator.%s: %w", op.operator, err)
		}
		feed := engine.Feed{
			Name: op.source, Event: table.Row, Read: table.Read,
			First: settings.FirstInterval, Interval: settings.Interval, Count: int(settings.Count),
		}
		if table.Closer != nil {
			feed.Close = table.Closer.Close
		}
		out = append(out, feed)
	}
	return out, nil
}

// hiddenFeedFields are also shown in another format.
var hiddenFeedFields = map[string][]string{"processes": {"cpuTime", "startTime"}}

// hideFeedFields hides them in columns unless gadget.yaml specifies otherwise.
func (s *session) hideFeedFields(feeds []engine.Feed) {
	for _, f := range feeds {
		for _, name := range hiddenFeedFields[f.Name] {
			if s.metadata.DataSources[f.Name].Fields[name][field.AnnotationHidden] == "" {
				s.setAnnotation(f.Name, name, [2]string{field.AnnotationHidden, "true"})
			}
		}
	}
}

// feedParams returns the parameters that come with the feeds.
func (s *session) feedParams() []gadgetapi.Param {
	if len(s.feeds) == 0 || s.feeds[0].Follow != nil {
		return nil
	}
	f := s.feeds[0]
	qualifier := feedQualifier(f.Name)
	text := func(key, variable, description, value string) gadgetapi.Param {
		return gadgetapi.Param{
			Var: variable, Key: key, Type: gadgetapi.ParamString, Qualifier: qualifier, Initial: value,
			ParamMetadata: gadgetapi.ParamMetadata{Description: description},
		}
	}
	const interval, count = gadgetapi.ParamFeedInterval, gadgetapi.ParamFeedCount
	out := []gadgetapi.Param{
		text(interval, interval, "Time between two readings", f.Interval.String()),
		text(count, count, "Readings, 0 for no limit", strconv.Itoa(f.Count)),
	}
	if f.Name == "bpfstats" { // as users of other runners call it
		out = append(out, text(gadgetapi.ParamStatsInterval, interval, "The same as --"+interval, ""))
	}
	return out
}

// feedQualifier returns the prefix of the parameters of the operator that
// fills a data source.
func feedQualifier(source string) string {
	for _, op := range feedOperators {
		if op.source == source {
			return "operator." + op.operator + "."
		}
	}
	return ""
}

// setFeedParams sets how often feeds are read.
func (s *session) setFeedParams(values map[string]string) error {
	const interval, count = gadgetapi.ParamFeedInterval, gadgetapi.ParamFeedCount
	for i := range s.feeds {
		f := &s.feeds[i]
		if v := values[interval]; v != "" {
			d, err := time.ParseDuration(v)
			if err != nil || d <= 0 {
				return fmt.Errorf("parameter --%s: %q is not an interval, use one like 500ms", interval, v)
			}
			f.Interval = d
		}
		if v := values[count]; v != "" {
			n, err := strconv.ParseUint(v, 10, 31)
			if err != nil {
				return fmt.Errorf("parameter --%s: %q is not a number of readings", count, v)
			}
			f.Count = int(n)
		}
	}
	return nil
}
