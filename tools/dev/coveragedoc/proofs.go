package main

// fixtureTests are the tests that run every program of a fixture, as a case of its
// name; those of a program of its own are under "FIXTURE/PROGRAM".
var fixtureTests = map[string]string{
	"attach":        "runner/engine.TestAttachEveryKind",
	"hooks":         "runner/engine.TestAttachToHooks",
	"hooks/element": "runner/engine.TestIteratorOfMap",
	"multi":         "runner/engine.TestManyFunctions",
	"net":           "runner/engine.TestAttachToPlaces",
	"sockmap":       "runner/engine.TestSocketsOfMap",
	"usdt/on_probe": "runner/userprobe.TestProgramOfLibbpf",
}

// Tests that hold several rows.
const (
	golden     = "runner/engine.TestDecodeGolden"
	formatted  = "runner/field.TestAnnotationsOfFormatters"
	columns    = "runner/output.TestColumns"
	limits     = "runner/output.TestColumnAnnotations"
	metered    = "runner/metrics.TestMetrics"
	meterTypes = "runner/metrics.TestTypesOfMetrics"
	records    = "runner/otlp.TestEventsBecomeRecords"
	stackForms = "runner/output.TestStackModes"
	profiles   = "runner/otlp.TestProfiles"
	arrays     = "e2e/runner.TestScripts/arrays"
	schedules  = "runner/engine.TestArrayReadTimes"
	mapTypes   = "runner/engine.TestMapsOfEveryType"
	packets    = "runner/runcmd.TestCapture"
	pcap       = "runner/output.TestPcapNG"
	charArrays = "runner/field.TestStrings"
	gadgets    = gadgetTests + "."
)

