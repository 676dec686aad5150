package kernel

import (
	"bytes"
	"fmt"
	"strings"
)

// OSRelease is the part of an os-release file that identifies a distribution.
type OSRelease struct {
	ID              string   // lower-case name, such as "rhel"; "linux" when not given
	IDLike          []string // names of relatives, nearest first
	VersionID       string   // such as "8.9"; empty on rolling distributions
	VersionCodename string   // such as "bookworm"; often empty
}

// ParseOSRelease reads an os-release file (os-release(5)): assignments in the
// shell's syntax, of which quotes, backslashes and comments are understood.
// Lines that are not assignments are ignored, as the manual requires of readers;
// a file with a zero byte is refused, for then it is something else.
func ParseOSRelease(data []byte) (OSRelease, error) {
	if len(data) > maxOSRelease {
		return OSRelease{}, fmt.Errorf("parsing os-release: more than %d bytes", maxOSRelease)
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return OSRelease{}, fmt.Errorf("parsing os-release: zero byte, is this a text file?")
	}
	osr := OSRelease{ID: "linux"}
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		switch key {
		case "ID":
			if id := unquote(value); id != "" {
				osr.ID = id
			}
		case "ID_LIKE":
			osr.IDLike = strings.Fields(unquote(value))
		case "VERSION_ID":
			osr.VersionID = unquote(value)
		case "VERSION_CODENAME":
			osr.VersionCodename = unquote(value)
		}
	}
	return osr, nil
}

// unquote evaluates the right side of a shell assignment: single quotes,
// double quotes with backslashes, plain words up to a blank.
func unquote(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				end = len(s) - i - 1
			}
			out.WriteString(s[i+1 : i+1+end])
			i += end + 1
		case '"':
			n := unquoteDouble(s[i+1:], &out)
			i += n
		case '\\':
			if i++; i < len(s) {
				out.WriteByte(s[i])
			}
		case ' ', '\t':
			return out.String()
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// unquoteDouble writes the text up to the closing double quote to out and
// returns how many bytes of s it has used, the quote included.
func unquoteDouble(s string, out *strings.Builder) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i + 1
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0:
			i++
			out.WriteByte(s[i])
		default:
			out.WriteByte(s[i])
		}
	}
	return len(s)
}
