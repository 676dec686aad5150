package debian

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMirror(t *testing.T) {
	tests := map[string]struct {
		files     map[string]string
		variable  string
		want      string
		wantError bool
	}{
		"deb822": {
			files: map[string]string{"sources.list.d/debian.sources": "# a comment: here\nTypes: deb deb-src\nURIs: " +
				"http://m.example/debian/\n" +
				"Suites: bookworm bookworm-updates\nComponents: main contrib\n"},
			want: "http://m.example/debian",
		},
		"one line with options": {
			files: map[string]string{"sources.list": "# deb http://no.example/debian trixie main\ndeb [arch=amd64 " +
				"signed-by=/k] https://m.example/x trixie main\n"},
			want: "https://m.example/x",
		},
		"others are ignored": {
			files: map[string]string{
				"sources.list": "deb http://other.example/apt bookworm-pgdg main\ndeb http://m.example/debian sid " +
					"main\n",
				"sources.list.d/a.list": "deb-src http://source.example/debian sid main\n",
				"sources.list.d/off.sources": "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: " +
					"sid\nComponents: main\n",
			},
			want: "http://m.example/debian",
		},
		"the usual name first": {
			files: map[string]string{"sources.list": "deb http://a.example/docker bookworm main\ndeb http://m.example/debian " +
				"bookworm main\n"},
			want: "http://m.example/debian",
		},
		"variable": {
			files:    map[string]string{"sources.list": "deb http://m.example/debian sid main\n"},
			variable: "http://v.example/debian/",
			want:     "http://v.example/debian",
		},
		"list of mirrors": {
			files: map[string]string{
				"sources.list.d/debian.sources": "Types: deb\nURIs: mirror+file:DIRECTORY/mirrors " +
					"mirror+file:DIRECTORY/none\nSuites: sid\nComponents: main\n",
				"mirrors": "# mine\n\nhttp://l.example/debian priority:1\n",
			},
			want: "http://l.example/debian",
		},
		"none": {
			files: map[string]string{"sources.list": "deb cdrom:[x]/ bookworm main\n"}, wantError: true,
		},
		"no files": {wantError: true},
		"unclosed options": {
			files: map[string]string{"sources.list": "deb [arch=amd64 http://m.example/debian sid\n"}, wantError: true,
		},
		"security is not a base": {files: map[string]string{"sources.list": "deb http://s.example/debian-security " +
			"bookworm-security main\n"}, wantError: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			for file, text := range test.files {
				path := filepath.Join(directory, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIRECTORY", directory)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv(MirrorVariable, test.variable)
			got, err := Mirror(directory)
			if got != test.want || (err != nil) != test.wantError {
				t.Errorf("Mirror = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}
