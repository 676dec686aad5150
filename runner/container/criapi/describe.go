package criapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// infoKey is under which both CRI-O and containerd put their details.
const infoKey = "info"

// details are what the runtimes report beyond the protocol, as JSON.
type details struct {
	SandboxID string `json:"sandboxID"`
	PID       int64  `json:"pid"`
}

// describe returns the description of a container from a verbose response.
func describe(answer *cri.ContainerStatusResponse) (source.Info, error) {
	st := answer.GetStatus()
	d, err := parseDetails([]byte(answer.GetInfo()[infoKey]))
	if err != nil {
		return source.Info{}, fmt.Errorf("container %q: %w", st.GetId(), err)
	}
	info := source.Info{
		ID: st.GetId(), Name: st.GetMetadata().GetName(), PID: uint32(d.PID), SandboxID: d.SandboxID,
		ImageName: st.GetImage().GetUserSpecifiedImage(), ImageID: st.GetImageId(), ImageDigest: digestOf(st.GetImageRef()),
		Labels: st.GetLabels(),
	}
	if info.ImageName == "" {
		info.ImageName = st.GetImage().GetImage()
	}
	if info.ImageID == "" && info.ImageDigest == "" {
		info.ImageID = st.GetImageRef() // older runtimes report only the ID of the image
	}
	info.ImageID = source.ImageID(info.ImageID)
	if at := st.GetStartedAt(); at > 0 {
		info.StartedAt = time.Unix(0, at)
	}
	return info, nil
}

// parseDetails reads the process and the pod of a container.
func parseDetails(data []byte) (details, error) {
	var d details
	if len(data) == 0 {
		return d, fmt.Errorf("the runtime does not report its process")
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("reading its details: %w", err)
	}
	const most = 1 << 22 // PID_MAX_LIMIT
	if d.PID < 0 || d.PID > most {
		return d, fmt.Errorf("%d is not a process", d.PID)
	}
	if d.PID == 0 {
		return d, source.ErrGone
	}
	return d, nil
}

// digestOf returns the digest of name@digest.
func digestOf(image string) string {
	_, digest, _ := strings.Cut(image, "@")
	return digest
}
