// Package deb reads Debian packages: an ar archive whose members are two
// compressed tar archives, one of control data and one of files (deb(5)).
package deb

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/compression"
)

// Limits of what is read of a package.
const (
	maxControl = 1 << 20   // the control file
	maxData    = 32 << 30  // all files together; debug packages have some 6 GiB
	maxMembers = 1_000_000 // entries of the data archive
	arMagic    = "!<arch>\n"
	arHeader   = 60
)

// ErrNotDeb is returned for a file that is not a Debian package.
var ErrNotDeb = errors.New("no Debian package")

// Control is the package's description, as far as callers need it.
type Control struct {
	Package      string
	Version      string
	Architecture string // Debian's spelling, such as "amd64" or "all"
}

// Visit is called for every entry of the package's files, with a reader of
// its content. Returning fs.SkipAll ends the reading without an error.
type Visit func(h *tar.Header, r io.Reader) error

// Read reads the package from r and calls visit for its files in order.
// The control data is returned also when visit ends the reading early.
func Read(r io.Reader, visit Visit) (Control, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(br, magic); err != nil || string(magic) != arMagic {
		return Control{}, fmt.Errorf("reading the ar header: %w", ErrNotDeb)
	}
	var ctl Control
	var seen bool
	for {
		name, body, err := nextMember(br)
		if errors.Is(err, io.EOF) {
			return ctl, fmt.Errorf("reading the package: no data.tar member: %w", ErrNotDeb)
		}
		if err != nil {
			return ctl, err
		}
		switch {
		case strings.HasPrefix(name, "control.tar"):
			if ctl, err = readControl(body); err != nil {
				return ctl, fmt.Errorf("reading %q: %w", name, err)
			}
			seen = true
		case strings.HasPrefix(name, "data.tar"):
			if !seen {
				return ctl, fmt.Errorf("reading %q before any control.tar: %w", name, ErrNotDeb)
			}
			if err := readData(body, visit); err != nil {
				return ctl, fmt.Errorf("reading %q: %w", name, err)
			}
			return ctl, nil
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return ctl, fmt.Errorf("skipping %q: %w", name, err)
		}
	}
}

// member is the body of one ar member and the padding byte after it.
type member struct {
	io.LimitedReader
	pad int64
}

// nextMember reads one ar header and returns the member's name and body. The
// body must be read to its end before the next call.
func nextMember(r *bufio.Reader) (string, io.Reader, error) {
	head := make([]byte, arHeader)
	n, err := io.ReadFull(r, head)
	if n == 0 && errors.Is(err, io.EOF) {
		return "", nil, io.EOF
	}
	if err != nil {
		return "", nil, fmt.Errorf("reading a member header: %w", err)
	}
	if head[58] != '`' || head[59] != '\n' {
		return "", nil, fmt.Errorf("reading a member header: bad end mark: %w", ErrNotDeb)
	}
	size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
	if err != nil || size < 0 {
		return "", nil, fmt.Errorf("reading a member header: size %q: %w", head[48:58], ErrNotDeb)
	}
	name := strings.TrimSuffix(strings.TrimSpace(string(head[:16])), "/")
	return name, &member{LimitedReader: io.LimitedReader{R: r, N: size}, pad: size & 1}, nil
}

// Read implements io.Reader: the body, then EOF after the padding.
func (m *member) Read(p []byte) (int, error) {
	n, err := m.LimitedReader.Read(p)
	if errors.Is(err, io.EOF) && m.N > 0 {
		return n, io.ErrUnexpectedEOF
	}
	if errors.Is(err, io.EOF) && m.pad > 0 {
		_, _ = io.CopyN(io.Discard, m.R, m.pad) // missing padding at the very end is harmless
		m.pad = 0
	}
	return n, err
}

// open returns a tar reader of a compressed member.
func open(body io.Reader) (*tar.Reader, io.Closer, error) {
	br := bufio.NewReader(body)
	head, err := br.Peek(compression.MagicLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	z, err := compression.NewReader(compression.Detect(head), br)
	if err != nil {
		return nil, nil, err
	}
	return tar.NewReader(io.LimitReader(z, maxData)), z, nil
}

// readControl reads the control file out of the control archive.
func readControl(body io.Reader) (Control, error) {
	tr, closer, err := open(body)
	if err != nil {
		return Control{}, err
	}
	defer closer.Close()
	for range maxMembers {
		h, err := tr.Next()
		if err != nil {
			return Control{}, fmt.Errorf("looking for the control file: %w", err)
		}
		if strings.TrimPrefix(h.Name, "./") != "control" {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(tr, maxControl))
		if err != nil {
			return Control{}, err
		}
		return parseControl(string(data))
	}
	return Control{}, fmt.Errorf("looking for the control file: more than %d entries", maxMembers)
}

// parseControl reads the fields of the control file's first paragraph.
func parseControl(text string) (Control, error) {
	var c Control
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(key) {
		case "package":
			c.Package = value
		case "version":
			c.Version = value
		case "architecture":
			c.Architecture = value
		}
	}
	if c.Package == "" || c.Architecture == "" {
		return c, fmt.Errorf("control file without Package or Architecture: %w", ErrNotDeb)
	}
	return c, nil
}

// readData calls visit for every entry of the data archive.
func readData(body io.Reader, visit Visit) error {
	tr, closer, err := open(body)
	if err != nil {
		return err
	}
	defer closer.Close()
	for range maxMembers {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		h.Name = strings.TrimPrefix(h.Name, "./")
		if err := visit(h, tr); errors.Is(err, fs.SkipAll) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d entries", maxMembers)
}
