// Package gadget is the gadget format: build.yaml, gadget.yaml, and the OCI
// artifact that a gadget becomes, each with its writer and its reader. It is
// pure: it opens no socket and no file.
package gadget

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Media types of a gadget artifact.
const (
	// ArtifactType is the artifactType of every manifest.
	ArtifactType = "application/vnd.gadget.v1+binary"
	// ConfigMediaType is the config blob: the bytes of gadget.yaml.
	ConfigMediaType = "application/vnd.gadget.config.v1+yaml"
	// EBPFMediaType is the layer that holds the object.
	EBPFMediaType = "application/vnd.gadget.ebpf.program.v1+binary"
	// WasmMediaType is the layer that holds the wasm module.
	WasmMediaType = "application/vnd.gadget.wasm.program.v1+binary"
	// BTFMediaType is the layer that holds minimal BTFs, a tar.gz.
	BTFMediaType = "application/vnd.gadget.btfgen.v1+binary"
)

// File names of the parts of a gadget: the titles of its layers, and the
// files of the export forms. They name no architecture, so that equal content
// gives equal manifests.
const (
	ConfigFile = "gadget.yaml"
	ObjectFile = "program.bpf.o"
	WasmFile   = "program.wasm"
	BTFFile    = "btf.tar.gz"
)

// FormatAnnotation carries FormatVersion on everything that this project
// writes. It changes with the artifact format, not with each build.
const (
	FormatAnnotation = "io.github.rules-gadget.format"
	FormatVersion    = "2"
)

// Largest sizes in bytes that are read and written by default.
const (
	MaxConfig   = 1 << 20
	MaxObject   = 64 << 20
	MaxWasm     = 64 << 20
	MaxBTF      = 256 << 20
	MaxManifest = oci.MaxManifest
)

// Limits are the largest sizes of the parts of an artifact, in bytes.
type Limits struct {
	Config, Object, Wasm, BTF, Manifest int64
}

// DefaultLimits returns the limits that hold unless the user raises them.
func DefaultLimits() Limits {
	return Limits{Config: MaxConfig, Object: MaxObject, Wasm: MaxWasm, BTF: MaxBTF, Manifest: MaxManifest}
}

// part is one kind of content of an artifact.
type part struct {
	what      string
	mediaType string
	file      string
	limit     func(Limits) int64
	check     func([]byte) error
}

// parts holds the layers in the order in which they are written.
func parts() []part {
	return []part{
		{"object", EBPFMediaType, ObjectFile, func(l Limits) int64 { return l.Object }, CheckObject},
		{"wasm module", WasmMediaType, WasmFile, func(l Limits) int64 { return l.Wasm }, CheckWasm},
		{"btfgen layer", BTFMediaType, BTFFile, func(l Limits) int64 { return l.BTF }, checkNotEmpty},
	}
}

// CheckObject returns an error unless data is an ELF file for the BPF machine.
func CheckObject(data []byte) (err error) {
	defer guard.Panics(&err)
	if len(data) == 0 {
		return errors.New("it is empty")
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("it is not a valid ELF file: %w", err)
	}
	if f.Machine != elf.EM_BPF {
		return fmt.Errorf("it is an ELF file for %s (machine %d), not for BPF (machine %d)", f.Machine, f.Machine, elf.EM_BPF)
	}
	return nil
}

// wasmHeader is the magic number and version 1 of a wasm module.
const wasmHeader = "\x00asm\x01\x00\x00\x00"

// CheckWasm returns an error unless data begins as a wasm module does.
func CheckWasm(data []byte) error {
	if !bytes.HasPrefix(data, []byte(wasmHeader)) {
		return errors.New("it is not a wasm module of version 1, its header is wrong")
	}
	return nil
}

func checkNotEmpty(data []byte) error {
	if len(data) == 0 {
		return errors.New("it is empty")
	}
	return nil
}
