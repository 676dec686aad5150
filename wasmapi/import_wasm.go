package wasmapi

//go:wasmimport ig gadgetLog
func gadgetLog(level uint32, message uint64)

//go:wasmimport ig gadgetShouldLog
func gadgetShouldLog(level uint32) uint32

//go:wasmimport ig newDataSource
func newDataSource(name uint64, typ uint32) uint32

//go:wasmimport ig getDataSource
func getDataSource(name uint64) uint32

//go:wasmimport ig dataSourceSubscribe
func dataSourceSubscribe(source, typ, priority uint32, callback uint64) uint32

//go:wasmimport ig dataSourceGetField
func dataSourceGetField(source uint32, name uint64) uint32

//go:wasmimport ig dataSourceAddField
func dataSourceAddField(source uint32, name uint64, kind uint32) uint32

//go:wasmimport ig dataSourceNewPacketSingle
func dataSourceNewPacketSingle(source uint32) uint32

//go:wasmimport ig dataSourceNewPacketArray
func dataSourceNewPacketArray(source uint32) uint32

//go:wasmimport ig dataSourceEmitAndRelease
func dataSourceEmitAndRelease(source, packet uint32) uint32

//go:wasmimport ig dataSourceRelease
func dataSourceRelease(source, packet uint32) uint32

//go:wasmimport ig dataSourceUnreference
func dataSourceUnreference(source uint32) uint32

//go:wasmimport ig dataSourceIsReferenced
func dataSourceIsReferenced(source uint32) uint32

//go:wasmimport ig dataArrayNew
func dataArrayNew(array uint32) uint32

//go:wasmimport ig dataArrayAppend
func dataArrayAppend(array, data uint32) uint32

//go:wasmimport ig dataArrayRelease
func dataArrayRelease(array, data uint32) uint32

//go:wasmimport ig dataArrayLen
func dataArrayLen(array uint32) uint32

//go:wasmimport ig dataArrayGet
func dataArrayGet(array, index uint32) uint32

//go:wasmimport ig fieldGetScalar
func fieldGetScalar(field, data, kind, errorAt uint32) uint64

//go:wasmimport ig fieldGetBuffer
func fieldGetBuffer(field, data, kind uint32, dst uint64) int32

//go:wasmimport ig fieldSet
func fieldSet(field, data, kind uint32, value uint64) uint32

//go:wasmimport ig fieldAddTag
func fieldAddTag(field uint32, tag uint64) uint32

//go:wasmimport ig getParamValue
func getParamValue(key, dst uint64) uint32

//go:wasmimport ig setConfig
func setConfig(key, value uint64, kind uint32) uint32

//go:wasmimport ig shouldDiscardMntnsID
func shouldDiscardMntnsID(mntns uint64) uint32

//go:wasmimport ig releaseHandle
func releaseHandle(handle uint32) uint32

//go:wasmimport ig newMap
func newMap(name uint64, typ, keySize, valueSize, maxEntries uint32) uint32

//go:wasmimport ig getMap
func getMap(name uint64) uint32

//go:wasmimport ig mapLookup
func mapLookup(m uint32, key, value uint64) uint32

//go:wasmimport ig mapUpdate
func mapUpdate(m uint32, key, value, flags uint64) uint32

//go:wasmimport ig mapDelete
func mapDelete(m uint32, key uint64) uint32

//go:wasmimport ig mapRelease
func mapRelease(m uint32) uint32

//go:wasmimport ig newPerfReader
func newPerfReader(m, size, overwritable uint32) uint32

//go:wasmimport ig perfReaderPause
func perfReaderPause(reader uint32) uint32

//go:wasmimport ig perfReaderResume
func perfReaderResume(reader uint32) uint32

//go:wasmimport ig perfReaderRead
func perfReaderRead(reader uint32, dst uint64) uint32

//go:wasmimport ig perfReaderClose
func perfReaderClose(reader uint32) uint32

//go:wasmimport ig kallsymsSymbolExists
func kallsymsSymbolExists(name uint64) uint32

//go:wasmimport ig getSyscallName
func getSyscallName(number uint32, dst uint64) uint32

//go:wasmimport ig getSyscallID
func getSyscallID(name uint64) int32

//go:wasmimport ig getSyscallDeclaration
func getSyscallDeclaration(name, dst uint64) uint32
