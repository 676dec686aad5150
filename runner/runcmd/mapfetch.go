package runcmd

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// The parameters of gadgets with maps that are read again and again.
const (
	mapInterval = "map-fetch-interval"
	mapCount    = "map-fetch-count"
)

// params returns the parameters of the gadget: its own, and those that come with
// its maps and feeds.
func (s *session) params() []gadgetapi.Param {
	all := append(slices.Clone(s.plan.Params), s.feedParams()...)
	if len(s.mapIterators()) == 0 {
		return all
	}
	return append(all, gadgetapi.Param{
		Var: mapInterval, Key: mapInterval, Type: gadgetapi.ParamString,
		ParamMetadata: gadgetapi.ParamMetadata{Description: "Time between two readings of the maps, 500ms or source:500ms,source2:2s"},
	}, gadgetapi.Param{
		Var: mapCount, Key: mapCount, Type: gadgetapi.ParamString,
		ParamMetadata: gadgetapi.ParamMetadata{Description: "Readings of the maps, 0 for no limit, 3 or source:3,source2:5"},
	})
}

// mapIterators returns the names of the data sources that are maps.
func (s *session) mapIterators() []string {
	var names []string
	for _, t := range s.plan.Tables {
		if t.Kind == gadgetapi.MapIterator {
			names = append(names, t.Name)
		}
	}
	return names
}

// setMapParams sets how often the maps are read.
func (s *session) setMapParams(values map[string]string) error {
	names := s.mapIterators()
	for _, name := range names {
		interval, err := perSource(values[mapInterval], name, names)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", mapInterval, err)
		}
		if interval != "" {
			if d, err := time.ParseDuration(interval); err != nil || d < 0 {
				return fmt.Errorf("parameter --%s: %q is not an interval, use one like 500ms", mapInterval, interval)
			}
			s.setAnnotation(name, "", [2]string{gadgetapi.AnnotationInterval, interval})
		}
		count, err := perSource(values[mapCount], name, names)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", mapCount, err)
		}
		if count != "" {
			if _, err := strconv.ParseUint(count, 10, 31); err != nil {
				return fmt.Errorf("parameter --%s: %q is not a number of readings", mapCount, count)
			}
			s.setAnnotation(name, "", [2]string{gadgetapi.AnnotationCount, count})
		}
	}
	return nil
}
