package vm

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Event is an event of a gadget, or what is expected of one: a JSON object.
type Event map[string]any

// ParseEvents reads JSON objects, each an event to expect.
func ParseEvents(texts []string) ([]Event, error) {
	var events []Event
	for _, text := range texts {
		var e Event
		if err := json.Unmarshal([]byte(text), &e); err != nil || len(e) == 0 {
			return nil, fmt.Errorf("parsing the expected event %q: it must be a JSON object with at least one field", text)
		}
		events = append(events, e)
	}
	return events, nil
}

// Matches reports whether got has every field of e with the same value.
// Objects are compared field by field, so that {"proc": {"comm": "x"}} says
// nothing about other fields of proc. A string that begins and ends with a
// star is searched for in the value.
func (e Event) Matches(got Event) bool { return matchObject(e, got) }

func matchObject(want, got map[string]any) bool {
	for k, w := range want {
		g, ok := got[k]
		if !ok || !matchValue(w, g) {
			return false
		}
	}
	return true
}

func matchValue(want, got any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && matchObject(w, g)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !matchValue(w[i], g[i]) {
				return false
			}
		}
		return true
	case string:
		g, ok := got.(string)
		if ok && len(w) > 1 && strings.HasPrefix(w, "*") && strings.HasSuffix(w, "*") {
			return strings.Contains(g, w[1:len(w)-1])
		}
		return ok && w == g
	}
	return want == got
}

// Matcher watches the lines of a gadget for events.
type Matcher struct {
	want []Event
	seen []bool
	left int
}

// NewMatcher returns a Matcher that waits for all of want.
func NewMatcher(want []Event) *Matcher {
	return &Matcher{want: want, seen: make([]bool, len(want)), left: len(want)}
}

// Line looks at one line of output, which may be one event, an array of
// events, or no JSON at all.
func (m *Matcher) Line(line string) {
	line = strings.TrimSpace(line)
	var events []Event
	if strings.HasPrefix(line, "[") {
		if json.Unmarshal([]byte(line), &events) != nil {
			return
		}
	} else {
		var e Event
		if json.Unmarshal([]byte(line), &e) != nil {
			return
		}
		events = []Event{e}
	}
	for _, e := range events {
		for i, w := range m.want {
			if !m.seen[i] && w.Matches(e) {
				m.seen[i] = true
				m.left--
			}
		}
	}
}

// Done reports whether all events have been seen.
func (m *Matcher) Done() bool { return m.left == 0 }

// Missing returns the events that have not been seen.
func (m *Matcher) Missing() []Event {
	var missing []Event
	for i, w := range m.want {
		if !m.seen[i] {
			missing = append(missing, w)
		}
	}
	return missing
}
