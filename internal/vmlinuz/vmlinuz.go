// Package vmlinuz gets the BTF out of kernel images: x86 bzImages, arm64
// Images, EFI zboot images, any of them compressed once more, vmlinux ELFs and
// raw BTF. It works on bytes from outside and trusts none of their claims.
package vmlinuz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/compression"
)

// Limits of what is unpacked.
const (
	MaxImage    = 512 << 20 // an image as stored
	maxUnpacked = 1 << 30   // an image unpacked
	maxDepth    = 3         // how often an image may be packed
)

var (
	// ErrNoBTF is returned for a kernel that was built without BTF.
	ErrNoBTF = errors.New("kernel without BTF")
	// ErrNotKernel is returned for bytes that are not a known kernel format.
	ErrNotKernel = errors.New("no kernel image")
)

// Kernel is what an image contains. Release and Arch are empty when the image
// does not have them, as raw BTF does not.
type Kernel struct {
	Release string
	Arch    arch.Arch
	Form    string // such as "bzImage (zstd)", for messages
	BTF     []byte
}

// Extract returns the BTF in a kernel image. For a kernel without BTF the
// error is ErrNoBTF and the other fields are set.
func Extract(image []byte) (Kernel, error) {
	if len(image) > MaxImage {
		return Kernel{}, fmt.Errorf("reading a kernel image of %d bytes: the limit is %d", len(image), MaxImage)
	}
	return extract(image, 0)
}

func extract(image []byte, depth int) (Kernel, error) {
	switch {
	case isBTF(image):
		btf, err := trimBTF(image)
		if err != nil {
			return Kernel{}, fmt.Errorf("reading raw BTF: %w", err)
		}
		return Kernel{Form: "BTF", BTF: btf}, nil
	case bytes.HasPrefix(image, []byte("\x7fELF")):
		return fromELFBytes(image)
	case isBzImage(image):
		return fromBzImage(image)
	case isZboot(image):
		return fromZboot(image)
	case isARM64Image(image):
		k, err := fromPlain(image)
		k.Form, k.Arch = "arm64 Image", arch.ARM64
		return k, err
	}
	format := compression.Detect(image)
	if format == compression.None || depth >= maxDepth {
		return Kernel{}, fmt.Errorf("identifying the image: %w: it starts with %s", ErrNotKernel, head(image))
	}
	data, err := compression.ReadAll(format, bytes.NewReader(image), maxUnpacked)
	if err != nil {
		return Kernel{}, err
	}
	k, err := extract(data, depth+1)
	k.Form = fmt.Sprintf("%s (%s)", k.Form, format)
	return k, err
}

// head shows the first bytes of an image in an error.
func head(image []byte) string {
	if len(image) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("% x", image[:min(len(image), 8)])
}

// The x86 boot protocol's header (Documentation/arch/x86/boot.rst).
const (
	bzSetupSects    = 0x1f1
	bzBootFlag      = 0x1fe
	bzMagic         = 0x202
	bzProtocol      = 0x206
	bzKernelVersion = 0x20e
	bzPayloadOffset = 0x248
	bzPayloadLength = 0x24c
	bzHeaderEnd     = 0x250
	bzMinProtocol   = 0x208 // first with payload_offset
	sector          = 512
)

func isBzImage(b []byte) bool {
	return len(b) >= bzHeaderEnd && b[bzBootFlag] == 0x55 && b[bzBootFlag+1] == 0xaa &&
		string(b[bzMagic:bzMagic+4]) == "HdrS"
}

func fromBzImage(b []byte) (Kernel, error) {
	le := binary.LittleEndian
	if v := le.Uint16(b[bzProtocol:]); v < bzMinProtocol {
		return Kernel{}, fmt.Errorf("reading a bzImage of boot protocol %#x: needs %#x (Linux 2.6.24) or later", v,
			bzMinProtocol)
	}
	setup := uint64(b[bzSetupSects])
	if setup == 0 {
		setup = 4
	}
	start := (setup+1)*sector + uint64(le.Uint32(b[bzPayloadOffset:]))
	end := start + uint64(le.Uint32(b[bzPayloadLength:]))
	if end > uint64(len(b)) {
		return Kernel{}, fmt.Errorf("reading a bzImage: payload ends at byte %d of %d, is the file truncated?", end, len(b))
	}
	k, err := fromPayload(b[start:end])
	k.Form = "bzImage" + k.Form
	if release := bzRelease(b); release != "" {
		k.Release = release
	}
	return k, err
}

