package oci

import (
	"fmt"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// ArchError means that an index has no manifest for an architecture.
type ArchError struct {
	// Want is the requested architecture.
	Want arch.Arch
	// Have holds the platforms of the index ("linux/amd64"), sorted.
	Have []string
}

// Error implements error.
func (e *ArchError) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("no manifest for linux/%s, the index has none at all", e.Want)
	}
	return fmt.Sprintf("no manifest for linux/%s, the index has %s", e.Want, strings.Join(e.Have, ", "))
}

// Is makes errors.Is(err, ErrNotFound) true.
func (e *ArchError) Is(target error) bool { return target == ErrNotFound }

// SelectManifest returns the first manifest of idx whose platform is linux on
// a. If none exists, the error is an *ArchError.
func SelectManifest(idx ocispec.Index, a arch.Arch) (ocispec.Descriptor, error) {
	missing := &ArchError{Want: a}
	for _, d := range idx.Manifests {
		if d.Platform == nil {
			missing.Have = append(missing.Have, "unknown")
			continue
		}
		if d.Platform.OS == "linux" && d.Platform.Architecture == a.String() {
			return d, nil
		}
		missing.Have = append(missing.Have, d.Platform.OS+"/"+d.Platform.Architecture)
	}
	slices.Sort(missing.Have)
	missing.Have = slices.Compact(missing.Have)
	return ocispec.Descriptor{}, missing
}
