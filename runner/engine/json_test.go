package engine_test

import (
	"bytes"
	"encoding/json"
)

// validJSONLine reports whether b is one JSON object and a newline.
func validJSONLine(b []byte) bool {
	line, ok := bytes.CutSuffix(b, []byte("\n"))
	return ok && !bytes.ContainsRune(line, '\n') && json.Valid(line)
}
