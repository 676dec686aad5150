package runcmd

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestMapParamsOfMetadata sets how often a map is read in paramDefaults, which the
// user overrides.
func TestMapParamsOfMetadata(t *testing.T) {
	const interval = gadgetapi.ParamQualifier + mapInterval
	for _, tc := range []struct {
		defaults, values map[string]string
		want             string // interval and count
	}{
		{nil, nil, " "},
		{map[string]string{interval: "0"}, nil, "0 "},
		{map[string]string{mapInterval: "2s", mapCount: "3"}, nil, "2s 3"},
		{map[string]string{interval: "0"}, map[string]string{mapInterval: "5s"}, "5s "},
		{map[string]string{interval: "counts:0"}, map[string]string{mapCount: "counts:1"}, "0 1"},
	} {
		s := &session{
			plan:     &gadgetapi.Spec{Tables: []gadgetapi.Table{{Name: "counts", Kind: gadgetapi.MapIterator}}},
			metadata: gadgetapi.Metadata{ParamDefaults: tc.defaults},
		}
		if err := s.setMapParams(tc.values); err != nil {
			t.Fatal(err)
		}
		got := s.metadata.DataSources["counts"].Annotations
		if text := got[gadgetapi.AnnotationInterval] + " " + got[gadgetapi.AnnotationCount]; text != tc.want {
			t.Errorf("defaults %v, flags %v: got %q, want %q", tc.defaults, tc.values, text, tc.want)
		}
		for _, p := range s.params() {
			if want := strings.TrimSpace(s.metadata.ParamDefault(p.Key)); p.Default != want {
				t.Errorf("--%s: default %q, want %q", p.Key, p.Default, want)
			}
		}
	}
}
