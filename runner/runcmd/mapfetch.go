package runcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// params returns the parameters of the gadget: its own, and those that come with
// its maps, packet filters and feeds.
func (s *session) params() []gadgetapi.Param {
	all := slices.Concat(s.plan.Params, s.feedKeys, s.packetFilterParams())
	if len(s.mapIterators()) > 0 {
		all = append(all, mapParams()...)
	}
	for i := range all {
		all[i].Default = cmp.Or(s.metadata.ParamDefault(all[i]), all[i].Default)
	}
	return all
}

// allParams returns the parameters of the gadget with those of its wasm program and
// those that patch gadget.yaml, which come before others of the same name.
func (s *session) allParams() []gadgetapi.Param {
	var out []gadgetapi.Param
	for _, p := range slices.Concat(s.customKeys, s.params(), s.wasmKeys) {
		if !slices.ContainsFunc(out, func(o gadgetapi.Param) bool { return o.Key == p.Key }) {
			out = append(out, p)
		}
	}
	return out
}

func mapParams() []gadgetapi.Param {
	var all []gadgetapi.Param
	for _, p := range [][2]string{
		{gadgetapi.ParamMapInterval, "Time between two readings of the maps, 500ms or source:500ms,source2:2s; 0 for one " +
			"reading at the end"},
		{gadgetapi.ParamMapCount, "Readings of the maps, 0 for no limit, 3 or source:3,source2:5; 1 without interval is " +
			"one at the start"},
	} {
		all = append(all, gadgetapi.Param{
			Var: p[0], Key: p[0], Type: gadgetapi.ParamString, ParamMetadata: gadgetapi.ParamMetadata{Description: p[1]},
		})
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

// setMapParams sets how often the maps are read.
func (s *session) setMapParams(values map[string]string) error {
	const interval, count = gadgetapi.ParamMapInterval, gadgetapi.ParamMapCount
	names := s.mapIterators()
	for _, name := range names {
		every, err := perSource(values[interval], name, names)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", interval, err)
		}
		if every != "" {
			if d, err := time.ParseDuration(every); err != nil || d < 0 {
				return fmt.Errorf("parameter --%s: %q is not an interval, use one like 500ms", interval, every)
			}
			s.setAnnotation(name, "", [2]string{gadgetapi.AnnotationInterval, every})
		}
		often, err := perSource(values[count], name, names)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", count, err)
		}
		if often != "" {
			if _, err := strconv.ParseUint(often, 10, 31); err != nil {
				return fmt.Errorf("parameter --%s: %q is not a number of readings", count, often)
			}
			s.setAnnotation(name, "", [2]string{gadgetapi.AnnotationCount, often})
		}
	}
	return nil
}
