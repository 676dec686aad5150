// Package feature is the one table of the releases in which the kernel got what
// eBPF programs use: helpers, kinds of maps, programs and attach points.
// The matrix of kernels, the inspection of artifacts and the doctor read it.
package feature

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Release is a Linux release, major and minor.
type Release struct{ Major, Minor int }

// String returns the release as "5.10".
func (r Release) String() string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// Before reports whether r came out before o.
func (r Release) Before(o Release) bool {
	return r.Major < o.Major || r.Major == o.Major && r.Minor < o.Minor
}

// ParseRelease reads the beginning of a uname -r string, such as
// "6.1.0-9-amd64". It reports false for one that does not begin that way.
func ParseRelease(s string) (Release, bool) {
	major, rest, ok := strings.Cut(s, ".")
	if !ok {
		return Release{}, false
	}
	end := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		end = len(rest)
	}
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(rest[:end])
	return Release{a, b}, err1 == nil && err2 == nil && a >= 0 && b >= 0
}

// The tables below say since which release the kernel has a feature. They are
// facts of the kernel's history: the first tag whose include/uapi/linux/bpf.h
// has the constant. Ids are given out in order, so that one line covers all
// from the end of the line before up to its last id.

// Origin names where the tables come from, for the reader of a matrix.
const Origin = "include/uapi/linux/bpf.h, first release that has the constant"

type sinceID struct {
	last  int
	since Release
}

var helperSince = []sinceID{
	{3, Release{3, 19}},
	{11, Release{4, 1}},
	{16, Release{4, 2}},
	{22, Release{4, 3}},
	{25, Release{4, 4}},
	{26, Release{4, 5}},
	{30, Release{4, 6}},
	{36, Release{4, 8}},
	{41, Release{4, 9}},
	{44, Release{4, 10}},
	{45, Release{4, 11}},
	{47, Release{4, 12}},
	{50, Release{4, 13}},
	{53, Release{4, 14}},
	{57, Release{4, 15}},
	{59, Release{4, 16}},
	{64, Release{4, 17}},
	{80, Release{4, 18}},
	{83, Release{4, 19}},
	{90, Release{4, 20}},
	{92, Release{5, 0}},
	{98, Release{5, 1}},
	{108, Release{5, 2}},
	{110, Release{5, 3}},
	{118, Release{5, 5}},
	{120, Release{5, 6}},
	{124, Release{5, 7}},
	{135, Release{5, 8}},
	{141, Release{5, 9}},
	{155, Release{5, 10}},
	{162, Release{5, 11}},
	{163, Release{5, 12}},
	{165, Release{5, 13}},
	{168, Release{5, 14}},
	{175, Release{5, 15}},
	{179, Release{5, 16}},
	{185, Release{5, 17}},
	{193, Release{5, 18}},
	{203, Release{5, 19}},
	{207, Release{6, 0}},
	{209, Release{6, 1}},
	{211, Release{6, 2}},
}

var mapSince = []sinceID{
	{2, Release{3, 19}},
	{3, Release{4, 2}},
	{4, Release{4, 3}},
	{7, Release{4, 6}},
	{8, Release{4, 8}},
	{10, Release{4, 10}},
	{11, Release{4, 11}},
	{13, Release{4, 12}},
	{15, Release{4, 14}},
	{16, Release{4, 15}},
	{18, Release{4, 18}},
	{20, Release{4, 19}},
	{23, Release{4, 20}},
	{24, Release{5, 2}},
	{25, Release{5, 4}},
	{26, Release{5, 6}},
	{27, Release{5, 8}},
	{28, Release{5, 10}},
	{29, Release{5, 11}},
	{30, Release{5, 16}},
	{31, Release{6, 1}},
	{32, Release{6, 2}},
	{33, Release{6, 9}},
}

var programSince = []sinceID{
	{1, Release{3, 19}},
	{4, Release{4, 1}},
	{5, Release{4, 7}},
	{6, Release{4, 8}},
	{7, Release{4, 9}},
	{12, Release{4, 10}},
	{13, Release{4, 13}},
	{14, Release{4, 14}},
	{15, Release{4, 15}},
	{18, Release{4, 17}},
	{20, Release{4, 18}},
	{21, Release{4, 19}},
	{22, Release{4, 20}},
	{24, Release{5, 2}},
	{25, Release{5, 3}},
	{26, Release{5, 5}},
	{28, Release{5, 6}},
	{29, Release{5, 7}},
	{30, Release{5, 9}},
	{31, Release{5, 14}},
	{32, Release{6, 4}},
}

