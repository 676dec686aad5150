package message

import (
	"reflect"
	"strings"
	"testing"
)

// response is the beginning of an answer with one question and n answers.
func response(answers byte, rest ...string) []byte {
	return []byte("\x12\x34\x81\x80\x00\x01\x00" + string([]byte{answers}) + "\x00\x00\x00\x00" + strings.Join(rest, ""))
}

const (
	// name is at offset 12 of a message: a.example, type AAAA, class IN.
	name   = "\x01a\x07example\x00\x00\x1c\x00\x01"
	record = "\xc0\x0c\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10" // AAAA of the name at 12
	a      = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01"
	v6     = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)

func answer(n uint16, name string, addresses ...string) Message {
	return Message{
		ID: 0x1234, Response: true, RecursionAvailable: true, RecursionDesired: true, Answers: n,
		Asked: true, Type: typeAAAA, Name: name, Addresses: addresses,
	}
}

func TestDecode(t *testing.T) {
	nameless := answer(0, "")
	nameless.Asked, nameless.Type = false, 0
	long := strings.Repeat("\x3f"+strings.Repeat("x", 63), 4)
	cases := []struct {
		name string
		in   []byte
		want Message
	}{
		{"compressed", response(2, name, record, v6, a), answer(2, "a.example.", "2001:db8::1", "10.0.0.1")},
		{"compressed behind labels", response(1, name, "\x01b\xc0\x0e", record[2:], v6), answer(1, "a.example.", "2001:db8::1")},
		{"root", response(0, "\x00\x00\x1c\x00\x01"), answer(0, ".")},
		{"escaped", response(0, "\x06a.\\\x1b \xff\x00\x00\x1c\x00\x01"), answer(0, `a\.\\\027\032\255.`)},
		{"points to itself", response(0, "\xc0\x0c\x00\x1c\x00\x01"), nameless},
		{"points forward", response(0, "\xc0\x10\x00\x1c\x00\x01\x00"), nameless},
		{"two that point to each other", response(0, "\x01a\xc0\x10\xc0\x0c\x00\x1c\x00\x01"), nameless},
		{"too long", response(0, long, "\x00\x00\x1c\x00\x01"), nameless},
		{"label of an unknown kind", response(0, "\x41a\x00\x00\x1c\x00\x01"), nameless},
		{"ends within a name", response(0, "\x07exam"), nameless},
		{"ends within a pointer", response(0, "\xc0"), nameless},
		{"ends behind the name", response(0, "\x01a\x00\x00"), nameless},
		{"fewer answers than it says", response(255, name, a), answer(255, "a.example.", "10.0.0.1")},
		{"data longer than the message", response(1, name, record, "\x20"), answer(1, "a.example.")},
		{"address of a wrong size", response(2, name, a[:11], "\x03\x0a\x00\x01", a), answer(2, "a.example.", "10.0.0.1")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := Decode(c.in); !ok || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %t, want %+v", got, ok, c.want)
			}
		})
	}
	if _, ok := Decode(make([]byte, headerSize-1)); ok {
		t.Error("a message without a header was decoded")
	}
}

// FuzzDecode says that what is shown stays small and printable.
func FuzzDecode(f *testing.F) {
	f.Add(response(2, name, record, v6, a))
	f.Add(response(0, "\xc0\x0c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _ := Decode(b)
		if len(m.Name) > 4*maxName || len(m.Addresses) > maxAnswers {
			t.Errorf("a name of %d bytes, %d addresses", len(m.Name), len(m.Addresses))
		}
		for _, c := range []byte(m.Name) {
			if c <= ' ' || c >= 0x7f {
				t.Errorf("name %q", m.Name)
			}
		}
	})
}
