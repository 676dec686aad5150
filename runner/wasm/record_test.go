package wasm

import "testing"

// TestRecordsWithRest keeps what is after an event after the slots of added
// fields.
func TestRecordsWithRest(t *testing.T) {
	s := &Source{Name: "packets", Size: 8}
	if _, err := s.addField("verdict", Uint32); err != nil {
		t.Fatal(err)
	}
	r := &record{source: s}
	r.reset([]byte("12345678behind"))
	if got, want := string(r.buf), "12345678\x00\x00\x00\x00behind"; got != want {
		t.Errorf("record %q, want %q", got, want)
	}
	r.reset([]byte("1234"))
	if got, want := string(r.buf), "1234\x00\x00\x00\x00\x00\x00\x00\x00"; got != want {
		t.Errorf("record %q, want %q", got, want)
	}
}
