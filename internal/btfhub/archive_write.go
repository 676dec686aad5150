package btfhub

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ulikunitz/xz"
)

// archiveDict is the xz dictionary of written archives: more than the BTF of
// whole kernel's BTF, as xz -9 has it.
const archiveDict = 16 << 20

// WriteArchive writes an archive as btfhub has it: an xz tar with one member
// "<release>.btf". The same input gives the same bytes: time, owner and group
// are zero and the compressor's settings are fixed.
func WriteArchive(w io.Writer, release string, btf []byte) error {
	if release == "" || strings.ContainsAny(release, "/\x00") {
		return fmt.Errorf("writing an archive: release %q cannot be a file name", release)
	}
	if len(btf) == 0 {
		return errors.New("writing an archive: no BTF")
	}
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	h := &tar.Header{
		Typeflag: tar.TypeReg, Name: release + ".btf", Mode: 0o644, Size: int64(len(btf)), Format: tar.FormatUSTAR,
	}
	if err := tw.WriteHeader(h); err != nil {
		return fmt.Errorf("writing an archive: %w", err)
	}
	if _, err := tw.Write(btf); err != nil {
		return fmt.Errorf("writing an archive: %w", err)
	}
	if err := tw.Close(); err != nil {
		return fmt.Errorf("writing an archive: %w", err)
	}
	return compressArchive(w, buf.Bytes())
}

// compressArchive writes data as one xz stream.
func compressArchive(w io.Writer, data []byte) error {
	z, err := xz.WriterConfig{DictCap: archiveDict, CheckSum: xz.CRC64}.NewWriter(w)
	if err != nil {
		return fmt.Errorf("compressing an archive: %w", err)
	}
	if _, err := z.Write(data); err != nil {
		return fmt.Errorf("compressing an archive: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compressing an archive: %w", err)
	}
	return nil
}
