package kernel

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

func TestBTFHubCandidates(t *testing.T) {
	tests := []struct {
		name string
		id   Identity
		want []string
	}{
		{
			"debian 11 is a codename",
			Identity{"debian", "11", arch.AMD64, "5.10.0-32-amd64"},
			[]string{"debian/11/x86_64/5.10.0-32-amd64.btf", "debian/bullseye/x86_64/5.10.0-32-amd64.btf"},
		},
		{
			"arm64 is never aarch64",
			Identity{"amzn", "2", arch.ARM64, "4.14.101-91.76.amzn2.aarch64"},
			[]string{"amzn/2/arm64/4.14.101-91.76.amzn2.aarch64.btf"},
		},
		{
			"amazon 1",
			Identity{"amzn", "2018.03", arch.AMD64, "4.14.1"},
			[]string{"amzn/2018.03/x86_64/4.14.1.btf", "amzn/2018/x86_64/4.14.1.btf"},
		},
		{
			"oracle uses the major number",
			Identity{"ol", "8.9", arch.AMD64, "5.4.17"},
			[]string{"ol/8.9/x86_64/5.4.17.btf", "ol/8/x86_64/5.4.17.btf"},
		},
		{
			"ubuntu",
			Identity{"ubuntu", "18.04", arch.AMD64, "4.15.0-20-generic"},
			[]string{
				"ubuntu/18.04/x86_64/4.15.0-20-generic.btf", "ubuntu/bionic/x86_64/4.15.0-20-generic.btf",
				"ubuntu/18/x86_64/4.15.0-20-generic.btf",
			},
		},
		{"no version", Identity{"arch", "", arch.AMD64, "6.1"}, nil},
		{"no distro", Identity{"", "1", arch.AMD64, "6.1"}, nil},
		{"unknown arch", Identity{"debian", "12", "riscv64", "6.1"}, nil},
		{"hostile parts", Identity{"..", "12", arch.AMD64, "6.1"}, nil},
		{"hostile release", Identity{"debian", "12", arch.AMD64, "../../x"}, nil},
		{"hostile version", Identity{"debian", "../12", arch.AMD64, "6.1"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.id.BTFHubCandidates()); diff != "" {
				t.Errorf("BTFHubCandidates (-want +got):\n%s", diff)
			}
		})
	}
}
