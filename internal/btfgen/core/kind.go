package core

import "fmt"

// Kind is what a relocation needs from its target (enum bpf_core_relo_kind).
type Kind uint32

// The kinds, numbered as on the wire.
const (
	FieldByteOffset Kind = iota
	FieldByteSize
	FieldExists
	FieldSigned
	FieldLShift
	FieldRShift
	TypeIDLocal
	TypeIDTarget
	TypeExists
	TypeSize
	EnumvalExists
	EnumvalValue
	TypeMatches
	kindCount
)

var kindNames = [kindCount]string{
	"field_byte_offset", "field_byte_size", "field_exists", "field_signed", "field_lshift",
	"field_rshift", "type_id_local", "type_id_target", "type_exists", "type_size",
	"enumval_exists", "enumval_value", "type_matches",
}

// String returns the kind as reports spell it.
func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return fmt.Sprintf("unknown relocation kind %d", uint32(k))
}

// Field reports whether k is about a field of a struct or an array element.
func (k Kind) Field() bool { return k <= FieldRShift }

// Enumval reports whether k is about an enumerator.
func (k Kind) Enumval() bool { return k == EnumvalExists || k == EnumvalValue }

// Existence reports whether k checks if something exists, so that "absent" is
// an answer and not a failure.
func (k Kind) Existence() bool {
	return k == FieldExists || k == TypeExists || k == EnumvalExists || k == TypeMatches
}
