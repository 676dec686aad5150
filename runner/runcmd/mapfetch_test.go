package runcmd

import (
	"maps"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestMapParamsOfMetadata sets how often a map is read in paramDefaults, which the
// user overrides.
func TestMapParamsOfMetadata(t *testing.T) {
	const interval = gadgetapi.ParamQualifier + gadgetapi.ParamMapInterval
	for _, tc := range []struct {
		defaults, values map[string]string
		want             string // interval and count
	}{
		{nil, nil, " "},
		{map[string]string{interval: "0"}, nil, "0 "},
		{map[string]string{gadgetapi.ParamMapInterval: "2s", gadgetapi.ParamMapCount: "3"}, nil, "2s 3"},
		{map[string]string{interval: "0"}, map[string]string{gadgetapi.ParamMapInterval: "5s"}, "5s "},
		{map[string]string{interval: "counts:0"}, map[string]string{gadgetapi.ParamMapCount: "counts:1"}, "0 1"},
	} {
		s := &session{
			plan:     &gadgetapi.Spec{Tables: []gadgetapi.Table{{Name: "counts", Kind: gadgetapi.MapIterator}}},
			metadata: gadgetapi.Metadata{ParamDefaults: tc.defaults},
		}
		values := maps.Clone(tc.values)
		if values == nil {
			values = map[string]string{}
		}
		s.withDefaults(s.params(), values)
		if err := s.setMapParams(values); err != nil {
			t.Fatal(err)
		}
		got := s.metadata.DataSources["counts"].Annotations
		if text := got[gadgetapi.AnnotationInterval] + " " + got[gadgetapi.AnnotationCount]; text != tc.want {
			t.Errorf("defaults %v, flags %v: got %q, want %q", tc.defaults, tc.values, text, tc.want)
		}
	}
}
