package containercmd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container"
)

// defaultColumns are what is shown without --output.
const defaultColumns = "runtime.runtime,runtime.containerId,runtime.container"

// shortID is how many digits of an ID a column shows.
const shortID = 13

// column is one column of the output.
type column struct {
	title string
	width int // with --watch, where the widest text is not known
	text  func(*container.Container) string
}

// namedColumn is a column with its name, and others that JSON or ig has for it.
type namedColumn struct {
	name, also string
	width      int
	text       func(*container.Container) string
}

// allColumns are the columns that --columns takes.
var allColumns = []namedColumn{
	{"runtime.runtime", "runtime.name runtime.runtimeName", 15, func(c *container.Container) string {
		return c.Runtime.Name
	}},
	{"runtime.containerId", "runtime.id", 19, func(c *container.Container) string { return shorten(c.Runtime.ID) }},
	{"runtime.container", "runtime.containerName", 30, func(c *container.Container) string { return c.Runtime.Container }},
	{"runtime.containerImageName", "", 30, func(c *container.Container) string { return c.Runtime.ImageName }},
	{"runtime.containerImageId", "", 30, func(c *container.Container) string { return shorten(c.Runtime.ImageID) }},
	{"runtime.containerImageDigest", "", 30, func(c *container.Container) string {
		return shorten(c.Runtime.ImageDigest)
	}},
	{"runtime.containerStartedAt", "", 35, startedAt},
	{"k8s.namespace", "", 20, func(c *container.Container) string { return c.K8s.Namespace }},
	{"k8s.podName", "k8s.pod", 30, func(c *container.Container) string { return c.K8s.PodName }},
	{"k8s.containerName", "k8s.container", 20, func(c *container.Container) string { return c.K8s.Container }},
	{"k8s.podUID", "", 36, func(c *container.Container) string { return c.K8s.PodUID }},
	{"k8s.podLabels", "k8s.labels", 30, labels},
	{"k8s.owner.kind", "", 14, func(c *container.Container) string { return owner(c).Kind }},
	{"k8s.owner.name", "", 20, func(c *container.Container) string { return owner(c).Name }},
	{"sandboxId", "", 13, func(c *container.Container) string { return shorten(c.SandboxID) }},
	{"pid", "runtime.containerPid", 7, func(c *container.Container) string { return number(uint64(c.PID)) }},
	{"mntns", "", 10, func(c *container.Container) string { return number(c.MountNS) }},
	{"netns", "", 10, func(c *container.Container) string { return number(c.NetNS) }},
	{"hostNetwork", "", 11, func(c *container.Container) string { return strconv.FormatBool(c.HostNetwork) }},
	{"cgroupPath", "", 30, func(c *container.Container) string { return c.CgroupPath }},
	{"cgroupID", "", 10, func(c *container.Container) string { return number(c.CgroupID) }},
	{"cgroupV1", "", 30, func(c *container.Container) string { return c.CgroupV1 }},
	{"cgroupV2", "", 30, func(c *container.Container) string { return c.CgroupV2 }},
}

// columnsOf returns the columns that a list comma-separated names. The case of
// letters does not matter.
func columnsOf(list string) ([]column, error) {
	var cols []column
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		i := slices.IndexFunc(allColumns, func(k namedColumn) bool {
			return slices.Contains(strings.Fields(strings.ToLower(k.name+" "+k.also)), name)
		})
		if i < 0 {
			return nil, fmt.Errorf("column %q does not exist, choose from %s", name, strings.Join(columnNames(), ", "))
		}
		c := allColumns[i]
		cols = append(cols, column{title: strings.ToUpper(c.name), width: c.width, text: c.text})
	}
	return cols, nil
}

func columnNames() []string {
	var names []string
	for _, k := range allColumns {
		names = append(names, k.name)
	}
	return names
}

// shorten returns the beginning of an ID or digest, without the algorithm. Names
// that some runtimes have for IDs stay as they are.
func shorten(id string) string {
	if _, hex, ok := strings.Cut(id, ":"); ok {
		id = hex
	}
	if strings.Trim(id, "0123456789abcdef") == "" {
		return id[:min(len(id), shortID)]
	}
	return id
}

// number is empty for what is not known.
func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func startedAt(c *container.Container) string {
	if c.Runtime.StartedAt == 0 {
		return ""
	}
	return time.Unix(0, c.Runtime.StartedAt).Format("2006-01-02T15:04:05.000000000Z07:00")
}

func labels(c *container.Container) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(c.K8s.PodLabels)) {
		pairs = append(pairs, k+"="+c.K8s.PodLabels[k])
	}
	return strings.Join(pairs, ",")
}

func owner(c *container.Container) container.Owner {
	if c.K8s.Owner == nil {
		return container.Owner{}
	}
	return *c.K8s.Owner
}
