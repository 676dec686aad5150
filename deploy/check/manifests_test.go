// Package check holds the manifests of deploy/ against the types of Kubernetes and
// of the Prometheus operator, built with the code of kustomize and Helm. It is
// a Go module of its own, so that other modules do not fetch these.
package check

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kinds are the types that manifests may have.
var kinds = map[string]func() any{
	"v1/Namespace":                        func() any { return &corev1.Namespace{} },
	"v1/ServiceAccount":                   func() any { return &corev1.ServiceAccount{} },
	"v1/ConfigMap":                        func() any { return &corev1.ConfigMap{} },
	"apps/v1/DaemonSet":                   func() any { return &appsv1.DaemonSet{} },
	"monitoring.coreos.com/v1/PodMonitor": func() any { return &monitoringv1.PodMonitor{} },
}

// decode reads all documents; a field that its type does not have is an error.
func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	out := map[string]any{}
	docs := yamlutil.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := docs.Read()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		var head metav1.TypeMeta
		if err := yaml.Unmarshal(doc, &head); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		if head.Kind == "" {
			continue
		}
		made, ok := kinds[head.APIVersion+"/"+head.Kind]
		if !ok {
			t.Fatalf("unknown kind %s/%s", head.APIVersion, head.Kind)
		}
		object := made()
		if err := yaml.UnmarshalStrict(doc, object); err != nil {
			t.Fatalf("%s: %v", head.Kind, err)
		}
		out[head.Kind] = object
	}
}

// kustomize builds a directory with the code that kubectl has, too.
func kustomize(t *testing.T, dir string) map[string]any {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, text)
}

func values(change map[string]any) map[string]any {
	all := map[string]any{
		"image":     map[string]any{"digest": "sha256:" + strings.Repeat("0", 64)},
		"instances": "apiVersion: 1\nkind: instance-spec\nimage: x.example/g:v1\n",
		"lock":      "version: 1\n",
	}
	for k, v := range change {
		all[k] = v
	}
	return all
}

func render(t *testing.T, values map[string]any) (string, error) {
	t.Helper()
	c, err := loader.LoadDir("../helm/gadget-run")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return renderChart(c, values)
}

func renderChart(c *chart.Chart, values map[string]any) (string, error) {
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "gadget-run", Namespace: "gadget-run"},
		nil)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	for _, text := range files {
		out.WriteString("---\n" + text + "\n")
	}
	return out.String(), nil
}

func TestBase(t *testing.T) {
	all := kustomize(t, "../kustomize/base")
	leastRights(t, all["DaemonSet"].(*appsv1.DaemonSet))
}

func TestExample(t *testing.T) {
	all := kustomize(t, "../kustomize/example")
	set := all["DaemonSet"].(*appsv1.DaemonSet)
	leastRights(t, set)
	config := all["ConfigMap"].(*corev1.ConfigMap)
	mounted(t, set, config)
	for _, c := range containers(set) {
		if name, digest, ok := strings.Cut(c.Image, "@sha256:"); !ok || len(digest) != 64 || !strings.Contains(name, "/") {
			t.Errorf("container %s has the image %q, which has no digest", c.Name, c.Image)
		}
	}
	selects(t, all["PodMonitor"].(*monitoringv1.PodMonitor), set)
}

func TestChart(t *testing.T) {
	text, err := render(t, values(map[string]any{"metrics": map[string]any{"podMonitor": true}}))
	if err != nil {
		t.Fatal(err)
	}
	all := decode(t, []byte(text))
	set := all["DaemonSet"].(*appsv1.DaemonSet)
	leastRights(t, set)
	mounted(t, set, all["ConfigMap"].(*corev1.ConfigMap))
	selects(t, all["PodMonitor"].(*monitoringv1.PodMonitor), set)
	text, err = render(t, values(nil))
	if err != nil || strings.Contains(text, "PodMonitor") {
		t.Errorf("an unrequested PodMonitor, or %v", err)
	}
}

