package tests

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// cgroupUse is one row of data source cgroups.
type cgroupUse struct {
	Path      string  `json:"cgroupPath"`
	Periods   uint64  `json:"nrPeriods"`
	Throttled uint64  `json:"nrThrottled"`
	Held      uint64  `json:"throttledTime_raw"`
	Ratio     float64 `json:"throttleRatio"`
	Quota     uint64  `json:"cpuQuota_raw"`
	Period    uint64  `json:"cpuPeriod_raw"`
	Limit     float64 `json:"cpuLimitCores"`
	MountNS   uint64  `json:"mountnsid"`
}

// limitedCgroup makes a cgroup whose processes have a tenth of a CPU.
func limitedCgroup(t *testing.T) string {
	t.Helper()
	const root = "/sys/fs/cgroup"
	controllers, err := os.ReadFile(root + "/cgroup.controllers")
	if err != nil || !strings.Contains(" "+string(controllers), " cpu ") {
		t.Skip("needs cgroup v2 with the controller cpu (CONFIG_CFS_BANDWIDTH)")
	}
	if err := os.WriteFile(root+"/cgroup.subtree_control", []byte("+cpu"), 0); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "rules_gadget_test_"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	if err := os.WriteFile(dir+"/cpu.max", []byte("10000 100000"), 0); os.IsNotExist(err) {
		t.Skip("needs limits of CPU time (CONFIG_CFS_BANDWIDTH)")
	} else if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTopCPUThrottle(t *testing.T) {
	dir := limitedCgroup(t)
	child := live.Child("spin")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	if err := os.WriteFile(dir+"/cgroup.procs", []byte(strconv.Itoa(child.Process.Pid)), 0); err != nil {
		t.Fatal(err)
	}

	limit, _ := os.ReadFile(dir + "/cpu.max")
	var rows []cgroupUse
	for _, r := range live.Collect[cgroupUse](t, "top_cpu_throttle", []string{"--count", "2", "--interval", "2s"}) {
		if r.Path == "/"+filepath.Base(dir) {
			rows = append(rows, r)
		}
	}
	if len(rows) != 2 {
		t.Fatalf("%d rows of the cgroup in two readings, want 2; its limit is %q: %+v", len(rows), limit, rows)
	}
	for _, r := range rows {
		if r.Quota != 10e6 || r.Period != 100e6 || r.Limit != 0.1 || r.MountNS == 0 {
			t.Errorf("the limit: %+v", r)
		}
	}
	// Ten periods a second, each of which a process that spins uses up.
	second := rows[1]
	if second.Periods < 10 || second.Periods > 40 || second.Throttled < second.Periods/2 ||
		second.Throttled > second.Periods ||
		second.Held == 0 || second.Ratio < 50 || second.Ratio > 100 {
		t.Errorf("two seconds: %+v", second)
	}
}
