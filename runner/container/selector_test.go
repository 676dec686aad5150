package container

import (
	"testing"
)

// etcd is a container of a pod.
func etcd() *Container {
	return &Container{
		Runtime: Runtime{
			Name: Containerd, ID: "fef9c7f66e0d", Container: "etcd",
			ImageID:     "sha256:2b0d6572d062c0f590b08c3113e5d9a61e381b3da7845a0289bdbf1faa1b23d1",
			ImageDigest: "sha256:7ab3d0c9f0c5d7b23e4a3a7d6d0c6a7ab5b6f5e86d4a0ac0d1c5f3c1ed1b7c4f",
		},
		K8s: K8s{
			Namespace: "kube-system", PodName: "etcd-master", Container: "etcd-c",
			PodLabels: map[string]string{"tier": "control", "app.kubernetes.io/name": "etcd"},
		},
	}
}

func TestSelector(t *testing.T) {
	for _, tc := range []struct {
		name  string
		flags SelectorFlags
		want  bool
	}{
		{"no selection", SelectorFlags{}, true},
		{"name", SelectorFlags{ContainerName: "etcd"}, true},
		{"other name", SelectorFlags{ContainerName: "etc"}, false},
		{"one of names", SelectorFlags{ContainerName: "a, etcd"}, true},
		{"excluded", SelectorFlags{ContainerName: "!etcd"}, false},
		{"another excluded", SelectorFlags{ContainerName: "!a,!b"}, true},
		{"selected and excluded", SelectorFlags{ContainerName: "etcd,!etcd"}, false},
		{
			"digest",
			SelectorFlags{ImageDigest: "sha256:7ab3d0c9f0c5d7b23e4a3a7d6d0c6a7ab5b6f5e86d4a0ac0d1c5f3c1ed1b7c4f"},
			true,
		},
		{"short digest", SelectorFlags{ImageDigest: "7ab3d0c9f0c5"}, true},
		{"other digest", SelectorFlags{ImageDigest: "8ab3d0c9f0c5"}, false},
		{"digest without digits", SelectorFlags{ImageDigest: "sha256:"}, false},
		{"image ID", SelectorFlags{ImageID: "2b0d6572d062"}, true},
		{"excluded image ID", SelectorFlags{ImageID: "!2b0d6572d062"}, false},
		{"namespace", SelectorFlags{K8sNamespace: "kube-system"}, true},
		{"other namespace", SelectorFlags{K8sNamespace: "default"}, false},
		{"pod", SelectorFlags{K8sPodName: "etcd-master"}, true},
		{"other pod", SelectorFlags{K8sPodName: "etcd"}, false},
		{"container of the pod", SelectorFlags{K8sContainer: "etcd-c"}, true},
		{"other container of the pod", SelectorFlags{K8sContainer: "etcd"}, false},
		{"label", SelectorFlags{K8sSelector: "tier=control"}, true},
		{"both labels", SelectorFlags{K8sSelector: "tier=control,app.kubernetes.io/name=etcd"}, true},
		{"one of two labels", SelectorFlags{K8sSelector: "tier=control,app=etcd"}, false},
		{"not this value", SelectorFlags{K8sSelector: "tier=!control"}, false},
		{"not that value", SelectorFlags{K8sSelector: "tier=!work"}, true},
		{"not this label", SelectorFlags{K8sSelector: "!tier=control"}, false},
		{"not that label", SelectorFlags{K8sSelector: "!app=control"}, true},
		{"all but one", SelectorFlags{ContainerName: "etcd", K8sNamespace: "kube-system", K8sPodName: "x"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := tc.flags.Selector()
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Match(etcd()); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if s.Empty() != (tc.flags == SelectorFlags{}) {
				t.Errorf("Empty is %v", s.Empty())
			}
		})
	}
}

func TestSelectorErrors(t *testing.T) {
	for _, labels := range []string{"tier", "=control", "!=x", "a=b=c"} {
		if _, err := (&SelectorFlags{K8sSelector: labels}).Selector(); err == nil {
			t.Errorf("%q was taken as labels", labels)
		}
	}
}
