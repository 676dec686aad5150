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
var feedTables = map[string]func(s *session, of gadget.OperatorSettings) (*stats.Table, error){
	"processes": func(_ *session, of gadget.OperatorSettings) (*stats.Table, error) {
		return stats.ProcessTable(of.Fields, bootTime())
	},
	"cgroups": func(*session, gadget.OperatorSettings) (*stats.Table, error) { return stats.CgroupTable() },
	"bpfstats": func(s *session, _ gadget.OperatorSettings) (*stats.Table, error) {
		return stats.ProgramTable(s.rest.member.gadgetOf)
	},
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
		table, err := open(s, src.Settings)
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
