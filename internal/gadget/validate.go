package gadget

// ValidateMetadata checks md against the object's own BTF.
func ValidateMetadata(md *Metadata, object []byte, strict bool) Problems {
	return nil
}
