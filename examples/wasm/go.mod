module example.com

go 1.26.0

require github.com/rules-gadget/rules_gadget/wasmapi v0.1.0
