package app

import (
	"runtime/debug"
	"testing"
)

func TestIdentity(t *testing.T) {
	goBuild := &debug.BuildInfo{
		Main:     debug.Module{Version: "v0.0.0-20260102030405-0123456789ab"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123"}, {Key: "vcs.modified", Value: "true"}},
	}
	for _, tt := range []struct {
		name                      string
		version, revision, module string
		built                     *debug.BuildInfo
		wantVersion, wantRevision string
	}{
		{"a release", "v0.1.0", "0123", "0.1.0", nil, "v0.1.0", "0123"},
		{
			"Bazel without --stamp", "{STABLE_GIT_VERSION}", "{STABLE_GIT_COMMIT}", "0.1.0", &debug.BuildInfo{},
			"v0.1.0-development", "unknown",
		},
		{"a legacy WORKSPACE", "{STABLE_GIT_VERSION}", "{STABLE_GIT_COMMIT}", "", nil, "development", "unknown"},
		{"go build", "", "", "", goBuild, "v0.0.0-20260102030405-0123456789ab", "0123-dirty"},
		{"go test", "", "", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "development", "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func(v, r, m string) { version, revision, module = v, r, m }(version, revision, module)
			version, revision, module = tt.version, tt.revision, tt.module
			if v, r := identity(tt.built); v != tt.wantVersion || r != tt.wantRevision {
				t.Errorf("got %s, %s, want %s, %s", v, r, tt.wantVersion, tt.wantRevision)
			}
		})
	}
}
