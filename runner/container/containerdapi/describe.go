package containerdapi

import (
	"encoding/json"

	containers "github.com/containerd/containerd/api/services/containers/v1"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// What containerd's CRI plugin writes into labels and annotations, and nerdctl.
const (
	kindLabel          = "io.cri-containerd.kind"
	kindSandbox        = "sandbox"
	sandboxAnnotation  = "io.kubernetes.cri.sandbox-id"
	k8sContainerLabel  = "io.kubernetes.container.name"
	nerdctlNameLabel   = "nerdctl/name"
	imageNameIfUnnamed = "io.kubernetes.cri.image-name"
)

func isSandbox(c *containers.Container) bool { return c.GetLabels()[kindLabel] == kindSandbox }

// describe returns the description of a container from its record.
func describe(c *containers.Container) source.Info {
	labels := c.GetLabels()
	info := source.Info{
		ID: c.GetID(), Name: c.GetID(), Labels: labels, ImageName: c.GetImage(), SandboxID: c.GetSandbox(),
	}
	for _, key := range []string{nerdctlNameLabel, k8sContainerLabel} {
		if name := labels[key]; name != "" {
			info.Name = name
		}
	}
	annotations := specAnnotations(c.GetSpec().GetValue())
	if info.SandboxID == "" {
		info.SandboxID = annotations[sandboxAnnotation]
	}
	if info.ImageName == "" {
		info.ImageName = annotations[imageNameIfUnnamed]
	}
	return info
}

// specAnnotations reads the annotations of an OCI runtime spec. A spec of
// another form has none.
func specAnnotations(data []byte) map[string]string {
	var spec struct {
		Annotations map[string]string `json:"annotations"`
	}
	if json.Unmarshal(data, &spec) != nil {
		return nil
	}
	return spec.Annotations
}
