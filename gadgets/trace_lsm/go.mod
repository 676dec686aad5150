module example.com/trace_lsm

go 1.24

require github.com/rules-gadget/rules_gadget/wasmapi v0.0.0

replace github.com/rules-gadget/rules_gadget/wasmapi => ../../wasmapi
