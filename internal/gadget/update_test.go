package gadget_test

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/golden"
)

const partial = `# who wrote it
name: mine   # a name
mine: {kept: [1, 2]}   # unknown

dataSources:
  # before the source
  open:
    annotations: {cli.clear-screen-before: "true"}
    fields:
      path: # after path
        annotations:
          description: the path
      gone: {}
params:
  ebpf:
    targ_flag: {key: f}
# the end
`

func TestUpdateMetadataGolden(t *testing.T) {
	for name, existing := range map[string]string{
		"update_new.yaml": "", "update_partial.yaml": partial,
		"update_comment.yaml": "# only a comment\n",
	} {
		got, err := gadget.UpdateMetadata([]byte(existing), object(t, "good"), "example")
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, name, got)
		again, err := gadget.UpdateMetadata(got, object(t, "good"), "example")
		if err != nil || string(again) != string(got) {
			t.Errorf("%s: a second run changes it: %v", name, err)
		}
		if name == "update_partial.yaml" {
			continue // its field "gone" is not in the object
		}
		if problems := validate(t, string(got), gadget.Validation{Object: object(t, "good")}); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestUpdateMetadataKeepsCompleteFile(t *testing.T) {
	complete, err := gadget.UpdateMetadata(nil, object(t, "good"), "x")
	if err != nil {
		t.Fatal(err)
	}
	odd := "\n\n" + strings.ReplaceAll(string(complete), "key: number", "key:    number   # odd")
	got, err := gadget.UpdateMetadata([]byte(odd), object(t, "good"), "x")
	if err != nil || string(got) != odd {
		t.Errorf("it became (%v):\n%s", err, got)
	}
}

func TestUpdateMetadataRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		existing string
		object   []byte
		want     string
	}{
		"syntax":     {"name: [", object(t, "good"), "no valid YAML"},
		"wrong type": {"datasources: 3\n", object(t, "good"), "want a mapping"},
		"bad object": {"", object(t, "bad"), "tracer map"},
		"no object":  {"", []byte("x"), "not a valid ELF"},
	} {
		if _, err := gadget.UpdateMetadata([]byte(tc.existing), tc.object, "x"); err == nil ||
			!strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}
