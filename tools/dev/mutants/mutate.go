package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// region is a part of a file that is damaged as often as any other part, so that
// small headers are hit as well as long sections.
type region struct{ at, size int }

// edges are numbers at which parsers break.
var edges = []uint64{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1<<63 - 1, 1<<64 - 1}

// mutate returns data with one to four changes within the regions.
func mutate(r *rand.Rand, data []byte, regions ...region) []byte {
	out := bytes.Clone(data)
	for range 1 + r.IntN(4) {
		if len(out) < 16 {
			return out
		}
		out = change(r, out, place(r, len(out)-8, regions))
	}
	return out
}

// place returns an offset below limit, of one of the regions if there are any.
func place(r *rand.Rand, limit int, regions []region) int {
	if len(regions) > 0 {
		if in := regions[r.IntN(len(regions))]; in.size > 0 && in.at < limit {
			return in.at + r.IntN(min(in.size, limit-in.at))
		}
	}
	return r.IntN(limit)
}

func change(r *rand.Rand, out []byte, at int) []byte {
	n := min(1+r.IntN(64), len(out)-at)
	switch r.IntN(12) {
	case 0, 1, 2:
		out[at] ^= 1 << r.IntN(8)
	case 3, 4:
		out[at] = byte(r.Uint32())
	case 5, 6, 7:
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], edges[r.IntN(len(edges))])
		copy(out[at:], b[:1<<r.IntN(4)])
	case 8:
		copy(out[at:], out[r.IntN(len(out)-8):][:8]) // a number of elsewhere
	case 9:
		return out[:at]
	case 10: // a part twice
		return append(out[:at+n:at+n], out[at:]...)
	case 11: // a part left out
		return append(out[:at:at], out[at+n:]...)
	}
	return out
}

// elfRegions returns the headers and the sections of an object.
func elfRegions(object []byte) []region {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil
	}
	headers := int(binary.LittleEndian.Uint64(object[0x28:])) // e_shoff
	regions := []region{{0, 64}, {headers, len(object) - headers}}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS && s.Size > 0 {
			regions = append(regions, region{int(s.Offset), int(s.Size)})
		}
	}
	return regions
}

// token is what a text is made of: a word, or a sign.
var token = regexp.MustCompile(`[\w./:@-]+|[^\w\s]`)

// texts are what takes the place of a token.
var texts = []string{
	"", "null", "~", "-1", "0", "1e999", "99999999999999999999", "0x1p-2", "true", "[]", "{}", `""`, `"\u0000"`, "\n",
	"\t",
	"\x1b[31m", "\u202e", "\u0085", "\xff", "&a [*a, *a]", "*a", "!!binary x", "!!int x", "|", "? x", "a: b", "%s%n{{.}}",
	"../../etc/passwd", "/dev/stdin", "sha256:" + strings.Repeat("0", 64), strings.Repeat("x", 1<<16),
	strings.Repeat("[", 20000), strings.Repeat(`{"a":`, 20000), strings.Repeat("- ", 5000),
}

// mutateText returns a text with one to four changes of its tokens or its lines,
// or of its bytes.
func mutateText(r *rand.Rand, data []byte) []byte {
	out := bytes.Clone(data)
	for range 1 + r.IntN(4) {
		at := token.FindAllIndex(out, -1)
		if len(at) == 0 {
			return out
		}
		a, b := at[r.IntN(len(at))], at[r.IntN(len(at))]
		switch r.IntN(8) {
		case 0, 1, 2:
			out = splice(out, a, []byte(texts[r.IntN(len(texts))]))
		case 3: // one token in the place of another
			out = splice(out, a, bytes.Clone(out[b[0]:b[1]]))
		case 4:
			out = splice(out, a, fmt.Append(nil, edges[r.IntN(len(edges))]))
		case 5: // a line many times
			lines := bytes.SplitAfter(out, []byte("\n"))
			i := r.IntN(len(lines))
			lines[i] = bytes.Repeat(lines[i], min(1<<r.IntN(12), 1+(1<<18)/(1+len(lines[i]))))
			out = bytes.Join(lines, nil)
		case 6: // from here to there, or the same twice
			from, to := min(a[0], b[0]), max(a[1], b[1])
			part := bytes.Repeat(out[from:to], 2*r.IntN(2))
			out = splice(out, []int{from, to}, part)
		case 7:
			out = mutate(r, out)
		}
		out = out[:min(len(out), 1<<20)]
	}
	return out
}

// splice puts text into the place of data[at[0]:at[1]].
func splice(data []byte, at []int, text []byte) []byte {
	return append(append(data[:at[0]:at[0]], text...), data[at[1]:]...)
}

// tarHeader is the size of a header of an archive, and where its checksum is.
const (
	tarHeader   = 512
	tarChecksum = 148
)

// mutateTar damages an archive, most often its headers, whose checksums are fixed
// half the time.
func mutateTar(r *rand.Rand, archive []byte, headers []region) []byte {
	if r.IntN(4) == 0 {
		headers = nil
	}
	out := mutate(r, archive, headers...)
	if r.IntN(2) == 0 {
		return out
	}
	for _, h := range headers {
		if h.at+tarHeader <= len(out) {
			sign(out[h.at : h.at+tarHeader])
		}
	}
	return out
}

// sign writes the checksum of a header.
func sign(header []byte) {
	copy(header[tarChecksum:], "        ")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[tarChecksum:], fmt.Sprintf("%06o\x00 ", sum))
}
