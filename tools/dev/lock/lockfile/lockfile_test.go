package lockfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// good returns a lock that is valid.
func good() *Lock {
	sum := strings.Repeat("0", 64)
	return &Lock{
		Format:  Format,
		Default: "1.0",
		Bundles: map[string]Bundle{"1.0": {
			Suite:    "bookworm",
			Programs: map[string]string{"prog": "usr/bin/prog"},
			Machines: map[string]Machine{"amd64": {
				Loader: "lib/ld.so",
				Packages: []Package{
					{
						Name: "libc6", Version: "2", Path: "pool/main/g/glibc/libc6_2_amd64.deb", SHA256: sum, Size: 1,
						Files: []string{"lib/ld.so"},
					},
					{
						Name: "prog", Version: "1:1.0", Path: "pool/main/p/prog/prog_1.0_amd64.deb", SHA256: sum, Size: 1,
						Files: []string{"usr/bin/prog", "usr/share/prog/"},
					},
				},
			}},
		}},
	}
}

func TestValidate(t *testing.T) {
	if err := good().Validate(); err != nil {
		t.Errorf("the good lock is refused: %v", err)
	}
	tests := map[string]struct {
		corrupt func(l *Lock, p *Package)
		want    string
	}{
		"format":          {func(l *Lock, _ *Package) { l.Format = 2 }, "format is 2"},
		"no bundles":      {func(l *Lock, _ *Package) { l.Bundles = nil }, "no bundles"},
		"default":         {func(l *Lock, _ *Package) { l.Default = "2.0" }, `"2.0" is not a bundle`},
		"bundle name":     {func(l *Lock, _ *Package) { l.Bundles["a b"] = l.Bundles["1.0"] }, "repository name"},
		"no suite":        {func(l *Lock, _ *Package) { l.Bundles["1.0"] = Bundle{} }, "no suite"},
		"path of a host":  {func(_ *Lock, p *Package) { p.Path = "http://m.example/x.deb" }, "not below pool/main"},
		"path escapes":    {func(_ *Lock, p *Package) { p.Path = "pool/main/../x.deb" }, "not below pool/main"},
		"other component": {func(_ *Lock, p *Package) { p.Path = "pool/non-free/p/prog/x.deb" }, "not below pool/main"},
		"sum":             {func(_ *Lock, p *Package) { p.SHA256 = "00" }, "64 hexadecimal"},
		"size":            {func(_ *Lock, p *Package) { p.Size = 0 }, "size"},
		"version":         {func(_ *Lock, p *Package) { p.Version = "" }, "version"},
		"no files":        {func(_ *Lock, p *Package) { p.Files = nil }, "files are missing"},
		"unsorted files":  {func(_ *Lock, p *Package) { p.Files = []string{"b", "a"} }, "not sorted"},
		"absolute file":   {func(_ *Lock, p *Package) { p.Files = []string{"/usr/bin/prog"} }, "clean relative"},
		"file escapes":    {func(_ *Lock, p *Package) { p.Files = []string{"../x", "usr/bin/prog"} }, "clean relative"},
		"missing program": {func(_ *Lock, p *Package) {
			p.Files = []string{"usr/bin/other"}
		}, `no package has "usr/bin/prog"`},
		"file of two":      {func(_ *Lock, p *Package) { p.Files = []string{"lib/ld.so", "usr/bin/prog"} }, "both have"},
		"unsorted package": {func(_ *Lock, p *Package) { p.Name = "a" }, "not sorted by name"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			lock := good()
			test.corrupt(lock, &lock.Bundles["1.0"].Machines["amd64"].Packages[1])
			if err := lock.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestReadMarshal(t *testing.T) {
	text, err := good().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lock.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(good(), got); diff != "" {
		t.Errorf("lock after a round trip (-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	for name, text := range map[string]string{
		"no json":     "{",
		"unknown key": `{"format": 1, "bundel": {}}`,
		"invalid":     `{"format": 1, "bundles": {}}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lock.json")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that names the file", err)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("no error for a missing file")
	}
}
