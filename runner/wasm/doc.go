// Package wasm runs the wasm program of a gadget: it gives the program the
// functions of the public wasm API (module "ig", version 1) and nothing else: no
// files, no network, no environment, no clock of the machine.
//
// An event is the bytes that the eBPF program sent. Values that a program adds
// follow them: a slot of fixed size for each added field, and after the
// slots the text that some of the slots point to. Such a record is read with
// prepared decoders, as the event alone is.
package wasm

// APIVersion is the version of the API, which gadgetAPIVersion must return.
const APIVersion = 1

// HostModule is the name of the module that programs import the API from.
const HostModule = "ig"

// The functions that a program exports. All but the first are optional.
const (
	exportVersion  = "gadgetAPIVersion"
	exportInit     = "gadgetInit"
	exportPreStart = "gadgetPreStart"
	exportStart    = "gadgetStart"
	exportStop     = "gadgetStop"
	exportPostStop = "gadgetPostStop"
	exportCallback = "dataSourceCallback"
)