// bzRelease returns the release that the boot header points to.
func bzRelease(b []byte) string {
	off := int(binary.LittleEndian.Uint16(b[bzKernelVersion:])) + sector
	if off == sector || off >= len(b) {
		return ""
	}
	return cleanRelease(b[off:])
}

// The header of an EFI zboot image (drivers/firmware/efi/libstub/zboot-header.S).
const (
	zbootMagic   = 4
	zbootOffset  = 8
	zbootLength  = 12
	zbootHeadEnd = 56
)

func isZboot(b []byte) bool {
	return len(b) >= zbootHeadEnd && string(b[:2]) == "MZ" && string(b[zbootMagic:zbootMagic+4]) == "zimg"
}

func fromZboot(b []byte) (Kernel, error) {
	le := binary.LittleEndian
	start := uint64(le.Uint32(b[zbootOffset:]))
	end := start + uint64(le.Uint32(b[zbootLength:]))
	if end > uint64(len(b)) {
		return Kernel{}, fmt.Errorf("reading an EFI zboot image: payload ends at byte %d of %d, is the file truncated?", end,
			len(b))
	}
	k, err := fromPayload(b[start:end])
	k.Form = "EFI zboot" + k.Form
	return k, err
}

// fromPayload unpacks the payload of a self-extracting image, which is an ELF
// on x86 and an arm64 Image in zboot.
func fromPayload(payload []byte) (Kernel, error) {
	format := compression.Detect(payload)
	data, err := compression.ReadAll(format, bytes.NewReader(trimSize(format, payload)), maxUnpacked)
	if err != nil {
		return Kernel{}, fmt.Errorf("reading the payload: %w", err)
	}
	var k Kernel
	switch {
	case bytes.HasPrefix(data, []byte("\x7fELF")):
		k, err = fromELFBytes(data)
	default:
		k, err = fromPlain(data)
		if isARM64Image(data) {
			k.Arch = arch.ARM64
		}
	}
	k.Form = fmt.Sprintf(" (%s)", format)
	return k, err
}

// trimSize cuts the unpacked size off that the kernel's build appends to a
// payload, which only gzip has a place for of its own.
func trimSize(format compression.Format, payload []byte) []byte {
	n := len(payload) - 4
	if format == compression.Gzip || format == compression.None || n < 0 {
		return payload
	}
	if size := binary.LittleEndian.Uint32(payload[n:]); int64(size) > int64(n) && size <= maxUnpacked {
		return payload[:n]
	}
	return payload
}

func isARM64Image(b []byte) bool { return len(b) >= 64 && string(b[56:60]) == "ARM\x64" }

// fromPlain searches an image without sections for BTF.
func fromPlain(image []byte) (Kernel, error) {
	k := Kernel{Form: "image", Release: bannerRelease(image), BTF: scanBTF(image)}
	if k.BTF == nil {
		return k, fmt.Errorf("searching the image: %w", ErrNoBTF)
	}
	return k, nil
}

// bannerRelease finds the release in the kernel's banner, "Linux version ...".
func bannerRelease(image []byte) string {
	const banner = "Linux version "
	for {
		i := bytes.Index(image, []byte(banner))
		if i < 0 {
			return ""
		}
		image = image[i+len(banner):]
		// The banner's format string, "Linux version %s (", is there too.
		if r := cleanRelease(image); r != "" && r[0] >= '0' && r[0] <= '9' {
			return r
		}
	}
}

// maxRelease is the length of utsname's field, without the zero.
const maxRelease = 64

// cleanRelease returns the release that b begins with, up to a blank or zero,
// or "" when that cannot be one.
func cleanRelease(b []byte) string {
	b = b[:min(len(b), maxRelease+1)]
	end := bytes.IndexAny(b, " \x00")
	if end <= 0 {
		return ""
	}
	r := string(b[:end])
	if strings.ContainsFunc(r, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' }) {
		return ""
	}
	return r
}
