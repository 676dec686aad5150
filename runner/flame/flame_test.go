package flame

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

func profile() *Profile {
	p := &Profile{}
	p.Add([]string{"main", "read;it"}, 2)
	p.Add([]string{"main", "<write>"}, 5)
	p.Add([]string{"main", "read;it"}, 1)
	p.Add(nil, 9)
	return p
}

func TestFolded(t *testing.T) {
	want := "main;<write> 5\nmain;read:it 3\n"
	if got := string(profile().Folded(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFull holds a profile to its limit: nothing is lost but the names.
func TestFull(t *testing.T) {
	p := &Profile{}
	for i := range maxStacks {
		p.Add([]string{"f", time.Duration(i).String()}, 1)
	}
	p.Add([]string{"late"}, 3)
	p.Add([]string{"later"}, 4)
	if len(p.stacks) != maxStacks+1 || p.stacks[otherStacks] != 7 {
		t.Errorf("%d stacks, %d in others", len(p.stacks), p.stacks[otherStacks])
	}
}

func TestHTML(t *testing.T) {
	page := string(profile().HTML(nil, "a & b", Unit{"samples", "count"}))
	for _, want := range []string{
		"<title>a &amp; b</title>", "8 samples", "prefers-color-scheme: dark", `title="&lt;write&gt;: 5, 62.50%"`,
		`data-l="0.625000" data-w="0.375000"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<write>") || strings.Contains(page, "http://") || strings.Contains(page, "https://") {
		t.Error("the page has a name as markup, or needs another file")
	}
	if empty := string((&Profile{}).HTML(nil, "x", Unit{"samples", "count"})); !strings.Contains(empty, "0 samples") {
		t.Error("an empty profile has no page")
	}
}

// TestPprof reads the profile back by the numbers of its fields.
func TestPprof(t *testing.T) {
	start := time.Unix(100, 0)
	z, err := gzip.NewReader(bytes.NewReader(profile().Pprof(nil, Unit{"samples", "count"}, start,
		start.Add(time.Second))))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	count := map[protowire.Number]int{}
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		body := msg[n:]
		count[num]++
		if num == profileString {
			s, _ := protowire.ConsumeString(body)
			texts = append(texts, s)
		}
		n = protowire.ConsumeFieldValue(num, typ, body)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		msg = body[n:]
	}
	if got := strings.Join(texts, ","); got != ",samples,count,<write>,main,read;it" {
		t.Errorf("the strings are %q", got)
	}
	if count[profileSample] != 2 || count[profileFunction] != 3 || count[profileLocation] != 3 ||
		count[profileDuration] != 1 {
		t.Errorf("the messages are %v", count)
	}
}