// proofs are the tests of each row, by group and name: what fails when the row does
// not work. Rows of other runners have none.
var proofs = map[group]map[string][]string{
	macros: {
		"GADGET_TRACER":          {gadgets + "TestTraceOpenEveryWay"},
		"GADGET_ITER":            {gadgets + "TestSnapshotProcess", arrays},
		"GADGET_SNAPSHOTTER":     {arrays},
		"GADGET_MAPITER":         {gadgets + "TestTopFile", arrays},
		"GADGET_ITER_TARGET_MAP": {"runner/engine.TestIteratorOfMap"},
		"GADGET_SK_TARGET_MAP":   {"runner/engine.TestSocketsOfMap"},
		"GADGET_TRACER_MAP":      {gadgets + "TestTraceOpenEveryWay"},
		"GADGET_PARAM":           {gadgets + "TestTraceOpenFilters"},
	},
	types: {
		"gadget_timestamp":           {golden, formatted},
		"gadget_duration":            {golden, formatted},
		"gadget_mntns_id":            {"runner/field.TestContainerFields", "runner/runcmd.TestChosenContainers"},
		"gadget_netns_id":            {"runner/field.TestContainerFields", "runner/runcmd.TestPacketsOfContainers"},
		"gadget_errno":               {golden, formatted},
		"gadget_signal":              {golden, formatted},
		"gadget_syscall":             {golden, formatted},
		"gadget_file_flags":          {golden, "runner/field.TestOpenFlagsOfArchitectures"},
		"gadget_file_mode":           {golden, formatted},
		"gadget_pid":                 {golden},
		"gadget_tid":                 {golden},
		"gadget_ppid":                {golden},
		"gadget_ptid":                {golden},
		"gadget_uid":                 {golden, formatted},
		"gadget_gid":                 {golden, formatted},
		"gadget_comm":                {golden},
		"gadget_pcomm":               {golden},
		"gadget_bytes":               {golden, formatted},
		"gadget_counter__u32":        {meterTypes},
		"gadget_counter__u64":        {meterTypes},
		"gadget_gauge__u32":          {meterTypes},
		"gadget_gauge__u64":          {meterTypes},
		"gadget_histogram_slot__u32": {meterTypes, "runner/output.TestHistogram"},
		"gadget_histogram_slot__u64": {meterTypes},
		"gadget_kernel_stack":        {"runner/runcmd.TestStacks"},
		"gadget_user_stack":          {"runner/runcmd.TestStacks"},
		"gadget_ip_addr_t":           {golden},
		"gadget_l3endpoint_t":        {golden},
		"gadget_l4endpoint_t":        {golden},
		"gadget_creds":               {golden},
		"gadget_parent":              {golden},
		"gadget_process":             {golden},
		"gadget_socket_value":        {"runner/runcmd.TestOwnerOfSocket"},
	},
	ofSources: {
		"description":                          {arrays},
		"cli.supported-output-modes":           {"runner/runcmd.TestModeOfSource"},
		"cli.default-output-mode":              {"runner/runcmd.TestModeOfSource", "runner/runcmd.TestCustomParams"},
		"cli.clear-screen-before":              {"runner/output.TestClearedScreen"},
		"cli.raw.fields":                       {"runner/output.TestPlain"},
		"fetch-interval":                       {schedules, arrays},
		"fetch-count":                          {schedules, arrays},
		"ebpf.map.flush-on-stop":               {schedules, mapTypes},
		"ebpf.iter.fetch-on-stop":              {schedules, "runner/engine.TestSchedules"},
		"ebpf.map.per-cpu":                     {mapTypes},
		"ebpf.rest.name":                       {"runner/engine.TestRecords", packets},
		"ebpf.rest.len":                        {"runner/engine.TestRecords", packets},
		"metrics.collect":                      {metered, "runner/runcmd.TestMetricsOfRun"},
		"metrics.name":                         {meterTypes},
		"metrics.implicit-counter.name":        {metered},
		"metrics.implicit-counter.description": {metered},
		"logs.name":                            {records},
		"logs.body":                            {records},
		"logs.severity":                        {records},
		"profiles.name":                        {profiles},
		"profiles.type":                        {"runner/output.TestProfileAnnotations", profiles},
		"profiles.unit":                        {"runner/output.TestProfileAnnotations", profiles},
		"profiles.stack-fields":                {stackForms, profiles},
		"profiles.value-field":                 {stackForms},
		"pcap.payload":                         {pcap, packets},
		"pcap.timestamp":                       {"runner/output.TestPcapTimestamp"},
		"pcap.packet-length":                   {pcap, packets},
	},
	ofFields: {
		"description":                       {"e2e/runner.TestScripts/help"},
		"template":                          {"runner/field.TestTemplateOfField"},
		"columns.width":                     {columns},
		"columns.minwidth":                  {limits},
		"columns.maxwidth":                  {limits},
		"columns.alignment":                 {columns},
		"columns.ellipsis":                  {columns},
		"columns.hidden":                    {columns},
		"columns.fixed":                     {limits},
		"columns.hex":                       {columns},
		"columns.alias":                     {columns},
		"columns.precision":                 {limits},
		"columns.replace":                   {"runner/output.TestReplacedColumn"},
		"json.skip":                         {"runner/output.TestTrees"},
		"content-type":                      {packets},
		"metrics.type":                      {metered},
		"metrics.unit":                      {metered},
		"metrics.name":                      {meterTypes},
		"metrics.description":               {metered},
		"metrics.boundaries":                {metered},
		"formatters.timestamp.target":       {formatted},
		"formatters.timestamp.format":       {formatted},
		"formatters.signal.target":          {formatted},
		"formatters.errno.target":           {formatted},
		"formatters.syscall.target":         {formatted},
		"formatters.file_mode.target":       {formatted},
		"formatters.file_flags.target":      {formatted},
		"formatters.bytes.target":           {formatted},
		"formatters.duration.target":        {formatted},
		"ebpf.formatter.enum":               {formatted},
		"ebpf.formatter.kstack":             {formatted},
		"ebpf.formatter.bitfield.separator": {formatted},
		"ebpf.string":                       {charArrays},
		"ebpf.string.size":                  {charArrays},
		"uidgidresolver.target":             {formatted},
		"profiles.sample-attribute":         {profiles},
		"flamegraph.level":                  {stackForms},
		"flamegraph.type":                   {stackForms},
		"pcap.interface-key":                {pcap, packets},
		"pcap.interface-var":                {"runner/output.TestPcapInterfaceVariables"},
		"logs.name":                         {records},
	},
	ofOperators: {
		"ebpf":        {gadgets + "TestTraceOpenEveryWay", gadgets + "TestBPFStats"},
		"process":     {gadgets + "TestTopProcess", "runner/runcmd.TestProcessesFeed"},
		"cgroup":      {gadgets + "TestTopCPUThrottle", "runner/stats.TestCgroups"},
		"sockets":     {"runner/sockets.TestSocketsBeforeAndAfter", "runner/runcmd.TestOwnerOfSocket"},
		"wasm":        {gadgets + "TestTraceDNS", "runner/wasm.TestEvents"},
		"formatters":  {golden, formatted},
		"env":         {"runner/field.TestFieldsOfEnvironment"},
		"rest":        {packets},
		"kernelstack": {"runner/symbolizer.TestKernelStacks", "runner/runcmd.TestStacks"},
		"userstack":   {"runner/symbolizer.TestUserStacks", "runner/runcmd.TestStacks"},
		"containers":  {"runner/runcmd.TestChosenContainers"},
		"selection":   {"runner/runcmd.TestChosenContainers", "runner/enrich.TestSelection"},
		"filter":      {"runner/field.TestFilter", "e2e/runner.TestScripts/flags"},
		"filter-expr": {"runner/filterexpr.TestMatch", "e2e/runner.TestScripts/filter_expr"},
		"metrics":     {"runner/runcmd.TestMetricsOfRun"},
		"logs":        {"runner/runcmd.TestSentToCollector"},
		"profiles":    {profiles},
		"sort":        {"runner/field.TestSorter", arrays},
		"limit":       {arrays},
		"output":      {"e2e/runner.TestScripts/run"},
	},
}
