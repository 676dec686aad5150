package runcmd

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// The parameters of gadgets with maps that are read again and again, and the
// annotations of their data sources that they set.
const (
	mapInterval           = "map-fetch-interval"
	mapCount              = "map-fetch-count"
	annotationMapInterval = "fetch-interval"
	annotationMapCount    = "fetch-count"
)

// params returns the parameters of the gadget: its own, and those that come with
// its maps and feeds.
func (s *session) params() []engine.Param {
	all := append(slices.Clone(s.plan.Params), s.feedParams()...)
	if len(s.plan.MapIters) == 0 {
		return all
	}
	return append(all, engine.Param{
		Var: mapInterval, Key: mapInterval, Type: engine.ParamString,
		ParamMetadata: engine.ParamMetadata{Description: "Time between two readings of the maps, 500ms or source:500ms,source2:2s"},
	}, engine.Param{
		Var: mapCount, Key: mapCount, Type: engine.ParamString,
		ParamMetadata: engine.ParamMetadata{Description: "Readings of the maps, 0 for no limit, 3 or source:3,source2:5"},
	})
}

// setMapParams sets how often the maps are read.
func (s *session) setMapParams(values map[string]string) error {
	var names []string
	for _, m := range s.plan.MapIters {
		names = append(names, m.Name)
	}
	for _, name := range names {
		interval, err := perSource(values[mapInterval], name, names)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", mapInterval, err)
		}
		if interval != "" {
			if d, err := time.ParseDuration(interval); err != nil || d <= 0 {
				return fmt.Errorf("parameter --%s: %q is not an interval, use one like 500ms", mapInterval, interval)
			}
			s.setAnnotation(name, "", [2]string{annotationMapInterval, interval})
		}
		count, err := perSource(values[mapCount], name, names)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", mapCount, err)
		}
		if count != "" {
			if _, err := strconv.ParseUint(count, 10, 31); err != nil {
				return fmt.Errorf("parameter --%s: %q is not a number of readings", mapCount, count)
			}
			s.setAnnotation(name, "", [2]string{annotationMapCount, count})
		}
	}
	return nil
}
