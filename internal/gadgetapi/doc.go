// Package gadgetapi is the one reading of the gadget API: from an object and what
// gadget.yaml says to a Spec of data sources, typed fields, parameters and
// programs. It is pure: it makes no system calls and opens no files. Validation, the
// inspection of artifacts, the matrix of kernels, the doctor and the runner all
// read its tables, so that they cannot differ.
//
// To add an attach kind: one row in kinds (kindstable.go), one function in
// runner/engine's attachers, and "go run ./tools/dev/programtypesdoc". Tests
// fail for a row without a function and for a page that is not regenerated.
//
// To add a special type: one row in Specials (specials.go) and, if its sibling
// shows text, one function in runner/field's formatters. A test fails for a type
// of types.h without a row and for a row without a function.
//
// To add a macro: one row in declarations (declare.go).
//
// To add an operator that puts fields into data sources: one row in Providers
// (providers.go), by which validation and inspection know its fields, and its
// other half in the runner, which gives the fields their values.
package gadgetapi
