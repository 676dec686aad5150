package runcmd

import (
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

const customYAML = `operator:
  process: {emitstats: true, interval: 1h, fields: [comm]}
params:
  custom:
    interval:
      alias: i
      defaultValue: 2h
      patch: {operator: {process: {interval: '{{call .getParamValue "custom.interval"}}'}}}
    how:
      values:
        table: {}
        quiet: {patch: {datasources: {processes: {annotations: {cli.default-output-mode: none}}}}}
`

// TestCustomParams patches gadget.yaml by values of the command line, of paramDefaults
// and of the parameter itself.
func TestCustomParams(t *testing.T) {
	for _, tc := range []struct {
		defaults, args string
		interval       time.Duration
		mode           string
		wrong          string
	}{
		{"", "", 2 * time.Hour, "", ""},
		{"paramDefaults: {custom.interval: 3h}\n", "", 3 * time.Hour, "", ""},
		{"paramDefaults: {custom.interval: 3h}\n", "--interval 4h --how=quiet", 4 * time.Hour, "none", ""},
		{"", "--custom.interval=5h --interval=6h", 6 * time.Hour, "", ""},
		{"", "-i 7h --how table", 7 * time.Hour, "", ""},
		{"", "--how=loud", 0, "", `parameter --how: "loud" is not one of quiet, table`},
	} {
		s := &session{
			rest: Rest{Args: strings.Fields(tc.args)}, g: &cli.Globals{},
			artifact: &gadget.Artifact{Metadata: []byte(customYAML + tc.defaults)},
		}
		err := s.read()
		if tc.wrong != "" {
			if err == nil || err.Error() != tc.wrong || cli.ExitCode(err) != 2 {
				t.Errorf("%q: got %v, want the usage error %q", tc.args, err, tc.wrong)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := s.feeds[0].Interval; got != tc.interval {
			t.Errorf("%q, %q: interval %s, want %s", tc.defaults, tc.args, got, tc.interval)
		}
		if got := s.metadata.DataSources["processes"].Annotations[annotationMode]; got != tc.mode {
			t.Errorf("%q, %q: mode %q, want %q", tc.defaults, tc.args, got, tc.mode)
		}
		if _, err := ParseParams(s.allParams(), s.rest.Args); err != nil {
			t.Errorf("%q: %v", tc.args, err)
		}
	}
}
