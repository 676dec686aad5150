package containertest

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// ImageName is the name of the image that the containers of tests have.
const ImageName = "localhost/rest:v1"

// program is the only file of the image. It sleeps until it is killed.
const program = "/rest"

// image returns the image as "docker save" would, and its ID.
func image(tb testing.TB) (archive []byte, id string) {
	tb.Helper()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(layerTar(tb))), nil
	})
	check(tb, err)
	img, err := mutate.AppendLayers(empty.Image, layer)
	check(tb, err)
	file, err := img.ConfigFile()
	check(tb, err)
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config = v1.Config{Entrypoint: []string{program}, StopSignal: "SIGKILL"} // which the first process cannot ignore
	img, err = mutate.ConfigFile(img, file)
	check(tb, err)
	tag, err := name.NewTag(ImageName)
	check(tb, err)
	digest, err := img.ConfigName()
	check(tb, err)
	var out bytes.Buffer
	check(tb, tarball.Write(tag, img, &out))
	return out.Bytes(), digest.String()
}

func layerTar(tb testing.TB) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	rest := restProgram()
	check(tb, w.WriteHeader(&tar.Header{Name: program[1:], Mode: 0o755, Size: int64(len(rest))}))
	_, err := w.Write(rest)
	check(tb, err)
	check(tb, w.Close())
	return out.Bytes()
}

// What an ELF file of one segment and a few instructions needs.
const (
	elfBase   = 0x400000
	elfHeader = 64
	elfSegs   = 56
)

// restProgram returns an ELF program that does nothing: no compiler is needed,
// and no library.
func restProgram() []byte {
	machine, code := uint16(62), []byte{
		0xb8, 34, 0, 0, 0, // mov eax, pause
		0x0f, 0x05, // syscall
		0xeb, 0xf7, // again
	}
	if runtime.GOARCH == "arm64" {
		machine, code = 183, nil
		for _, op := range []uint32{
			0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, // x0 to x3: nothing
			0xd2800928,             // x8: ppoll
			0xd4000001, 0x17fffffa, // svc, again
		} {
			code = binary.LittleEndian.AppendUint32(code, op)
		}
	}
	le := binary.LittleEndian
	size := uint64(elfHeader + elfSegs + len(code))
	out := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	for _, half := range []uint16{2, machine, 1, 0} { // executable, of version 1
		out = le.AppendUint16(out, half)
	}
	for _, word := range []uint64{elfBase + elfHeader + elfSegs, elfHeader, 0} { // entry, segments, sections
		out = le.AppendUint64(out, word)
	}
	for _, half := range []uint16{0, 0, elfHeader, elfSegs, 1, 0, 0, 0} {
		out = le.AppendUint16(out, half)
	}
	out = le.AppendUint32(le.AppendUint32(out, 1), 5) // loaded to be read and executed
	for _, word := range []uint64{0, elfBase, elfBase, size, size, 0x1000} {
		out = le.AppendUint64(out, word)
	}
	return append(out, code...)
}
