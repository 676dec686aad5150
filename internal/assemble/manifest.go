package assemble

import (
	"fmt"
	"strconv"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// ManifestRequest is the input of Manifest.
type ManifestRequest struct {
	Directory Directory
	// MetadataFile is the path of gadget.yaml; empty means the one that the
	// build file names.
	MetadataFile string
	Arch         arch.Arch
	// Object, Wasm and BTF are the layers, empty ones are left out.
	Object, Wasm, BTF []byte
	Labels            map[string]string
	// Created is the time of creation; zero means the epoch.
	Created time.Time
	// Lenient turns what is wrong in the metadata into warnings.
	Lenient bool
	// Remedy is how the user requests Lenient, for errors that mention it.
	Remedy string
}

// Manifest reads the directory's metadata, checks it against the object and
// returns the manifest of one architecture.
func Manifest(req ManifestRequest) (gadget.Built, gadget.Problems, error) {
	metadata, name, err := req.readMetadata()
	if err != nil {
		return gadget.Built{}, nil, err
	}
	problems := req.check(metadata, name, req.Lenient)
	if err := problems.Err(); err != nil {
		return gadget.Built{}, problems, req.withRemedy(metadata, name, err)
	}
	built, err := gadget.BuildManifest(gadget.ManifestInput{
		Arch: req.Arch, Metadata: metadata, Object: req.Object, Wasm: req.Wasm, BTF: req.BTF,
		Labels: req.Labels, Created: req.Created,
	})
	return built, problems, err
}

// check returns what is wrong in the metadata, and between them and the object.
func (req ManifestRequest) check(metadata []byte, name string, lenient bool) gadget.Problems {
	md, problems := gadget.ParseMetadata(metadata, name, !lenient)
	if problems.Err() != nil {
		return problems
	}
	return append(problems, gadget.ValidateMetadata(md, gadget.Validation{
		Object: req.Object, Wasm: len(req.Wasm) > 0, Lenient: lenient,
	})...)
}

// withRemedy adds to err how to build all the same, if that is possible.
func (req ManifestRequest) withRemedy(metadata []byte, name string, err error) error {
	if req.Lenient || req.Remedy == "" || req.check(metadata, name, true).Err() != nil {
		return err
	}
	return fmt.Errorf("%w\n%s", err, req.Remedy)
}

// readMetadata returns the content of gadget.yaml and its path; nil when the
// gadget has none.
func (req ManifestRequest) readMetadata() ([]byte, string, error) {
	name := req.MetadataFile
	if name == "" {
		b, err := req.Directory.ReadBuildFile()
		if err != nil {
			return nil, "", err
		}
		found, ok, err := req.Directory.find(b, "metadata", b.Metadata)
		if err != nil || !ok {
			return nil, gadget.ConfigFile, err
		}
		name = found
	}
	data, err := action.ReadFile(name, gadget.MaxConfig)
	if err != nil {
		return nil, "", fmt.Errorf("reading metadata: %w", err)
	}
	return data, name, nil
}

// ParseEpoch returns the time that SOURCE_DATE_EPOCH means, the epoch when it
// is empty.
func ParseEpoch(value string) (time.Time, error) {
	if value == "" {
		return time.Unix(0, 0), nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	// RFC 3339 has four digits for the year.
	if err != nil || seconds < 0 || time.Unix(seconds, 0).UTC().Year() > 9999 {
		return time.Time{}, fmt.Errorf("reading SOURCE_DATE_EPOCH: %q is not a time, use seconds since 1970", value)
	}
	return time.Unix(seconds, 0), nil
}

// EncodeDescriptor returns d as the JSON form in which a manifest travels from
// the manifest action to the index action: its descriptor, which knows the
// platform, with the manifest's bytes inline.
func EncodeDescriptor(b gadget.Built) ([]byte, error) {
	d := b.Descriptor
	d.Data = b.Data
	return action.JSON(d)
}

// DecodeDescriptor is the reader of EncodeDescriptor. The blob holds the
// manifest, verified; its descriptor is without inline data.
func DecodeDescriptor(data []byte) (oci.Blob, error) {
	var d ocispec.Descriptor
	if err := decodeStrict(data, &d); err != nil {
		return oci.Blob{}, err
	}
	content := d.Data
	d.Data = nil
	if got := oci.Describe(d.MediaType, content); got.Digest != d.Digest || got.Size != d.Size {
		return oci.Blob{}, fmt.Errorf("its inline data have digest %s, not %s", got.Digest, d.Digest)
	}
	return oci.Blob{Descriptor: d, Data: content}, nil
}
