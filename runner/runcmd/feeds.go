package runcmd

import (
	"fmt"
	"strconv"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/stats"
)

// feedTables read the data sources that operators fill with entries, by name.
var feedTables = map[string]func(s gadget.OperatorSettings) (*stats.Table, error){
	"processes": func(s gadget.OperatorSettings) (*stats.Table, error) { return stats.ProcessTable(s.Fields, bootTime()) },
	"cgroups":   func(gadget.OperatorSettings) (*stats.Table, error) { return stats.CgroupTable() },
	"bpfstats":  func(gadget.OperatorSettings) (*stats.Table, error) { return stats.ProgramTable() },
}

// openFeeds returns the feeds that gadget.yaml requests.
func (s *session) openFeeds(md *gadget.Metadata) ([]engine.Feed, error) {
	sources, err := md.OperatorSources()
	if err != nil {
		return nil, fmt.Errorf("gadget.yaml, %w", err)
	}
	var out []engine.Feed
	for _, src := range sources {
		open := feedTables[src.Name]
		if open == nil {
			out = append(out, s.containerFeed(src.Struct))
			continue
		}
		table, err := open(src.Settings)
		if err != nil {
			return nil, fmt.Errorf("data source %q: %w", src.Name, err)
		}
		feed := engine.Feed{
			Name: src.Name, Event: table.Row, Read: table.Read,
			First: src.Settings.FirstInterval, Interval: src.Settings.Interval, Count: int(src.Settings.Count),
		}
		if table.Closer != nil {
			feed.Close = table.Closer.Close
		}
		out = append(out, feed)
	}
	return out, nil
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
