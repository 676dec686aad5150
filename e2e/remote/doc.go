// Package remote tests the rules with real remote caches and executors.
// tools/dev/remote runs its tests: each is a Bazel of its own in a clone of its own.
package remote
