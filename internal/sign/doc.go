// Package sign signs artifacts with keys, verifies such signatures, and decides
// by a policy what may run. It needs no network of its own: what it reads it
// gets through a Place.
//
// Both forms in the field are written and read:
//
//   - the tag "sha256-<digest>.sig", a manifest of simple signing payloads
//     (cosign 1 and 2);
//   - an OCI 1.1 referrer that carries a sigstore bundle, a DSSE envelope around
//     an in-toto statement (cosign 3).
//
// A signature counts when a known key made it over the digest in question, or
// a key with a certificate that a known authority issued and that is valid now
// or, by the word of a known transparency log, was when the signature was
// made. Of sigstore only the package for
// key files is used; its verifiers pull in protocol buffers, whose
// initialization takes longer than all of gadget-run's.
package sign