// AttachTraceFSession is a program at the call and the return of a function, for
// which the library has no name.
const AttachTraceFSession ebpf.AttachType = 58

// attachSince holds attach types that are younger than their program type.
var attachSince = map[ebpf.AttachType]Release{
	ebpf.AttachTraceIter:          {5, 8},
	ebpf.AttachModifyReturn:       {5, 7},
	ebpf.AttachTraceKprobeMulti:   {5, 18},
	ebpf.AttachLSMCgroup:          {6, 0},
	ebpf.AttachTraceUprobeMulti:   {6, 6},
	ebpf.AttachTCXIngress:         {6, 6},
	ebpf.AttachTCXEgress:          {6, 6},
	ebpf.AttachTraceKprobeSession: {6, 10},
	AttachTraceFSession:           {7, 0},

	ebpf.AttachCGroupUDP4Recvmsg:      {5, 2},
	ebpf.AttachCGroupUDP6Recvmsg:      {5, 2},
	ebpf.AttachCgroupInet4GetPeername: {5, 8},
	ebpf.AttachCgroupInet6GetPeername: {5, 8},
	ebpf.AttachCgroupInet4GetSockname: {5, 8},
	ebpf.AttachCgroupInet6GetSockname: {5, 8},
	ebpf.AttachCgroupInetSockRelease:  {5, 9},
	ebpf.AttachSkSKBVerdict:           {5, 13},
	ebpf.AttachCgroupUnixConnect:      {6, 7},
	ebpf.AttachCgroupUnixSendmsg:      {6, 7},
	ebpf.AttachCgroupUnixRecvmsg:      {6, 7},
	ebpf.AttachCgroupUnixGetpeername:  {6, 7},
	ebpf.AttachCgroupUnixGetsockname:  {6, 7},
}

// Features that belong to no id.
var (
	GlobalsSince = Release{5, 2} // .rodata, .data and .bss as maps
	CallsSince   = Release{4, 16}
	KfuncsSince  = Release{5, 13}
)

// Helper returns since when the kernel has a helper, or false for one that the
// table does not know.
func Helper(f asm.BuiltinFunc) (Release, bool) { return lookup(helperSince, int(f)) }

// typedHelpers take or return pointers whose types the verifier finds in the kernel's
// own BTF: no program that calls one loads where the kernel was built without it.
var typedHelpers = []asm.BuiltinFunc{
	asm.FnSkcToTcp6Sock, asm.FnSkcToTcpSock, asm.FnSkcToTcpTimewaitSock, asm.FnSkcToTcpRequestSock,
	asm.FnSkcToUdp6Sock, asm.FnSkcToUnixSock, asm.FnSkcToMptcpSock, asm.FnSockFromFile, asm.FnGetCurrentTaskBtf,
	asm.FnTaskPtRegs, asm.FnTaskStorageGet, asm.FnTaskStorageDelete, asm.FnFindVma, asm.FnCopyFromUserTask,
}

// HelperNeedsBTF reports whether a helper is there only in kernels that have BTF of
// their own.
func HelperNeedsBTF(f asm.BuiltinFunc) bool { return slices.Contains(typedHelpers, f) }

// Map returns since when the kernel has a type of maps, or false as Helper does.
func Map(t ebpf.MapType) (Release, bool) { return lookup(mapSince, int(t)) }

// Program is the same for a type of programs.
func Program(t ebpf.ProgramType) (Release, bool) { return lookup(programSince, int(t)) }

// Attach returns since when the kernel has an attach type that is younger than
// its program type, or false for one that came with it.
func Attach(t ebpf.AttachType) (Release, bool) {
	since, ok := attachSince[t]
	return since, ok
}

// lookup returns since when the kernel has the id, or false for one that the
// table does not know.
func lookup(table []sinceID, id int) (Release, bool) {
	for _, line := range table {
		if id <= line.last {
			return line.since, id > 0
		}
	}
	return Release{}, false
}

// HelperName returns the C name of a helper, such as "bpf_ktime_get_ns".
func HelperName(f asm.BuiltinFunc) string {
	return "bpf_" + Snake(strings.TrimPrefix(f.String(), "Fn"))
}

// Snake turns "KtimeGetNs" into "ktime_get_ns".
func Snake(s string) string {
	var b strings.Builder
	for i, c := range s {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// MarshalText writes the release as String has it.
func (r Release) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
