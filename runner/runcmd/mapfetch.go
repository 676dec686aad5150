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
// its maps, packet filters and feeds.
func (s *session) params() []gadgetapi.Param {
	all := slices.Concat(s.plan.Params, s.feedParams(), s.packetFilterParams())
	if len(s.mapIterators()) == 0 {
		return all
	}
	for _, p := range [][2]string{
		{mapInterval, "Time between two readings of the maps, 500ms or source:500ms,source2:2s; 0 for one reading at the end"},
		{mapCount, "Readings of the maps, 0 for no limit, 3 or source:3,source2:5; 1 without interval is one at the start"},
	} {
		md := gadgetapi.ParamMetadata{Description: p[1], Default: s.metadata.ParamDefault(p[0])}
		all = append(all, gadgetapi.Param{Var: p[0], Key: p[0], Type: gadgetapi.ParamString, ParamMetadata: md})
	}
	return all
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

// setMapParams sets how often the maps are read: as the user says, else as
// paramDefaults of gadget.yaml do.
func (s *session) setMapParams(values map[string]string) error {
	names := s.mapIterators()
	value := func(key string) string {
		if v, given := values[key]; given {
			return v
		}
		return s.metadata.ParamDefault(key)
	}
	for _, name := range names {
		interval, err := perSource(value(mapInterval), name, names)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", mapInterval, err)
		}
		if interval != "" {
			if d, err := time.ParseDuration(interval); err != nil || d < 0 {
				return fmt.Errorf("parameter --%s: %q is not an interval, use one like 500ms", mapInterval, interval)
			}
			s.setAnnotation(name, "", [2]string{gadgetapi.AnnotationInterval, interval})
		}
		count, err := perSource(value(mapCount), name, names)
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
