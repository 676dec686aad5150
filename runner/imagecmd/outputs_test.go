package imagecmd

import (
	"reflect"
	"testing"
)

func TestParseOutputs(t *testing.T) {
	for text, want := range map[string]output{
		"type=oci,dest=a.tar":     {kind: typeOCI, dest: "a.tar"},
		"type=tar":                {kind: typeTar, dest: "-"},
		"type=docker,dest=-":      {kind: typeDocker, dest: "-"},
		"type=local,dest=rootfs/": {kind: typeLocal, dest: "rootfs/"},
		"type=image":              {kind: typeImage},
		"-":                       {kind: typeTar, dest: "-"},
		"rootfs":                  {kind: typeLocal, dest: "rootfs"},
	} {
		if got, err := parseOutputs([]string{text}); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("parseOutputs(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	t.Setenv("GADGET_RUN_REGISTRIES", "/dev/null")
	got, err := parseOutputs([]string{"type=image,name=r.example/img", "type=docker,dest=x,name=img:v1"})
	if err != nil || len(got) != 2 || got[0].names[0].String() != "r.example/img:latest" || got[1].names[0].Tag != "v1" {
		t.Errorf("parseOutputs = %v, %v", got, err)
	}
	for _, text := range []string{
		"", "oci", "type=x", "type=image,dest=x", "type=local", "type=local,dest=-", "type=oci,dest=x,more=y",
		"type=tar,name=x", "type=image,name=Bad//Name", "dest=x",
	} {
		if got, err := parseOutputs([]string{text}); err == nil {
			t.Errorf("parseOutputs(%q) = %v, want an error", text, got)
		}
	}
	if got, err := parseOutputs([]string{"type=tar", "type=oci"}); err == nil {
		t.Errorf("two archives on stdout: %v, want an error", got)
	}
}
