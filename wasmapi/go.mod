module github.com/rules-gadget/rules_gadget/wasmapi

go 1.24
