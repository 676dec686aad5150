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

// TestValueWithinBuffer: what a buffer has no room for is left out of a text where
// it is only the rest of its array.
func TestValueWithinBuffer(t *testing.T) {
	for _, tc := range []struct {
		kind  Kind
		value string
		size  int
		want  string
	}{
		{CString, "name\x00\x00\x00\x00", 8, "name\x00\x00\x00\x00"},
		{CString, "name\x00\x00\x00\x00", 5, "name"},
		{CString, "name\x00\x00\x00\x00", 3, "name"}, // an error when it is copied
		{CString, "fullname", 4, "fullname"},
		{Bytes, "name\x00\x00\x00\x00", 5, "name\x00\x00\x00\x00"},
	} {
		f := &Field{Kind: tc.kind}
		if got := string(f.within([]byte(tc.value), tc.size)); got != tc.want {
			t.Errorf("kind %d, %q in %d bytes: %q, want %q", tc.kind, tc.value, tc.size, got, tc.want)
		}
	}
}
