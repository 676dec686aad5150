package wasmapi

//go:wasmexport gadgetAPIVersion
func gadgetAPIVersion() uint64 { return apiVersion }

//go:wasmexport dataSourceCallback
func dataSourceCallback(callback uint64, _, data uint32) {
	if fn := callbacks[callback]; fn != nil {
		fn(data)
	}
}