// TestChartIsTheBase proves that both ways lead to the same pods.
func TestChartIsTheBase(t *testing.T) {
	base := kustomize(t, "../kustomize/base")["DaemonSet"].(*appsv1.DaemonSet)
	text, err := render(t, values(nil))
	if err != nil {
		t.Fatal(err)
	}
	made := decode(t, []byte(text))["DaemonSet"].(*appsv1.DaemonSet)
	for _, s := range []*appsv1.DaemonSet{base, made} { // what differs by design
		s.Labels, s.Spec.Selector, s.Spec.Template.ObjectMeta = nil, nil, metav1.ObjectMeta{}
		spec := &s.Spec.Template.Spec
		for i := range spec.InitContainers {
			spec.InitContainers[i].Image = ""
		}
		for i := range spec.Containers {
			spec.Containers[i].Image = ""
		}
		spec.Tolerations, spec.ImagePullSecrets = nil, nil
	}
	if diff := cmp.Diff(base, made); diff != "" {
		t.Errorf("the chart is not the base (-base +chart):\n%s", diff)
	}
}

func TestChartRefuses(t *testing.T) {
	for missing, want := range map[string]string{
		"image": "set image.digest", "instances": "set instances", "lock": "set lock",
	} {
		v := values(nil)
		delete(v, missing)
		if _, err := render(t, v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v, want %q", missing, err, want)
		}
	}
}

func containers(s *appsv1.DaemonSet) []corev1.Container {
	return slices.Concat(s.Spec.Template.Spec.InitContainers, s.Spec.Template.Spec.Containers)
}

// leastRights holds the rights of the pods.
func leastRights(t *testing.T, s *appsv1.DaemonSet) {
	t.Helper()
	spec := s.Spec.Template.Spec
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken || spec.HostNetwork || spec.HostIPC {
		t.Error("the pod has a token, or the network or IPC of the host")
	}
	want := map[string][]corev1.Capability{"sync": nil, "gadget-run": {"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"}}
	for _, c := range containers(s) {
		sc := c.SecurityContext
		if sc == nil || sc.Privileged != nil || sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation ||
			sc.ReadOnlyRootFilesystem == nil || !*sc.ReadOnlyRootFilesystem || !slices.Equal(sc.Capabilities.Drop,
			[]corev1.Capability{"ALL"}) {
			t.Errorf("container %s has more than it needs: %+v", c.Name, sc)
			continue
		}
		if diff := cmp.Diff(want[c.Name], sc.Capabilities.Add); diff != "" {
			t.Errorf("capabilities of %s (-want +got):\n%s", c.Name, diff)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("container %s has no limit of memory or no request of CPU", c.Name)
		}
		for _, m := range c.VolumeMounts {
			if m.Name == "host" && !m.ReadOnly {
				t.Errorf("container %s may write to the node's root", c.Name)
			}
		}
	}
}

// mounted proves that what the arguments name is in the ConfigMap that is mounted.
func mounted(t *testing.T, s *appsv1.DaemonSet, config *corev1.ConfigMap) {
	t.Helper()
	const dir = "/etc/gadget-run/"
	found := 0
	for _, c := range containers(s) {
		for _, a := range c.Args {
			_, file, ok := strings.Cut(a, dir)
			if !ok {
				continue
			}
			found++
			if _, ok := config.Data[file]; !ok {
				t.Errorf("container %s names %s, which the ConfigMap %s does not have", c.Name, file, config.Name)
			}
		}
	}
	volumes := s.Spec.Template.Spec.Volumes
	if !slices.ContainsFunc(volumes, func(v corev1.Volume) bool {
		return v.ConfigMap != nil && v.ConfigMap.Name == config.Name
	}) {
		t.Errorf("the ConfigMap %s is not mounted", config.Name)
	}
	if found < 3 {
		t.Errorf("the arguments name %d files of the ConfigMap, want at least 3", found)
	}
}

// selects proves that the monitor finds the pods and their port.
func selects(t *testing.T, m *monitoringv1.PodMonitor, s *appsv1.DaemonSet) {
	t.Helper()
	selector, err := metav1.LabelSelectorAsMap(&m.Spec.Selector)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range selector {
		if s.Spec.Template.Labels[k] != v {
			t.Errorf("the PodMonitor selects %s=%s, the pods have %v", k, v, s.Spec.Template.Labels)
		}
	}
	port := m.Spec.PodMetricsEndpoints[0].Port
	has := func(p corev1.ContainerPort) bool { return port != nil && p.Name == *port }
	if !slices.ContainsFunc(s.Spec.Template.Spec.Containers[0].Ports, has) || m.Namespace != s.Namespace {
		t.Errorf("the PodMonitor does not find the port or the namespace of the pods")
	}
}
