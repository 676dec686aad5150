//go:build !wasm

package wasmapi

// Without a host every function fails, so that programs compile and are vetted
// everywhere.

func gadgetLog(uint32, uint64) {}

func gadgetShouldLog(uint32) uint32 { return 0 }

func newDataSource(uint64, uint32) uint32 { return 0 }

func getDataSource(uint64) uint32 { return 0 }

func dataSourceSubscribe(uint32, uint32, uint32, uint64) uint32 { return 1 }

func dataSourceGetField(uint32, uint64) uint32 { return 0 }

func dataSourceAddField(uint32, uint64, uint32) uint32 { return 0 }

func dataSourceNewPacketSingle(uint32) uint32 { return 0 }

func dataSourceNewPacketArray(uint32) uint32 { return 0 }

func dataSourceEmitAndRelease(uint32, uint32) uint32 { return 1 }

func dataSourceRelease(uint32, uint32) uint32 { return 1 }

func dataSourceUnreference(uint32) uint32 { return 1 }

func dataSourceIsReferenced(uint32) uint32 { return 2 }

func dataArrayNew(uint32) uint32 { return 0 }

func dataArrayAppend(uint32, uint32) uint32 { return 1 }

func dataArrayRelease(uint32, uint32) uint32 { return 1 }

func dataArrayLen(uint32) uint32 { return 0 }

func dataArrayGet(uint32, uint32) uint32 { return 0 }

func fieldGetScalar(uint32, uint32, uint32, uint32) uint64 { return 0 }

func fieldGetBuffer(uint32, uint32, uint32, uint64) int32 { return -1 }

func fieldSet(uint32, uint32, uint32, uint64) uint32 { return 1 }

func fieldAddTag(uint32, uint64) uint32 { return 1 }

func getParamValue(uint64, uint64) uint32 { return 1 }

func setConfig(uint64, uint64, uint32) uint32 { return 1 }

func shouldDiscardMntnsID(uint64) uint32 { return 0 }

func releaseHandle(uint32) uint32 { return 1 }

func newMap(uint64, uint32, uint32, uint32, uint32) uint32 { return 0 }

func getMap(uint64) uint32 { return 0 }

func mapLookup(uint32, uint64, uint64) uint32 { return 1 }

func mapUpdate(uint32, uint64, uint64, uint64) uint32 { return 1 }

func mapDelete(uint32, uint64) uint32 { return 1 }

func mapRelease(uint32) uint32 { return 1 }

func newPerfReader(uint32, uint32, uint32) uint32 { return 0 }

func perfReaderPause(uint32) uint32 { return 1 }

func perfReaderResume(uint32) uint32 { return 1 }

func perfReaderRead(uint32, uint64) uint32 { return 1 }

func perfReaderClose(uint32) uint32 { return 1 }

func kallsymsSymbolExists(uint64) uint32 { return 0 }

func getSyscallName(uint32, uint64) uint32 { return 1 }

func getSyscallID(uint64) int32 { return -1 }

func getSyscallDeclaration(uint64, uint64) uint32 { return 1 }
