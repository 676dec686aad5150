package store

import (
	"encoding/json"
	"testing"
)

// FuzzParseRef checks that what is read of a reference's file is fit for use.
func FuzzParseRef(f *testing.F) {
	f.Add([]byte(`{"name":"a","target":{"mediaType":"x","digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","size":1}}`))
	f.Add([]byte(`{"name":"","target":null}`))
	f.Add([]byte(`{"name":"a","archs":["amd64"],"size":-1,"stored":"2026-01-02T03:04:05Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRef(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%q is accepted and cannot be written: %v", data, err)
		}
		if len(again) > maxRefFile {
			return
		}
		back, err := parseRef(again)
		if err != nil || back.Name != r.Name || back.Target.Digest != r.Target.Digest {
			t.Errorf("%q reads back as %+v, %v", data, back, err)
		}
	})
}
